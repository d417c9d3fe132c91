//! Our context structures against an outsider: the running kernel's own BTF.

use osmia_btf::{Btf, Kind, TypeId};
use osmia_program::context::{ContextLayout, LAYOUTS};

/// A member of a structure, those of unnamed structures and unions inside it included.
struct Member {
    name: String,
    offset: u64,
    bytes: u64,
}

fn members(btf: &Btf, id: TypeId, base: u64, out: &mut Vec<Member>) {
    let structure = btf.resolve(id).composite().expect("a structure");
    for member in structure.members() {
        let offset = base + u64::from(member.bit_offset) / 8;
        if member.name.is_empty() {
            members(btf, member.ty, offset, out);
        } else {
            out.push(Member {
                name: member.name.to_owned(),
                offset,
                bytes: btf.size_of(member.ty).expect("a size"),
            });
        }
    }
}

/// Names that share their place with one of ours, by structure.
const UNIONS: &[(&str, &str)] = &[
    ("bpf_sock_ops", "args"),
    ("bpf_sock_ops", "replylong"),
    ("bpf_sk_lookup", "cookie"),
    ("pt_regs", "csx"),
    ("pt_regs", "fred_cs"),
    ("pt_regs", "ssx"),
    ("pt_regs", "fred_ss"),
];

/// Fields with more bytes than the member, and why.
const PADDED: &[(&str, &str)] = &[
    // Padding can be read with it.
    ("bpf_sk_lookup", "remote_port"),
    // Two bytes of eight, since FRED.
    ("pt_regs", "cs"),
    ("pt_regs", "ss"),
];

fn compare(btf: &Btf, layout: &ContextLayout) {
    let Some(id) = btf.find(layout.name, Kind::Struct) else {
        osmia_diag::skipped("a context's layout", format!("no struct {}", layout.name));
        return;
    };
    assert_eq!(
        btf.size_of(id),
        Some(u64::from(layout.bytes)),
        "{}",
        layout.name
    );
    let mut theirs = Vec::new();
    members(btf, id, 0, &mut theirs);
    for their in &theirs {
        let place = (layout.name, their.name.as_str());
        let label = format!("{}.{}", layout.name, their.name);
        let Some(our) = layout.field(&their.name) else {
            assert!(UNIONS.contains(&place), "{label} is not described");
            continue;
        };
        assert_eq!(u64::from(our.offset), their.offset, "{label}");
        let bytes = u64::from(our.bytes * our.count);
        if PADDED.contains(&place) {
            assert!(bytes > their.bytes, "{label}");
        } else {
            assert_eq!(bytes, their.bytes, "{label}");
        }
    }
    for our in layout.fields {
        let element = our.name.split('[').next().unwrap_or(our.name);
        let known = theirs.iter().any(|their| their.name == element);
        assert!(known, "{}.{} is not the kernel's", layout.name, our.name);
    }
}

#[test]
fn layouts_are_the_running_kernels() {
    let path = "/sys/kernel/btf/vmlinux";
    let Ok(bytes) = std::fs::read(path) else {
        osmia_diag::skipped(
            "comparison with the running kernel's structures",
            format!("{path} cannot be read"),
        );
        return;
    };
    let btf = Btf::parse(bytes, None).expect("the kernel's BTF is valid");
    for layout in LAYOUTS {
        // The one context without a structure; registers are those of one architecture.
        let unnamed = layout.name.contains(' ');
        let foreign = layout.name.contains("regs") && !cfg!(target_arch = "x86_64");
        if !unnamed && !foreign {
            compare(&btf, layout);
        }
    }
}
