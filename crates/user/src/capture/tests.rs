//! Captures written by hand, by the writer and by mutation, read back.

use super::{CaptureError, CaptureReader, CaptureWriter, Framing, LinkType, Packet};
use osmia_program::ProgramKind;
use proptest::prelude::*;

/// A number in either byte order.
#[derive(Copy, Clone, Debug)]
enum Order {
    Little,
    Big,
}

impl Order {
    fn u16(self, value: u16) -> [u8; 2] {
        match self {
            Order::Little => value.to_le_bytes(),
            Order::Big => value.to_be_bytes(),
        }
    }

    fn u32(self, value: u32) -> [u8; 4] {
        match self {
            Order::Little => value.to_le_bytes(),
            Order::Big => value.to_be_bytes(),
        }
    }
}

fn classic(order: Order, magic: u32, link_type: u32, packets: &[(u32, u32, &[u8])]) -> Vec<u8> {
    let mut file = Vec::new();
    file.extend(order.u32(magic));
    file.extend(order.u16(2));
    file.extend(order.u16(4));
    file.extend([0; 8]);
    file.extend(order.u32(65_535));
    file.extend(order.u32(link_type));
    for (seconds, fraction, data) in packets {
        file.extend(order.u32(*seconds));
        file.extend(order.u32(*fraction));
        file.extend(order.u32(data.len() as u32));
        file.extend(order.u32(data.len() as u32 + 1));
        file.extend(*data);
    }
    file
}

fn block(order: Order, kind: u32, body: &[u8]) -> Vec<u8> {
    let mut body = body.to_vec();
    body.resize(body.len().next_multiple_of(4), 0);
    let total = order.u32(body.len() as u32 + 12);
    [&order.u32(kind)[..], &total, &body, &total].concat()
}

fn section(order: Order) -> Vec<u8> {
    let body = [
        &order.u32(0x1a2b_3c4d)[..],
        &order.u16(1),
        &order.u16(0),
        &[0xff; 8],
    ]
    .concat();
    block(order, 0x0a0d_0d0a, &body)
}

fn interface(order: Order, link_type: u16, snaplen: u32, resolution: Option<u8>) -> Vec<u8> {
    let mut body = [
        &order.u16(link_type)[..],
        &order.u16(0),
        &order.u32(snaplen),
    ]
    .concat();
    if let Some(resolution) = resolution {
        body.extend(order.u16(9));
        body.extend(order.u16(1));
        body.extend([resolution, 0, 0, 0]);
        body.extend([0; 4]);
    }
    block(order, 1, &body)
}

fn enhanced(order: Order, interface: u32, ticks: u64, data: &[u8]) -> Vec<u8> {
    let body = [
        &order.u32(interface)[..],
        &order.u32((ticks >> 32) as u32),
        &order.u32(ticks as u32),
        &order.u32(data.len() as u32),
        &order.u32(data.len() as u32 + 1),
        data,
    ]
    .concat();
    block(order, 6, &body)
}

fn pcapng(order: Order) -> Vec<u8> {
    [
        section(order),
        interface(order, 1, 0, None),
        interface(order, 101, 0, Some(9)),
        enhanced(order, 0, 1_000_001, &[1, 2, 3]),
        block(order, 0x0bad, &[7; 9]),
        enhanced(order, 1, 5, &[4]),
        section(order),
        interface(order, 113, 2, None),
        block(order, 3, &[&order.u32(3)[..], &[8, 9, 10]].concat()),
    ]
    .concat()
}

/// One line a packet, then how it ended.
fn read(file: &[u8]) -> String {
    let mut lines = Vec::new();
    let mut reader = match CaptureReader::new(file) {
        Ok(reader) => reader,
        Err(error) => return error.to_diagnostic().to_text(osmia_diag::Paint::Plain),
    };
    let mut packet = Packet::default();
    loop {
        match reader.read(&mut packet) {
            Ok(true) => lines.push(format!(
                "{} @{} {} if{} {:?} {:02x?} of {}",
                packet.number,
                packet.offset,
                packet.link_type,
                packet.interface,
                packet.timestamp_ns,
                packet.data,
                packet.original_bytes
            )),
            Ok(false) => break,
            Err(error) => {
                lines.push(error.to_diagnostic().to_text(osmia_diag::Paint::Plain));
                break;
            }
        }
    }
    if let Some(cut) = reader.cut_short() {
        lines.push(cut.to_diagnostic().to_text(osmia_diag::Paint::Plain));
    }
    lines.join("\n")
}

