//! Bytes for people: two digits each, sixteen on a line.

/// Bytes as bpftool writes them.
pub(super) fn lines(bytes: &[u8]) -> String {
    let mut text = String::new();
    for (at, byte) in bytes.iter().enumerate() {
        text.push_str(match at {
            0 => "",
            _ if at % 16 == 0 => "\n",
            _ if at % 8 == 0 => "  ",
            _ => " ",
        });
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn eight_and_eight_on_a_line() {
        let shown = super::lines(&[0; 17]);
        assert_eq!(
            shown,
            "00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00\n00"
        );
    }
}
