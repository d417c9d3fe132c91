//! The packet every program is given.

/// Bytes of the packet: a full Ethernet frame.
const BYTES: usize = 1514;
const PAYLOAD_AT: usize = 54;

/// Ethernet, IPv4 and TCP headers, an HTTP request, then pseudo-random bytes of which 256 occur
/// twice. IPv4's checksum is right, TCP's is 0.
pub fn packet() -> Vec<u8> {
    let mut packet = vec![
        0x02, 0, 0x5e, 0x10, 0x20, 0x30, 0x02, 0, 0x5e, 0x40, 0x50, 0x60, 8, 0,
    ];
    let mut header = vec![0x45, 0];
    header.extend(1500_u16.to_be_bytes());
    header.extend([
        0x12, 0x34, 0x40, 0, 64, 6, 0, 0, 192, 0, 2, 10, 198, 51, 100, 20,
    ]);
    let mut sum: u32 = header
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1]))
        .sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    header[10..12].copy_from_slice(&(!(sum as u16)).to_be_bytes());
    packet.extend(header);
    packet.extend(40000_u16.to_be_bytes());
    packet.extend(80_u16.to_be_bytes());
    packet.extend(1_u32.to_be_bytes());
    packet.extend(2_u32.to_be_bytes());
    packet.extend([0x50, 0x18, 0xff, 0xff, 0, 0, 0, 0]);

    let text = include_str!("../programs/packet_payload.txt");
    packet.extend(text.replace("\r\n", "\n").replace('\n', "\r\n").bytes());
    let mut x: u32 = 12345;
    while packet.len() < BYTES {
        x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        packet.push((x >> 24) as u8);
    }
    packet.copy_within(PAYLOAD_AT + 768..PAYLOAD_AT + 1024, PAYLOAD_AT + 1024);
    packet
}
