//! A compiled program, ready to run.

use std::sync::Arc;

use osmia_vm::map::Map;
use osmia_vm::memory::Real;
use osmia_vm::{Code, Machine, Native, NativeHelper};

use crate::lower::{Lowered, Op};
use crate::map_functions;
use crate::pages::{self, CodePages};
use crate::refused::NotCompiled;
use crate::symbols::{Symbol, Symbols};
use crate::tier1;

/// Native code of a verified program.
#[derive(Debug)]
pub struct NativeCode {
    memory: Real,
    pages: CodePages,
    /// Where the program begins.
    entry: u64,
    code_bytes: usize,
    stack_bytes: usize,
    context_bytes: usize,
    /// Machine code has the addresses of these.
    _helpers: Box<[NativeHelper]>,
    /// Likewise.
    _maps: Vec<Arc<Map>>,
}

impl NativeCode {
    /// Compiles and seals a lowered program. `memory` is the proof that it is verified.
    pub(crate) fn new(lowered: &Lowered, code: &Code, memory: Real) -> Result<Self, NotCompiled> {
        let helpers = Helpers::of(lowered, code);
        let address = |symbol| match symbol {
            Symbol::Map(map) => (code.native_handle(map as usize)).expect("a map of the program"),
            Symbol::Value(map, off) => {
                let values = lowered.maps[map as usize].values();
                let values = values.expect("it was asked for one when it was lowered");
                values.base().addr().get() as u64 + u64::from(off)
            }
            Symbol::MapItself(map) => Arc::as_ptr(&lowered.maps[map as usize]).addr() as u64,
            Symbol::CallMap(operation, map) => {
                map_functions::address(operation, &lowered.maps[map as usize])
            }
            Symbol::Helper(id) => helpers.address(id),
            Symbol::CallHelper => pages::call_helper as *const () as u64,
            Symbol::TailCall => pages::tail_call as *const () as u64,
        };
        let symbols = Symbols {
            maps: &lowered.maps,
            addresses: &address,
        };
        let compiled = tier1::compile(lowered, &symbols);
        let pages = CodePages::seal(&compiled.bytes, compiled.enter).map_err(|error| {
            NotCompiled::Memory {
                bytes: compiled.bytes.len(),
                why: error.to_string(),
            }
        })?;
        Ok(Self {
            memory,
            entry: pages.address(compiled.functions[0]),
            code_bytes: compiled.bytes.len(),
            stack_bytes: lowered.stack_bytes(),
            context_bytes: lowered.context_bytes,
            pages,
            _helpers: helpers.list,
            _maps: lowered.maps.clone(),
        })
    }

    /// Bytes of machine code.
    pub fn code_bytes(&self) -> usize {
        self.code_bytes
    }
}

impl Native for NativeCode {
    fn memory(&self) -> Real {
        self.memory
    }

    fn stack_bytes(&self) -> usize {
        self.stack_bytes
    }

    fn context_bytes(&self) -> usize {
        self.context_bytes
    }

    fn enter(&self, machine: &mut Machine, frame_pointer: u64, args: &[u64; 5]) -> u64 {
        self.pages.enter(machine, frame_pointer, self.entry, args)
    }

    fn entry(&self) -> u64 {
        self.entry
    }
}

/// Helpers a program calls, at addresses that stay.
struct Helpers {
    ids: Vec<u32>,
    list: Box<[NativeHelper]>,
}

impl Helpers {
    fn of(lowered: &Lowered, code: &Code) -> Self {
        let called = lowered.lines.iter().filter_map(|line| match line.op {
            Op::CallHelper { helper } => Some(helper),
            _ => None,
        });
        let mut ids: Vec<u32> = called.collect();
        ids.sort_unstable();
        ids.dedup();
        let known = |id: &u32| (code.native_helper(*id)).expect("it was looked up when lowered");
        let list = ids.iter().map(known).collect();
        Self { ids, list }
    }

    fn address(&self, id: u32) -> u64 {
        let position = self
            .ids
            .binary_search(&id)
            .expect("a helper of the program");
        std::ptr::from_ref(&self.list[position]).addr() as u64
    }
}
