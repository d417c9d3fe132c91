//! Values read from a kernel's log: the inverse of how [`Value`] prints, and older styles.

use std::sync::Arc;

use super::value::{MapName, Value};
use crate::domain::{Scalar, Tnum};

/// Words of older kernels for what is called otherwise now.
const OLD_NAMES: &[(&str, &str)] = &[
    ("inv", "scalar"),
    ("invP", "scalar"),
    ("imm", "scalar"),
    ("Pscalar", "scalar"),
    ("alloc_mem", "ringbuf_mem"),
    ("alloc_mem_or_null", "ringbuf_mem_or_null"),
];

impl Value {
    /// Reads a value in a kernel's style: `map_value(map=counts,ks=4,vs=8)`, `inv(id=0)`, `-8`, `fp-8`.
    pub fn parse(text: &str) -> Option<Value> {
        if let Some(value) = number(text.strip_prefix('P').unwrap_or(text)) {
            return Some(constant(value));
        }
        let open = text.find('(').unwrap_or(text.len());
        let head = &text[..open];
        // Older kernels print numbers as `inv5` or `invP5`.
        let old = head
            .strip_prefix("inv")
            .map(|rest| rest.trim_start_matches('P'));
        if let Some(value) = old.and_then(number) {
            return Some(constant(value));
        }
        let mut value = name_and_place(head)?;
        let inner = match text.get(open + 1..) {
            Some(rest) => rest.strip_suffix(')')?,
            None => "",
        };
        if value.is_number() {
            value.num = Scalar::UNKNOWN;
        }
        let variable = inner.contains("var_off=") || inner.contains("max");
        if variable {
            value.num = Scalar::UNKNOWN;
        }
        let mut map: Option<MapName> = None;
        // Names without a value of their own, `smax=umax=7`, wait for the number.
        for part in split(inner) {
            let pieces: Vec<&str> = part.split('=').collect();
            let (&last, names) = pieces.split_last()?;
            for name in names {
                set(&mut value, &mut map, name, last);
            }
        }
        value.map = map.map(Arc::new);
        Some(value)
    }
}

fn constant(number: i64) -> Value {
    Value {
        num: Scalar::known(number as u64),
        ..Value::named("scalar")
    }
}

/// The name, and what is glued to it: `fp-8`, `fp[1]-8`.
fn name_and_place(head: &str) -> Option<Value> {
    if let Some(rest) = head.strip_prefix("fp")
        && !rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
    {
        let mut value = Value::named("fp");
        let mut rest = rest;
        if let Some(inner) = rest.strip_prefix('[') {
            let (frame, after) = inner.split_once(']')?;
            value.frame = frame.parse().ok();
            rest = after;
        }
        if !rest.is_empty() {
            value.off = number(rest)?;
        }
        return Some(value);
    }
    let fine = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if head.is_empty() || !head.chars().all(fine) {
        return None;
    }
    let old = OLD_NAMES.iter().find(|(old, _)| *old == head);
    Some(Value::named(match old {
        Some((_, now)) => (*now).to_owned(),
        None => head.to_owned(),
    }))
}

/// Splits at commas outside of parentheses.
fn split(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0;
    text.split(move |c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        c == ',' && depth == 0
    })
    .filter(|part| !part.is_empty())
}

fn set(value: &mut Value, map: &mut Option<MapName>, name: &str, text: &str) {
    let unnamed = || MapName {
        name: String::new(),
        key: 0,
        value: 0,
    };
    match name {
        "map" | "map_name" => {
            map.get_or_insert_with(unnamed).name = text.trim_matches('\'').to_owned();
            return;
        }
        "id" => {
            let sign = text.find(['+', '-']).unwrap_or(text.len());
            let (id, delta) = text.split_at(sign);
            value.id = id.parse().unwrap_or_default();
            value.delta = delta.parse().unwrap_or_default();
            return;
        }
        "var_off" => {
            let inner = text.trim_matches(['(', ')']);
            if let Some((known, mask)) = inner.split_once("; ")
                && let (Some(known), Some(mask)) = (number(known), number(mask))
            {
                value.num.bits = Tnum::new(known as u64, mask as u64);
            }
            return;
        }
        _ => {}
    }
    let Some(number) = number(text) else { return };
    let num = &mut value.num;
    match name {
        "ref_obj_id" => value.reference = number as u32,
        "off" => value.off = number,
        "r" => value.range = Some(number),
        "sz" | "mem_size" => value.bytes = Some(number as u64),
        "imm" => *num = Scalar::known(number as u64),
        "ks" => map.get_or_insert_with(unnamed).key = number as u64,
        "vs" => map.get_or_insert_with(unnamed).value = number as u64,
        "smin" | "smin_value" => num.s.min = number,
        "smax" | "smax_value" => num.s.max = number,
        "umin" | "umin_value" => num.u.min = number as u64,
        "umax" | "umax_value" => num.u.max = number as u64,
        "smin32" | "s32_min" | "s32_min_value" => num.s32.min = number,
        "smax32" | "s32_max" | "s32_max_value" => num.s32.max = number,
        "umin32" | "u32_min" | "u32_min_value" => num.u32.min = number as u64,
        "umax32" | "u32_max" | "u32_max_value" => num.u32.max = number as u64,
        _ => {}
    }
}

/// A number as logs print it: decimal or hexadecimal, with a sign or as 64 bits.
pub(crate) fn number(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let value = match digits.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok()?,
        None => digits.parse::<u64>().ok()?,
    };
    let value = value as i64;
    Some(if negative {
        value.wrapping_neg()
    } else {
        value
    })
}

#[cfg(test)]
mod tests {
    use super::Value;

    #[test]
    fn what_is_printed_is_read_back() {
        for text in [
            "scalar()",
            "-8",
            "0x7fffffff",
            "fp0",
            "fp-16",
            "fp[1]-8",
            "ctx()",
            "pkt(off=14,r=34)",
            "pkt(id=3,off=8,r=0,smin=smin32=0,smax=umax=smax32=umax32=60,var_off=(0x0; 0x3c))",
            "map_value_or_null(id=2,map=counts,ks=4,vs=8)",
            "map_value(map=a,ks=4,vs=64,smin=smin32=0,smax=umax=smax32=umax32=255,var_off=(0x0; 0xff))",
            "ringbuf_mem_or_null(id=2,ref_obj_id=2,sz=16)",
            "scalar(id=2-33,smin=umin=1,smax=umax=33,var_off=(0x0; 0x3f))",
            "trusted_ptr_task_struct(off=8)",
        ] {
            let value = Value::parse(text).expect(text);
            assert_eq!(value.to_string(), text);
        }
    }

    #[test]
    fn older_words() {
        let same = |old: &str, new: &str| {
            assert_eq!(Value::parse(old).expect(old).to_string(), new, "{old}");
        };
        same("inv(id=0)", "scalar()");
        same("inv0", "0");
        same("invP-8", "-8");
        same(
            "inv(id=0,umax_value=255,var_off=(0x0; 0xff))",
            "scalar(umax=255,var_off=(0x0; 0xff))",
        );
        same(
            "map_value_or_null(id=1,off=0,ks=4,vs=8,imm=0)",
            "map_value_or_null(id=1,ks=4,vs=8)",
        );
        same("pkt(id=0,off=14,r=14,imm=0)", "pkt(off=14,r=14)");
        assert_eq!(Value::parse("mark=3,"), None);
    }
}
