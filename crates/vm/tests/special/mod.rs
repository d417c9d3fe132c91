//! Types with special fields, from a line each.
//!
//! `leaf 48 node=bpf_list_node@8` is a structure of 48 bytes that objects are made of; a map's value
//! is the same without a name. A field is `NAME=TYPE@OFFSET`, where the type is a structure of the
//! kernel, `list:leaf:node` or `tree:leaf:node` for what consists of nodes, or `kptr:leaf`.

use std::sync::Arc;

use osmia_btf::{Btf, BtfBuilder, Endian, Int, NewMember, TypeId};

const STRUCTURES: [(&str, u32); 10] = [
    ("bpf_spin_lock", 4),
    ("bpf_res_spin_lock", 4),
    ("bpf_timer", 16),
    ("bpf_wq", 16),
    ("bpf_task_work", 8),
    ("bpf_list_head", 16),
    ("bpf_list_node", 24),
    ("bpf_rb_root", 16),
    ("bpf_rb_node", 32),
    ("bpf_refcount", 4),
];

/// The number of the first object's structure.
pub(crate) const FIRST_OBJECT: u32 = 12;

/// The types of a case: those of objects, then those of the values of maps.
pub(crate) struct Types {
    pub(crate) btf: Arc<Btf>,
    pub(crate) values: Vec<TypeId>,
}

/// Builds structures of objects, numbered from [`FIRST_OBJECT`], and of values.
pub(crate) fn types(objects: &[String], values: &[(u32, String)]) -> Types {
    let mut builder = BtfBuilder::new();
    builder.int("int", 4, Int::SIGNED);
    for (name, bytes) in STRUCTURES {
        builder.structure(name, bytes, &[]);
    }
    assert_eq!(builder.next_id(), TypeId(FIRST_OBJECT));
    // Objects may point to objects, so pointers come after all of them.
    let count = objects.len() as u32;
    let pointer = |at: u32| TypeId(FIRST_OBJECT + count + 2 * at + 1);
    let named: Vec<&str> = (objects.iter())
        .map(|line| line.split_whitespace().next().expect("a name"))
        .collect();
    let find = |name: &str| named.iter().position(|known| *known == name);
    let mut tags = Vec::new();
    for line in objects {
        let (name, rest) = line.split_once(' ').expect("name, bytes");
        let (bytes, fields) = rest.split_once(' ').unwrap_or((rest, ""));
        let holder = builder.next_id();
        let members = members(fields, &find, &pointer, holder, &mut tags);
        builder.structure(name, bytes.parse().expect("bytes"), &members);
    }
    for at in 0..count {
        let tag = builder.type_tag("kptr", TypeId(FIRST_OBJECT + at));
        assert_eq!(builder.ptr(tag), pointer(at));
    }
    let mut made = Vec::new();
    for (bytes, fields) in values {
        let holder = builder.next_id();
        let members = members(fields, &find, &pointer, holder, &mut tags);
        made.push(builder.structure("value", *bytes, &members));
    }
    for (tag, holder, component) in tags {
        builder.decl_tag(&tag, holder, Some(component));
    }
    Types {
        btf: Arc::new(builder.build(Endian::NATIVE).expect("right types")),
        values: made,
    }
}

fn members<'t>(
    fields: &'t str,
    find: &dyn Fn(&str) -> Option<usize>,
    pointer: &dyn Fn(u32) -> TypeId,
    holder: TypeId,
    tags: &mut Vec<(String, TypeId, u32)>,
) -> Vec<NewMember<'t>> {
    let structure = |name: &str| {
        let at = STRUCTURES.iter().position(|(known, _)| *known == name);
        TypeId(at.expect("a structure of the kernel") as u32 + 2)
    };
    let member = |(component, field): (usize, &'t str)| {
        let (name, rest) = field.split_once('=').expect("NAME=TYPE@OFFSET");
        let (ty, offset) = rest.split_once('@').expect("NAME=TYPE@OFFSET");
        let ty = match ty.split_once(':') {
            None => structure(ty),
            Some(("kptr", of)) => pointer(find(of).expect("an object") as u32),
            Some((root, contains)) => {
                tags.push((format!("contains:{contains}"), holder, component as u32));
                structure(if root == "list" {
                    "bpf_list_head"
                } else {
                    "bpf_rb_root"
                })
            }
        };
        NewMember::new(name, ty, offset.parse().expect("an offset"))
    };
    fields.split_whitespace().enumerate().map(member).collect()
}
