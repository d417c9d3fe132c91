//! JSON with lines, broken where bpftool breaks them.

use serde_json::Value;

/// A value over several lines.
pub(super) fn pretty(value: &Value) -> String {
    let mut text = String::new();
    write(value, 0, &mut text);
    text
}

fn write(value: &Value, depth: usize, text: &mut String) {
    match value {
        Value::Object(members) => {
            text.push('{');
            for (at, (name, member)) in members.iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                line(depth + 1, text);
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push_str(": ");
                write(member, depth + 1, text);
            }
            if !members.is_empty() {
                line(depth, text);
            }
            text.push('}');
        }
        Value::Array(elements) => {
            text.push('[');
            for (at, element) in elements.iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                write(element, depth + 1, text);
            }
            if !elements.is_empty() {
                line(depth, text);
            }
            text.push(']');
        }
        other => text.push_str(&other.to_string()),
    }
}

fn line(depth: usize, text: &mut String) {
    text.push('\n');
    text.push_str(&"    ".repeat(depth));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn objects_have_lines_and_arrays_do_not() {
        let shown = super::pretty(&json!({ "id": 1, "map_ids": [17, 18] }));
        assert_eq!(
            shown,
            "{\n    \"id\": 1,\n    \"map_ids\": [17,18\n    ]\n}"
        );
    }
}
