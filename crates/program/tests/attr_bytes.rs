//! Attributes as libbpf gives them, against the layouts: what it was asked for is read from the
//! bytes, and written into bytes it is the same ones.

use osmia_program::attr::{Attr, Command, Role};

const GIVEN: &str = include_str!("attr/libbpf.txt");

/// A call: its line, the command, fields and their text, the bytes.
struct Call<'a> {
    line: &'a str,
    command: Command,
    fields: Vec<(&'a str, &'a str)>,
    bytes: Vec<u8>,
}

fn calls() -> Vec<Call<'static>> {
    let lines: Vec<_> = GIVEN
        .lines()
        .filter(|line| !line.starts_with(';'))
        .collect();
    let pairs = lines.chunks(2).map(|pair| {
        let (line, bytes) = (pair[0], pair[1]);
        let (command, fields) = line.split_once(' ').expect("a command and fields");
        let fields = fields.split_whitespace();
        Call {
            line,
            command: Command::from_name(command).expect("a command"),
            fields: fields
                .map(|field| field.split_once('=').expect("a value"))
                .collect(),
            bytes: bytes.split_whitespace().flat_map(hex).collect(),
        }
    });
    pairs.collect()
}

fn hex(word: &str) -> Vec<u8> {
    let pairs = word.as_bytes().chunks(2);
    let pairs = pairs.map(|pair| std::str::from_utf8(pair).expect("ASCII"));
    pairs
        .map(|pair| u8::from_str_radix(pair, 16).expect("hexadecimal"))
        .collect()
}

fn number(text: &str) -> u64 {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    }
    .expect("a number")
}

#[test]
fn what_libbpf_was_asked_for_is_read_from_its_attributes() {
    for call in calls() {
        let attr = Attr::new(call.command, &call.bytes);
        assert!(attr.is_within_layout(), "{}", call.line);
        for (name, value) in &call.fields {
            match attr.expect(name).role {
                Role::Name => {
                    let text = attr.field(name).split(|&byte| byte == 0).next();
                    assert_eq!(
                        text,
                        Some(value.trim_matches('"').as_bytes()),
                        "{}",
                        call.line
                    );
                }
                _ => assert_eq!(attr.number(name), number(value), "{name} of {}", call.line),
            }
        }
    }
}

#[test]
fn fields_are_written_where_libbpf_writes_them() {
    for call in calls() {
        let mut attr = Attr::new(call.command, &[]);
        for (name, value) in &call.fields {
            let field = attr.expect(name);
            match field.role {
                Role::Name => attr.put(field.offset, value.trim_matches('"').as_bytes()),
                _ => attr.set(name, number(value)),
            }
        }
        assert_eq!(attr, Attr::new(call.command, &call.bytes), "{}", call.line);
    }
}

#[test]
fn libbpf_has_a_call_for_each_command_it_knows() {
    let given = calls();
    let absent = (0..).map_while(Command::from_number);
    let absent = absent.filter(|command| given.iter().all(|call| call.command != *command));
    // Its version is older than these.
    let newer = [Command::TokenCreate, Command::ProgStreamReadByFd];
    assert_eq!(absent.collect::<Vec<_>>(), newer);
}
