//! Requests to bytes and back: nothing is lost, whatever size of the attributes the caller knows.

use osmia_program::Errno;
use osmia_program::attr::{
    ATTR_BYTES, ATTR_BYTES_MAX, Attr, Command, LinkCreate, LinkDetail, LinkKprobeMulti, Request,
    layout,
};
use proptest::prelude::*;

/// Any request: the union full of anything, up to where the command's last field ends.
fn request() -> impl Strategy<Value = Request> {
    let commands = proptest::sample::select(Command::ALL);
    let bytes = proptest::collection::vec(any::<u8>(), ATTR_BYTES);
    (commands, bytes).prop_map(|(command, bytes)| {
        let end = layout(command).end();
        Request::of(&Attr::new(command, &bytes[..end]))
    })
}

proptest! {
    #[test]
    fn what_is_encoded_decodes_to_itself(asked in request(), zeroes in 0..ATTR_BYTES_MAX) {
        let command = asked.command().number();
        let mut bytes = asked.encode();
        prop_assert_eq!(bytes.len(), layout(asked.command()).end());
        prop_assert_eq!(Request::decode(command, &bytes), Ok(asked));
        // Callers that know more fields than there are leave them zero.
        bytes.resize((bytes.len() + zeroes).min(ATTR_BYTES_MAX), 0);
        prop_assert_eq!(Request::decode(command, &bytes), Ok(asked));
    }

    #[test]
    fn callers_of_any_age_are_understood(asked in request(), known in 0..ATTR_BYTES) {
        let bytes = asked.encode();
        let known = &bytes[..known.min(bytes.len())];
        let shorter = Request::decode(asked.command().number(), known).expect("any size is known");
        let again = shorter.encode();
        // A field that is cut in the middle has the bytes that are there.
        let (given, rest) = again.split_at(known.len());
        prop_assert!(rest.iter().all(|&byte| byte == 0));
        prop_assert_eq!(given, &bytes[..known.len()]);
    }

    #[test]
    fn what_nobody_knows_must_be_zero(asked in request(), at in 0..ATTR_BYTES_MAX) {
        let command = asked.command().number();
        let mut bytes = asked.encode();
        let end = bytes.len();
        let at = end + at % (ATTR_BYTES_MAX - end);
        bytes.resize(at, 0);
        bytes.push(1);
        let expected = if at < ATTR_BYTES { Errno::EINVAL } else { Errno::E2BIG };
        prop_assert_eq!(Request::decode(command, &bytes), Err(expected));
    }
}

#[test]
fn more_than_a_page_is_too_much() {
    let bytes = vec![0; ATTR_BYTES_MAX + 1];
    for command in [0, u32::MAX] {
        assert_eq!(Request::decode(command, &bytes), Err(Errno::E2BIG));
        assert_eq!(
            Request::decode(command, &bytes[1..]).is_ok(),
            command == 0,
            "a page is not"
        );
    }
}

#[test]
fn the_member_that_a_link_was_given_is_read_again() {
    let probes = LinkKprobeMulti {
        flags: 1,
        cnt: 87,
        ..LinkKprobeMulti::default()
    };
    let asked = LinkCreate {
        prog_fd: 6,
        attach_type: 42,
        detail: LinkDetail::of(&probes),
        ..LinkCreate::default()
    };
    let Ok(Request::LinkCreate(read)) = Request::decode(28, &Request::LinkCreate(asked).encode())
    else {
        panic!("a link is to be made");
    };
    assert_eq!(read.detail.member::<LinkKprobeMulti>(), probes);
}

/// Calls of other programs: what was asked of them, the command, the attributes they gave.
fn recorded() -> Vec<(&'static str, Command, Vec<u8>)> {
    let mut calls = Vec::new();
    for text in [
        include_str!("attr/libbpf.txt"),
        include_str!("attr/bpftool.txt"),
    ] {
        let (mut asked, mut command) = ("", None);
        for line in text.lines().filter(|line| !line.starts_with(';')) {
            if let Some(bytes) = line.strip_prefix("  ") {
                let digits: Vec<u8> = bytes.bytes().filter(u8::is_ascii_hexdigit).collect();
                let pairs = digits.chunks(2).map(|pair| {
                    let pair = std::str::from_utf8(pair).expect("ASCII");
                    u8::from_str_radix(pair, 16).expect("hexadecimal")
                });
                calls.push((asked, command.expect("its line"), pairs.collect()));
            } else if line.starts_with('$') {
                asked = line;
            } else if let Some(name) = line.split_whitespace().next() {
                command = Some(Command::from_name(name).expect("a command"));
            }
        }
    }
    calls
}

/// What libbpf and bpftool gave is decoded, and is what we would give: byte for byte as far as they
/// knew the command, and zero behind that.
#[test]
fn what_other_programs_gave_is_what_we_give() {
    let calls = recorded();
    let mut commands: Vec<_> = calls.iter().map(|(_, command, _)| *command).collect();
    commands.sort();
    commands.dedup();
    assert!(commands.len() >= 36, "{} commands", commands.len());
    for (asked, command, bytes) in calls {
        let request = Request::decode(command.number(), &bytes)
            .unwrap_or_else(|errno| panic!("{asked}: {command}: {errno}"));
        let mut ours = request.encode();
        // bpftool gives some commands the whole union of its time.
        ours.resize(ours.len().max(bytes.len()), 0);
        let (known, rest) = ours.split_at(bytes.len());
        assert_eq!(known, bytes, "{asked}: {command}");
        assert!(
            rest.iter().all(|&byte| byte == 0),
            "{asked}: {command}: what they did not know"
        );
    }
}
