//! Text in, text out: the files under `tests/files`, the examples on the pages of this crate's
//! diagnostics, and the reference page `docs/isa.md`. `BLESS=1 cargo test -p osmia-isa --test files`
//! rewrites what is expected.
//!
//! `run: identity` is a text that must come back as it is.
//!
//! A file is `run: WHAT`, a line `----`, the input, a line `----`, the expected output. On a page,
//! a block opened by ```` ```isa WHAT ```` is an input and the next block its output.

mod support;

use std::fmt::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};

use osmia_diag::Paint;
use osmia_isa::classic::{self, ClassicUse};
use osmia_isa::table::{Form, Opcode, Selector};
use osmia_isa::{
    Endian, Insn, NoNames, Resolve, Slot, Spelling, assemble, check_layout, decode, encode_onto,
    listing, listing_as, read_slots, table, write_slots,
};

/// A few names, for texts that use them.
struct SomeNames;

impl Resolve for SomeNames {
    fn helper(&self, name: &str) -> Option<i32> {
        (name == "bpf_map_lookup_elem").then_some(1)
    }
    fn kfunc(&self, name: &str) -> Option<(i32, i16)> {
        (name == "bpf_task_acquire").then_some((1234, 0))
    }
    fn map(&self, name: &str) -> Option<osmia_isa::MapRef> {
        (name == "counters").then_some(osmia_isa::MapRef::Idx(0))
    }
}

fn hex(slots: &[Slot], endian: Endian) -> String {
    let mut text = String::new();
    for bytes in write_slots(slots, endian).chunks(Slot::BYTES) {
        let words: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(text, "{}", words.join(" ")).unwrap();
    }
    text
}

fn unhex(text: &str) -> Vec<u8> {
    text.split_whitespace()
        .map(|word| u8::from_str_radix(word, 16).unwrap_or_else(|_| panic!("not a byte: {word}")))
        .collect()
}

fn assembled(input: &str) -> Result<Vec<Slot>, String> {
    let text =
        |error: &osmia_isa::AsmError| error.to_diagnostic("input", input).to_text(Paint::Plain);
    match assemble(input, &SomeNames) {
        Ok(assembly) => Ok(assembly.slots),
        Err(errors) => Err(errors.iter().map(|error| text(error) + "\n").collect()),
    }
}

/// What the input gives; errors are output too.
fn output(run: &str, input: &str) -> String {
    let plain = |diagnostic: osmia_diag::Diagnostic| diagnostic.to_text(Paint::Plain) + "\n";
    let result = match run {
        "assemble" => assembled(input).map(|slots| hex(&slots, Endian::Little)),
        "assemble big-endian" => assembled(input).map(|slots| hex(&slots, Endian::Big)),
        "reprint" | "identity" => assembled(input).map(|slots| {
            let text = listing(&slots, &NoNames);
            let lines = text.lines().map(|line| line.split_once(": ").unwrap().1);
            lines.map(|line| format!("{line}\n")).collect()
        }),
        "kernel" => assembled(input).map(|slots| listing_as(&slots, &NoNames, Spelling::Kernel)),
        "disassemble" | "disassemble big-endian" => {
            let big = run.ends_with("big-endian");
            let endian = if big { Endian::Big } else { Endian::Little };
            read_slots(&unhex(input), endian)
                .map(|slots| listing(&slots, &NoNames))
                .map_err(|error| plain(error.to_diagnostic()))
        }
        "decode" => {
            let slots = read_slots(&unhex(input), Endian::Little).unwrap();
            match decode(&slots, 0) {
                Ok(insn) => Ok(format!("{insn}\n")),
                Err(error) => Err(plain(error.to_diagnostic(0))),
            }
        }
        "layout" => assembled(input).and_then(|slots| match check_layout(&slots) {
            Ok(()) => Ok("ok\n".to_owned()),
            Err(error) => Err(plain(error.to_diagnostic(&slots))),
        }),
        "classic" | "classic seccomp" => {
            let seccomp = run.ends_with("seccomp");
            let classic_use = if seccomp {
                ClassicUse::Seccomp
            } else {
                ClassicUse::SocketFilter
            };
            match classic::assemble(input) {
                Err(error) => Err(plain(error.to_diagnostic("input"))),
                Ok(insns) => classic::translate(&insns, classic_use)
                    .map(|slots| listing(&slots, &NoNames))
                    .map_err(|error| plain(error.to_diagnostic(&insns))),
            }
        }
        "classic numbers" => classic::assemble(input)
            .map(|insns| classic::listing_numbers(&insns))
            .map_err(|error| plain(error.to_diagnostic("input"))),
        "classic mnemonics" => classic::assemble(input)
            .map(|insns| classic::listing(&insns))
            .map_err(|error| plain(error.to_diagnostic("input"))),
        other => panic!("unknown run: {other}"),
    };
    let text = match result {
        Ok(text) | Err(text) => text,
    };
    // The renderer pads some empty lines.
    text.lines()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect()
}

struct Case {
    run: String,
    input: String,
    /// Bytes of the file.
    expected: Range<usize>,
}

