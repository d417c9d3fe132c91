//! Letting go: of what fields hold, and of objects that nobody holds any more.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use super::{Allocated, FieldKind, Fields, Ownership};
use crate::map::Runs;
use crate::memory::Block;

/// What an object that belongs to a run, and to nobody else, stands for: objects it gives out one
/// after the other, if any.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    items: Vec<u64>,
    given: AtomicUsize,
    /// The items were made for it and go with it.
    owns_items: bool,
}

impl Scratch {
    /// Of these objects, which are others'.
    pub(crate) fn listing(items: Vec<u64>) -> Self {
        Self {
            items,
            ..Self::default()
        }
    }

    /// Of these objects, which are its own.
    pub(crate) fn owning(items: Vec<u64>) -> Self {
        Self {
            items,
            owns_items: true,
            ..Self::default()
        }
    }

    /// The next of its objects.
    pub(crate) fn next(&self) -> Option<u64> {
        self.items.get(self.given.fetch_add(1, SeqCst)).copied()
    }
}

/// Empties the fields of a value (`bpf_obj_free_fields`): cancels what is to run later, drops pointers
/// and what lists and trees hold.
pub(crate) fn free_fields(runs: &Runs, fields: &Fields, block: &Block, element: usize) {
    let mut given_up = Vec::new();
    empty(runs, fields, block, element, 0, &mut given_up);
    release_all(runs, given_up);
}

/// Gives a reference to an object up. Objects of the kernel are their makers' to free.
pub(crate) fn release(runs: &Runs, address: u64) {
    release_all(runs, vec![address]);
}

/// One after the other, as objects may hold objects in chains of any length.
fn release_all(runs: &Runs, mut given_up: Vec<u64>) {
    while let Some(address) = given_up.pop() {
        let Some(object) = runs.heap().object(address) else {
            continue;
        };
        if let Some(scratch) = object.payload::<Scratch>() {
            for item in scratch.items.iter().filter(|_| scratch.owns_items) {
                runs.heap().free(runs, *item);
            }
            runs.heap().free(runs, address);
            continue;
        }
        let Some(allocated) = object.payload::<Allocated>() else {
            continue;
        };
        if allocated.release() {
            if let Some(fields) = &allocated.ty.fields {
                let (block, element) = object.cell();
                empty(runs, fields, block, element, 0, &mut given_up);
            }
            runs.heap().free(runs, address);
        }
    }
}

fn empty(
    runs: &Runs,
    fields: &Fields,
    block: &Block,
    element: usize,
    base: usize,
    given_up: &mut Vec<u64>,
) {
    let words = block.words(element);
    for field in fields.iter() {
        // Such fields are aligned, and their first word is all there is.
        let word = &words[(base + field.offset as usize) / 8];
        match &field.kind {
            FieldKind::Timer | FieldKind::Work | FieldKind::TaskWork => {
                runs.deferred().forget(word.swap(0, SeqCst));
            }
            FieldKind::Kptr(kptr) => {
                let held = word.swap(0, SeqCst);
                if matches!(kptr.ownership, Ownership::Reference | Ownership::PerCpu) && held != 0 {
                    given_up.push(held);
                }
            }
            FieldKind::List(root) | FieldKind::Tree(root) => {
                let nodes = runs.graphs().dissolve(word.swap(0, SeqCst));
                let offset = u64::from(root.node_offset);
                given_up.extend(nodes.map(|node| node.wrapping_sub(offset)));
            }
            FieldKind::SpinLock
            | FieldKind::ResSpinLock
            | FieldKind::ListNode
            | FieldKind::TreeNode
            | FieldKind::Refcount => {}
        }
    }
}
