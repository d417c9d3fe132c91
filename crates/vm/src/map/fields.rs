//! Which special fields the values of a map of a kind may have (`map_check_btf` in
//! `kernel/bpf/syscall.c`, 6.18).

use std::sync::Arc;

use osmia_program::{MapFlags, MapKind, MapSpec};

use super::error::BrokenRule;
use crate::fields::{self, FieldKind, Fields, Ownership, VALUE_FIELDS};

/// The special fields of a map's values.
pub(super) fn of(spec: &MapSpec) -> Result<Option<Arc<Fields>>, BrokenRule> {
    let Some((btf, value)) = (spec.btf.as_ref()).and_then(|btf| Some((&btf.btf, btf.value?)))
    else {
        return Ok(None);
    };
    // Fields that contradict each other make no map fail: programs do not get at them.
    let Ok(Some(fields)) = fields::parse(btf, value, VALUE_FIELDS, spec.value_size) else {
        return Ok(None);
    };
    let read_only = MapFlags::RDONLY_PROG | MapFlags::WRONLY_PROG;
    if spec.flags.0 & read_only != 0 {
        return Err(BrokenRule::FieldAccess);
    }
    if let Some(field) = (fields.iter()).find(|field| !allowed(&field.kind, spec.kind)) {
        return Err(BrokenRule::Field {
            field: name(&field.kind),
        });
    }
    Ok(Some(Arc::new(fields)))
}

fn allowed(field: &FieldKind, map: MapKind) -> bool {
    use MapKind::{
        Array, CgroupStorage, CgrpStorage, Hash, InodeStorage, LruHash, LruPercpuHash, PercpuArray,
        PercpuHash, SkStorage, TaskStorage,
    };
    match field {
        FieldKind::SpinLock | FieldKind::ResSpinLock => matches!(
            map,
            Hash | Array | CgroupStorage | SkStorage | InodeStorage | TaskStorage | CgrpStorage
        ),
        FieldKind::Timer
        | FieldKind::Work
        | FieldKind::TaskWork
        | FieldKind::List(_)
        | FieldKind::Tree(_) => matches!(map, Hash | LruHash | Array),
        FieldKind::Kptr(kptr) if kptr.ownership == Ownership::User => map == TaskStorage,
        FieldKind::Kptr(_) | FieldKind::Refcount => matches!(
            map,
            Hash | PercpuHash
                | LruHash
                | LruPercpuHash
                | Array
                | PercpuArray
                | SkStorage
                | InodeStorage
                | TaskStorage
                | CgrpStorage
        ),
        FieldKind::ListNode | FieldKind::TreeNode => false,
    }
}

fn name(field: &FieldKind) -> &'static str {
    match field {
        FieldKind::SpinLock => "a bpf_spin_lock",
        FieldKind::ResSpinLock => "a bpf_res_spin_lock",
        FieldKind::Timer => "a bpf_timer",
        FieldKind::Work => "a bpf_wq",
        FieldKind::TaskWork => "a bpf_task_work",
        FieldKind::Kptr(_) => "a pointer to an object",
        FieldKind::List(_) => "a bpf_list_head",
        FieldKind::Tree(_) => "a bpf_rb_root",
        FieldKind::ListNode => "a bpf_list_node",
        FieldKind::TreeNode => "a bpf_rb_node",
        FieldKind::Refcount => "a bpf_refcount",
    }
}
