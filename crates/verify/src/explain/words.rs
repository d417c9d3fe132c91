//! What is known, in words.

use super::value::Value;
use crate::domain::Scalar;

/// What is known of a number: "from 0 to 255".
pub(crate) fn number(num: &Scalar) -> String {
    if let Some(value) = num.constant() {
        return (value as i64).to_string();
    }
    let (signed, unsigned) = (num.s, num.u);
    let half = u64::from(u32::MAX);
    let whole = unsigned.min == 0 && unsigned.max == half;
    if whole && num.s32.max < i64::from(i32::MAX) {
        return format!(
            "from {} to {}, as a signed number of 32 bits",
            num.s32.min, num.s32.max
        );
    }
    if whole {
        return "any number of 32 bits".to_owned();
    }
    if unsigned.max <= i64::MAX as u64 {
        return format!("from {} to {}", unsigned.min, unsigned.max);
    }
    if signed.min == i64::MIN && signed.max == i64::MAX {
        return if unsigned.min > 0 {
            format!("{} or more", unsigned.min)
        } else {
            "any number".to_owned()
        };
    }
    /// Beyond this a bound is an accident of arithmetic.
    const FAR: i64 = 1 << 48;
    match (signed.min < -FAR, signed.max > FAR) {
        (true, true) => "any number".to_owned(),
        (true, _) => format!("at most {}, maybe negative", signed.max),
        (_, true) => format!("{} or more", signed.min),
        _ => format!("from {} to {}", signed.min, signed.max),
    }
}

/// How far a pointer is from where its memory starts: "4 bytes on", "from 4 to 64 bytes on".
fn distance(value: &Value) -> Option<String> {
    match value.num.constant() {
        Some(by) => match value.off.wrapping_add(by as i64) {
            0 => None,
            1 => Some("byte 1".to_owned()),
            off => Some(format!("byte {off}")),
        },
        None if value.off == 0 => Some(format!("byte {}", number(&value.num))),
        None => Some(format!("byte {} + ({})", value.off, number(&value.num))),
    }
}

/// What a value is, in words.
pub fn value(value: &Value) -> String {
    if value.is_bytes() {
        let unwritten = value.name.matches('?').count();
        return match unwritten {
            0 => "8 bytes".to_owned(),
            8 => "nothing".to_owned(),
            some => format!(
                "{} that were written, {some} that were not",
                bytes(8 - some as u64)
            ),
        };
    }
    let bare = value.name.replace("_or_null", "");
    let map = value.map.as_ref().map_or("", |map| map.name.as_str());
    let global = [".bss", ".data", ".rodata"]
        .iter()
        .any(|section| map.contains(section));
    let thing = match bare.as_str() {
        "?" => return "nothing".to_owned(),
        "scalar" => {
            let words = number(&value.num);
            let starts_as_number = value.num.constant().is_some();
            return if starts_as_number {
                format!("the number {words}")
            } else if words.starts_with("any") {
                words
            } else {
                format!("a number, {words}")
            };
        }
        "unknown" => return "something the log does not tell".to_owned(),
        "ctx" => "the context".to_owned(),
        "fp" => "the stack".to_owned(),
        "map_ptr" if map.is_empty() => "a map".to_owned(),
        "map_value" if map.is_empty() => "a map's value".to_owned(),
        "map_key" if map.is_empty() => "a map's key".to_owned(),
        "map_ptr" => format!("the map `{map}`"),
        "map_value" if global => "the program's global variables".to_owned(),
        "map_value" => format!("a value of `{map}`"),
        "map_key" => format!("a key of `{map}`"),
        "pkt" => "the packet".to_owned(),
        "pkt_meta" => "the packet's metadata".to_owned(),
        "pkt_end" => "the end of the packet".to_owned(),
        "flow_keys" => "the flow keys".to_owned(),
        "sock" | "sock_common" | "tcp_sock" | "xdp_sock" => "a socket".to_owned(),
        "mem" | "ringbuf_mem" | "alloc_mem" => match value.bytes {
            Some(bytes) => format!("memory of {bytes} bytes"),
            None => "memory".to_owned(),
        },
        "func" => "a function".to_owned(),
        other => match other.split_once("ptr_") {
            Some((_, "")) => "a kernel object".to_owned(),
            Some((_, of)) => format!("a kernel object, `struct {of}`"),
            None => format!("`{other}`"),
        },
    };
    let null = if value.may_be_null() { ", or null" } else { "" };
    match distance(value) {
        Some(distance) if bare == "fp" => format!("the stack, fp{}", distance.replace("byte ", "")),
        Some(distance) => format!("{thing}, {distance}{null}"),
        None if bare == "pkt" => format!("the start of the packet{null}"),
        None => format!("{thing}{null}"),
    }
}

/// A count of bytes.
pub(crate) fn bytes(count: u64) -> String {
    match count {
        1 => "1 byte".to_owned(),
        count => format!("{count} bytes"),
    }
}
