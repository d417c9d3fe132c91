//! The layouts of `union bpf_attr` and the info structures against the running kernel's own BTF.

use std::collections::BTreeMap;

use osmia_btf::{Btf, Kind, TypeId};
use osmia_program::attr::{
    ATTR_BYTES, AttrField, BTF_INFO, Command, LINK_INFO, MAP_INFO, PROG_INFO, layout,
};

/// Every field inside of a structure or union by its path: where it starts, and its bytes.
fn leaves(btf: &Btf, id: TypeId) -> BTreeMap<String, (usize, usize)> {
    let mut found = BTreeMap::new();
    collect(btf, id, "", 0, &mut found);
    found
}

fn collect(
    btf: &Btf,
    id: TypeId,
    prefix: &str,
    base: usize,
    found: &mut BTreeMap<String, (usize, usize)>,
) {
    let composite = btf.resolve(id).composite().expect("a structure");
    for member in composite.members() {
        let start = base + member.bit_offset as usize / 8;
        let path = match (prefix, member.name) {
            ("", name) => name.to_owned(),
            (prefix, "") => prefix.to_owned(),
            (prefix, name) => format!("{prefix}.{name}"),
        };
        if btf.resolve(member.ty).composite().is_some() {
            collect(btf, member.ty, &path, start, found);
        } else {
            let bytes = btf.size_of(member.ty).expect("a sized field") as usize;
            found.insert(path, (start, bytes));
        }
    }
}

fn ours<'a>(
    part: &str,
    fields: &'a [AttrField],
) -> impl Iterator<Item = (String, (usize, usize))> + use<'a> {
    let prefix = match part {
        "" => String::new(),
        part => format!("{part}."),
    };
    fields.iter().map(move |field| {
        let place = (field.offset, field.bytes);
        (format!("{prefix}{}", field.name), place)
    })
}

fn kernel_btf() -> Option<Btf> {
    let path = "/sys/kernel/btf/vmlinux";
    match std::fs::read(path) {
        Ok(bytes) => Some(Btf::parse(bytes, None).expect("the kernel's BTF is valid")),
        Err(_) => {
            osmia_diag::skipped(
                "comparison with the running kernel's bpf_attr",
                format!("{path} cannot be read"),
            );
            None
        }
    }
}

#[test]
fn attributes_lie_where_the_running_kernel_has_them() {
    let Some(btf) = kernel_btf() else { return };
    let union = btf.find("bpf_attr", Kind::Union).expect("bpf_attr");
    let kernel = leaves(&btf, union);
    let mut known = BTreeMap::new();
    for command in Command::ALL {
        let layout = layout(*command);
        known.extend(ours(layout.part, layout.fields));
    }
    assert_eq!(known, kernel);
    assert_eq!(btf.size_of(union), Some(ATTR_BYTES as u64));

    let commands = btf.find("bpf_cmd", Kind::Enum).expect("bpf_cmd");
    let commands = btf.type_at(commands).enumeration().expect("an enumeration");
    for enumerator in commands.enumerators() {
        // One command has two names, the last is a count.
        let name = enumerator.name.replace("PROG_RUN", "PROG_TEST_RUN");
        if !name.starts_with("__") {
            let command = Command::from_name(&name);
            let number = command.map(|command| i128::from(command.number()));
            assert_eq!(number, Some(enumerator.value()), "{name}");
        }
    }
}

#[test]
fn infos_lie_where_the_running_kernel_has_them() {
    let Some(btf) = kernel_btf() else { return };
    for info in [&PROG_INFO, &MAP_INFO, &BTF_INFO, &LINK_INFO] {
        let id = btf.find(info.name, Kind::Struct).expect(info.name);
        let known: BTreeMap<_, _> = ours("", info.fields).collect();
        assert_eq!(known, leaves(&btf, id), "{}", info.name);
        assert_eq!(btf.size_of(id), Some(info.bytes as u64), "{}", info.name);
    }
}
