//! Variables of the kernel that programs name (`extern … __ksym`): objects of the heap, made by the
//! kernel's types when the first program names one, and zero but for what is known of every machine.
//!
//! Of those in a section for CPUs every CPU has one. Descriptions fill them in.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use osmia_btf::value::{Spot, lookup_path, put};
use osmia_btf::{Body, Btf, TypeId};
use osmia_program::Holder;
use rustc_hash::FxHashMap;

use crate::heap::{ObjectAccess, Tag};
use crate::map::Runs;

/// Variables, or members of them, that hold the number of the CPU they are of.
const CPU_NUMBERS: &[(&str, &str)] = &[
    ("cpu_number", ""),
    ("pcpu_hot", "cpu_number"),
    ("runqueues", "cpu"),
];

/// The variables of a host by name.
#[derive(Debug, Default)]
pub struct Variables {
    known: Mutex<FxHashMap<String, u64>>,
}

/// What the object of a variable stands for.
#[derive(Debug)]
pub(crate) struct Variable {
    /// Bytes from one CPU's to the next, if every CPU has one.
    pub(crate) per_cpu: Option<usize>,
    bytes: usize,
    /// What it holds if nobody says otherwise.
    initial: Vec<u8>,
}

impl Variables {
    /// The address of a variable by its number in the kernel's types; `None` if it is none, or memory
    /// is short.
    pub fn find_or_make(&self, runs: &Runs, types: &Btf, id: TypeId) -> Option<u64> {
        let ty = types.ty(id)?;
        let Body::Var(var) = ty.body() else {
            return None;
        };
        let name = ty.name();
        let mut known = self.lock();
        if let Some(address) = known.get(name) {
            return Some(*address);
        }
        let bytes = usize::try_from(types.size_of(var.ty)?).ok()?;
        let stride = bytes.next_multiple_of(8);
        let per_cpu = is_per_cpu(types, id).then_some(stride);
        let count = per_cpu.map_or(1, |_| runs.cpus() as usize);
        let mut initial = vec![0; stride.checked_mul(count)?];
        if per_cpu.is_some() {
            number_cpus(types, name, var.ty, stride, &mut initial);
        }
        let variable = Variable {
            per_cpu,
            bytes,
            initial: initial.clone(),
        };
        let tag = Tag::with(name, Arc::new(variable));
        let address = runs
            .heap()
            .allocate(runs, initial.len(), ObjectAccess::Read, tag)?;
        runs.heap().object(address)?.write(0, &initial);
        known.insert(name.to_owned(), address);
        Some(address)
    }

    /// Makes a variable hold what a description says: one CPU's, or everybody's. Nothing happens if no
    /// program names it.
    pub(crate) fn set(&self, runs: &Runs, name: &str, of: Holder, bytes: &[u8]) {
        let Some(object) = self
            .address(name)
            .and_then(|address| runs.heap().object(address))
        else {
            return;
        };
        let Some(variable) = object.payload::<Variable>() else {
            return;
        };
        let bytes = &bytes[..bytes.len().min(variable.bytes)];
        match variable.per_cpu {
            None => object.write(0, bytes),
            Some(stride) => {
                let chosen = |at: &u32| of == Holder::Everybody || of == Holder::Cpu(*at);
                for at in (0..runs.cpus()).filter(chosen) {
                    object.write(at as usize * stride, bytes);
                }
            }
        }
    }

    /// Makes it hold again what nobody described.
    pub(crate) fn reset(&self, runs: &Runs, name: &str) {
        let object = self
            .address(name)
            .and_then(|address| runs.heap().object(address));
        if let Some(object) = object
            && let Some(variable) = object.payload::<Variable>()
        {
            object.write(0, &variable.initial);
        }
    }

    /// The address of a variable that a program names.
    pub(crate) fn address(&self, name: &str) -> Option<u64> {
        self.lock().get(name).copied()
    }

    fn lock(&self) -> MutexGuard<'_, FxHashMap<String, u64>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// True for variables in a section of which every CPU has a copy.
fn is_per_cpu(types: &Btf, id: TypeId) -> bool {
    let mut sections = types.own_types().filter_map(|ty| match ty.body() {
        Body::DataSec(section) => Some((ty.name(), section)),
        _ => None,
    });
    sections
        .any(|(name, section)| name.contains("percpu") && section.vars().any(|held| held.var == id))
}

fn number_cpus(types: &Btf, name: &str, ty: TypeId, stride: usize, bytes: &mut [u8]) {
    let Some((_, member)) = CPU_NUMBERS.iter().find(|(known, _)| *known == name) else {
        return;
    };
    let spot = match *member {
        "" => Ok(Spot {
            ty,
            bit_offset: 0,
            bitfield_bits: 0,
        }),
        member => lookup_path(types, ty, member),
    };
    let Ok(spot) = spot else { return };
    for (cpu, bytes) in bytes.chunks_mut(stride).enumerate() {
        // A member of another kind holds no number.
        let _ = put(types, spot, &cpu.to_string(), bytes);
    }
}
