//! A value as JSON: numbers where JSON has them, names for enumerations, hexadecimal strings for
//! pointers. Members of anonymous structures and unions stand beside the others, as in C.

use serde_json::{Map, Value as Json};

use crate::value::Value;

impl Value<'_> {
    /// The value as JSON, keys in the order of declaration.
    pub fn to_json(&self) -> Json {
        match self {
            Value::Signed(number) => match i64::try_from(*number) {
                Ok(number) => number.into(),
                Err(_) => number.to_string().into(),
            },
            Value::Unsigned(number) => match u64::try_from(*number) {
                Ok(number) => number.into(),
                Err(_) => number.to_string().into(),
            },
            Value::Bool(value) => (*value).into(),
            Value::Char(byte @ 0x20..=0x7e) => char::from(*byte).to_string().into(),
            Value::Char(byte) => (*byte).into(),
            Value::Float(number) if number.is_finite() => (*number).into(),
            Value::Float(number) => number.to_string().into(),
            Value::Enum(Some(name), _) => (*name).into(),
            Value::Enum(None, number) => match i64::try_from(*number) {
                Ok(number) => number.into(),
                Err(_) => number.to_string().into(),
            },
            Value::Pointer(address) => format!("{address:#x}").into(),
            Value::Text(text) => text.as_str().into(),
            Value::Bytes(bytes) => bytes.iter().map(|byte| Json::from(*byte)).collect(),
            Value::Array(values) => values.iter().map(Value::to_json).collect(),
            Value::Fields(fields) => {
                let mut map = Map::new();
                collect(fields, &mut map);
                Json::Object(map)
            }
            Value::Missing | Value::Elided => Json::Null,
        }
    }
}

fn collect(fields: &[(&str, Value<'_>)], map: &mut Map<String, Json>) {
    for (name, value) in fields {
        match value {
            Value::Fields(inner) if name.is_empty() => collect(inner, map),
            _ if name.is_empty() => {}
            _ => {
                map.insert((*name).to_owned(), value.to_json());
            }
        }
    }
}
