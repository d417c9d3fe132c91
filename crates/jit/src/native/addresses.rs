//! Addresses of what a program's machine code names. They hold as long as the program's code does.

use std::sync::Arc;

use osmia_vm::map::Map;
use osmia_vm::{Code, Leaf, NativeHelper};

use crate::lower::{Lowered, Op};
use crate::map_functions;
use crate::pages;
use crate::symbols::Symbol;

#[derive(Clone, Debug)]
pub(super) struct Addresses {
    /// What stands for each map.
    handles: Vec<u64>,
    maps: Vec<Arc<Map>>,
    /// Helpers the program calls, at addresses that stay.
    helpers: Arc<[(u32, NativeHelper)]>,
    /// Kernel functions, likewise.
    kfuncs: Arc<[NativeHelper]>,
    /// What functions are known by, by their slots.
    pub(super) functions: Vec<(u32, u64)>,
}

impl Addresses {
    pub(super) fn new(lowered: &Lowered, code: &Code) -> Self {
        let called = lowered.lines.iter().filter_map(|line| match line.op {
            Op::CallHelper { helper } => Some(helper),
            _ => None,
        });
        let mut ids: Vec<u32> = called.collect();
        ids.sort_unstable();
        ids.dedup();
        let known = |id| (code.native_helper(id)).expect("it was looked up when lowered");
        let handle = |map| code.native_handle(map).expect("a map of the program");
        Self {
            handles: (0..lowered.maps.len()).map(handle).collect(),
            maps: lowered.maps.clone(),
            kfuncs: (lowered.kfuncs.iter())
                .map(|name| NativeHelper::kfunc(name).expect("it was looked up when lowered"))
                .collect(),
            functions: (lowered.functions.iter())
                .filter_map(|slot| Some((*slot, code.function_address(*slot as usize)?)))
                .collect(),
            helpers: ids.into_iter().map(|id| (id, known(id))).collect(),
        }
    }

    pub(super) fn of(&self, symbol: Symbol) -> u64 {
        match symbol {
            Symbol::Map(map) => self.handles[map as usize],
            Symbol::MapItself(map) => Arc::as_ptr(self.map(map)).addr() as u64,
            Symbol::Value(map, off) => {
                let values = self.map(map).values();
                let values = values.expect("it was asked for one when it was lowered");
                values.base().addr().get() as u64 + u64::from(off)
            }
            Symbol::Helper(id) => {
                let found = self.helpers.binary_search_by_key(&id, |(id, _)| *id);
                let (_, helper) = &self.helpers[found.expect("a helper of the program")];
                std::ptr::from_ref(helper).addr() as u64
            }
            Symbol::Leaf(helper) => pages::look(Leaf::of_helper(helper).expect("it only looks")),
            Symbol::CallMap(operation, map) => map_functions::address(operation, self.map(map)),
            Symbol::Kfunc(kfunc) => std::ptr::from_ref(&self.kfuncs[kfunc as usize]).addr() as u64,
            Symbol::Function(slot) => {
                let found = self.functions.binary_search_by_key(&slot, |known| known.0);
                self.functions[found.expect("a function of the program")].1
            }
            Symbol::Far => pages::far as *const () as u64,
            Symbol::CallHelper => pages::call_helper as *const () as u64,
            Symbol::TailCall => pages::tail_call as *const () as u64,
        }
    }

    fn map(&self, map: u32) -> &Arc<Map> {
        &self.maps[map as usize]
    }
}
