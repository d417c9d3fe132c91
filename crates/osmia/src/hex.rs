//! Bytes as hexadecimal digits.

/// Reads digits; blanks, colons and commas between them are passed over.
///
/// # Errors
/// What is no digit, or half a byte.
pub fn parse(text: &str) -> Result<Vec<u8>, String> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, ':' | ','))
        .map(|c| {
            c.to_digit(16)
                .map(|digit| digit as u8)
                .ok_or_else(|| format!("`{c}` is not a hexadecimal digit"))
        })
        .collect::<Result<_, _>>()?;
    if !digits.len().is_multiple_of(2) {
        return Err(format!("{} digits do not make whole bytes", digits.len()));
    }
    Ok(digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect())
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn digits_in_the_usual_spellings() {
        assert_eq!(parse("0aFF 00:01").unwrap(), [10, 255, 0, 1]);
        assert!(parse("").unwrap().is_empty());
        assert!(parse("0").unwrap_err().contains("whole bytes"));
        assert!(parse("0g").unwrap_err().contains("`g`"));
    }
}
