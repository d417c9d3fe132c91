//! What a description says, whatever it was written in: values with their places in the text.

use std::ops::Range;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(super) span: Range<usize>,
    pub(super) value: Tree,
}

/// A value.
#[derive(Clone, Debug)]
pub(super) enum Tree {
    Null,
    Bool(bool),
    Integer(i128),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Table(Vec<Entry>),
}

/// A name and what it stands for.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    /// Where the name stands.
    pub(super) span: Range<usize>,
    pub(super) value: Node,
}

impl Tree {
    /// What it is, in a word.
    pub(super) fn what(&self) -> &'static str {
        match self {
            Tree::Null => "null",
            Tree::Bool(_) => "true or false",
            Tree::Integer(_) => "a number",
            Tree::Float(_) => "a fraction",
            Tree::Text(_) => "text",
            Tree::List(_) => "a list",
            Tree::Table(_) => "a table",
        }
    }
}

/// Values that were not written anywhere.
impl Node {
    fn made(value: Tree) -> Self {
        Self { span: 0..0, value }
    }

    /// Names and what they stand for.
    pub(crate) fn table(entries: Vec<(&str, Node)>) -> Self {
        let entries = entries.into_iter().map(|(name, value)| Entry {
            name: name.to_owned(),
            span: 0..0,
            value,
        });
        Self::made(Tree::Table(entries.collect()))
    }

    /// A number.
    pub(crate) fn number(number: impl Into<i128>) -> Self {
        Self::made(Tree::Integer(number.into()))
    }

    /// A text.
    pub(crate) fn text(text: &str) -> Self {
        Self::made(Tree::Text(text.to_owned()))
    }
}

impl Node {
    /// The value under a name, if this is a table that has it.
    pub(super) fn entry(&self, name: &str) -> Option<&Entry> {
        match &self.value {
            Tree::Table(entries) => entries.iter().find(|entry| entry.name == name),
            _ => None,
        }
    }

    /// The same as the value of a scalar in C or Rust: what [`osmia_btf::value::put`] reads.
    pub(super) fn scalar_text(&self) -> Option<String> {
        match &self.value {
            Tree::Bool(value) => Some(u8::from(*value).to_string()),
            Tree::Integer(value) => Some(value.to_string()),
            Tree::Float(value) => Some(value.to_string()),
            Tree::Text(text) => Some(text.clone()),
            Tree::Null => Some("0".to_owned()),
            Tree::List(_) | Tree::Table(_) => None,
        }
    }
}
