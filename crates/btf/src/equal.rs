//! Which types of several BTFs are the same, so that one copy of each will do.
//!
//! Two types are the same if nothing tells them apart: kind, name, numbers, and what they refer to,
//! all the way. Types that refer to themselves count too. Variables and their sections are places
//! in a file, so they are the same as nothing else.

use std::collections::HashMap;

use crate::build::{Field, field_meaning};
use crate::ty::word;
use crate::{Btf, Kind, StrOff, limits};

/// A type as what it says of itself and what it refers to.
struct Node {
    class: u32,
    refers: Vec<u32>,
}

/// For each BTF, which must stand alone, the class of each of its types by id; types of one class
/// are the same. Class 0 is `void`'s.
pub fn equal_types(btfs: &[&Btf]) -> Vec<Vec<u32>> {
    let mut nodes = nodes(btfs);
    let mut count = 0;
    let mut settled = false;
    // Classes only ever split; once a round splits none, no further one does.
    for _ in 0..limits::EQUAL_ROUNDS_MAX {
        let before = std::mem::replace(&mut count, split(&mut nodes));
        settled = before == count;
        if settled {
            break;
        }
    }
    if !settled {
        for (number, node) in nodes.iter_mut().enumerate() {
            node.class = number as u32;
        }
    }
    let mut rest = nodes.iter().skip(1).map(|node| node.class);
    btfs.iter()
        .map(|btf| {
            let own = rest.by_ref().take(btf.own_types().len());
            std::iter::once(0).chain(own).collect()
        })
        .collect()
}

/// `void`, then every type; classes by what each says of itself.
fn nodes(btfs: &[&Btf]) -> Vec<Node> {
    let mut strings: HashMap<&[u8], u32> = HashMap::new();
    let mut classes: HashMap<Vec<u32>, u32> = HashMap::new();
    let mut nodes = vec![Node {
        class: 0,
        refers: Vec::new(),
    }];
    for btf in btfs {
        let start = nodes.len() as u32;
        for ty in btf.own_types() {
            let mut says = Vec::with_capacity(ty.record.len() / 4 + 1);
            let mut refers = Vec::new();
            for index in 0..ty.record.len() / 4 {
                let slot = word(ty.record, index * 4);
                match field_meaning(ty.kind(), index) {
                    Field::Number => says.push(slot),
                    Field::String => {
                        let text = btf.string_bytes(StrOff(slot)).unwrap_or(&[]);
                        let next = strings.len() as u32;
                        says.push(*strings.entry(text).or_insert(next));
                    }
                    Field::Type => refers.push(match slot {
                        0 => 0,
                        id => start + id - 1,
                    }),
                }
            }
            if matches!(ty.kind(), Kind::Var | Kind::DataSec) {
                says.push(nodes.len() as u32);
            }
            let next = classes.len() as u32 + 1;
            let class = *classes.entry(says).or_insert(next);
            nodes.push(Node { class, refers });
        }
    }
    nodes
}

/// Splits classes whose members refer to different ones. Returns how many there are.
fn split(nodes: &mut [Node]) -> usize {
    let mut classes: HashMap<Vec<u32>, u32> = HashMap::new();
    let new: Vec<u32> = nodes
        .iter()
        .map(|node| {
            let refers = node.refers.iter().map(|at| nodes[*at as usize].class);
            let key = std::iter::once(node.class).chain(refers).collect();
            let next = classes.len() as u32;
            *classes.entry(key).or_insert(next)
        })
        .collect();
    for (node, class) in nodes.iter_mut().zip(new) {
        node.class = class;
    }
    classes.len()
}

#[cfg(test)]
mod tests {
    use super::equal_types;
    use crate::{BtfBuilder, Endian, Int, Linkage, NewMember, TypeId};

    /// A list of `value` bytes' numbers, and a variable of it.
    fn list(value: u32, before: u32) -> crate::Btf {
        let mut types = BtfBuilder::new();
        for _ in 0..before {
            types.int("other", 8, 0);
        }
        let number = types.int("number", value, Int::SIGNED);
        let node = types.next_id();
        let members = [
            NewMember::new("value", number, 0),
            NewMember::new("next", TypeId(node.0 + 1), 8),
        ];
        types.structure("list", 16, &members);
        types.ptr(node);
        types.var("head", Linkage::Static, node);
        types.build(Endian::Little).unwrap()
    }

    #[test]
    fn types_that_refer_to_themselves_are_the_same() {
        let (one, two) = (list(4, 0), list(4, 2));
        let classes = equal_types(&[&one, &two]);
        assert_eq!(classes[0][..4], [&[0], &classes[1][3..6]].concat());
        assert_eq!(classes[1][1], classes[1][2]);
        assert_ne!(classes[0][4], classes[1][6], "variables are places");
    }

    #[test]
    fn a_difference_far_away_counts() {
        let (one, two) = (list(4, 0), list(8, 0));
        let classes = equal_types(&[&one, &two]);
        for (a, b) in classes[0].iter().zip(&classes[1]).skip(1) {
            assert_ne!(a, b);
        }
    }
}
