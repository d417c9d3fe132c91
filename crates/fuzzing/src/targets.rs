//! The readers under attack.

use osmia_btf::{Btf, BtfBuilder, BtfExt};
use osmia_isa::{Endian, NoNames, check_layout, classic, encode_onto};
use osmia_user::capture::{CaptureReader, CaptureWriter, LinkType, Packet};

/// Reads BTF, and everything that can be asked about what was read; .BTF.ext against itself.
pub fn btf(data: &[u8]) {
    let btf = match Btf::parse(data, None) {
        Ok(btf) => btf,
        Err(error) => {
            let _ = error.to_diagnostic();
            return;
        }
    };
    for ty in btf.types() {
        let _ = (
            ty.name(),
            ty.vlen(),
            btf.size_of(ty.id()),
            btf.align_of(ty.id()),
        );
        let _ = format!("{:?}", ty.body()).len();
        let _ = btf.find_all(ty.name(), ty.kind());
    }
    // What is written reads back as the same types.
    let mut builder = BtfBuilder::new();
    builder.append(&btf);
    let again = builder
        .build(btf.endian())
        .expect("what was valid stays valid");
    assert_eq!(again.type_count(), btf.type_count());

    if let Ok(ext) = BtfExt::parse(data, &btf) {
        assert_eq!(BtfExt::parse(&ext.to_bytes(), &btf).as_ref(), Ok(&ext));
    }
}

/// Reads instructions, prints them, assembles the print, and wants the same slots again.
pub fn insns(data: &[u8]) {
    let Ok(slots) = osmia_isa::read_slots(data, Endian::Little) else {
        return;
    };
    let _ = check_layout(&slots);
    let text = osmia_isa::listing(&slots, &NoNames);
    let (mut at, mut decoded, mut again) = (0, Vec::new(), Vec::new());
    while at < slots.len() {
        let Ok(insn) = osmia_isa::decode(&slots, at) else {
            return;
        };
        encode_onto(&mut again, &insn);
        decoded.push(insn);
        at += insn.slots();
    }
    // Two instructions have more than one encoding, so meaning is compared, not bytes.
    let (mut at, mut second) = (0, Vec::new());
    while at < again.len() {
        let insn = osmia_isa::decode(&again, at).expect("what was encoded decodes");
        at += insn.slots();
        second.push(insn);
    }
    assert_eq!(decoded, second, "decoded, encoded and decoded");
    let assembly = osmia_isa::assemble(&text, &NoNames).expect("a listing assembles");
    assert_eq!(assembly.slots, again, "listed and assembled\n{text}");
}

/// Checks a classic filter and translates it; the translation is a well-formed program.
pub fn classic(data: &[u8]) {
    let Ok(filter) = classic::read_insns(data, Endian::Little) else {
        return;
    };
    let text = classic::listing_numbers(&filter);
    for purpose in [
        classic::ClassicUse::SocketFilter,
        classic::ClassicUse::Seccomp,
    ] {
        match classic::translate(&filter, purpose) {
            Ok(slots) => {
                check_layout(&slots).expect("a translation is a program");
                assert_eq!(classic::assemble(&text).as_ref(), Ok(&filter));
            }
            Err(error) => {
                let _ = error.to_diagnostic(&filter);
            }
        }
    }
    let _ = classic::listing(&filter);
}

/// Reads every packet of a capture and writes it again.
pub fn pcap(data: &[u8]) {
    let mut reader = match CaptureReader::new(data) {
        Ok(reader) => reader,
        Err(error) => {
            let _ = error.to_diagnostic();
            return;
        }
    };
    let mut packet = Packet::default();
    let mut writer = CaptureWriter::new(Vec::new(), LinkType::ETHERNET).expect("memory");
    let mut count = 0_u64;
    loop {
        match reader.read(&mut packet) {
            Ok(true) => count += 1,
            Ok(false) => break,
            Err(error) => {
                let _ = error.to_diagnostic();
                break;
            }
        }
        assert_eq!(packet.number, count);
        assert!(
            packet.data.len() <= data.len(),
            "a packet longer than the file"
        );
        let _ = writer.write(&packet.data, packet.original_bytes, packet.timestamp_ns);
    }
    assert!(reader.offset() <= data.len() as u64);
}
