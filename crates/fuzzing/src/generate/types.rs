//! Types that made-up programs need: of a small kernel, and of a value with a lock.

use std::sync::{Arc, LazyLock};

use osmia_btf::{Btf, BtfBuilder, Linkage, NewMember, TypeId};
use osmia_isa::Endian;

use super::LOCK_OFFSET;

/// A kernel that has the functions made-up programs call.
pub(crate) fn kernel() -> Arc<Btf> {
    static KERNEL: LazyLock<Arc<Btf>> = LazyLock::new(|| {
        let mut types = BtfBuilder::new();
        let int = types.int("int", 4, 1);
        let long = types.int("unsigned long", 8, 0);
        let void = TypeId::VOID;
        let (to_void, to_int) = (types.ptr(void), types.ptr(int));
        let number = [NewMember::new("opaque", long, 0)];
        let iterator = types.structure("bpf_iter_num", 8, &number);
        let to_iterator = types.ptr(iterator);
        let words = [
            NewMember::new("first", long, 0),
            NewMember::new("second", long, 8),
        ];
        let dynptr = types.structure("bpf_dynptr", 16, &words);
        let to_dynptr = types.ptr(dynptr);
        let mut function = |name: &str, result: TypeId, params: &[(&str, TypeId)]| {
            let proto = types.func_proto(result, params);
            types.func(name, Linkage::Static, proto);
        };
        let bounds = [("it", to_iterator), ("start", int), ("end", int)];
        function("bpf_iter_num_new", int, &bounds);
        function("bpf_iter_num_next", to_int, &[("it", to_iterator)]);
        function("bpf_iter_num_destroy", void, &[("it", to_iterator)]);
        let slice = [
            ("p", to_dynptr),
            ("offset", int),
            ("buffer__opt", to_void),
            ("buffer__szk", int),
        ];
        function("bpf_dynptr_slice_rdwr", to_void, &slice);
        Arc::new(types.build(Endian::NATIVE).expect("well-formed types"))
    });
    Arc::clone(&KERNEL)
}

/// A value with a lock at [`LOCK_OFFSET`].
pub(super) fn locked() -> (Arc<Btf>, TypeId) {
    static LOCKED: LazyLock<(Arc<Btf>, TypeId)> = LazyLock::new(|| {
        let mut types = BtfBuilder::new();
        let int = types.int("int", 4, 1);
        let long = types.int("unsigned long", 8, 0);
        let lock = [NewMember::new("val", int, 0)];
        let lock = types.structure("bpf_spin_lock", 4, &lock);
        let words = types.array(long, int, (LOCK_OFFSET / 8) as u32);
        let members = [
            NewMember::new("words", words, 0),
            NewMember::new("lock", lock, LOCK_OFFSET as u32),
        ];
        let value = types.structure("value", LOCK_OFFSET as u32 + 8, &members);
        let types = types.build(Endian::NATIVE).expect("well-formed types");
        (Arc::new(types), value)
    });
    LOCKED.clone()
}
