//! Values that the user gives global variables.

use osmia_btf::value;
use osmia_isa::Endian;
use osmia_program::{Initial, MapSpec};

use crate::{LinkOptions, LinkProblem, Object, Variable};

/// Writes every setting into the map of its variable.
pub(super) fn apply(
    object: &Object,
    options: &LinkOptions,
    maps: &mut [MapSpec],
    problems: &mut Vec<LinkProblem>,
) {
    for (path, text) in &options.globals {
        let (name, rest) = split(object, path);
        let Some(variable) = object
            .variables
            .iter()
            .find(|variable| variable.name == name)
        else {
            problems.push(LinkProblem::NoVariable {
                name: path.clone(),
                known: object
                    .variables
                    .iter()
                    .map(|variable| variable.name.clone())
                    .collect(),
            });
            continue;
        };
        let spec = &mut maps[variable.map];
        let size = spec.value_size as usize;
        if !matches!(spec.initial, Initial::Value(_)) {
            spec.initial = Initial::Value(vec![0; size]);
        }
        let Initial::Value(bytes) = &mut spec.initial else {
            continue;
        };
        let start = variable.offset as usize;
        let Some(bytes) = start
            .checked_add(variable.size as usize)
            .and_then(|end| bytes.get_mut(start..end))
        else {
            continue;
        };
        if let Err(problem) = write(object, variable, path, rest, text, bytes) {
            problems.push(problem);
        }
    }
}

/// A variable's name may itself contain dots (`function.counter`), so the longest name wins.
fn split<'a>(object: &Object, path: &'a str) -> (&'a str, &'a str) {
    let is_variable = |name: &str| {
        object
            .variables
            .iter()
            .any(|variable| variable.name == name)
    };
    if is_variable(path) {
        return (path, "");
    }
    let cuts = path.char_indices().rev();
    for (at, each) in cuts {
        if matches!(each, '.' | '[') && is_variable(&path[..at]) {
            return (&path[..at], &path[at..]);
        }
    }
    (path, "")
}

fn write(
    object: &Object,
    variable: &Variable,
    path: &str,
    rest: &str,
    text: &str,
    bytes: &mut [u8],
) -> Result<(), LinkProblem> {
    if let (Some(btf), Some(id)) = (object.btf(), variable.type_id) {
        let rest = rest.strip_prefix('.').unwrap_or(rest);
        return value::set(btf, id, rest, text, bytes).map_err(|error| LinkProblem::Value {
            name: path.to_owned(),
            error: Box::new(error),
        });
    }
    let plain = || LinkProblem::PlainValue {
        name: path.to_owned(),
        value: text.to_owned(),
        size: variable.size,
    };
    if !rest.is_empty() || !matches!(bytes.len(), 1 | 2 | 4 | 8) {
        return Err(plain());
    }
    let number = integer(text).ok_or_else(plain)?;
    let bits = bytes.len() as u32 * 8;
    let fits = number >= -(1_i128 << (bits - 1)) && number < 1_i128 << bits;
    if !fits {
        return Err(plain());
    }
    let wide = (number as u64).to_le_bytes();
    for (at, byte) in bytes.iter_mut().enumerate() {
        let from = match object.endian() {
            Endian::Little => at,
            Endian::Big => (bits as usize / 8) - 1 - at,
        };
        *byte = wide[from];
    }
    Ok(())
}

/// A number as C writes it.
pub(super) fn integer(text: &str) -> Option<i128> {
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let lower = digits.to_ascii_lowercase();
    let magnitude = if let Some(hex) = lower.strip_prefix("0x") {
        i128::from(u64::from_str_radix(hex, 16).ok()?)
    } else if lower.len() > 1 && lower.starts_with('0') {
        i128::from(u64::from_str_radix(&lower, 8).ok()?)
    } else {
        i128::from(lower.parse::<u64>().ok()?)
    };
    Some(if negative { -magnitude } else { magnitude })
}
