//! Rejections as SARIF 2.1.0: one result each, with the lines of the path as its code flow.

use osmia::explain::{Explanation, Source};
use serde_json::{Value, json};

/// The whole document.
pub(super) fn document<'e>(
    object: &str,
    found: impl Iterator<Item = (&'e str, &'e Explanation)>,
) -> Value {
    let found: Vec<(&str, &Explanation)> = found.collect();
    let mut codes: Vec<&str> = found
        .iter()
        .map(|(_, explanation)| explanation.code)
        .collect();
    codes.sort_unstable();
    codes.dedup();
    let rules: Vec<Value> = codes
        .iter()
        .map(|code| json!({ "id": code, "name": code }))
        .collect();
    let results: Vec<Value> = found
        .iter()
        .map(|(program, explanation)| result(object, program, explanation, &codes))
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {
                "driver": {
                    "name": "osmia",
                    "version": env!("CARGO_PKG_VERSION"),
                    "rules": rules,
                },
            },
            "columnKind": "utf16CodeUnits",
            "results": results,
        }],
    })
}

fn result(object: &str, program: &str, explanation: &Explanation, codes: &[&str]) -> Value {
    let mut text = explanation.summary.clone();
    for more in explanation
        .example
        .iter()
        .map(|example| format!("for example: {example}"))
        .chain(explanation.help.clone())
    {
        text += &format!(". {more}");
    }
    if let Some(missing) = &explanation.missing {
        text += &format!(". Missing: {}", missing.code.join(" ").replace('\t', ""));
    }
    let mut location = json!({
        "logicalLocations": [{ "name": program, "kind": "function" }],
    });
    if let Some(place) = physical(object, explanation.source.as_ref()) {
        location["physicalLocation"] = place;
    }
    let mut steps: Vec<(usize, Value)> = Vec::new();
    let events = explanation.known.iter().flat_map(|known| &known.history);
    for event in events.chain(&explanation.before) {
        let mut location = json!({ "message": { "text": event.words } });
        if let Some(place) = physical(object, event.source.as_ref()) {
            location["physicalLocation"] = place;
        }
        steps.push((event.step, json!({ "location": location })));
    }
    steps.sort_by_key(|(step, _)| *step);
    let steps: Vec<Value> = steps.into_iter().map(|(_, step)| step).collect();
    let mut result = json!({
        "ruleId": explanation.code,
        "ruleIndex": codes.iter().position(|code| *code == explanation.code),
        "level": "error",
        "message": { "text": text },
        "locations": [location],
    });
    if !steps.is_empty() {
        result["codeFlows"] = json!([{ "threadFlows": [{ "locations": steps }] }]);
    }
    result
}

/// The place of a source line, else the object.
fn physical(object: &str, source: Option<&Source>) -> Option<Value> {
    match source {
        Some(source) if source.line > 0 => {
            let mut region =
                json!({ "startLine": source.line, "snippet": { "text": source.text } });
            if source.column > 0 {
                region["startColumn"] = json!(source.column);
            }
            Some(json!({
                "artifactLocation": { "uri": source.file },
                "region": region,
            }))
        }
        _ if !object.is_empty() => Some(json!({ "artifactLocation": { "uri": object } })),
        _ => None,
    }
}
