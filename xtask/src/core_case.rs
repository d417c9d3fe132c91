//! Writes the CO-RE bench program: 500 field reads over the kernel's largest structures.
//!
//! The names come from this machine's kernel; the C text carries minimal types of its own, so it
//! compiles anywhere and its relocations resolve against any kernel that has the fields.

use std::fmt::Write as _;

use osmia_btf::{Body, Btf, Kind, TypeId};

use crate::Verdict;
use crate::place::{self, Error};

const RECORDS: usize = 500;
/// Most fields read of one structure, so that many structures are searched for.
const FIELDS_OF_ONE: usize = 40;
const STRUCTURES: [&str; 18] = [
    "task_struct",
    "mm_struct",
    "signal_struct",
    "files_struct",
    "file",
    "inode",
    "dentry",
    "super_block",
    "vm_area_struct",
    "cred",
    "sock",
    "tcp_sock",
    "sk_buff",
    "net_device",
    "net",
    "cgroup",
    "pid_namespace",
    "module",
];

pub(crate) fn run() -> Result<Verdict, Error> {
    let btf = Btf::parse(std::fs::read("/sys/kernel/btf/vmlinux")?, None)?;
    let (mut types, mut reads, mut count) = (String::new(), String::new(), 0);
    for name in STRUCTURES {
        if count == RECORDS {
            break;
        }
        let mut of_this = 0;
        let Some(id) = btf.find(name, Kind::Struct) else {
            continue;
        };
        let Some(composite) = btf.ty(id).and_then(|ty| ty.composite()) else {
            continue;
        };
        let mut fields = String::new();
        writeln!(
            reads,
            "\t{{\n\t\tstruct {name} *p = (void *)ctx->args[0];\n"
        )?;
        for member in composite.members().filter(|member| !member.name.is_empty()) {
            if count == RECORDS || of_this == FIELDS_OF_ONE || btf.bitfield_bits(&member) != 0 {
                continue;
            }
            let Some(declared) = declaration(&btf, member.ty, member.name) else {
                continue;
            };
            writeln!(fields, "\t{declared};")?;
            writeln!(reads, "\t\tREAD({});", member.name)?;
            (count, of_this) = (count + 1, of_this + 1);
        }
        writeln!(reads, "\t}}")?;
        writeln!(types, "struct {name} {{\n{fields}}} shaped_by_target;\n")?;
    }
    let text = format!(
        "// SPDX-License-Identifier: MIT OR Apache-2.0\n\
         // {count} CO-RE field reads over the kernel's largest structures.\n\
         // Written by `cargo xtask core-case`; the types are minimal on purpose.\n\
         #include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n\n\
         #define shaped_by_target __attribute__((preserve_access_index))\n\
         #define READ(field) \\\n\
         \t(bpf_probe_read_kernel(&value, sizeof(value), &p->field), total += value)\n\n\
         {types}__u64 total = 0;\n\n\
         SEC(\"raw_tp/sched_switch\")\nint read_all(struct bpf_raw_tracepoint_args *ctx)\n{{\n\
         \t__u64 value = 0;\n\n{reads}\treturn 0;\n}}\n\n\
         char LICENSE[] SEC(\"license\") = \"Dual MIT/GPL\";\n"
    );
    let path = place::root().join("crates/benches/programs/core500.bpf.c");
    std::fs::write(&path, text)?;
    println!("wrote {} with {count} reads", path.display());
    Ok(if count == RECORDS {
        Verdict::Holds
    } else {
        Verdict::Fails
    })
}

/// The least that is compatible with a field of this type, or nothing if that is not simple.
fn declaration(btf: &Btf, ty: TypeId, name: &str) -> Option<String> {
    Some(match btf.resolve(ty).body() {
        Body::Int(_) => format!("int {name}"),
        Body::Ptr(_) => format!("void *{name}"),
        Body::Struct(_) | Body::Union(_) => format!("struct {{ int only; }} {name}"),
        Body::Array(array) => match btf.resolve(array.element).body() {
            Body::Int(_) => format!("int {name}[1]"),
            Body::Ptr(_) => format!("void *{name}[1]"),
            _ => return None,
        },
        _ => return None,
    })
}
