//! Functions in a row, and their calls of each other.

use cranelift_codegen::Context;
use cranelift_codegen::FinalizedRelocTarget;
use cranelift_codegen::ir::ExternalName;

use super::Optimised;
use super::stubs;
use crate::pages::Places;
use crate::tier1::Isa;

/// The number of the stub that ends a run, among functions.
pub(super) const END: u32 = u32::MAX;
/// The number of the stub that goes on in another program.
pub(super) const LEAVE: u32 = u32::MAX - 1;

/// A call of something by number.
struct Call {
    /// Where the instruction ends.
    end: usize,
    to: u32,
}

pub(super) struct Linker {
    isa: Isa,
    /// The code of each function that there is.
    functions: Vec<Option<Vec<u8>>>,
    calls: Vec<(usize, Call)>,
    /// Where what was made of a slot begins, by function.
    places: Vec<(usize, usize, u32)>,
    alignment: usize,
}

impl Linker {
    pub(super) fn new(isa: Isa, functions: usize) -> Self {
        Self {
            isa,
            functions: vec![None; functions],
            calls: Vec::new(),
            places: Vec::new(),
            alignment: 16,
        }
    }

    pub(super) fn has(&self, number: usize) -> bool {
        self.functions[number].is_some()
    }

    /// Takes what was compiled last.
    pub(super) fn add(&mut self, number: usize, context: &Context) {
        let compiled = context.compiled_code().expect("it was just compiled");
        self.alignment = self.alignment.max(compiled.buffer.alignment as usize);
        let (kind, bytes) = stubs::call(self.isa);
        for reloc in compiled.buffer.relocs() {
            assert_eq!(reloc.kind, kind, "calls only");
            let FinalizedRelocTarget::ExternalName(ExternalName::User(name)) = reloc.target else {
                unreachable!("functions are called by number");
            };
            let call = Call {
                end: reloc.offset as usize + bytes,
                to: context.func.params.user_named_funcs()[name].index,
            };
            self.calls.push((number, call));
        }
        for range in compiled.buffer.get_srclocs_sorted() {
            if !range.loc.is_default() {
                let place = (number, range.start as usize, range.loc.bits());
                self.places.push(place);
            }
        }
        self.functions[number] = Some(compiled.code_buffer().to_vec());
    }

    /// Puts the stubs before the entry and the others behind it.
    pub(super) fn finish(self, needs_frame: bool) -> Optimised {
        let stubs = stubs::stubs(self.isa, needs_frame);
        let mut bytes = stubs.front;
        // What leads into the entry ends where the entry begins.
        while !(bytes.len() + stubs.into_entry.len()).is_multiple_of(self.alignment) {
            bytes.extend(stubs.padding);
        }
        let entry = bytes.len();
        bytes.extend(stubs.into_entry);
        let mut starts = vec![0; self.functions.len()];
        for (start, function) in starts.iter_mut().zip(&self.functions) {
            let Some(function) = function else { continue };
            while !bytes.len().is_multiple_of(self.alignment) {
                bytes.extend(stubs.padding);
            }
            *start = bytes.len();
            bytes.extend(function);
        }
        let unwinds = self.calls.iter().any(|(_, call)| call.to >= LEAVE);
        for (number, call) in self.calls {
            let to = match call.to {
                END => stubs.end,
                LEAVE => stubs.leave,
                function => starts[function as usize],
            };
            stubs::lead(self.isa, &mut bytes, starts[number] + call.end, to);
        }
        let mut lines: Vec<(usize, u32)> = (self.places.into_iter())
            .map(|(number, at, slot)| (starts[number] + at, slot))
            .collect();
        lines.sort_unstable();
        stubs::lead(self.isa, &mut bytes, stubs.to_entry, entry);
        Optimised {
            bytes,
            lines,
            places: Places {
                // What nobody ends from inside is a function of the machine's ABI.
                first: if unwinds { stubs.first } else { starts[0] },
                enter: stubs.enter,
                entry,
                returned: stubs.returned,
            },
        }
    }
}