#[test]
fn pcap_in_both_byte_orders_and_units() {
    for order in [Order::Little, Order::Big] {
        assert_eq!(
            read(&classic(
                order,
                0xa1b2_c3d4,
                1,
                &[(1, 2, &[5]), (3, 4, &[])]
            )),
            "1 @24 ETHERNET (1) if0 Some(1000002000) [05] of 2\n\
             2 @41 ETHERNET (1) if0 Some(3000004000) [] of 1"
        );
        assert_eq!(
            read(&classic(order, 0xa1b2_3c4d, 9999, &[(1, 2, &[5])])),
            "1 @24 link type 9999 if0 Some(1000000002) [05] of 2"
        );
    }
}

#[test]
fn pcapng_with_sections_interfaces_and_units() {
    for order in [Order::Little, Order::Big] {
        assert_eq!(
            read(&pcapng(order)),
            "1 @80 ETHERNET (1) if0 Some(1000001000) [01, 02, 03] of 4\n\
             2 @140 RAW (101) if1 Some(5) [04] of 2\n\
             3 @224 LINUX_SLL (113) if0 None [08, 09] of 3"
        );
    }
}

#[test]
fn what_is_no_capture_is_refused() {
    assert_eq!(
        read(b""),
        "error[capture-format]: this is not a packet capture: the file is empty\n\
         --> offset 0x0"
    );
    assert!(read(b"\x7fELF\x02\x01").contains("= note: it is an ELF file"));
    assert!(read(b"\x1f\x8b\x08\x00").contains("gunzip"));
    assert!(read(b"#include <linux/bpf.h>").contains("it starts with 23 69 6e 63"));
    assert!(read(&[0xd4, 0xc3, 0xb2, 0xa1, 2]).contains("ends inside the file header"));
}

#[test]
fn a_truncated_packet_leaves_those_before_it() {
    let file = classic(
        Order::Little,
        0xa1b2_c3d4,
        1,
        &[(1, 2, &[5]), (3, 4, &[6, 7])],
    );
    assert_eq!(
        read(&file[..file.len() - 1]),
        "1 @24 ETHERNET (1) if0 Some(1000002000) [05] of 2\n\
         error[capture-truncated]: the capture ends inside the data of a packet\n\
         --> offset 0x39\n \
         = note: 2 bytes expected there, 1 found\n \
         = note: it would have been packet 2"
    );
    assert!(read(&file[..45]).contains("inside the header of a packet"));
}

#[test]
fn lengths_that_cannot_be_are_refused_where_they_stand() {
    let mut file = classic(Order::Big, 0xa1b2_c3d4, 1, &[(1, 2, &[5]), (3, 4, &[6, 7])]);
    file[41 + 8] = 0x7f;
    assert_eq!(
        read(&file),
        "1 @24 ETHERNET (1) if0 Some(1000002000) [05] of 2\n\
         error[capture-limit]: the captured length of a packet is 2130706434, the limit PACKET_BYTES_MAX is 262144\n\
         --> offset 0x29\n \
         = note: 1 packet was read before it"
    );
    let order = Order::Little;
    let mut wrong_end = [section(order), interface(order, 1, 0, None)].concat();
    wrong_end.extend(enhanced(order, 7, 0, &[]));
    assert!(read(&wrong_end).contains("a packet of interface 7 in a section that has described 1"));
    let last = wrong_end.len() - 1;
    wrong_end[last] = 1;
    wrong_end[48 + 8] = 0;
    assert!(read(&wrong_end).contains("at its start says"));
}

#[test]
fn headers_are_put_on_and_taken_off() {
    let apply = |kind, link_type, as_ethernet, data: &[u8]| {
        let mut packet = Packet {
            data: data.to_vec(),
            original_bytes: data.len() as u32,
            link_type,
            number: 4,
            ..Packet::default()
        };
        let framing = Framing::new(kind, as_ethernet).unwrap();
        framing
            .apply(&mut packet)
            .map(|outcome| outcome.map(|protocol| (protocol, packet.data)))
    };
    let tagged = [&[0; 12][..], &[0x81, 0, 0, 1, 0x86, 0xdd, 0x60]].concat();
    let (protocol, data) = apply(ProgramKind::CgroupSkb, LinkType::ETHERNET, false, &tagged)
        .unwrap()
        .unwrap();
    assert_eq!((protocol, data), (0x86dd, vec![0x60]));
    assert!(
        apply(ProgramKind::Xdp, LinkType::ETHERNET, false, &[0; 13])
            .unwrap()
            .is_err()
    );
    let (protocol, data) = apply(ProgramKind::Xdp, LinkType::RAW, true, &[0x45, 1])
        .unwrap()
        .unwrap();
    assert_eq!(protocol, 0x0800);
    assert_eq!(data, [&[0; 12][..], &[8, 0, 0x45, 1]].concat());
    let error = apply(ProgramKind::Xdp, LinkType::LINUX_SLL2, false, &[0; 30]).unwrap_err();
    assert!(error.to_diagnostic().help[0].contains("--as-ethernet"));
    assert!(matches!(
        apply(ProgramKind::Xdp, LinkType::DBUS, true, &[0; 30]),
        Err(CaptureError::LinkType {
            could_frame: false,
            ..
        })
    ));
    assert!(Framing::new(ProgramKind::Kprobe, false).is_none());
}

