//! `osmia_fuzzing::verify` on what libFuzzer invents.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| osmia_fuzzing::verify(data));
