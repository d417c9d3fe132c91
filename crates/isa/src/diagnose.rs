//! Decoding and layout errors as people read them.

use osmia_diag::{Diagnostic, Label, Listing, Place};

use crate::{DecodeError, LayoutError, NoNames, RaggedBytes, Slot, codes, decode};

impl DecodeError {
    /// For people; `at` is the slot.
    pub fn to_diagnostic(&self, at: usize) -> Diagnostic {
        let diagnostic =
            Diagnostic::error(codes::ENCODING, self.to_string()).at(Place::none().insn(at as u64));
        match self {
            DecodeError::Reserved { .. } => {
                diagnostic.note("RFC 9669 keeps unused fields zero; Linux refuses them too")
            }
            DecodeError::UnknownOpcode { .. } | DecodeError::UnknownOperation { .. } => diagnostic
                .help("if these are the program's bytes in the other byte order, say so when reading them"),
            DecodeError::MissingSecondSlot | DecodeError::SecondSlot { .. } => {
                diagnostic.note("`r1 = … ll` takes two slots of eight bytes")
            }
            DecodeError::OutOfRange { .. } | DecodeError::Register { .. } => diagnostic,
        }
    }
}

impl RaggedBytes {
    /// For people; the caller adds the file.
    pub fn to_diagnostic(&self) -> Diagnostic {
        let whole = self.len - self.len % Slot::BYTES;
        Diagnostic::error(codes::ENCODING, self.to_string())
            .at(Place::none().offset(whole as u64))
            .help("the file may be cut short; copy or build it again in full")
    }
}

impl LayoutError {
    /// For people: with the instruction, where it decodes.
    pub fn to_diagnostic(&self, slots: &[Slot]) -> Diagnostic {
        let at = self.at();
        if let LayoutError::Decode { error, .. } = self {
            return error.to_diagnostic(at);
        }
        let diagnostic =
            Diagnostic::error(codes::LAYOUT, self.to_string()).at(Place::none().insn(at as u64));
        let Ok(insn) = decode(slots, at) else {
            return diagnostic;
        };
        let text = format!("{at}: {}", insn.show(at, &NoNames));
        let message = match self {
            LayoutError::OutOfProgram { .. } => "leaves the program",
            LayoutError::IntoImmediate { .. } => "no instruction starts there",
            _ => "nothing follows",
        };
        let diagnostic = diagnostic.listing(Listing {
            name: "program".to_owned(),
            first_line: 1,
            labels: vec![Label {
                range: 0..text.len(),
                message: message.to_owned(),
                primary: true,
            }],
            text,
        });
        match self {
            LayoutError::RunsOffEnd { .. } => diagnostic.help("end the program with `exit`"),
            _ => diagnostic,
        }
    }
}
