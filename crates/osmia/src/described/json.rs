//! Descriptions in JSON.
//!
//! `serde_json` says whether the text is JSON; the walk below then finds the places of values, which
//! `serde_json` does not keep, and may trust the syntax.

use osmia_diag::Diagnostic;
use serde::de::IgnoredAny;

use super::text::Text;
use super::tree::{Entry, Node, Tree};
use crate::codes;

/// Reads one value.
///
/// # Errors
/// Where it is not JSON.
pub(super) fn parse(source: &Text) -> Result<Node, Box<Diagnostic>> {
    serde_json::from_str::<IgnoredAny>(&source.text).map_err(|error| {
        let line_start: usize = source
            .text
            .split_inclusive('\n')
            .take(error.line().saturating_sub(1))
            .map(str::len)
            .sum();
        let at = line_start + error.column().saturating_sub(1);
        let text = error.to_string();
        let label = text.split(" at line ").next().unwrap_or(&text);
        Box::new(source.complaint(codes::CTX_SYNTAX, &(at..at + 1), "this is not JSON", label))
    })?;
    Ok(Walk {
        text: &source.text,
        at: 0,
    }
    .value())
}

struct Walk<'t> {
    text: &'t str,
    at: usize,
}

impl Walk<'_> {
    fn next(&mut self) -> u8 {
        let rest = self.text.as_bytes().iter().skip(self.at);
        self.at += rest.take_while(|byte| byte.is_ascii_whitespace()).count();
        self.text.as_bytes().get(self.at).copied().unwrap_or(0)
    }

    /// Passes over a punctuation mark, if it comes next.
    fn passes(&mut self, mark: u8) -> bool {
        let is_next = self.next() == mark;
        self.at += usize::from(is_next);
        is_next
    }

    fn value(&mut self) -> Node {
        let first = self.next();
        let start = self.at;
        let value = match first {
            b'{' => self.table(),
            b'[' => self.list(),
            b'"' => Tree::Text(self.string()),
            _ => self.word(),
        };
        Node {
            span: start..self.at,
            value,
        }
    }

    fn table(&mut self) -> Tree {
        self.at += 1;
        let mut entries = Vec::new();
        while !self.passes(b'}') {
            self.next();
            let start = self.at;
            let name = self.string();
            let span = start..self.at;
            self.passes(b':');
            let value = self.value();
            entries.push(Entry { name, span, value });
            self.passes(b',');
        }
        Tree::Table(entries)
    }

    fn list(&mut self) -> Tree {
        self.at += 1;
        let mut nodes = Vec::new();
        while !self.passes(b']') {
            nodes.push(self.value());
            self.passes(b',');
        }
        Tree::List(nodes)
    }

    fn string(&mut self) -> String {
        let start = self.at;
        self.at += 1;
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(self.at).filter(|byte| **byte != b'"') {
            self.at += if *byte == b'\\' { 2 } else { 1 };
        }
        self.at += 1;
        let literal = self.text.get(start..self.at).unwrap_or_default();
        serde_json::from_str(literal).unwrap_or_default()
    }

    fn word(&mut self) -> Tree {
        let rest = &self.text[self.at..];
        let end = rest
            .find(|c: char| matches!(c, ',' | ']' | '}') || c.is_ascii_whitespace())
            .unwrap_or(rest.len());
        self.at += end;
        match &rest[..end] {
            "null" => Tree::Null,
            "true" => Tree::Bool(true),
            "false" => Tree::Bool(false),
            number => match number.parse() {
                Ok(number) => Tree::Integer(number),
                Err(_) => Tree::Float(number.parse().unwrap_or(f64::NAN)),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::text::Text;
    use super::super::tree::Tree;
    use super::parse;

    fn source(text: &str) -> Text {
        Text {
            name: "-".to_owned(),
            text: text.to_owned(),
            first_line: 1,
        }
    }

    #[test]
    fn values_know_their_places() {
        let text = source(r#" { "a\n": [18446744073709551615, null], "b" : {} }"#);
        let node = parse(&text).expect("it is JSON");
        let list = &node.entry("a\n").expect("it is there").value;
        assert_eq!(
            &text.text[list.span.clone()],
            "[18446744073709551615, null]"
        );
        let Tree::List(items) = &list.value else {
            panic!("{list:?}");
        };
        assert!(matches!(items[0].value, Tree::Integer(value) if value == u64::MAX.into()));
        assert!(matches!(items[1].value, Tree::Null));
        assert!(node.entry("b").is_some());
    }

    #[test]
    fn what_is_not_json_is_shown() {
        let error = parse(&source("{\n \"a\": }")).expect_err("no value");
        assert_eq!(error.place.to_string(), "-:2:7");
    }
}
