//! Special fields: the parts of a map's value or of an object that programs only touch through calls.
//!
//! Which bytes those are is read from the BTF of the type ([`parse`]). Copies into and out of values
//! pass them over; they are emptied ([`free`]) when the value goes. What lists, trees and timers
//! consist of is kept beside the memory, which holds only a number: a program that overwrites it loses
//! its list and harms nobody.

mod defer;
mod free;
mod graph;
mod lock;
mod object;
mod parse;
mod types;

use std::sync::Arc;

pub(crate) use defer::{Callback, Deferred, DeferredKind, Due};
pub(crate) use free::{Scratch, free_fields, release};
pub(crate) use graph::{End, Graphs, Side, middle};
pub(crate) use lock::{Locked, try_lock, unlock};
pub(crate) use object::{Allocated, ObjectType};
pub(crate) use parse::{OBJECT_FIELDS, VALUE_FIELDS, parse};
pub use types::check_object_types;

use crate::memory::Block;

/// What a special field is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FieldKind {
    /// `struct bpf_spin_lock`
    SpinLock,
    /// `struct bpf_res_spin_lock`
    ResSpinLock,
    /// `struct bpf_timer`
    Timer,
    /// `struct bpf_wq`
    Work,
    /// `struct bpf_task_work`
    TaskWork,
    /// A pointer to an object, tagged as such.
    Kptr(Kptr),
    /// `struct bpf_list_head`
    List(Root),
    /// `struct bpf_list_node`
    ListNode,
    /// `struct bpf_rb_root`
    Tree(Root),
    /// `struct bpf_rb_node`
    TreeNode,
    /// `struct bpf_refcount`
    Refcount,
}

/// A pointer to an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kptr {
    pub(crate) ownership: Ownership,
    /// Name of the structure it points to.
    pub(crate) of: Arc<str>,
}

/// What holding a pointer means.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ownership {
    /// Nothing (`kptr_untrusted`).
    Untrusted,
    /// A reference (`kptr`).
    Reference,
    /// A reference to an object of which every CPU has one (`percpu_kptr`).
    PerCpu,
    /// A page of a process (`uptr`).
    User,
}

/// What a list or a tree consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Root {
    /// Name of the structure of its elements.
    pub(crate) of: Arc<str>,
    /// Where in one of them the node is.
    pub(crate) node_offset: u32,
}

impl FieldKind {
    /// Bytes it occupies.
    pub(crate) fn bytes(&self) -> u32 {
        match self {
            Self::SpinLock | Self::ResSpinLock | Self::Refcount => 4,
            Self::Kptr(_) | Self::TaskWork => 8,
            Self::Timer | Self::Work | Self::List(_) | Self::Tree(_) => 16,
            Self::ListNode => 24,
            Self::TreeNode => 32,
        }
    }
}

/// A special field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) offset: u32,
    pub(crate) kind: FieldKind,
}

impl Field {
    fn end(&self) -> usize {
        (self.offset + self.kind.bytes()) as usize
    }
}

/// The special fields of a type: at least one, by offset, none overlapping.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fields {
    list: Box<[Field]>,
}

impl Fields {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Field> {
        self.list.iter()
    }

    /// The field that begins at an offset.
    pub(crate) fn at(&self, offset: usize) -> Option<&Field> {
        let found = (self.list).binary_search_by_key(&offset, |field| field.offset as usize);
        found.ok().map(|at| &self.list[at])
    }

    /// Where the plain spin lock is.
    pub(crate) fn spin_lock(&self) -> Option<usize> {
        self.find(|kind| *kind == FieldKind::SpinLock)
    }

    /// Where the first field that is wanted begins.
    pub(crate) fn find(&self, wanted: impl Fn(&FieldKind) -> bool) -> Option<usize> {
        let field = self.list.iter().find(|field| wanted(&field.kind))?;
        Some(field.offset as usize)
    }

    /// Writes a value's bytes around the fields.
    pub(crate) fn write(&self, block: &Block, element: usize, bytes: &[u8]) {
        let mut at = 0;
        for field in &self.list {
            block.write(element, at, &bytes[at..field.offset as usize]);
            at = field.end();
        }
        block.write(element, at, &bytes[at..]);
    }

    /// Makes a copy of a value show fields as new: zeroes, and a count of one.
    pub(crate) fn mask(&self, bytes: &mut [u8]) {
        for field in &self.list {
            let part = &mut bytes[field.offset as usize..field.end()];
            part.fill(0);
            if field.kind == FieldKind::Refcount {
                part.copy_from_slice(&1_u32.to_ne_bytes());
            }
        }
    }
}