/// The files the mutations start from.
fn seeds() -> Vec<Vec<u8>> {
    vec![
        classic(
            Order::Little,
            0xa1b2_c3d4,
            1,
            &[(1, 2, &[5; 60]), (3, 4, &[6; 90])],
        ),
        classic(Order::Big, 0xa1b2_3c4d, 113, &[(1, 2, &[5; 60])]),
        pcapng(Order::Little),
        pcapng(Order::Big),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutated_files_give_packets_or_an_error(
        seed in 0..4_usize,
        cut in any::<prop::sample::Index>(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        framing in any::<bool>(),
    ) {
        let mut file = seeds()[seed].clone();
        for (at, value) in flips {
            let at = at.index(file.len());
            file[at] = value;
        }
        if framing {
            file.truncate(cut.index(file.len()) + 1);
        }
        if let Ok(mut reader) = CaptureReader::new(file.as_slice()) {
            let mut packet = Packet::default();
            let mut bytes = 0;
            while let Ok(true) = reader.read(&mut packet) {
                bytes += packet.data.len();
                for kind in [ProgramKind::Xdp, ProgramKind::CgroupSkb] {
                    let _ = Framing::new(kind, framing).unwrap().apply(&mut packet.clone());
                }
            }
            prop_assert!(bytes <= file.len());
            prop_assert!(reader.offset() <= file.len() as u64);
        }
    }

    #[test]
    fn what_is_written_is_read_back(
        packets in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..200), 0..4_000_000_000_000_000_000_u64), 0..5),
    ) {
        let mut writer = CaptureWriter::new(Vec::new(), LinkType::RAW).unwrap();
        for (data, time) in &packets {
            writer.write(data, data.len() as u32, Some(*time)).unwrap();
        }
        let file = writer.finish().unwrap();
        let mut reader = CaptureReader::new(file.as_slice()).unwrap();
        let mut packet = Packet::default();
        for (data, time) in &packets {
            prop_assert!(reader.read(&mut packet).unwrap());
            prop_assert_eq!(&packet.data, data);
            prop_assert_eq!(packet.timestamp_ns, Some(*time));
        }
        prop_assert!(!reader.read(&mut packet).unwrap());
        prop_assert!(reader.cut_short().is_none());
    }
}

#[test]
fn pcap_parser_reads_the_same_packets() {
    use pcap_parser::{PcapBlockOwned, create_reader, pcapng::Block};
    for file in seeds()
        .into_iter()
        .flat_map(|seed| (0..3).map(move |cut| seed[..seed.len() - cut].to_vec()))
    {
        let mut theirs = Vec::new();
        let mut reader = create_reader(65_536, file.as_slice()).unwrap();
        while let Ok((length, block)) = reader.next() {
            match block {
                PcapBlockOwned::Legacy(record) => {
                    theirs.push(record.data[..record.caplen as usize].to_vec())
                }
                PcapBlockOwned::NG(Block::EnhancedPacket(record)) => {
                    theirs.push(record.data[..record.caplen as usize].to_vec());
                }
                // Theirs gives the padding too and does not know the interface's limit.
                PcapBlockOwned::NG(Block::SimplePacket(record)) => {
                    theirs.push(record.data[..2].to_vec())
                }
                _ => {}
            }
            reader.consume(length);
        }
        let mut ours = Vec::new();
        let mut reader = CaptureReader::new(file.as_slice()).unwrap();
        let mut packet = Packet::default();
        while reader.read(&mut packet).unwrap() {
            ours.push(packet.data.clone());
        }
        assert_eq!(ours, theirs);
    }
}
