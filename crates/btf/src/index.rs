//! From names to types: two arrays, no copied strings.
//!
//! Names are hashed without their CO-RE flavour (`task_struct___old` is found under
//! `task_struct`), so one index serves lookups by exact name and the search for candidates.

use std::hash::Hasher;

use rustc_hash::FxHasher;

use crate::{Btf, TypeId};

/// Ids of one BTF's own types, grouped by a hash of their name; in each group in ascending order.
pub struct BtfIndex {
    /// Where each group begins in `ids`; one more than there are groups.
    starts: Vec<u32>,
    ids: Vec<TypeId>,
}

impl BtfIndex {
    pub(crate) fn new(btf: &Btf) -> BtfIndex {
        let groups = (btf.own_count() as usize).next_power_of_two().max(16);
        let mut starts = vec![0_u32; groups + 1];
        let hashes: Vec<u32> = btf
            .own_types()
            .map(|ty| {
                let name = btf.string_bytes(ty.name_off()).unwrap_or(&[]);
                if name.is_empty() {
                    u32::MAX
                } else {
                    let group = group(name, groups);
                    starts[group + 1] += 1;
                    group as u32
                }
            })
            .collect();
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut next = starts.clone();
        let mut ids = vec![TypeId::VOID; sum as usize];
        for (index, group) in hashes.iter().enumerate() {
            if *group != u32::MAX {
                let slot = &mut next[*group as usize];
                ids[*slot as usize] = TypeId(btf.first_id + index as u32);
                *slot += 1;
            }
        }
        BtfIndex { starts, ids }
    }

    /// Types whose name is `name`, flavours of either aside. `btf` is the one it was made from.
    pub fn named<'a>(&'a self, btf: &'a Btf, name: &str) -> impl Iterator<Item = TypeId> + use<'a> {
        let name = essential_name(name).to_owned();
        let group = group(name.as_bytes(), self.starts.len() - 1);
        let range = self.starts[group] as usize..self.starts[group + 1] as usize;
        self.ids[range]
            .iter()
            .copied()
            .filter(move |id| essential_name(btf.type_at(*id).name()) == name)
    }

    /// Bytes of memory it holds.
    pub fn memory_bytes(&self) -> usize {
        (self.starts.capacity() + self.ids.capacity()) * 4
    }
}

fn group(name: &[u8], groups: usize) -> usize {
    let mut hasher = FxHasher::default();
    hasher.write(&name[..essential_len(name)]);
    // FxHasher's high bits are the good ones; `groups` is a power of two.
    (hasher.finish() >> 20) as usize & (groups - 1)
}

/// A name without its flavour: what stands before the last `___` that has something around it.
pub fn essential_name(name: &str) -> &str {
    // What follows the cut is an underscore, so the cut is between characters.
    name.get(..essential_len(name.as_bytes())).unwrap_or(name)
}

/// A flavour begins with exactly three underscores between other characters; the last one counts.
fn essential_len(name: &[u8]) -> usize {
    // Nearly no name has a flavour: three underscores in a row always hit every third byte.
    let is_underscore = |at: usize| name.get(at) == Some(&b'_');
    let suspicious = (2..name.len()).step_by(3).any(|at| {
        is_underscore(at)
            && (is_underscore(at - 1) && is_underscore(at - 2)
                || is_underscore(at - 1) && is_underscore(at + 1)
                || is_underscore(at + 1) && is_underscore(at + 2))
    });
    if !suspicious {
        return name.len();
    }
    let mut len = name.len();
    let mut underscores = 0;
    for (at, byte) in name.iter().enumerate() {
        if *byte == b'_' {
            underscores += 1;
            continue;
        }
        if underscores == 3 && at > 3 {
            len = at - 3;
        }
        underscores = 0;
    }
    len
}

#[cfg(test)]
mod tests {
    use super::essential_name;

    #[test]
    fn flavours_are_cut() {
        for (name, essential) in [
            ("task_struct", "task_struct"),
            ("task_struct___old", "task_struct"),
            ("a___b", "a"),
            ("a___b___c", "a___b"),
            ("___b", "___b"),
            ("a___", "a___"),
            ("a____b", "a____b"),
            ("é___b", "é"),
            ("", ""),
        ] {
            assert_eq!(essential_name(name), essential, "{name}");
        }
    }
}
