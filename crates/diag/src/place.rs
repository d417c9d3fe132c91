//! Where a diagnostic points. Every field is optional; what is known is said, in order from the
//! file inward.

use serde::Serialize;

/// A place in a file, a program or a source text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The file as the user named it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The section inside an object file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub section: Option<String>,
    /// Byte offset: inside `section` if there is one, else inside the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// The program (or function) by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// Instruction slot inside `program`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub insn: Option<u64>,
    /// Source file the instruction came from, or the text being parsed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Source line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Source column, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
}

impl Place {
    /// Nowhere in particular.
    pub fn none() -> Self {
        Self::default()
    }

    /// A whole file.
    pub fn file(file: impl Into<String>) -> Self {
        Self {
            file: Some(file.into()),
            ..Self::default()
        }
    }

    /// The same place with a section.
    pub fn section(mut self, section: impl Into<String>) -> Self {
        self.section = Some(section.into());
        self
    }

    /// The same place with a byte offset.
    pub fn offset(mut self, offset: u64) -> Self {
        self.offset = Some(offset);
        self
    }

    /// The same place with a program.
    pub fn program(mut self, program: impl Into<String>) -> Self {
        self.program = Some(program.into());
        self
    }

    /// The same place with an instruction slot.
    pub fn insn(mut self, insn: u64) -> Self {
        self.insn = Some(insn);
        self
    }

    /// The same place with a source position.
    pub fn source(mut self, source: impl Into<String>, line: u32, column: u32) -> Self {
        self.source = Some(source.into());
        self.line = Some(line);
        self.column = Some(column);
        self
    }

    /// True if nothing at all is known.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut parts: Vec<String> = Vec::new();
        if let Some(file) = &self.file {
            parts.push(file.clone());
        }
        if let Some(section) = &self.section {
            parts.push(format!("section {section}"));
        }
        if let Some(offset) = self.offset {
            parts.push(format!("offset {offset:#x}"));
        }
        if let Some(program) = &self.program {
            parts.push(format!("program {program}"));
        }
        if let Some(insn) = self.insn {
            parts.push(format!("instruction {insn}"));
        }
        match (&self.source, self.line, self.column) {
            (Some(source), Some(line), Some(column)) => {
                parts.push(format!("{source}:{line}:{column}"));
            }
            (Some(source), Some(line), None) => parts.push(format!("{source}:{line}")),
            (Some(source), _, _) => parts.push(source.clone()),
            (None, Some(line), Some(column)) => parts.push(format!("line {line}, column {column}")),
            (None, Some(line), None) => parts.push(format!("line {line}")),
            (None, None, _) => {}
        }
        f.write_str(&parts.join(", "))
    }
}
