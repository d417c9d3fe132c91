//! The cases of `cases.txt`, and the protocol.

use osmia::isa::{Endian, NoNames, assemble, write_slots};

use crate::hex;
use crate::plugin::{self, Problem};

const CASES: &str = include_str!("cases.txt");

fn program(text: &str) -> String {
    let slots = assemble(text, &NoNames).expect("right text").slots;
    let bytes = write_slots(&slots, Endian::Little);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What follows `-- name` up to the next section.
fn section<'a>(case: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = case.split_once(&format!("-- {name}\n"))?;
    Some(rest.split("-- ").next().unwrap_or(rest).trim())
}

#[test]
fn cases_have_their_results() {
    let (mut failed, mut compiled) = (Vec::new(), 0);
    for case in CASES.split("====\n") {
        let text = section(case, "asm").expect("a program");
        let memory = section(case, "mem").unwrap_or("");
        let came = told(plugin::interpret(memory, &program(text)));
        let expected = section(case, "result")
            .or_else(|| section(case, "error"))
            .expect("a result or an error");
        if came != expected {
            failed.push(format!("{text}\ncame: {came}\nexpected: {expected}"));
        }
        match plugin::run_native(memory, &program(text)) {
            Err(Problem::NotNative(_)) => {}
            result if told(result.clone()) == expected => compiled += 1,
            result => failed.push(format!("{text}\nas machine code: {}", told(result))),
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
    assert!(compiled > 0, "none of them as machine code");
}

fn told(result: Result<u64, Problem>) -> String {
    match result {
        Ok(value) => format!("{value:x}"),
        Err(Problem::Refused(message) | Problem::NotNative(message)) => message,
    }
}

#[test]
fn blanks_are_passed_over_and_the_rest_is_not() {
    assert_eq!(hex::bytes(" 0a 0B\n0c"), Ok(vec![10, 11, 12]));
    assert_eq!(hex::bytes("0"), Err("a byte has one digit only".into()));
    assert_eq!(
        hex::bytes("0x"),
        Err("`x` is not a hexadecimal digit".into())
    );
}

#[test]
fn what_is_no_program_is_said() {
    let error = |memory, program| told(plugin::interpret(memory, program));
    assert_eq!(error("zz", ""), "memory: `z` is not a hexadecimal digit");
    assert_eq!(
        error("", "95"),
        "1 bytes are not a whole number of 8-byte instructions"
    );
    assert_eq!(error("", ""), "the program is empty");
}
