//! `tests/kernel/varied.pcap`: frames that programs trip over. Tags, fragments, extension headers, frames
//! with hardly more than an Ethernet header, and full ones.

use super::{ALICE, BOB, Capture, echo, echo6, ethernet, tcp, udp, udp6, v4, v6};

const FRAME_BYTES_FULL: usize = 1514;

/// The file.
pub(crate) fn varied() -> Vec<u8> {
    let mut all = Capture::new();
    let (a, b) = (&ALICE, &BOB);
    let ping = echo(a, b, 8, 7);
    let long: Vec<u8> = (0..1472_u32).map(|at| (at * 7) as u8).collect();

    all.push(0, ping.clone());
    for tags in [
        &[0x8100_0007_u32][..],
        &[0x8100_e00a],
        &[0x88a8_0064, 0x8100_0005],
    ] {
        all.push(10, tagged(&ping, tags));
    }
    all.push(10, tagged(&v6(a, b, 58, &echo6(a, b)), &[0x8100_0fff]));
    all.push(10, v4(a, b, 17, &udp(a, b, [1024, 9], &long)));
    all.push(
        10,
        v4(
            b,
            a,
            6,
            &tcp(b, a, [443, 50_000], 0x18, [1, 2], &long[..1460]),
        ),
    );
    all.push(10, v6(a, b, 17, &udp6(a, b, [546, 547], &long[..1400])));
    // Both parts of a datagram in two fragments: 1480 bytes and the rest.
    let datagram = udp(a, b, [4000, 4001], &[&long[..], &long[..64]].concat());
    for (offset, flags, part) in [(0, 0x2000, &datagram[..1480]), (185, 0, &datagram[1480..])] {
        all.push(10, fragment(v4(a, b, 17, part), flags | offset));
    }
    // A header with options, one with a length that lies, one with a version nobody knows.
    all.push(10, with_options(&ping));
    for (at, byte) in [(16, 0xff), (14, 0x95), (14, 0x41), (22, 1)] {
        let mut odd = ping.clone();
        odd[at] = byte;
        all.push(10, odd);
    }
    // Hop-by-hop options and a fragment header before the payload.
    let mut hops = vec![58, 0, 1, 4, 0, 0, 0, 0];
    hops.extend(echo6(a, b));
    all.push(10, v6(a, b, 0, &hops));
    let mut part = vec![17, 0, 0, 1, 0, 0, 0x12, 0x34];
    part.extend(udp6(a, b, [53, 53], b"first part"));
    all.push(10, v6(b, a, 44, &part));
    // To everybody, to a group, in 802.3 framing, of an unknown kind.
    for (to, kind) in [
        ([0xff; 6], 0x0806),
        ([1, 0, 0x5e, 0, 0, 1], 0x0800),
        (b.mac, 0x0026),
        (b.mac, 0x88b5),
        (b.mac, 0xffff),
    ] {
        all.push(10, ethernet(a, to, kind, &long[..46]));
    }
    // Cut short: just a header, then a byte more and more.
    for bytes in [14, 15, 16, 18, 20, 33, 34, 35, 42, 59, 61, 63] {
        all.push(10, cut(&ping, bytes));
    }
    for bytes in [14, 38, 53, 54] {
        all.push(10, cut(&v6(a, b, 58, &echo6(a, b)), bytes));
    }
    let full = ethernet(b, a.mac, 0x0800, &[&ping[14..], &long[..]].concat());
    all.push(10, cut(&full, FRAME_BYTES_FULL));
    all.file
}

/// A frame with these tags behind the addresses.
fn tagged(frame: &[u8], tags: &[u32]) -> Vec<u8> {
    let mut out = frame[..12].to_vec();
    for tag in tags {
        out.extend(tag.to_be_bytes());
    }
    out.extend(&frame[12..]);
    out
}

/// The first bytes of a frame.
fn cut(frame: &[u8], bytes: usize) -> Vec<u8> {
    frame[..bytes.min(frame.len())].to_vec()
}

/// An IPv4 frame with another fragment word and the checksum that goes with it.
fn fragment(mut frame: Vec<u8>, word: u16) -> Vec<u8> {
    frame[20..22].copy_from_slice(&word.to_be_bytes());
    frame[24..26].fill(0);
    super::put_checksum(&mut frame[14..34], 10, &[]);
    frame
}

/// An IPv4 frame with four bytes of options: nothing, three times, and the end.
fn with_options(frame: &[u8]) -> Vec<u8> {
    let mut out = frame.to_vec();
    out.splice(34..34, [1, 1, 1, 0]);
    out[14] = 0x46;
    let total = (out.len() - 14) as u16;
    out[16..18].copy_from_slice(&total.to_be_bytes());
    out[24..26].fill(0);
    super::put_checksum(&mut out[14..38], 10, &[]);
    out
}
