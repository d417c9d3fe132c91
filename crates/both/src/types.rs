//! The kernel's types as cases need them: functions and tracepoints that only test runs reach, and
//! iterators. The user-space host has these instead of the running kernel's, so that answers do not
//! depend on the machine.

use std::sync::{Arc, LazyLock};

use osmia_btf::{Btf, BtfBuilder, Endian, Linkage, NewMember, TypeId};

/// The types.
pub(crate) fn described() -> Arc<Btf> {
    static TYPES: LazyLock<Arc<Btf>> = LazyLock::new(|| {
        let types = build().build(Endian::NATIVE);
        Arc::new(types.expect("types that fit together"))
    });
    Arc::clone(&TYPES)
}

/// Iterators and the members of their contexts behind `meta`.
const ITERATORS: &[(&str, &[&str])] = &[
    ("bpf_map_elem", &["map", "key", "value"]),
    ("bpf_map", &["map"]),
    ("bpf_prog", &["prog"]),
    ("bpf_link", &["link"]),
    ("task", &["task"]),
    ("cgroup", &["cgroup"]),
];

fn build() -> BtfBuilder {
    let mut types = BtfBuilder::new();
    let int = types.int("int", 4, SIGNED);
    let long = types.int("unsigned long long", 8, 0);
    let void = types.ptr(TypeId(0));
    let pointer = types.ptr(int);
    function(&mut types, "bpf_fentry_test1", int, &[("a", int)]);
    function(
        &mut types,
        "bpf_fentry_test2",
        int,
        &[("a", int), ("b", long)],
    );
    let arguments = [("a", int), ("b", pointer)];
    function(&mut types, "bpf_modify_return_test", int, &arguments);
    // The first argument is the registered function's own data.
    let handler = types.func_proto(TypeId(0), &[("__data", void), ("err", pointer)]);
    let handler = types.ptr(handler);
    types.typedef("btf_trace_bpf_test_finish", handler);
    let file = types.structure("seq_file", 8, &[NewMember::new("private", void, 0)]);
    let file = types.ptr(file);
    let meta = [
        NewMember::new("seq", file, 0),
        NewMember::new("session_id", long, 8),
        NewMember::new("seq_num", long, 16),
    ];
    let meta = types.structure("bpf_iter_meta", 24, &meta);
    let meta = types.ptr(meta);
    types.structure("task_struct", 8, &[NewMember::new("stack", void, 0)]);
    for (target, objects) in ITERATORS {
        let mut members = vec![NewMember::new("meta", meta, 0)];
        let mut parameters = vec![("meta", meta)];
        for (offset, object) in (8..).step_by(8).zip(*objects) {
            members.push(NewMember::new(object, void, offset));
            parameters.push((object, void));
        }
        let bytes = 8 * members.len() as u32;
        types.structure(&format!("bpf_iter__{target}"), bytes, &members);
        function(&mut types, &format!("bpf_iter_{target}"), int, &parameters);
    }
    types
}

/// `BTF_INT_SIGNED`.
const SIGNED: u8 = 1;

fn function(types: &mut BtfBuilder, name: &str, result: TypeId, parameters: &[(&str, TypeId)]) {
    let proto = types.func_proto(result, parameters);
    types.func(name, Linkage::Static, proto);
}
