//! Paths into a value: `.cfg.port`, `table[3].name`.

use osmia_diag::Diagnostic;

use crate::query::describe;
use crate::{Body, Btf, TypeId, codes, limits};

/// Where a path leads.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Spot {
    /// Its type.
    pub ty: TypeId,
    /// Its first bit, from the beginning of the whole value.
    pub bit_offset: u64,
    /// Its width in bits if it is a bitfield, else 0.
    pub bitfield_bits: u32,
}

impl Spot {
    /// Its first byte; meaningful unless it is a bitfield.
    pub fn byte_offset(&self) -> u64 {
        self.bit_offset / 8
    }
}

/// Why a path leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// It cannot be read.
    #[error("{path:?} is not a path: expected {expected} at {rest:?}")]
    Syntax {
        /// The whole path.
        path: String,
        /// What should come.
        expected: &'static str,
        /// What comes.
        rest: String,
    },
    /// There is no such member.
    #[error("{ty} has no member {member:?}")]
    NoMember {
        /// The type, as C.
        ty: String,
        /// The member.
        member: String,
        /// The members that there are.
        known: Vec<String>,
    },
    /// There is no such element.
    #[error("{ty} has no element {index}")]
    NoElement {
        /// The type, as C.
        ty: String,
        /// The index.
        index: u64,
    },
    /// The type has no parts of this sort.
    #[error("{ty} is no {expected}")]
    NotThat {
        /// The type, as C.
        ty: String,
        /// What it should be.
        expected: &'static str,
    },
}

impl PathError {
    /// The error for a person.
    pub fn to_diagnostic(&self) -> Diagnostic {
        let diagnostic = Diagnostic::error(codes::PATH, self.to_string());
        match self {
            PathError::NoMember { known, .. } if !known.is_empty() => {
                diagnostic.note(format!("its members are {}", known.join(", ")))
            }
            PathError::Syntax { .. } => diagnostic.help("write it as in C: a.b[2].c"),
            _ => diagnostic,
        }
    }
}

/// Follows `path` from type `id`. A member at the beginning may come without its point.
pub fn lookup_path(btf: &Btf, id: TypeId, path: &str) -> Result<Spot, PathError> {
    // A variable is as good as its value.
    let id = match btf.type_at(id).body() {
        Body::Var(var) => var.ty,
        _ => id,
    };
    let mut spot = Spot {
        ty: id,
        bit_offset: 0,
        bitfield_bits: 0,
    };
    let mut rest = path.trim();
    let syntax = |expected, rest: &str| PathError::Syntax {
        path: path.to_owned(),
        expected,
        rest: rest.to_owned(),
    };
    if rest.starts_with(|c: char| c != '.' && c != '[') {
        let (name, after) = split_name(rest);
        if name.is_empty() {
            return Err(syntax("a name", rest));
        }
        spot = member(btf, spot, name)?;
        rest = after;
    }
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('.') {
            let (name, after) = split_name(after);
            if name.is_empty() {
                return Err(syntax("a name", after));
            }
            spot = member(btf, spot, name)?;
            rest = after;
        } else if let Some(after) = rest.strip_prefix('[') {
            let Some((index, after)) = after.split_once(']') else {
                return Err(syntax("]", rest));
            };
            let Ok(index) = index.trim().parse::<u64>() else {
                return Err(syntax("a number", index));
            };
            spot = element(btf, spot, index)?;
            rest = after;
        } else {
            return Err(syntax(". or [", rest));
        }
    }
    Ok(spot)
}

fn split_name(text: &str) -> (&str, &str) {
    let end = text.find(['.', '[', ']']).unwrap_or(text.len());
    text.split_at(end)
}

fn element(btf: &Btf, spot: Spot, index: u64) -> Result<Spot, PathError> {
    let ty = btf.resolve(spot.ty);
    let Body::Array(array) = ty.body() else {
        return Err(PathError::NotThat {
            ty: describe(btf, spot.ty),
            expected: "array",
        });
    };
    let none = || PathError::NoElement {
        ty: describe(btf, spot.ty),
        index,
    };
    if index >= u64::from(array.len) && array.len != 0 {
        return Err(none());
    }
    let size = btf.size_of(array.element).ok_or_else(none)?;
    let bits = index
        .checked_mul(size)
        .and_then(|bytes| bytes.checked_mul(8))
        .and_then(|bits| bits.checked_add(spot.bit_offset))
        .ok_or_else(none)?;
    Ok(Spot {
        ty: array.element,
        bit_offset: bits,
        bitfield_bits: 0,
    })
}

fn member(btf: &Btf, spot: Spot, name: &str) -> Result<Spot, PathError> {
    let ty = btf.resolve(spot.ty);
    if let Body::DataSec(section) = ty.body() {
        for var in section.vars() {
            let symbol = btf.type_at(var.var);
            if symbol.name() == name {
                return Ok(Spot {
                    ty: match symbol.body() {
                        Body::Var(var) => var.ty,
                        _ => symbol.id(),
                    },
                    bit_offset: spot.bit_offset + u64::from(var.offset) * 8,
                    bitfield_bits: 0,
                });
            }
        }
    }
    if ty.composite().is_none() && !matches!(ty.body(), Body::DataSec(_)) {
        return Err(PathError::NotThat {
            ty: describe(btf, spot.ty),
            expected: "structure or union",
        });
    }
    let mut steps_left = limits::VALUE_NODES_MAX;
    find_member(btf, ty.id(), spot.bit_offset, name, &mut steps_left).ok_or_else(|| {
        PathError::NoMember {
            ty: describe(btf, ty.id()),
            member: name.to_owned(),
            known: ty
                .composite()
                .into_iter()
                .flat_map(|composite| composite.members())
                .filter(|member| !member.name.is_empty())
                .take(20)
                .map(|member| member.name.to_owned())
                .collect(),
        }
    })
}

fn find_member(
    btf: &Btf,
    id: TypeId,
    bit_offset: u64,
    name: &str,
    steps_left: &mut usize,
) -> Option<Spot> {
    for member in btf.resolve(id).composite()?.members() {
        *steps_left = steps_left.checked_sub(1)?;
        let bit_offset = bit_offset + u64::from(member.bit_offset);
        if member.name == name {
            return Some(Spot {
                ty: member.ty,
                bit_offset,
                bitfield_bits: btf.bitfield_bits(&member),
            });
        }
        if member.name.is_empty()
            && let Some(spot) = find_member(btf, member.ty, bit_offset, name, steps_left)
        {
            return Some(spot);
        }
    }
    None
}
