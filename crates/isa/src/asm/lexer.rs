//! Words, numbers and operators of one line, with where they stand.

/// One token.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// Letters, digits, `_`, `.`, `$`; not starting with a digit.
    Word(&'a str),
    /// Decimal or `0x…`; the sign is a token of its own.
    Number(u64),
    /// An operator or bracket.
    Symbol(&'static str),
    /// What no token starts with.
    Bad(&'a str),
    /// A number above 64 bits.
    TooLarge(&'a str),
}

/// A token and its bytes in the line.
#[derive(Copy, Clone, Debug)]
pub(super) struct Spanned<'a> {
    pub(super) token: Token<'a>,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Longest first, so that the first that fits is the right one.
const SYMBOLS: [&str; 36] = [
    "s>>=", ">>=", "<<=", "s>=", "s<=", "s/=", "s%=", "s>", "s<", "+=", "-=", "*=", "/=", "%=",
    "|=", "&=", "^=", "==", "!=", ">=", "<=", ">", "<", "&", "=", "*", "(", ")", "[", "]", "+",
    "-", ",", ":", "#", "!",
];

/// Splits a line; comments are dropped.
///
/// `;` and `//` always start a comment. `#` does too, except where a number may follow it: right
/// behind a word (`bpf_map_lookup_elem#1`) and after `call` (`call #1`).
pub(super) fn tokens(line: &str) -> Vec<Spanned<'_>> {
    let mut tokens: Vec<Spanned<'_>> = Vec::new();
    let mut at = 0;
    while let Some(c) = line[at..].chars().next() {
        let rest = &line[at..];
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        let comment = rest.starts_with(';')
            || rest.starts_with("//")
            || c == '#'
                && !matches!(tokens.last(), Some(&Spanned { token: Token::Word(word), end, .. })
                    if end == at || word == "call");
        if comment {
            break;
        }
        let symbol = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol));
        let (token, len) = if let Some(symbol) = symbol {
            (Token::Symbol(symbol), symbol.len())
        } else if c.is_ascii_digit() {
            let len = word_len(rest);
            (number(&rest[..len]), len)
        } else if word_len(rest) > 0 {
            let len = word_len(rest);
            (Token::Word(&rest[..len]), len)
        } else {
            (Token::Bad(&rest[..c.len_utf8()]), c.len_utf8())
        };
        tokens.push(Spanned {
            token,
            start: at,
            end: at + len,
        });
        at += len;
    }
    tokens
}

fn word_len(text: &str) -> usize {
    text.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '$')))
        .unwrap_or(text.len())
}

fn number(text: &str) -> Token<'_> {
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None => (text, 10),
    };
    match u64::from_str_radix(digits, radix) {
        Ok(number) => Token::Number(number),
        Err(error) if *error.kind() == std::num::IntErrorKind::PosOverflow => Token::TooLarge(text),
        Err(_) => Token::Bad(text),
    }
}

impl Token<'_> {
    /// The token as people would quote it.
    pub(super) fn quoted(&self) -> String {
        match self {
            Token::Word(text) | Token::Bad(text) | Token::TooLarge(text) => format!("`{text}`"),
            Token::Number(number) => format!("`{number}`"),
            Token::Symbol(symbol) => format!("`{symbol}`"),
        }
    }
}
