//! Selectors: which object is meant, in bpftool's words.

use osmia_program::Errno;

use super::{Handle, Live, ObjectKind, unknown, wrong_kind};
use crate::Error;

/// Which objects are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selector {
    /// The one of this number.
    Id(u32),
    /// The one pinned there.
    Pinned(String),
    /// Programs with this digest.
    Tag(String),
    /// Those of this name.
    Name(String),
}

/// Names told when there is none of the one asked for.
const NEAR_MAX: usize = 5;

impl Selector {
    /// The objects of this kind that are meant: one, or several of a name or tag.
    ///
    /// # Errors
    /// If there is none, or if what is pinned there is of another kind.
    pub fn find(&self, live: &Live, kind: ObjectKind) -> Result<Vec<Handle>, Error> {
        match self {
            Selector::Id(id) => match live.by_id(kind, *id) {
                Ok(handle) => Ok(vec![handle]),
                Err(refused) if refused.errno == Errno::ENOENT => Err(self.missing(live, kind)),
                Err(refused) => Err(refused.into()),
            },
            Selector::Pinned(path) => {
                let handle = live.pinned(path)?;
                match handle.kind() == kind {
                    true => Ok(vec![handle]),
                    false => Err(wrong_kind(path, handle.kind(), kind)),
                }
            }
            Selector::Tag(_) | Selector::Name(_) => {
                let mut found = Vec::new();
                for handle in live.all(kind)? {
                    if self.is_meant(&handle)? {
                        found.push(handle);
                    }
                }
                match found.is_empty() {
                    true => Err(self.missing(live, kind)),
                    false => Ok(found),
                }
            }
        }
    }

    fn is_meant(&self, handle: &Handle) -> Result<bool, Error> {
        Ok(match self {
            Selector::Tag(tag) => hex(handle.info()?.field("tag")) == *tag,
            Selector::Name(name) => handle.name()? == *name,
            Selector::Id(_) | Selector::Pinned(_) => false,
        })
    }

    /// What there is instead.
    fn missing(&self, live: &Live, kind: ObjectKind) -> Error {
        let handles = live.all(kind).unwrap_or_default();
        let mut known: Vec<(u64, String)> = handles
            .iter()
            .filter_map(|handle| self.distance(handle))
            .collect();
        known.sort();
        known.dedup();
        known.truncate(NEAR_MAX);
        let known: Vec<String> = known.into_iter().map(|(_, known)| known).collect();
        let asked = match self {
            Selector::Id(id) => format!("id {id}"),
            Selector::Pinned(path) => format!("path {path}"),
            Selector::Tag(tag) => format!("tag {tag}"),
            Selector::Name(name) => format!("name {name}"),
        };
        unknown(kind, &asked, &known)
    }

    /// How far an object is from what was asked, and how it is called.
    fn distance(&self, handle: &Handle) -> Option<(u64, String)> {
        let info = handle.info().ok()?;
        match self {
            Selector::Id(asked) => {
                let id = info.u32("id");
                Some((u64::from(id.abs_diff(*asked)), id.to_string()))
            }
            Selector::Tag(asked) => {
                let tag = hex(info.field("tag"));
                Some((differing(&tag, asked), tag))
            }
            Selector::Name(asked) => {
                let name = handle.name().ok().filter(|name| !name.is_empty())?;
                Some((differing(&name, asked), name))
            }
            Selector::Pinned(_) => None,
        }
    }
}

/// Letters to change, add or leave out to make one of the other.
fn differing(a: &str, b: &str) -> u64 {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<u64> = (0..=b.len() as u64).collect();
    for (at, letter) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = at as u64 + 1;
        for (column, other) in b.iter().enumerate() {
            let changed = diagonal + u64::from(letter != *other);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[b.len()]
}

/// Bytes as digits without blanks.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::differing;

    #[test]
    fn names_are_near_by_letters() {
        assert_eq!(differing("hello", "helo"), 1);
        assert_eq!(differing("", "abc"), 3);
        assert_eq!(differing("same", "same"), 0);
    }
}
