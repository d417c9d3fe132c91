//! Addresses that machine code contains, by what they are addresses of.

use std::sync::Arc;

use osmia_program::MapKind;
use osmia_vm::map::Map;
use osmia_vm::map_call::MapOperation;

use crate::lower::CALL_BACK;

/// Something with an address that differs from run to run.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Symbol {
    /// What stands for a map of the program, by position.
    Map(u32),
    /// A map of the program, by position.
    MapItself(u32),
    /// A byte of the first value of a map.
    Value(u32, u32),
    /// What the machine knows of a helper.
    Helper(u32),
    /// The function for a helper that only looks.
    Leaf(u32),
    /// What it knows of a kernel function, by its position in the program's list.
    Kfunc(u32),
    /// What a function of the program is known by, by its slot.
    Function(u32),
    /// The machine's function for what is not a single instruction.
    Far,
    /// The machine's function that calls it.
    CallHelper,
    /// The function for an operation on a map of the program.
    CallMap(MapOperation, u32),
    /// The machine's function that looks for the program of a tail call.
    TailCall,
}

impl Symbol {
    /// True if what is called looks for the program's frame pointer.
    pub(crate) fn calls_back(self) -> bool {
        match self {
            Symbol::Helper(id) => CALL_BACK.contains(&id),
            _ => true,
        }
    }
}

/// How the elements of an array lie.
#[derive(Copy, Clone, Debug)]
pub(crate) struct ArrayShape {
    /// Elements, of one CPU.
    pub(crate) count: u32,
    /// Bytes from one to the next.
    pub(crate) stride: usize,
    /// Elements from one CPU's to the next's, if each has its own.
    pub(crate) lane: Option<u32>,
}

/// Gives addresses to symbols.
pub(crate) struct Symbols<'a> {
    pub(crate) maps: &'a [Arc<Map>],
    pub(crate) addresses: &'a dyn Fn(Symbol) -> u64,
}

impl Symbols<'_> {
    pub(crate) fn address(&self, symbol: Symbol) -> u64 {
        (self.addresses)(symbol)
    }

    /// How the elements of this array lie.
    pub(crate) fn array(&self, map: u32) -> ArrayShape {
        let map = &self.maps[map as usize];
        let values = map.values().expect("arrays have values");
        let count = map.spec().max_entries;
        ArrayShape {
            count,
            stride: values.stride(),
            lane: (map.spec().kind == MapKind::PercpuArray).then_some(count),
        }
    }
}
