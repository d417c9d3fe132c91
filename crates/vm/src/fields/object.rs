//! Objects that programs make (`bpf_obj_new`): their type, and how many hold one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use osmia_btf::{Body, Btf, TypeId};

use super::{Field, FieldKind, Fields, OBJECT_FIELDS, parse};

/// A structure of a program that objects are made of.
#[derive(Debug)]
pub struct ObjectType {
    pub(crate) name: Arc<str>,
    pub(crate) bytes: usize,
    pub(crate) fields: Option<Arc<Fields>>,
}

impl ObjectType {
    /// The structure of this id; `None` if it is none, or its fields are unusable.
    pub(crate) fn of(btf: &Btf, id: TypeId) -> Option<Self> {
        let ty = btf.ty(id)?;
        let Body::Struct(composite) = ty.body() else {
            return None;
        };
        let fields = parse(btf, id, OBJECT_FIELDS, composite.size).ok()?;
        Some(Self {
            name: Arc::from(ty.name()),
            bytes: composite.size as usize,
            fields: fields.map(Arc::new),
        })
    }

    /// True if more than one may hold an object of it.
    pub(crate) fn is_counted(&self) -> bool {
        let counted = |field: &Field| field.kind == FieldKind::Refcount;
        self.fields
            .as_ref()
            .is_some_and(|fields| fields.iter().any(counted))
    }
}

/// What an object of a program stands for.
#[derive(Debug)]
pub(crate) struct Allocated {
    pub(crate) ty: Arc<ObjectType>,
    /// Bytes from one CPU's to the next, if every CPU has one.
    pub(crate) per_cpu: Option<usize>,
    /// How many hold it.
    count: AtomicU32,
}

impl Allocated {
    /// Held once.
    pub(crate) fn new(ty: Arc<ObjectType>, per_cpu: Option<usize>) -> Self {
        Self {
            ty,
            per_cpu,
            count: AtomicU32::new(1),
        }
    }

    /// One more holds it; false if nobody does any more.
    pub(crate) fn acquire(&self) -> bool {
        let more = |count: u32| (count != 0).then(|| count.saturating_add(1));
        self.count.fetch_update(SeqCst, SeqCst, more).is_ok()
    }

    /// One less holds it; true if that was the last.
    pub(crate) fn release(&self) -> bool {
        let fewer = |count: u32| count.checked_sub(1);
        self.count.fetch_update(SeqCst, SeqCst, fewer) == Ok(1)
    }
}
