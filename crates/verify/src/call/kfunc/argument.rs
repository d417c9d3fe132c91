//! Arguments of kernel functions, each checked against its class.

use osmia_btf::Btf;
use osmia_isa::Reg as RegName;
use osmia_program::kfunc::Kfunc;

use super::class::{ARGUMENTS_MAX, Class, register};
use super::{Called, Param};
use crate::fields::{Owner, Special};
use crate::limits;
use crate::memory::fixed;
use crate::reg::{Flags, Reg, Socket, What};
use crate::reject::{Check, denied, invalid};
use crate::state::LockKind;
use crate::transfer::Transfer;

impl Transfer<'_> {
    pub(super) fn check_kfunc_arguments(&mut self, called: &mut Called) -> Check {
        let Some(btf) = self.target.btf.clone() else {
            return Ok(());
        };
        if called.params.len() > ARGUMENTS_MAX {
            return invalid(
                self.at,
                format!("Function {} has too many arguments", called.kfunc.name),
            );
        }
        let mut index = 0;
        while index < called.params.len() {
            index += self.check_kfunc_argument(&btf, called, index)?;
        }
        if called.has(Kfunc::RELEASES) && !called.released {
            let name = called.kfunc.name;
            return invalid(
                self.at,
                format!("release kernel function {name} expects refcounted PTR_TO_BTF_ID"),
            );
        }
        Ok(())
    }

    /// Checks an argument; gives how many were looked at.
    fn check_kfunc_argument(
        &mut self,
        btf: &Btf,
        called: &mut Called,
        index: usize,
    ) -> Check<usize> {
        let (at, name) = (self.at, register(index));
        let number = name.number();
        let param = called.params[index].clone();
        if param.name.ends_with("__ign") || param.name.ends_with("__prog") {
            return Ok(1);
        }
        let reg = self.read(name)?;
        let Some(class) = self.class(btf, called, index, &reg) else {
            return invalid(
                at,
                format!("arg#{index} pointer type must point to scalar, or struct with scalar"),
            );
        };
        match class {
            Class::Number | Class::Constant | Class::ResultSize { .. } => {
                self.check_number(called, &class, name, &reg)?;
                return Ok(1);
            }
            _ => {}
        }
        let vouched = called.has(Kfunc::TRUSTED) || called.has(Kfunc::RELEASES);
        let strict = vouched || called.has(Kfunc::RCU);
        if strict && (reg.is_null() || reg.may_be_null()) && !param.is_nullable() {
            return denied(
                at,
                format!("Possibly NULL pointer passed to trusted arg{index}"),
            );
        }
        if reg.reference != 0 {
            called.reference = reg.reference;
            called.released |= called.has(Kfunc::RELEASES);
        }
        match class {
            Class::Ignored | Class::Null | Class::Number | Class::Constant => {}
            Class::ResultSize { .. } => {}
            Class::Context => {
                if reg.what != What::Context {
                    return invalid(
                        at,
                        format!(
                            "arg#{index} expected pointer to ctx, but got {}",
                            reg.name()
                        ),
                    );
                }
                self.check_plain_context(&reg, name)?;
            }
            Class::Allocated => self.check_allocated(called, index, &reg)?,
            Class::Counted => self.check_counted(called, index, &reg)?,
            Class::Dynptr => self.check_kfunc_dynptr(called, index, &param, &reg)?,
            Class::Iterator => self.check_iterator(btf, called, index, &reg)?,
            Class::ListHead | Class::TreeRoot => self.check_root(called, &class, name, &reg)?,
            Class::ListNode | Class::TreeNode => self.check_node(called, &class, index, &reg)?,
            Class::String => self.check_string(name, &reg)?,
            Class::Map => {
                let What::Map(map) = reg.what else {
                    return invalid(at, format!("pointer in R{number} isn't map pointer"));
                };
                self.check_field_map(called.field_of, map, "workqueue")?;
            }
            Class::Workqueue | Class::TaskWork | Class::Timer => {
                self.check_work(called, &class, name, &reg)?;
            }
            Class::IrqFlags => called.irq = self.check_irq_flags(called, name, &reg)?,
            Class::ResilientLock => {
                let saved = called.kfunc.name.contains("irq");
                let kind = if saved {
                    LockKind::ResilientIrq
                } else {
                    LockKind::Resilient
                };
                called.lock = Some(self.check_lock_argument(name, &reg, kind)?);
            }
            Class::Kernel(wanted) => {
                if strict && !Self::is_trusted(&reg) {
                    if vouched {
                        return invalid(at, format!("R{number} must be referenced or trusted"));
                    }
                    if !reg.flags.has(Flags::RCU) {
                        return invalid(at, format!("R{number} must be a rcu pointer"));
                    }
                }
                self.check_kernel_object(btf, called, index, &wanted, &reg)?;
            }
            Class::Callback => match reg.what {
                What::Function(function) => called.callback = Some(function),
                _ => return invalid(at, format!("arg{index} expected pointer to func")),
            },
            Class::Memory(ty) => {
                let bytes = btf.size_of(ty).unwrap_or(0);
                self.check_kfunc_memory(name, &reg, bytes)?;
            }
            Class::SizedMemory { constant } => {
                self.check_sized(called, index, &param, &reg, constant)?;
                return Ok(2);
            }
        }
        Ok(1)
    }

    fn check_number(
        &mut self,
        called: &mut Called,
        class: &Class,
        name: RegName,
        reg: &Reg,
    ) -> Check {
        let number = name.number();
        if !reg.is_number() {
            return invalid(self.at, format!("R{number} is not a scalar"));
        }
        if *class == Class::Number {
            return Ok(());
        }
        let Some(value) = reg.value() else {
            return invalid(self.at, format!("R{number} must be a known constant"));
        };
        self.want(name);
        match class {
            Class::ResultSize { writable } => called.result_bytes = Some((value, *writable)),
            _ => called.constant = Some(value),
        }
        Ok(())
    }

    /// Memory that a kernel function may read and write.
    pub(crate) fn check_kfunc_memory(&mut self, name: RegName, reg: &Reg, bytes: u64) -> Check {
        if reg.is_null() {
            return Ok(());
        }
        let mut there = *reg;
        there.flags = there.flags.without(Flags::MAYBE_NULL);
        self.check_memory(name, &there, bytes, false, None)?;
        self.check_memory(name, &there, bytes, true, None)
    }

    /// Memory, and behind it its size.
    fn check_sized(
        &mut self,
        called: &mut Called,
        index: usize,
        param: &Param,
        reg: &Reg,
        constant: bool,
    ) -> Check {
        let name = register(index + 1);
        let (size, number) = (self.read(name)?, name.number());
        if !size.is_number() {
            return invalid(self.at, format!("R{number} is not a scalar"));
        }
        if !(reg.is_null() && param.is_optional()) {
            if size.num.s.min < 0 {
                return denied(
                    self.at,
                    format!(
                        "R{number} min value is negative, either use unsigned or 'var &= const'"
                    ),
                );
            }
            if size.num.u.max >= limits::SIZE_MAX {
                return denied(
                    self.at,
                    format!(
                        "R{number} unbounded memory access, use 'var &= const' or 'if (var < const)'"
                    ),
                );
            }
            self.want(name);
            let bytes = size.num.u.max;
            if bytes != 0 || !reg.is_null() {
                self.check_memory(register(index), reg, bytes, false, None)?;
                self.check_memory(register(index), reg, bytes, true, None)?;
            }
        }
        if constant {
            let Some(bytes) = size.value() else {
                return invalid(self.at, format!("R{number} must be a known constant"));
            };
            self.want(name);
            called.constant = Some(bytes);
        }
        Ok(())
    }

    fn check_work(
        &mut self,
        called: &mut Called,
        class: &Class,
        name: RegName,
        reg: &Reg,
    ) -> Check {
        let (call, special) = match class {
            Class::Workqueue => ("bpf_wq", Special::Workqueue),
            Class::TaskWork => ("bpf_task_work", Special::TaskWork),
            _ => ("bpf_timer", Special::Timer),
        };
        if !matches!(reg.what, What::MapValue { .. }) {
            let index = name.number() - 1;
            return invalid(self.at, format!("arg#{index} doesn't point to a map value"));
        }
        let owner = self.check_field_argument(name, reg, call, |known| *known == special)?;
        if let Owner::Map(map) = owner {
            called.field_of = Some(map);
        }
        Ok(())
    }

    /// A pointer to a structure of the kernel, of the right type.
    fn check_kernel_object(
        &mut self,
        btf: &Btf,
        called: &Called,
        index: usize,
        wanted: &str,
        reg: &Reg,
    ) -> Check {
        let at = self.at;
        let held = match reg.what {
            What::Kernel { type_id } => self.type_names[type_id as usize].clone(),
            What::Socket(Socket::Common) => "sock_common".to_owned(),
            What::Socket(Socket::Full) => "sock".to_owned(),
            What::Socket(Socket::Tcp) => "tcp_sock".to_owned(),
            What::Map(_) => "bpf_map".to_owned(),
            _ => {
                let (got, kfunc) = (reg.name(), called.kfunc.name);
                return invalid(
                    at,
                    format!(
                        "arg#{index} is {got} expected pointer to {wanted} or socket in {kfunc}"
                    ),
                );
            }
        };
        let off = reg.off;
        if called.has(Kfunc::RELEASES) && reg.reference != 0 && (off != 0 || !fixed(reg)) {
            return invalid(
                at,
                format!(
                    "R{} must have zero offset when passed to release func or trusted arg to kfunc",
                    index + 1
                ),
            );
        }
        if off < 0 || !fixed(reg) {
            return denied(
                at,
                format!(
                    "variable {} access var_off={:?} disallowed",
                    reg.name(),
                    reg.num.bits
                ),
            );
        }
        let exact = (called.has(Kfunc::RELEASES) && reg.reference != 0) || is_alias(wanted, &held);
        // A program may hand over what its context really is.
        let projection =
            wanted == "__sk_buff" && held == "sk_buff" || wanted == "xdp_md" && held == "xdp_buff";
        if projection || leads_to(btf, &held, off as u64, wanted, exact) {
            return Ok(());
        }
        invalid(
            at,
            format!(
                "kernel function {} args#{index} expected pointer to STRUCT {wanted} but R{} has a pointer to STRUCT {held}",
                called.kfunc.name,
                index + 1
            ),
        )
    }
}

