//! `osmia_fuzzing::pcap` on what libFuzzer invents.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| osmia_fuzzing::pcap(data));
