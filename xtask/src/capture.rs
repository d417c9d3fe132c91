//! The committed captures. `examples/ping.pcap` is a short talk between two machines, as a sniffer would have seen it.
//!
//! Address resolution, four pings, a name lookup, one HTTP exchange and two IPv6 packets. Every
//! checksum is right; the addresses are those reserved for documentation.

mod varied;

pub(crate) use varied::varied;

const ETHERNET: u32 = 1;
const ALICE: Station = Station {
    mac: [0x02, 0, 0x5e, 0, 0, 0x0a],
    v4: [192, 0, 2, 10],
    v6: [
        0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0a,
    ],
};
const BOB: Station = Station {
    mac: [0x02, 0, 0x5e, 0, 0, 0x14],
    v4: [192, 0, 2, 20],
    v6: [
        0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x14,
    ],
};

struct Station {
    mac: [u8; 6],
    v4: [u8; 4],
    v6: [u8; 16],
}

/// `examples/ping.pcap`.
pub(crate) fn ping() -> Vec<u8> {
    let mut talk = Capture::new();
    let (a, b) = (&ALICE, &BOB);
    talk.push(0, arp(a, b, false));
    talk.push(212, arp(b, a, true));
    for sequence in 1..=4 {
        talk.push(
            if sequence == 1 { 31 } else { 999_604 },
            echo(a, b, 8, sequence),
        );
        talk.push(396, echo(b, a, 0, sequence));
    }

    let name = b"\x07example\x03com\0\0\x01\0\x01";
    let question = [&[0x1d, 0x0f, 0x01, 0, 0, 1, 0, 0, 0, 0, 0, 0], &name[..]].concat();
    let answer = [
        &[0x1d, 0x0f, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0],
        &name[..],
        &[
            0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0x0e, 0x10, 0, 4, 192, 0, 2, 20,
        ],
    ]
    .concat();
    talk.push(120_000, v4(a, b, 17, &udp(a, b, [40000, 53], &question)));
    talk.push(1_480, v4(b, a, 17, &udp(b, a, [53, 40000], &answer)));

    const FIN: u8 = 1;
    const SYN: u8 = 2;
    const PSH: u8 = 8;
    const ACK: u8 = 16;
    let request: &[u8] = b"GET / HTTP/1.1\r\nHost: example.com\r\nAccept: */*\r\n\r\n";
    let reply: &[u8] = b"HTTP/1.1 204 No Content\r\nServer: bee\r\n\r\n";
    let (asked, told) = (1001 + request.len() as u32, 5001 + reply.len() as u32);
    let out =
        |flags, numbers, data: &[u8]| v4(a, b, 6, &tcp(a, b, [41000, 80], flags, numbers, data));
    let back =
        |flags, numbers, data: &[u8]| v4(b, a, 6, &tcp(b, a, [80, 41000], flags, numbers, data));
    talk.push(2_100, out(SYN, [1000, 0], b""));
    talk.push(300, back(SYN | ACK, [5000, 1001], b""));
    talk.push(40, out(ACK, [1001, 5001], b""));
    talk.push(90, out(PSH | ACK, [1001, 5001], request));
    talk.push(800, back(PSH | ACK, [5001, asked], reply));
    talk.push(60, out(FIN | ACK, [asked, told], b""));
    talk.push(280, back(FIN | ACK, [told, asked + 1], b""));

    talk.push(500_000, v6(a, b, 58, &echo6(a, b)));
    talk.push(
        700,
        v6(
            b,
            a,
            17,
            &udp6(b, a, [5353, 5353], b"\0\0\x84\0\0\0\0\0\0\0\0\0"),
        ),
    );
    talk.file
}

/// A pcap file being written, little-endian, microseconds.
struct Capture {
    file: Vec<u8>,
    micros: u64,
}

impl Capture {
    fn new() -> Capture {
        let header = [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65535, ETHERNET];
        let file = header.iter().flat_map(|word| word.to_le_bytes()).collect();
        Capture {
            file,
            micros: 1_700_000_000_000_000,
        }
    }

    /// Adds a frame seen `after` microseconds.
    fn push(&mut self, after: u64, frame: Vec<u8>) {
        self.micros += after;
        let length = frame.len() as u32;
        let (seconds, rest) = (self.micros / 1_000_000, self.micros % 1_000_000);
        for word in [seconds as u32, rest as u32, length, length] {
            self.file.extend(word.to_le_bytes());
        }
        self.file.extend(frame);
    }
}

fn ethernet(from: &Station, to: [u8; 6], ethertype: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    frame.extend(to);
    frame.extend(from.mac);
    frame.extend(ethertype.to_be_bytes());
    frame.extend(payload);
    // Short frames are padded on the wire.
    frame.resize(frame.len().max(60), 0);
    frame
}

