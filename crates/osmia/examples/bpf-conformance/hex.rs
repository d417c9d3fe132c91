//! Hexadecimal text as bytes.

/// The bytes of pairs of digits, blanks between them passed over.
pub(crate) fn bytes(text: &str) -> Result<Vec<u8>, String> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|letter| !letter.is_whitespace())
        .map(|letter| match letter.to_digit(16) {
            Some(digit) => Ok(digit as u8),
            None => Err(format!("`{letter}` is not a hexadecimal digit")),
        })
        .collect::<Result<_, _>>()?;
    match digits.as_chunks() {
        (pairs, []) => Ok(pairs.iter().map(|[high, low]| high << 4 | low).collect()),
        _ => Err("a byte has one digit only".to_owned()),
    }
}
