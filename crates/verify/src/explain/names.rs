//! What the program calls a value, as far as source lines tell.
//!
//! Objects say which line an instruction came from and what the line reads, not which variable a
//! register holds. An assignment at the line a value came from names it nearly always.

/// The variable that a line assigns to: `packets` of `__u64 *packets = lookup(…)`. Of several, the
/// last in front of a column, which counts from 1; 0 if it is not known.
pub(crate) fn assigned(text: &str, column: u32) -> Option<&str> {
    let before = |at: &usize| column == 0 || *at < column as usize;
    let first = assignments(text).next()?;
    let at = assignments(text)
        .filter(before)
        .last()
        .filter(|_| column > 0)
        .unwrap_or(first);
    let left = text[..at].trim_end();
    let from = left
        .rfind(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '>' | '-')))
        .map_or(0, |at| at + 1);
    let name = left[from..].trim_start_matches(['-', '>', '.']);
    is_name(name).then_some(name)
}

/// What an assignment writes to; the whole line if it is none.
pub(crate) fn left(text: &str) -> &str {
    &text[..assignments(text).next().unwrap_or(text.len())]
}

/// Where the `=` of assignments are.
fn assignments(text: &str) -> impl Iterator<Item = usize> {
    let bytes = text.as_bytes();
    (1..bytes.len()).filter(|&at| {
        let after = bytes.get(at + 1).copied().unwrap_or(b' ');
        bytes[at] == b'=' && after != b'=' && !b"=<>!+-*/%&|^".contains(&bytes[at - 1])
    })
}

/// What a line reads or writes through: `ip` of `ip->daddr`, `packets` of `*packets += 1`. Of
/// several, the one whose member stands at a column.
pub(crate) fn accessed(text: &str, column: u32) -> Option<&str> {
    let word = |end: usize| {
        let head = &text[..end];
        let from = head
            .rfind(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .map_or(0, |at| at + 1);
        let name = &head[from..];
        is_name(name).then_some(name)
    };
    let here = (column as usize).checked_sub(3);
    if let Some(at) = here.filter(|&at| text.get(at..at + 2) == Some("->")) {
        return word(at);
    }
    if let Some(at) = text.find("->") {
        return word(at);
    }
    if let Some(at) = text.find('[') {
        return word(at);
    }
    let star = text.find('*')?;
    let rest = text[star + 1..].trim_start();
    let end = rest
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .unwrap_or(rest.len());
    let name = &rest[..end];
    is_name(name).then_some(name)
}

/// What is between the first brackets: `queue` of `slots[queue]++`.
pub(crate) fn index(text: &str) -> Option<&str> {
    let open = text.find('[')?;
    let close = open + text[open..].find(']')?;
    let inner = text[open + 1..close].trim();
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '>');
    (is_name(inner) && inner.chars().all(fine)).then_some(inner)
}

/// An argument of the first call of a function in a line, from 0.
pub(crate) fn argument<'t>(text: &'t str, function: &str, number: usize) -> Option<&'t str> {
    let at = text.find(function)?;
    let open = at + text[at..].find('(')? + 1;
    let (mut depth, mut from, mut count) = (0, open, 0);
    for (offset, c) in text[open..].char_indices() {
        let here = open + offset;
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' if depth == 0 => return (count == number).then(|| text[from..here].trim()),
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                if count == number {
                    return Some(text[from..here].trim());
                }
                count += 1;
                from = here + 1;
            }
            _ => {}
        }
    }
    None
}

/// An expression without casts to pointers in front.
pub(crate) fn bare(text: &str) -> &str {
    let mut text = text.trim();
    while let Some((cast, rest)) = text.strip_prefix('(').and_then(|text| text.split_once(')'))
        && cast.trim_end().ends_with('*')
        && !rest.is_empty()
    {
        text = rest.trim_start();
    }
    text
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && !matches!(
            text,
            "if" | "while" | "for" | "return" | "sizeof" | "void" | "long" | "int"
        )
}

#[cfg(test)]
mod tests {
    use super::{accessed, argument, assigned, index};

    #[test]
    fn names_of_lines() {
        assert_eq!(
            assigned("__u64 *packets = lookup(&counts, &queue);", 0),
            Some("packets")
        );
        assert_eq!(assigned("udp = (void *)ip + ip->ihl * 4;", 0), Some("udp"));
        assert_eq!(
            assigned("__u32 zero = 0, queue = ctx->index;", 0),
            Some("zero")
        );
        assert_eq!(
            assigned("__u32 zero = 0, queue = ctx->index;", 30),
            Some("queue")
        );
        assert_eq!(assigned("if (a == b)", 0), None);
        assert_eq!(assigned("*packets += 1;", 0), None);
        assert_eq!(assigned("request->length = 4;", 0), Some("request->length"));
        assert_eq!(accessed("*packets += 1;", 0), Some("packets"));
        assert_eq!(accessed("return ip->daddr == 5;", 0), Some("ip"));
        assert_eq!(accessed("return ip->daddr == eth->x;", 26), Some("eth"));
        assert_eq!(accessed("table->slots[at]++;", 0), Some("table"));
        assert_eq!(index("slots[queue]++;"), Some("queue"));
        assert_eq!(index("slots[a + 1]++;"), None);
        assert_eq!(argument("f(a, g(b, c), d);", "f", 1), Some("g(b, c)"));
        assert_eq!(argument("f(a, g(b, c), d);", "f", 2), Some("d"));
    }
}
