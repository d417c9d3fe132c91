//! What the arguments of a kernel function are: by the suffix of a parameter's name, the type it points
//! to and, where those leave it open, what the register holds.

use osmia_btf::{Body, Btf, TypeId};
use osmia_isa::Reg as RegName;

use super::{Called, Param};
use crate::kernel::context;
use crate::reg::{Reg, What};
use crate::transfer::Transfer;

/// What an argument is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// The kernel's own; nobody looks at it.
    Ignored,
    /// A number.
    Number,
    /// A number that has to be constant.
    Constant,
    /// How many bytes the result has, and whether it may be written.
    ResultSize {
        writable: bool,
    },
    /// Null where that is allowed.
    Null,
    Context,
    /// An object the program owns.
    Allocated,
    /// An object that counts its users.
    Counted,
    Dynptr,
    Iterator,
    ListHead,
    ListNode,
    TreeRoot,
    TreeNode,
    /// A zero-terminated string in a read-only map.
    String,
    Map,
    Workqueue,
    TaskWork,
    Timer,
    IrqFlags,
    ResilientLock,
    /// A structure of the kernel, by name.
    Kernel(String),
    Callback,
    /// So many bytes.
    Memory(TypeId),
    /// As many bytes as the next argument says.
    SizedMemory {
        constant: bool,
    },
}

impl Param {
    fn is(&self, suffix: &str) -> bool {
        self.name.ends_with(suffix)
    }

    /// Its name says that it may be null.
    pub(super) fn is_nullable(&self) -> bool {
        self.is("__nullable")
    }

    /// Its name says that the buffer may be missing.
    pub(super) fn is_optional(&self) -> bool {
        self.is("__opt")
    }

    /// Its name says that it is filled.
    pub(super) fn is_room(&self) -> bool {
        self.is("__uninit")
    }
}

impl Transfer<'_> {
    /// What an argument is; nothing if there is no such thing.
    pub(super) fn class(
        &self,
        btf: &Btf,
        called: &Called,
        index: usize,
        reg: &Reg,
    ) -> Option<Class> {
        let param = &called.params[index];
        if param.is("__ign") || param.is("__prog") {
            return Some(Class::Ignored);
        }
        let Body::Ptr(target) = btf.resolve(param.ty).body() else {
            return Some(match param.name.as_str() {
                "rdonly_buf_size" => Class::ResultSize { writable: false },
                "rdwr_buf_size" => Class::ResultSize { writable: true },
                _ if param.is("__k") => Class::Constant,
                _ => Class::Number,
            });
        };
        let pointee = btf.resolve(target);
        let name = pointee.name();
        let structure = matches!(pointee.body(), Body::Struct(_) | Body::Union(_));
        if called.is("bpf_cast_to_kern_ctx") || self.is_context_type(name) {
            return Some(Class::Context);
        }
        if param.is_nullable() && reg.is_null() {
            return Some(Class::Null);
        }
        if index == 0 && called.begins_or_uses_iterator() {
            return Some(Class::Iterator);
        }
        let by_suffix = [
            ("__alloc", Class::Allocated),
            ("__refcounted_kptr", Class::Counted),
            ("__str", Class::String),
            ("__map", Class::Map),
            ("__irq_flag", Class::IrqFlags),
        ];
        if let Some((_, class)) = by_suffix.into_iter().find(|(suffix, _)| param.is(suffix)) {
            return Some(class);
        }
        let special = structure.then(|| special(name)).flatten();
        if special.is_some() {
            return special;
        }
        if matches!(pointee.body(), Body::FuncProto(_)) {
            return Some(Class::Callback);
        }
        if structure && names_kernel_object(reg) {
            return Some(Class::Kernel(name.to_owned()));
        }
        let next = called.params.get(index + 1);
        if next.is_some_and(|next| next.is("__sz") || next.is("__szk")) {
            let constant = next.is_some_and(|next| next.is("__szk"));
            return Some(Class::SizedMemory { constant });
        }
        let plain = btf.size_of(target).is_some() && is_plain(btf, target, 0);
        if plain {
            return Some(Class::Memory(target));
        }
        // What the register holds is of no use here; say what is wanted.
        structure.then(|| Class::Kernel(name.to_owned()))
    }

    /// True for the structure that programs of this type have as their context.
    pub(crate) fn is_context_type(&self, name: &str) -> bool {
        context::names(self.program.hook.kind).contains(&name)
    }
}

impl Called {
    pub(super) fn begins_or_uses_iterator(&self) -> bool {
        use super::Kfunc;
        self.has(Kfunc::BEGINS) || self.has(Kfunc::STEPS) || self.has(Kfunc::ENDS)
    }

    /// True for those that put an object into a list or tree.
    pub(super) fn has_node(&self) -> bool {
        matches!(
            self.kfunc.name,
            "bpf_list_push_front_impl" | "bpf_list_push_back_impl" | "bpf_rbtree_add_impl"
        )
    }
}

/// Structures that mean more than bytes.
fn special(name: &str) -> Option<Class> {
    Some(match name {
        "bpf_dynptr" | "bpf_dynptr_kern" => Class::Dynptr,
        "bpf_list_head" => Class::ListHead,
        "bpf_list_node" => Class::ListNode,
        "bpf_rb_root" => Class::TreeRoot,
        "bpf_rb_node" => Class::TreeNode,
        "bpf_wq" => Class::Workqueue,
        "bpf_task_work" => Class::TaskWork,
        "bpf_timer" => Class::Timer,
        "bpf_res_spin_lock" => Class::ResilientLock,
        _ => return None,
    })
}

/// True for registers that point to a structure of the kernel.
fn names_kernel_object(reg: &Reg) -> bool {
    matches!(
        reg.what,
        What::Kernel { .. } | What::Object(_) | What::Socket(_) | What::Map(_)
    )
}

/// True for types of bytes alone: numbers, and structures and arrays of them.
fn is_plain(btf: &Btf, ty: TypeId, depth: u32) -> bool {
    /// Structures in structures, as deep as Linux looks.
    const DEPTH_MAX: u32 = 4;
    let resolved = btf.resolve(ty);
    match resolved.body() {
        Body::Int(_) | Body::Enum(_) | Body::Enum64(_) => true,
        Body::Struct(composite) | Body::Union(composite) => {
            depth < DEPTH_MAX
                && (composite.members()).all(|member| is_plain(btf, member.ty, depth + 1))
        }
        Body::Array(array) => array.len > 0 && is_plain(btf, array.element, depth + 1),
        _ => false,
    }
}

/// The register of an argument.
pub(super) fn register(index: usize) -> RegName {
    RegName::new(index as u8 + 1).expect("at most five arguments")
}

/// Most arguments of a call.
pub(super) const ARGUMENTS_MAX: usize = 5;
