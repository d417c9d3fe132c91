//! Descriptions in TOML.

use osmia_diag::Diagnostic;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::text::Text;
use super::tree::{Entry, Node, Tree};
use crate::codes;

/// Reads a document.
///
/// # Errors
/// Where it is not TOML.
pub(super) fn parse(source: &Text) -> Result<Node, Box<Diagnostic>> {
    let document = DeTable::parse(&source.text).map_err(|error| {
        let span = error.span().unwrap_or(0..0);
        let message = error.message().to_owned();
        Box::new(source.complaint(codes::CTX_SYNTAX, &span, "this is not TOML", message))
    })?;
    Ok(Node {
        span: document.span(),
        value: table(source, document.get_ref())?,
    })
}

fn table(source: &Text, table: &DeTable<'_>) -> Result<Tree, Box<Diagnostic>> {
    let mut entries = Vec::new();
    for (name, value) in table {
        entries.push(Entry {
            name: name.get_ref().to_string(),
            span: name.span(),
            value: node(source, value)?,
        });
    }
    Ok(Tree::Table(entries))
}

fn node(source: &Text, spanned: &Spanned<DeValue<'_>>) -> Result<Node, Box<Diagnostic>> {
    let span = spanned.span();
    let wrong = |label: &str| {
        let message = "this value has no meaning in a description";
        Box::new(source.complaint(codes::CTX_SYNTAX, &span, message, label))
    };
    let value = match spanned.get_ref() {
        DeValue::String(text) => Tree::Text(text.to_string()),
        DeValue::Integer(number) => i128::from_str_radix(number.as_str(), number.radix())
            .map(Tree::Integer)
            .map_err(|_| wrong("a number of more than 127 bits"))?,
        DeValue::Float(number) => Tree::Float(
            number
                .as_str()
                .parse()
                .map_err(|_| wrong("a fraction that is too long"))?,
        ),
        DeValue::Boolean(value) => Tree::Bool(*value),
        DeValue::Datetime(_) => return Err(wrong("a date; times are nanoseconds")),
        DeValue::Array(items) => {
            let nodes: Result<_, _> = items.iter().map(|item| node(source, item)).collect();
            Tree::List(nodes?)
        }
        DeValue::Table(inner) => table(source, inner)?,
    };
    Ok(Node { span, value })
}
