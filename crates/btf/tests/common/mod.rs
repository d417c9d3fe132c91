//! BTF made for tests.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part")]

use std::process::Command;

use osmia_btf::{Btf, BtfBuilder, FwdKind, Kind, Linkage, NewMember, SecVar, TypeId};

/// One or more types of every kind.
pub fn every_kind() -> BtfBuilder {
    let mut b = BtfBuilder::new();
    let int = b.int("int", 4, 1);
    let char_ = b.int("char", 1, 2);
    let bool_ = b.int("_Bool", 1, 4);
    let u64_ = b.int("unsigned long", 8, 0);
    let double = b.float("double", 8);
    let size = b.typedef("size_t", u64_);
    let constant = b.const_(char_);
    let text = b.ptr(constant);
    let volatile = b.volatile(int);
    let restrict = b.restrict(text);
    let buffer = b.array(char_, u64_, 16);
    let color = b.enumeration("color", 4, false, &[("RED", 0), ("BLUE", 2)]);
    let wide = b.enumeration64("wide", 8, true, &[("LOW", u64::MAX), ("HIGH", 1 << 40)]);
    let opaque = b.fwd("opaque", FwdKind::Struct);
    let opaque_ptr = b.ptr(opaque);
    let tagged = b.type_tag("user", opaque);
    let tagged_ptr = b.ptr(tagged);
    let inner = b.union(
        "",
        8,
        &[NewMember::new("a", u64_, 0), NewMember::new("b", int, 0)],
    );
    let node = TypeId(b.next_id().0 + 1);
    let node_ptr = b.ptr(node);
    let node = b.structure(
        "node",
        72,
        &[
            NewMember::new("next", node_ptr, 0),
            NewMember::new("", inner, 8),
            NewMember::new("name", buffer, 16),
            NewMember::new("color", color, 32),
            NewMember::bits("low", int, 288, 3),
            NewMember::bits("high", int, 291, 5),
            NewMember::new("ok", bool_, 37),
            NewMember::new("wide", wide, 40),
            NewMember::new("ratio", double, 48),
            NewMember::new("opaque", opaque_ptr, 56),
            NewMember::new("user", tagged_ptr, 64),
        ],
    );
    b.decl_tag("whole", node, None);
    b.decl_tag("part", node, Some(1));
    let proto = b.func_proto(
        int,
        &[("node", node_ptr), ("size", size), ("", TypeId::VOID)],
    );
    b.func("visit", Linkage::Global, proto);
    let proto_ptr = b.ptr(proto);
    let counter = b.var("counter", Linkage::Global, volatile);
    let hook = b.var("hook", Linkage::Static, proto_ptr);
    b.var("label", Linkage::Static, restrict);
    b.datasec(
        ".data",
        16,
        &[
            SecVar {
                var: counter,
                offset: 0,
                size: 4,
            },
            SecVar {
                var: hook,
                offset: 8,
                size: 8,
            },
        ],
    );
    b
}

/// Asks everything of every type.
pub fn visit_everything(btf: &Btf) {
    for ty in btf.types() {
        let _ = format!("{ty:?}");
        let id = ty.id();
        let _ = (btf.size_of(id), btf.align_of(id), btf.resolve(id).kind());
        let _ = (btf.type_tags(id), btf.decl_tags(id, None));
        let _ = btf.find(ty.name(), Kind::Struct);
    }
}

/// The running kernel's BTF, or a printed reason why not.
pub fn kernel_btf() -> Option<Vec<u8>> {
    match std::fs::read("/sys/kernel/btf/vmlinux") {
        Ok(bytes) => Some(bytes),
        Err(error) => {
            osmia_diag::skipped("the running kernel's BTF", error);
            None
        }
    }
}

/// What bpftool prints for these bytes; `None` with a printed reason if it is not there.
pub fn bpftool(bytes: &[u8], options: &[&str]) -> Option<String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let json = options.contains(&"-j");
    let mut command = Command::new("bpftool");
    if json {
        command.arg("-j");
    }
    let output = command
        .args(["btf", "dump", "file"])
        .arg(file.path())
        .args(options.iter().filter(|option| **option != "-j"))
        .output();
    match output {
        Ok(output) => {
            assert!(output.status.success(), "{output:?}");
            Some(String::from_utf8(output.stdout).unwrap())
        }
        Err(error) => {
            osmia_diag::skipped("comparison with bpftool", error);
            None
        }
    }
}

/// Equal line by line; the first that differs is shown.
pub fn assert_same_lines(ours: &str, theirs: &str) {
    for (line, (ours, theirs)) in ours.lines().zip(theirs.lines()).enumerate() {
        assert_eq!(ours, theirs, "line {}", line + 1);
    }
    assert_eq!(ours.lines().count(), theirs.lines().count());
}
