//! Our ABI enumerations against an outsider: the running kernel's own BTF.

use osmia_btf::{Btf, Kind};
use osmia_program::{AttachKind, MapKind, ProgramKind};

/// The kernel's enumerators of one enumeration, sentinels and later aliases left out.
fn kernel_values(btf: &Btf, name: &str) -> Vec<(String, i128)> {
    let id = btf
        .find(name, Kind::Enum)
        .unwrap_or_else(|| panic!("enum {name} in vmlinux"));
    let enumeration = btf.type_at(id).enumeration().expect("an enumeration");
    let mut values: Vec<(String, i128)> = Vec::new();
    for enumerator in enumeration.enumerators() {
        let text = enumerator.name.to_owned();
        let taken = values.iter().any(|(_, value)| *value == enumerator.value());
        if !text.starts_with("__") && !taken {
            values.push((text, enumerator.value()));
        }
    }
    values
}

/// Every value the kernel has is ours, under the same number and name.
fn compare(btf: &Btf, kernel: &str, lookup: impl Fn(&str) -> Option<u32>) {
    for (name, value) in kernel_values(btf, kernel) {
        // The kernel renamed the two deprecated cgroup storages.
        let name = name.replace("_STORAGE_DEPRECATED", "_STORAGE");
        assert_eq!(
            lookup(&name).map(i128::from),
            Some(value),
            "{kernel} {name}"
        );
    }
}

#[test]
fn numbers_and_names_are_the_running_kernels() {
    let path = "/sys/kernel/btf/vmlinux";
    let Ok(bytes) = std::fs::read(path) else {
        osmia_diag::skipped(
            "comparison with the running kernel's enumerations",
            format!("{path} cannot be read"),
        );
        return;
    };
    let btf = Btf::parse(bytes, None).expect("the kernel's BTF is valid");
    compare(&btf, "bpf_prog_type", |name| {
        ProgramKind::from_name(name).map(ProgramKind::number)
    });
    compare(&btf, "bpf_map_type", |name| {
        MapKind::from_name(name).map(MapKind::number)
    });
    compare(&btf, "bpf_attach_type", |name| {
        AttachKind::from_name(name).map(AttachKind::number)
    });
}

#[test]
fn every_name_and_number_leads_back() {
    for kind in ProgramKind::ALL {
        assert_eq!(ProgramKind::from_name(kind.name()), Some(*kind));
        assert_eq!(ProgramKind::from_number(kind.number()), Some(*kind));
    }
    for kind in MapKind::ALL {
        assert_eq!(MapKind::from_name(kind.name()), Some(*kind));
        assert_eq!(MapKind::from_number(kind.number()), Some(*kind));
    }
    for kind in AttachKind::ALL {
        assert_eq!(AttachKind::from_name(kind.name()), Some(*kind));
        assert_eq!(AttachKind::from_number(kind.number()), Some(*kind));
    }
}
