//! Machine code before it has addresses: what a program becomes whatever its maps are, as long as they are
//! laid out alike. Made once, it is native code as often as somebody loads the program again.

use osmia_program::MapKind;
use osmia_vm::map::Map;
use osmia_vm::memory::Real;
use osmia_vm::{Code, Demands};

use super::addresses::Addresses;
use super::{NativeCode, Sealed, demands};
use crate::lower::{Lowered, settled};
use crate::refused::NotCompiled;
use crate::symbols::Symbols;
use crate::tier1::{self, Compiled, Processor};
use crate::{Tiers, facts, pages};

/// Machine code of a verified program, for any maps like those it was made for.
#[derive(Debug)]
pub struct Template {
    /// Without maps: it keeps none alive.
    lowered: Lowered,
    compiled: Compiled,
    demands: Demands,
    maps: Vec<Layout>,
    memory: Real,
}

/// What machine code knows of a map.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Layout {
    kind: MapKind,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
    /// Bytes from one value to the next, if it has any that programs touch.
    stride: Option<usize>,
    /// What it holds for good: loads of that became constants.
    settled: Option<Vec<u8>>,
}

impl Layout {
    fn of(map: &Map) -> Self {
        let spec = map.spec();
        Self {
            kind: spec.kind,
            key_size: spec.key_size,
            value_size: spec.value_size,
            max_entries: spec.max_entries,
            stride: map.values().map(|values| values.stride()),
            settled: settled(map),
        }
    }
}

impl Template {
    /// Compiles a program, and gives with its machine code what other loads of it can have theirs from: nothing
    /// if there are addresses in it that only this code has.
    ///
    /// # Errors
    /// As [`crate::compile`].
    pub fn make(
        verified: &osmia_verify::Facts<'_>,
        code: &Code,
    ) -> Result<(NativeCode, Option<Self>), NotCompiled> {
        crate::check_same(verified, code)?;
        let facts = facts::Facts::of(verified, code);
        let is_general = facts.constants.is_empty();
        let mut lowered = crate::lower(code, &facts)?;
        let compiled = compile(&lowered)?;
        let demands = demands::of(&lowered);
        let maps = lowered.maps.iter().map(|map| Layout::of(map)).collect();
        lowered.maps.clear();
        let made = Self {
            lowered,
            compiled,
            demands,
            maps,
            memory: pages::vouch(verified),
        };
        let native = made.fill(code)?;
        Ok((native, is_general.then_some(made)))
    }

    /// The machine code for a code of the same program whose maps are laid out as they were, compiled later on
    /// by the optimising tier if it runs often; `None` if the code is not such.
    ///
    /// # Errors
    /// If memory is short.
    pub fn native(&self, code: &Code) -> Option<Result<NativeCode, NotCompiled>> {
        let is_same = self.lowered.program.insns == code.program().insns
            && self.maps.len() == code.maps().len()
            && (code.maps().zip(&self.maps)).all(|(map, known)| Layout::of(map) == *known);
        is_same.then(|| self.fill(code))
    }

    /// Puts a code's addresses in, and seals it.
    fn fill(&self, code: &Code) -> Result<NativeCode, NotCompiled> {
        let lowered = self.lowered.with_maps(code.maps().cloned().collect());
        let addresses = Addresses::new(&lowered, code);
        let first = Sealed::first(&self.compiled, &lowered, &addresses)?;
        Ok(NativeCode::with(
            first,
            lowered,
            addresses,
            (self.memory, self.demands),
            Tiers::Rising,
        ))
    }
}

/// Tier 1's code, without addresses.
pub(super) fn compile(lowered: &Lowered) -> Result<Compiled, NotCompiled> {
    let symbols = Symbols {
        maps: &lowered.maps,
        addresses: &|_| 0,
    };
    let processor = Processor::here().ok_or(NotCompiled::Machine)?;
    Ok(tier1::compile(lowered, &symbols, processor))
}
