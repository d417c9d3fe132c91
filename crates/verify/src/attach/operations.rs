//! Structures of operations: which there are, which of their members are for programs, and what those
//! are given and give back (`check_struct_ops_btf_id` of Linux 6.18).

use osmia_btf::{Body, Btf, Kind, TypeId};
use osmia_program::helper::is_gpl_compatible;
use osmia_program::{AttachKind, Errno, ProgramKind};

use super::{absent, lists, refused};
use crate::kernel::{prototype, structure};
use crate::reg::{Reg, What};
use crate::reject::{Check, invalid, reject};
use crate::transfer::Transfer;

/// An argument that is a reference, which the program has to give back.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Given {
    /// Its position.
    pub(crate) index: usize,
    /// The reference.
    pub(crate) id: u32,
}

impl Transfer<'_> {
    /// The operations a program is one of, and which: `tcp_congestion_ops`, `ssthresh`.
    pub(crate) fn operations(&self) -> Option<(&str, &str)> {
        let hook = &self.program.hook;
        let target = hook.target.as_deref()?;
        (hook.kind == ProgramKind::StructOps)
            .then(|| target.split_once('.').unwrap_or((target, "")))
    }

    /// Refuses an operation that is none, or that the kernel keeps to itself.
    pub(super) fn check_operation(&self) -> Check {
        if !is_gpl_compatible(&self.program.license) {
            return refused("struct ops programs must have a GPL compatible license");
        }
        let (Some((operations, _)), Some(btf)) = (self.operations(), &self.target.btf) else {
            return Ok(());
        };
        let Some(table) = structure(btf, operations) else {
            return absent(btf, "operations", operations);
        };
        if btf
            .find(&format!("bpf_struct_ops_{operations}"), Kind::Struct)
            .is_none()
        {
            let message = format!("attach_btf_id {} is not a supported struct", table.0);
            return reject(None, message, Errno::ENOTSUPP);
        }
        let Some((index, member, ty)) = self.operation(btf) else {
            return Ok(());
        };
        let is_function = matches!(btf.resolve(ty).body(),
            Body::Ptr(target) if btf.resolve(target).kind() == Kind::FuncProto);
        if !is_function {
            return refused(format!(
                "attach to invalid member {member}(@idx {index}) of struct {operations}"
            ));
        }
        let unsupported = format!("attach to unsupported member {member} of struct {operations}");
        if lists::OWN_OPERATIONS.contains(&(operations, member)) {
            return reject(None, unsupported, Errno::ENOTSUPP);
        }
        if self.sleeps() && !lists::operation_sleeps(operations, member) {
            return refused(unsupported);
        }
        if !self.given.is_empty() && self.shape.functions[0].has_tail_calls {
            return refused("program with __ref argument cannot tail call");
        }
        Ok(())
    }

    /// The member of the table that the program is: position, name and type.
    fn operation<'b>(&self, btf: &'b Btf) -> Option<(usize, &'b str, TypeId)> {
        let (operations, member) = self.operations()?;
        let table = btf.type_at(structure(btf, operations)?).composite()?;
        let by_number = self.program.hook.attach.map_or(0, AttachKind::number) as usize;
        let mut members = table.members().enumerate();
        let found = match member {
            "" => members.nth(by_number),
            name => members.find(|(_, known)| known.name == name),
        };
        found.map(|(index, member)| (index, member.name, member.ty))
    }

    /// The prototype of the operation that the program is.
    pub(crate) fn operation_prototype(&self, btf: &Btf) -> Option<TypeId> {
        let (_, _, ty) = self.operation(btf)?;
        let Body::Ptr(target) = btf.resolve(ty).body() else {
            return None;
        };
        Some(btf.resolve(target).id())
    }

    /// The parameters' names of the kernel's own function in a table of operations, if it has one: they
    /// say more about arguments than the table's prototypes.
    pub(crate) fn stub_parameters<'b>(&self, btf: &'b Btf) -> Vec<&'b str> {
        let stub = self.operations().and_then(|(operations, member)| {
            let proto = prototype(btf, &format!("{operations}__{member}"))?;
            match btf.type_at(proto).body() {
                Body::FuncProto(stub) => Some(stub.params().map(|param| param.name).collect()),
                _ => None,
            }
        });
        stub.unwrap_or_default()
    }

    /// The arguments that are references, each with an id of its own: the same whoever looks at the
    /// program, so that certificates speak of them.
    pub(crate) fn find_given(&mut self) {
        let Some(btf) = self.target.btf.clone() else {
            return;
        };
        for (index, name) in self.stub_parameters(&btf).into_iter().enumerate() {
            if name.ends_with("__ref") {
                let id = self.fresh_id();
                self.given.push(Given { index, id });
            }
        }
    }

    /// The reference that an argument is, 0 if it is none; `None` if it has been given back already.
    pub(crate) fn reference_of_argument(&self, index: usize) -> Option<u32> {
        let Some(given) = self.given.iter().find(|given| given.index == index) else {
            return Some(0);
        };
        let mut held = self.state.references.iter();
        held.any(|held| held.id == given.id).then_some(given.id)
    }

    /// The structure that the operation gives back, if it returns a pointer.
    pub(crate) fn given_back(&self) -> Option<&str> {
        self.operations()?;
        let btf = self.target.btf.as_deref()?;
        let proto = self.operation_prototype(btf)?;
        let Body::FuncProto(proto) = btf.type_at(proto).body() else {
            return None;
        };
        match btf.resolve(proto.result).body() {
            Body::Ptr(target) => Some(btf.resolve(target).name()),
            _ => None,
        }
    }

    /// True if a value may be returned as the pointer that the kernel waits for.
    pub(crate) fn gives_back(&self, reg: &Reg) -> bool {
        let wanted = self.given_back();
        match reg.what {
            What::Kernel { type_id } => {
                let name = self.type_names[type_id as usize].as_str();
                reg.reference != 0 && wanted == Some(name)
            }
            _ => false,
        }
    }

    /// A pointer that is given back is the resource as it came.
    pub(crate) fn check_given_back(&self, reg: &Reg) -> Check {
        if reg.off == 0 && crate::memory::fixed(reg) {
            return Ok(());
        }
        invalid(
            self.at,
            format!(
                "dereference of modified {} ptr R0 off={} disallowed",
                reg.name(),
                reg.off
            ),
        )
    }
}