fn arp(from: &Station, to: &Station, reply: bool) -> Vec<u8> {
    let mut body = vec![0, 1, 8, 0, 6, 4, 0, 1 + u8::from(reply)];
    body.extend(from.mac);
    body.extend(from.v4);
    body.extend(if reply { to.mac } else { [0; 6] });
    body.extend(to.v4);
    ethernet(from, if reply { to.mac } else { [0xff; 6] }, 0x0806, &body)
}

fn v4(from: &Station, to: &Station, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let total = (20 + payload.len()) as u16;
    let mut packet = vec![0x45, 0];
    packet.extend(total.to_be_bytes());
    packet.extend([0x12, 0x34, 0x40, 0, 64, protocol, 0, 0]);
    packet.extend(from.v4);
    packet.extend(to.v4);
    put_checksum(&mut packet, 10, &[]);
    packet.extend(payload);
    ethernet(from, to.mac, 0x0800, &packet)
}

fn v6(from: &Station, to: &Station, next: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend((payload.len() as u16).to_be_bytes());
    packet.extend([next, 64]);
    packet.extend(from.v6);
    packet.extend(to.v6);
    packet.extend(payload);
    ethernet(from, to.mac, 0x86dd, &packet)
}

fn echo(from: &Station, to: &Station, kind: u8, sequence: u16) -> Vec<u8> {
    let mut message = vec![kind, 0, 0, 0, 0x12, 0x34];
    message.extend(sequence.to_be_bytes());
    message.extend(0x10_u8..0x40);
    put_checksum(&mut message, 2, &[]);
    v4(from, to, 1, &message)
}

fn echo6(from: &Station, to: &Station) -> Vec<u8> {
    let mut message = vec![128, 0, 0, 0, 0x12, 0x34, 0, 1];
    message.extend(b"hello over six");
    let pseudo = pseudo(&from.v6, &to.v6, 58, message.len());
    put_checksum(&mut message, 2, &pseudo);
    message
}

fn udp_header(ports: [u16; 2], data: &[u8]) -> Vec<u8> {
    let mut datagram = Vec::new();
    datagram.extend(ports[0].to_be_bytes());
    datagram.extend(ports[1].to_be_bytes());
    datagram.extend((8 + data.len() as u16).to_be_bytes());
    datagram.extend([0, 0]);
    datagram.extend(data);
    datagram
}

fn udp(from: &Station, to: &Station, ports: [u16; 2], data: &[u8]) -> Vec<u8> {
    let mut datagram = udp_header(ports, data);
    let pseudo = pseudo(&from.v4, &to.v4, 17, datagram.len());
    put_checksum(&mut datagram, 6, &pseudo);
    datagram
}

fn udp6(from: &Station, to: &Station, ports: [u16; 2], data: &[u8]) -> Vec<u8> {
    let mut datagram = udp_header(ports, data);
    let pseudo = pseudo(&from.v6, &to.v6, 17, datagram.len());
    put_checksum(&mut datagram, 6, &pseudo);
    datagram
}

fn tcp(
    from: &Station,
    to: &Station,
    ports: [u16; 2],
    flags: u8,
    numbers: [u32; 2],
    data: &[u8],
) -> Vec<u8> {
    let mut segment = Vec::new();
    segment.extend(ports[0].to_be_bytes());
    segment.extend(ports[1].to_be_bytes());
    segment.extend(numbers[0].to_be_bytes());
    segment.extend(numbers[1].to_be_bytes());
    segment.extend([0x50, flags, 0xfa, 0xf0, 0, 0, 0, 0]);
    segment.extend(data);
    let pseudo = pseudo(&from.v4, &to.v4, 6, segment.len());
    put_checksum(&mut segment, 16, &pseudo);
    segment
}

/// The words that transport checksums add: addresses, protocol, length.
fn pseudo(from: &[u8], to: &[u8], protocol: u8, length: usize) -> Vec<u8> {
    let mut words = [from, to].concat();
    words.extend([0, protocol]);
    words.extend((length as u16).to_be_bytes());
    words
}

/// Puts the Internet checksum of `prefix` and `bytes` at `at`, where zeros are.
fn put_checksum(bytes: &mut [u8], at: usize, prefix: &[u8]) {
    let all = [prefix, bytes].concat();
    let mut sum: u32 = all
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | u32::from(pair.get(1).copied().unwrap_or(0)))
        .sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    bytes[at..at + 2].copy_from_slice(&(!(sum as u16)).to_be_bytes());
}