fn case_of_file(text: &str) -> Case {
    let run = text
        .strip_prefix("run: ")
        .expect("the first line is `run: WHAT`");
    let (run, _) = run.split_once('\n').unwrap();
    let first = text.find("----\n").expect("a line `----` before the input") + 5;
    let end = first
        + text[first..]
            .find("----\n")
            .expect("a line `----` after the input");
    Case {
        run: run.to_owned(),
        input: text[first..end].to_owned(),
        expected: end + 5..text.len(),
    }
}

fn cases_of_page(text: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut at = 0;
    while let Some(found) = text[at..].find("```isa ") {
        let run_start = at + found + 7;
        let input = run_start + text[run_start..].find('\n').unwrap() + 1;
        let input_end = input + text[input..].find("```\n").expect("the block is closed");
        let fence = input_end + 4 + text[input_end + 4..].find("```text\n").expect("an output") + 8;
        let end = fence + text[fence..].find("```").expect("the block is closed");
        cases.push(Case {
            run: text[run_start..input - 1].to_owned(),
            input: text[input..input_end].to_owned(),
            expected: fence..end,
        });
        at = end + 3;
    }
    cases
}

fn bless() -> bool {
    std::env::var_os("BLESS").is_some()
}

/// Runs the cases of one file and, when asked, rewrites it.
fn run_file(path: &Path, cases: impl Fn(&str) -> Vec<Case>, failures: &mut Vec<String>) -> usize {
    let mut text = std::fs::read_to_string(path).unwrap();
    let found = cases(&text);
    // From the last, so that rewriting does not move the ones to come.
    for case in found.iter().rev() {
        let actual = output(&case.run, &case.input);
        if case.run == "identity" {
            assert_eq!(actual, case.input, "{}", path.display());
        }
        if text[case.expected.clone()] == actual {
            continue;
        }
        if bless() {
            text.replace_range(case.expected.clone(), &actual);
        } else {
            failures.push(format!("{}, run: {}\n{actual}", path.display(), case.run));
        }
    }
    if bless() {
        std::fs::write(path, &text).unwrap();
    }
    found.len()
}

fn files(folder: &Path, prefix: &str, ending: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.starts_with(prefix) && name.ends_with(ending)
        })
        .collect();
    files.sort();
    files
}

fn settle(failures: &[String]) {
    let how = "BLESS=1 rewrites what is expected";
    assert!(failures.is_empty(), "{}\n{how}", failures.join("\n"));
}

#[test]
fn files_give_what_they_expect() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files");
    let mut failures = Vec::new();
    for path in files(&folder, "", ".txt") {
        run_file(&path, |text| vec![case_of_file(text)], &mut failures);
    }
    settle(&failures);
}

#[test]
fn examples_on_diagnostic_pages_run() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/diagnostics");
    let mut failures = Vec::new();
    for path in files(&folder, "isa-", ".md") {
        let code = path.file_stem().unwrap().to_str().unwrap();
        let count = run_file(&path, cases_of_page, &mut failures);
        assert!(count > 0, "{code} has no example");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(
            text.contains(&format!("error[{code}]")),
            "no example on {code}.md raises {code}"
        );
    }
    settle(&failures);
}

/// A row as an instruction with telling operands.
fn example(row: &Opcode) -> Insn {
    let imm = match row.form {
        Form::JumpIf { .. } => 7,
        Form::AddrSpaceCast => 1,
        _ => 5,
    };
    let off = match row.form {
        Form::Jump { .. } | Form::JumpIf { .. } | Form::MayGoto => 3,
        Form::Call(_) => 0,
        _ => 4,
    };
    support::insn_of(row, 1, 2, off, imm, 0)
}

fn reference_page() -> String {
    let mut page = String::from(
        "# Instructions\n\n\
         Generated from the table in `crates/isa/src/table.rs`; `BLESS=1 cargo test -p osmia-isa \
         --test files` rewrites it.\n\n\
         Group is the conformance group of RFC 9669; *Linux* marks what only Linux has. Clang is \
         the first `-mcpu` that emits an instruction, Linux the first release that takes it.\n\n\
         | opcode | and | notation | group | clang | Linux |\n\
         |---|---|---|---|---|---|\n",
    );
    for row in table() {
        let selector = match row.selector {
            Selector::None => String::new(),
            Selector::Off(off) => format!("off = {off}"),
            Selector::Imm(imm) => format!("imm = {imm:#x}"),
            Selector::Src(src) => format!("src = {src}"),
        };
        let notation = example(row).to_string().replace('|', "\\|");
        let group = row.group.map_or("*Linux*", |group| group.name());
        let cpu = row.cpu.map_or("", |cpu| cpu.name());
        let linux = row.linux.map_or("no".to_owned(), |since| {
            format!("{}.{}", since.major, since.minor)
        });
        let code = row.code;
        writeln!(
            page,
            "| {code:#04x} | {selector} | `{notation}` | {group} | {cpu} | {linux} |"
        )
        .unwrap();
    }
    page
}

#[test]
fn the_reference_page_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/isa.md");
    let page = reference_page();
    if bless() {
        std::fs::write(&path, &page).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == page,
        "docs/isa.md is not current; BLESS=1 rewrites it"
    );
}

/// The examples of the reference page, as a program.
#[test]
fn the_examples_are_instructions() {
    let mut slots = Vec::new();
    for row in table() {
        encode_onto(&mut slots, &example(row));
    }
    assert!(slots.len() > table().len());
}
