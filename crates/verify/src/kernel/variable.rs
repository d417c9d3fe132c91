//! Variables of the kernel that programs name.

use osmia_btf::{Body, Btf, Kind, TypeId};

use crate::reg::{Flags, Reg, What};
use crate::transfer::Transfer;

/// The section of the variables that each CPU has one of.
const PER_CPU_SECTION: &str = ".data..percpu";

impl Transfer<'_> {
    /// The address of a variable: a structure is walked by its type, anything else is memory to read,
    /// and what each CPU has one of is neither before a CPU is chosen.
    pub(crate) fn variable(&mut self, btf: &Btf, id: TypeId) -> Reg {
        let Body::Var(variable) = btf.type_at(id).body() else {
            let type_id = self.type_number("");
            return Reg::pointer(What::Kernel { type_id });
        };
        let structured = structured(btf, variable.ty);
        if !structured && !is_per_cpu(btf, id) {
            return memory(btf.size_of(variable.ty).unwrap_or(0));
        }
        // Not every type has a name, but every variable.
        let name = match structured {
            true => btf.resolve(variable.ty).name(),
            false => btf.type_at(id).name(),
        };
        let type_id = self.type_number(name);
        let mut reg = Reg::pointer(What::Kernel { type_id });
        if is_per_cpu(btf, id) {
            reg.flags = Flags::PER_CPU;
        }
        reg
    }

    /// A CPU's own of what a per-CPU pointer points to.
    pub(crate) fn own_copy(&self, what: What) -> Reg {
        let (What::Kernel { type_id }, Some(btf)) = (what, &self.target.btf) else {
            return Reg::pointer(what);
        };
        let name = &self.type_names[type_id as usize];
        let variable = btf.find(name, Kind::Var).map(|id| btf.type_at(id).body());
        match variable {
            Some(Body::Var(variable)) if !structured(btf, variable.ty) => {
                memory(btf.size_of(variable.ty).unwrap_or(0))
            }
            _ => Reg::pointer(what),
        }
    }
}

/// True for types that are walked member by member.
fn structured(btf: &Btf, ty: TypeId) -> bool {
    matches!(btf.resolve(ty).kind(), Kind::Struct | Kind::Union)
}

/// Memory of so many bytes, to be read only.
fn memory(bytes: u64) -> Reg {
    Reg {
        flags: Flags::READ_ONLY,
        ..Reg::pointer(What::Memory {
            bytes: u32::try_from(bytes).unwrap_or(u32::MAX),
        })
    }
}

/// True if each CPU has a variable of its own.
fn is_per_cpu(btf: &Btf, variable: TypeId) -> bool {
    let section = btf.find(PER_CPU_SECTION, Kind::DataSec);
    let Some(Body::DataSec(section)) = section.map(|id| btf.type_at(id).body()) else {
        return false;
    };
    section.vars().any(|place| place.var == variable)
}
