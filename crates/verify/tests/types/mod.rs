//! Types of a small kernel, and of a program, for tests: what prototypes and structures say, nothing
//! more.

use std::sync::Arc;

use osmia_btf::{Btf, BtfBuilder, Linkage, NewMember, TypeId};
use osmia_isa::Endian;

/// A kernel with tasks, iterators, dynptrs and the functions for them.
pub(super) fn kernel() -> Arc<Btf> {
    let mut types = BtfBuilder::new();
    let int = types.int("int", 4, 1);
    let long = types.int("unsigned long", 8, 0);
    let void = TypeId::VOID;
    let to_void = types.ptr(void);

    // A task names its parent, which is safe under RCU, and whom it woke last, which is not.
    let task_id = TypeId(types.next_id().0 + 1);
    let to_task = types.ptr(task_id);
    let members = [
        NewMember::new("pid", int, 0),
        NewMember::new("real_parent", to_task, 8),
        NewMember::new("last_wakee", to_task, 16),
    ];
    assert_eq!(types.structure("task_struct", 24, &members), task_id);
    let safe = [NewMember::new("real_parent", to_task, 0)];
    types.structure("task_struct__safe_rcu", 8, &safe);

    let number = [NewMember::new("opaque", long, 0)];
    let iter_num = types.structure("bpf_iter_num", 8, &number);
    let to_iter_num = types.ptr(iter_num);
    let words = [
        NewMember::new("first", long, 0),
        NewMember::new("second", long, 8),
    ];
    let dynptr = types.structure("bpf_dynptr", 16, &words);
    let to_dynptr = types.ptr(dynptr);
    let skb = types.structure("__sk_buff", 4, &[NewMember::new("len", int, 0)]);
    let to_skb = types.ptr(skb);
    let to_long = types.ptr(long);
    let to_int = types.ptr(int);

    let mut function = |name: &str, result: TypeId, params: &[(&str, TypeId)]| {
        let proto = types.func_proto(result, params);
        types.func(name, Linkage::Static, proto);
    };
    function("bpf_task_from_pid", to_task, &[("pid", int)]);
    function("bpf_task_acquire", to_task, &[("p", to_task)]);
    function("bpf_task_release", void, &[("p", to_task)]);
    for name in [
        "bpf_rcu_read_lock",
        "bpf_rcu_read_unlock",
        "bpf_preempt_disable",
        "bpf_preempt_enable",
    ] {
        function(name, void, &[]);
    }
    function("bpf_local_irq_save", void, &[("flags__irq_flag", to_long)]);
    function(
        "bpf_local_irq_restore",
        void,
        &[("flags__irq_flag", to_long)],
    );
    let bounds = [("it", to_iter_num), ("start", int), ("end", int)];
    function("bpf_iter_num_new", int, &bounds);
    function("bpf_iter_num_next", to_int, &[("it", to_iter_num)]);
    function("bpf_iter_num_destroy", void, &[("it", to_iter_num)]);
    let made = [("s", to_skb), ("flags", long), ("ptr__uninit", to_dynptr)];
    function("bpf_dynptr_from_skb", int, &made);
    let slice = [
        ("p", to_dynptr),
        ("offset", int),
        ("buffer__opt", to_void),
        ("buffer__szk", int),
    ];
    function("bpf_dynptr_slice", to_void, &slice);
    let clone = [("p", to_dynptr), ("clone__uninit", to_dynptr)];
    function("bpf_dynptr_clone", int, &clone);
    function("bpf_throw", void, &[("cookie", long)]);
    let new = [("local_type_id__k", long), ("meta__ign", to_void)];
    function("bpf_obj_new_impl", to_void, &new);
    let object = [("p__alloc", to_void), ("meta__ign", to_void)];
    function("bpf_obj_drop_impl", void, &object);

    // Tracepoints: one whose task is there, and one whose second task may be missing.
    for name in ["btf_trace_sched_switch", "btf_trace_sched_pi_setprio"] {
        let params = [("__data", to_void), ("one", to_task), ("other", to_task)];
        let proto = types.func_proto(void, &params);
        let to_proto = types.ptr(proto);
        types.typedef(name, to_proto);
    }
    attached(&mut types, int, to_void, to_task);
    Arc::new(types.build(Endian::NATIVE).expect("well-formed types"))
}

/// What programs are attached to: functions, security hooks, an iterator and two tables of operations.
fn attached(types: &mut BtfBuilder, int: TypeId, to_void: TypeId, to_task: TypeId) {
    let void = TypeId::VOID;
    let words = [NewMember::new("word", int, 0)];
    let large = types.structure("large", 24, &words);
    type Parameters<'a> = &'a [(&'a str, TypeId)];
    let functions: &[(&str, TypeId, Parameters<'_>)] = &[
        ("wake_up_new_task", void, &[("p", to_task)]),
        ("security_task_alloc", int, &[("task", to_task)]),
        ("__x64_sys_getpid", int, &[]),
        ("do_exit", void, &[("code", int)]),
        ("migrate_disable", void, &[]),
        ("printk", int, &[("fmt", to_void), ("", void)]),
        ("takes_large", int, &[("one", large)]),
        ("bpf_lsm_task_alloc", int, &[("task", to_task)]),
        ("bpf_lsm_task_free", void, &[("task", to_task)]),
        ("bpf_lsm_inode_xattr_skipcap", int, &[("name", to_void)]),
        ("bpf_lsm_setprocattr", int, &[("name", to_void)]),
        ("bpf_lsm_init", int, &[]),
        (
            "bpf_iter_task",
            int,
            &[("meta", to_void), ("task", to_task)],
        ),
        (
            "Qdisc_ops__enqueue",
            int,
            &[("skb__ref", to_task), ("sch", to_void)],
        ),
        ("Qdisc_ops__dequeue", to_task, &[("sch", to_void)]),
    ];
    for (name, result, params) in functions {
        let proto = types.func_proto(*result, params);
        types.func(name, Linkage::Static, proto);
    }
    types.structure("bpf_iter__task", 8, &[NewMember::new("meta", to_void, 0)]);
    let enqueue = types.func_proto(int, &[("skb", to_task), ("sch", to_void)]);
    let dequeue = types.func_proto(to_task, &[("sch", to_void)]);
    let (enqueue, dequeue) = (types.ptr(enqueue), types.ptr(dequeue));
    let members = [
        NewMember::new("id", int, 0),
        NewMember::new("enqueue", enqueue, 8),
        NewMember::new("dequeue", dequeue, 16),
        NewMember::new("peek", dequeue, 24),
    ];
    types.structure("Qdisc_ops", 32, &members);
    types.structure("bpf_struct_ops_Qdisc_ops", 8, &words);
    types.structure("file_operations", 32, &members);
    let tested = types.func_proto(int, &[("state", to_void)]);
    let tested = types.ptr(tested);
    let members = [NewMember::new("test_1", tested, 0)];
    types.structure("bpf_dummy_ops", 8, &members);
    types.structure("bpf_struct_ops_bpf_dummy_ops", 8, &words);
}

/// The types of a program: number 2 is a structure of two numbers of eight bytes.
pub(super) fn program() -> Arc<Btf> {
    let mut types = BtfBuilder::new();
    let long = types.int("unsigned long", 8, 0);
    let members = [NewMember::new("a", long, 0), NewMember::new("b", long, 8)];
    assert_eq!(types.structure("pair", 16, &members), TypeId(2));
    Arc::new(types.build(Endian::NATIVE).expect("well-formed types"))
}
