//! Broken captures, and inputs of the target that runs a program on a packet.

use std::path::Path;

use super::{Inputs, cut, with};
use crate::place::Error;

/// A pcapng block: type, length, body, length again.
fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let length = (12 + body.len().next_multiple_of(4)) as u32;
    let mut bytes = [kind.to_le_bytes(), length.to_le_bytes()].concat();
    bytes.extend(body);
    bytes.resize(length as usize - 4, 0);
    bytes.extend(length.to_le_bytes());
    bytes
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

pub(super) fn inputs(ping: &[u8]) -> Inputs {
    let mut inputs = Inputs::new();
    let absurd = [0xff, 0xff, 0xff, 0x7f];
    inputs.insert("empty", Vec::new());
    inputs.insert("valid-ping", cut(ping, 24 + 16 + 60 + 16 + 60));
    inputs.insert("magic-only", cut(ping, 4));
    inputs.insert("header-only", cut(ping, 24));
    inputs.insert("header-cut", cut(ping, 20));
    inputs.insert("record-header-cut", cut(ping, 24 + 9));
    inputs.insert("packet-cut", cut(ping, 24 + 16 + 30));
    inputs.insert(
        "magic-unknown",
        with(&cut(ping, 200), 0, [0x0a, 0x0b, 0x0c, 0x0d]),
    );
    inputs.insert(
        "magic-big-endian",
        with(&cut(ping, 200), 0, [0xa1, 0xb2, 0xc3, 0xd4]),
    );
    inputs.insert(
        "magic-nanoseconds",
        with(&cut(ping, 200), 0, [0x4d, 0x3c, 0xb2, 0xa1]),
    );
    inputs.insert("version-9", with(&cut(ping, 200), 4, [9, 0]));
    inputs.insert("snap-length-zero", with(&cut(ping, 200), 16, [0; 4]));
    inputs.insert(
        "link-type-unknown",
        with(&cut(ping, 200), 20, [0x93, 0, 0, 0]),
    );
    inputs.insert("length-absurd", with(&cut(ping, 200), 24 + 8, absurd));
    inputs.insert(
        "length-over-original",
        with(&cut(ping, 200), 24 + 12, [10, 0, 0, 0]),
    );
    inputs.insert("time-absurd", with(&cut(ping, 200), 24 + 4, [0xff; 4]));
    inputs.insert("original-absurd", with(&cut(ping, 200), 24 + 12, [0xff; 4]));

    // pcapng: section header, interface, packets.
    let section = block(0x0a0d_0d0a, &words(&[0x1a2b_3c4d, 1, u32::MAX, u32::MAX]));
    let interface = block(1, &words(&[1, 65535]));
    let packet = block(6, &words(&[0, 0, 0, 8, 8, 0x0403_0201, 0x0807_0605]));
    let join = |blocks: &[&[u8]]| blocks.concat();
    inputs.insert("ng-valid", join(&[&section, &interface, &packet, &packet]));
    inputs.insert("ng-section-only", section.clone());
    inputs.insert("ng-section-cut", cut(&section, 15));
    inputs.insert(
        "ng-order-magic-unknown",
        with(&join(&[&section, &interface]), 8, [1, 2, 3, 4]),
    );
    inputs.insert(
        "ng-block-length-zero",
        with(&join(&[&section, &interface]), 28 + 4, [0; 4]),
    );
    inputs.insert(
        "ng-block-length-ragged",
        with(&join(&[&section, &interface]), 28 + 4, [21, 0, 0, 0]),
    );
    inputs.insert(
        "ng-block-length-absurd",
        with(&join(&[&section, &interface]), 28 + 4, absurd),
    );
    inputs.insert(
        "ng-lengths-disagree",
        with(&join(&[&section, &interface]), 28 + 16, [24, 0, 0, 0]),
    );
    inputs.insert("ng-no-interface", join(&[&section, &packet]));
    inputs.insert(
        "ng-captured-absurd",
        join(&[&section, &interface, &with(&packet, 8 + 12, absurd)]),
    );
    inputs.insert(
        "ng-simple-packet",
        join(&[&section, &interface, &block(3, &words(&[4, 9]))]),
    );
    inputs.insert(
        "ng-simple-absurd",
        join(&[&section, &interface, &block(3, &absurd)]),
    );
    inputs.insert(
        "ng-block-unknown",
        join(&[
            &section,
            &block(0x0bad, b"what is this"),
            &interface,
            &packet,
        ]),
    );
    inputs.insert(
        "ng-option-overruns",
        join(&[&section, &block(1, &words(&[1, 65535, 0xffff_0009]))]),
    );
    inputs.insert(
        "ng-resolution-255",
        join(&[
            &section,
            &block(1, &words(&[1, 65535, 0x0001_0009, 0xff, 0])),
            &packet,
        ]),
    );
    inputs.insert("ng-interfaces-many", {
        let many = std::iter::repeat_n(interface.as_slice(), 400);
        [section.as_slice()]
            .into_iter()
            .chain(many)
            .flatten()
            .copied()
            .collect()
    });
    inputs
}

/// Length of the object, the object, then a packet.
pub(super) fn runs(root: &Path) -> Result<Inputs, Error> {
    let ping = std::fs::read(root.join("examples/ping.pcap"))?;
    let echo = &ping[24 + 2 * (16 + 60) + 16..][..90];
    let mut inputs = Inputs::new();
    for name in [
        "hello", "classify", "filter", "tailcall", "events", "percpu", "loop", "rawtp",
    ] {
        let object = std::fs::read(root.join(format!("examples/{name}.bpf.o")))?;
        let mut input = (object.len() as u32).to_le_bytes().to_vec();
        input.extend(object);
        input.extend(echo);
        inputs.insert(name, input);
    }
    Ok(inputs)
}
