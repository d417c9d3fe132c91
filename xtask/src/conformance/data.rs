//! The suite's test files: sections that begin with `-- NAME`.

use osmia_isa::{Endian, write_slots};

use super::assemble;

/// What a test expects of a plugin.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    /// r0 at the end.
    Value(u64),
    /// The program is not taken, or does not end well.
    Refusal,
}

/// One test.
pub(super) struct Test {
    pub(super) program: Vec<u8>,
    pub(super) memory: Vec<u8>,
    pub(super) expected: Expected,
}

impl Test {
    /// Reads a file; the error says why it is no test for a plugin.
    pub(super) fn parse(text: &str) -> Result<Test, String> {
        let mut sections = Sections::default();
        let mut section = "";
        for line in text.lines() {
            match line.strip_prefix("--") {
                Some(name) => {
                    section = name.trim();
                    sections.begin(section);
                }
                None => sections.line(section, line),
            }
        }
        sections.finish()
    }
}

#[derive(Default)]
struct Sections {
    assembly: String,
    raw: Vec<u64>,
    memory: Vec<u8>,
    result: Option<u64>,
    refusal: bool,
    /// The first thing that could not be read.
    problem: Option<String>,
}

impl Sections {
    fn begin(&mut self, name: &str) {
        match name {
            "error" => self.refusal = true,
            "map" => self.problem("it wants maps, which the protocol has not"),
            _ => {}
        }
    }

    fn line(&mut self, section: &str, line: &str) {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            return;
        }
        match section {
            "asm" => {
                self.assembly.push_str(line);
                self.assembly.push('\n');
            }
            "raw" => self.words(line),
            "mem" => self.bytes(line),
            "result" => match assemble::number(line) {
                Some(value) => self.result = Some(value),
                None => self.problem(&format!("`{line}` is not a result")),
            },
            // Sources in C, remarks on registers, the wording of errors.
            _ => {}
        }
    }

    fn words(&mut self, line: &str) {
        for word in line.split_whitespace() {
            match assemble::number(word) {
                Some(value) => self.raw.push(value),
                None => self.problem(&format!("`{word}` is not an instruction")),
            }
        }
    }

    fn bytes(&mut self, line: &str) {
        for word in line.split_whitespace() {
            match u8::from_str_radix(word.trim_start_matches("0x"), 16) {
                Ok(byte) => self.memory.push(byte),
                Err(_) => self.problem(&format!("`{word}` is not a byte")),
            }
        }
    }

    fn problem(&mut self, what: &str) {
        self.problem.get_or_insert_with(|| what.to_owned());
    }

    fn finish(self) -> Result<Test, String> {
        if let Some(problem) = self.problem {
            return Err(problem);
        }
        let expected = match (self.refusal, self.result) {
            (true, _) => Expected::Refusal,
            (false, Some(value)) => Expected::Value(value),
            (false, None) => return Err("it expects nothing".into()),
        };
        let program = if self.raw.is_empty() {
            write_slots(&assemble::program(&self.assembly)?, Endian::Little)
        } else {
            self.raw
                .iter()
                .flat_map(|word| word.to_le_bytes())
                .collect()
        };
        if program.is_empty() {
            return Err("it has no instructions".into());
        }
        Ok(Test {
            program,
            memory: self.memory,
            expected,
        })
    }
}
