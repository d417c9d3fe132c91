//! A value as people and scripts read it, typed by BTF where a type is known.

use osmia_btf::{Btf, TypeId};
use serde::{Serialize, Serializer};

use crate::limits;

/// Bytes rendered twice from the same reading.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// For people, on one line.
    pub text: String,
    /// The same with a line for each field, where one line is long.
    pub lines: Option<String>,
    /// For scripts.
    pub json: serde_json::Value,
    /// True if every byte is zero.
    pub is_zero: bool,
}

impl Shown {
    /// Bytes of no known type: hexadecimal.
    pub fn raw(bytes: &[u8]) -> Self {
        let hex = |bytes: &[u8]| {
            let parts: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            parts.join(" ")
        };
        let text = match bytes.get(..limits::RAW_BYTES_SHOWN_MAX) {
            Some(head) if bytes.len() > head.len() => {
                format!("{} … ({} bytes)", hex(head), bytes.len())
            }
            _ => hex(bytes),
        };
        Self {
            text,
            lines: None,
            json: serde_json::Value::String(hex(bytes)),
            is_zero: is_zero(bytes),
        }
    }

    /// A value that text says best.
    pub(crate) fn words(text: String, is_zero: bool) -> Self {
        Self {
            json: serde_json::Value::String(text.clone()),
            text,
            lines: None,
            is_zero,
        }
    }

    /// A number.
    pub(crate) fn number(number: u64) -> Self {
        Self {
            text: number.to_string(),
            lines: None,
            json: number.into(),
            is_zero: number == 0,
        }
    }

    /// Bytes of this type.
    pub fn typed(btf: &Btf, type_id: TypeId, bytes: &[u8]) -> Self {
        let value = osmia_btf::value::decode(btf, type_id, bytes);
        let text = value.to_string();
        Self {
            lines: (text.len() > limits::LINE_BYTES).then(|| format!("{value:#}")),
            text,
            json: value.to_json(),
            is_zero: is_zero(bytes),
        }
    }
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

impl Serialize for Shown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.json.serialize(serializer)
    }
}