/// Types that are told apart although they are laid out alike.
fn is_alias(one: &str, other: &str) -> bool {
    let bare = |name: &str| name.strip_suffix("___init").map(str::to_owned);
    bare(one).as_deref() == Some(other) || bare(other).as_deref() == Some(one)
}

/// True if at this offset of a structure lies one of the wanted type, maybe inside others.
fn leads_to(btf: &Btf, name: &str, off: u64, wanted: &str, exact: bool) -> bool {
    /// Structures in structures: as deep as any real one.
    const DEPTH_MAX: usize = 16;
    if name == wanted && off == 0 {
        return true;
    }
    if exact {
        return false;
    }
    let (mut ty, mut off) = (crate::kernel::structure(btf, name), off);
    for _ in 0..DEPTH_MAX {
        let Some(composite) = ty.and_then(|ty| btf.resolve(ty).composite()) else {
            return false;
        };
        let inside = composite.members().find(|member| {
            let start = u64::from(member.bit_offset / 8);
            let bytes = btf.size_of(member.ty).unwrap_or(0);
            start <= off && off < start + bytes
        });
        let Some(member) = inside else {
            return false;
        };
        off -= u64::from(member.bit_offset / 8);
        let held = btf.resolve(member.ty);
        if off == 0 && held.name() == wanted {
            return true;
        }
        ty = Some(held.id());
    }
    false
}
