//! What kernel functions return.

use osmia_btf::{Body, TypeId};
use osmia_program::kfunc::Kfunc;

use super::Called;
use crate::fields::Owner;
use crate::kernel::context;
use crate::reg::{Flags, Reg, What};
use crate::reject::{Check, invalid};
use crate::transfer::Transfer;

impl Transfer<'_> {
    pub(super) fn kfunc_result(&mut self, called: &Called) -> Check<Reg> {
        let Some(btf) = self.target.btf.clone() else {
            return Ok(Reg::UNKNOWN);
        };
        if called.result == TypeId::VOID {
            return Ok(Reg::UNSET);
        }
        let Body::Ptr(target) = btf.resolve(called.result).body() else {
            return Ok(Reg::UNKNOWN);
        };
        let mut reg = match self.special_result(called)? {
            Some(reg) => reg,
            None => {
                let pointee = btf.resolve(target);
                match pointee.body() {
                    _ if called.result_bytes.is_some() => {
                        let (bytes, writable) = called.result_bytes.unwrap_or_default();
                        self.memory_result(called, bytes, writable)
                    }
                    Body::Void => return Ok(Reg::UNKNOWN),
                    Body::Struct(_) | Body::Union(_) => {
                        let type_id = self.type_number(pointee.name());
                        let flags = match called.iterator {
                            Some((room, _)) => self.item_flags(room),
                            None if called.is("bpf_get_kmem_cache") => Flags::UNTRUSTED,
                            None => Flags::default(),
                        };
                        Reg {
                            flags,
                            ..Reg::pointer(What::Kernel { type_id })
                        }
                    }
                    _ => match btf.size_of(target) {
                        Some(bytes) => self.memory_result(called, bytes, false),
                        None => {
                            let name = called.kfunc.name;
                            return invalid(
                                self.at,
                                format!(
                                    "kernel function {name} returns pointer type that is not supported"
                                ),
                            );
                        }
                    },
                }
            }
        };
        let owned = called
            .object
            .is_some_and(|object| !object.flags.has(Flags::NON_OWNING));
        let surely = called.is("bpf_refcount_acquire_impl") && owned;
        if called.has(Kfunc::MAY_BE_NULL) && !surely {
            reg.flags = reg.flags.with(Flags::MAYBE_NULL);
            reg.id = self.fresh_id();
        }
        if called.has(Kfunc::ACQUIRES) {
            let id = self.acquire();
            reg.reference = id;
            reg.id = id;
        } else if let What::Object(ty) = reg.what
            && reg.id == 0
            && self.record(Owner::Object(ty)).has_lock()
        {
            reg.id = self.fresh_id();
        }
        Ok(reg)
    }

    fn memory_result(&self, called: &Called, bytes: u64, writable: bool) -> Reg {
        let flags = if writable {
            Flags::default()
        } else {
            Flags::READ_ONLY
        };
        Reg {
            flags,
            // What it points into goes with the resource.
            reference: called.reference,
            ..Reg::pointer(What::Memory {
                bytes: bytes as u32,
            })
        }
    }

    /// Results that prototypes do not tell.
    fn special_result(&mut self, called: &Called) -> Check<Option<Reg>> {
        Ok(Some(match called.kfunc.name {
            "bpf_obj_new_impl" => self.new_object(called, false)?,
            "bpf_percpu_obj_new_impl" => self.new_object(called, true)?,
            "bpf_refcount_acquire_impl" => {
                let object = called.object.map_or(Reg::UNKNOWN, |object| object);
                Reg::pointer(object.what)
            }
            "bpf_list_pop_front" | "bpf_list_pop_back" | "bpf_rbtree_remove" => {
                let Some(root) = called.root else {
                    return Ok(None);
                };
                Reg {
                    off: root.node as i32,
                    ..Reg::pointer(What::Object(root.object))
                }
            }
            "bpf_list_front" | "bpf_list_back" | "bpf_rbtree_first" | "bpf_rbtree_root"
            | "bpf_rbtree_left" | "bpf_rbtree_right" => match called.root {
                Some(root) => self.node(root),
                None => return Ok(None),
            },
            "bpf_dynptr_slice" | "bpf_dynptr_slice_rdwr" => self.slice(called)?,
            "bpf_cast_to_kern_ctx" => {
                let type_id = self.type_number(context::behind(self.program.hook.kind));
                Reg {
                    flags: Flags::TRUSTED,
                    ..Reg::pointer(What::Kernel { type_id })
                }
            }
            "bpf_rdonly_cast" => self.cast_read_only(called)?,
            "bpf_arena_alloc_pages" => return Ok(Some(Reg::UNKNOWN)),
            _ => return Ok(None),
        }))
    }

    /// A type of the program's BTF that a constant names.
    fn new_object(&mut self, called: &Called, per_cpu: bool) -> Check<Reg> {
        /// Most bytes of an object with a copy for each CPU.
        const PER_CPU_BYTES_MAX: u64 = 512;
        let at = self.at;
        let Some(ty) = called.constant.and_then(|ty| u32::try_from(ty).ok()) else {
            return invalid(at, "local type ID argument must be in range [0, U32_MAX]");
        };
        let Some(debug) = &self.program.debug else {
            return invalid(at, "bpf_obj_new/bpf_percpu_obj_new requires prog BTF");
        };
        let resolved = debug.btf.ty(TypeId(ty));
        if !resolved.is_some_and(|ty| matches!(ty.body(), Body::Struct(_))) {
            return invalid(
                at,
                "bpf_obj_new/bpf_percpu_obj_new type ID argument must be of a struct",
            );
        }
        let bytes = self.object_bytes(ty);
        if per_cpu && bytes > PER_CPU_BYTES_MAX {
            return invalid(
                at,
                format!(
                    "bpf_percpu_obj_new type size ({bytes}) is greater than {PER_CPU_BYTES_MAX}"
                ),
            );
        }
        if per_cpu && !self.record(Owner::Object(ty)).0.is_empty() {
            return invalid(
                at,
                "bpf_percpu_obj_new type ID argument must not contain special fields",
            );
        }
        let flags = if per_cpu {
            Flags::PER_CPU
        } else {
            Flags::default()
        };
        Ok(Reg {
            flags,
            ..Reg::pointer(What::Object(ty))
        })
    }

    /// A pointer to whatever the program says is there, for guarded reads.
    fn cast_read_only(&mut self, called: &Called) -> Check<Reg> {
        let at = self.at;
        let ty = called.constant.and_then(|ty| u32::try_from(ty).ok());
        let btf = self.target.btf.clone();
        if ty == Some(0) {
            return Ok(Reg {
                flags: Flags::READ_ONLY.with(Flags::UNTRUSTED),
                ..Reg::pointer(What::Memory { bytes: 0 })
            });
        }
        let name = btf.as_ref().zip(ty).and_then(|(btf, ty)| {
            let ty = btf.ty(TypeId(ty))?;
            matches!(ty.body(), Body::Struct(_)).then(|| ty.name().to_owned())
        });
        let Some(name) = name else {
            return invalid(
                at,
                "kfunc bpf_rdonly_cast type ID argument must be of a struct or void",
            );
        };
        let type_id = self.type_number(&name);
        Ok(Reg {
            flags: Flags::UNTRUSTED,
            ..Reg::pointer(What::Kernel { type_id })
        })
    }
}
