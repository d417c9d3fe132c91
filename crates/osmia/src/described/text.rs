//! The text of a description, and what is wrong with it: every complaint shows the place.

use std::ops::Range;

use osmia_diag::{Code, Diagnostic, Label, Listing, Place};

/// A text with its name.
#[derive(Clone, Debug, Default)]
pub(super) struct Text {
    pub(super) name: String,
    pub(super) text: String,
    /// Number of its first line: not 1 for a line of a stream.
    pub(super) first_line: usize,
}

impl Text {
    /// A complaint about a part of it; `label` is said under that part.
    pub(super) fn complaint(
        &self,
        code: Code,
        span: &Range<usize>,
        message: impl Into<String>,
        label: impl Into<String>,
    ) -> Diagnostic {
        let text = &self.text;
        let start = text.floor_char_boundary(span.start.min(text.len()));
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let line = self.first_line + text[..start].matches('\n').count();
        let column = text[line_start..start].chars().count() + 1;
        let end = text
            .floor_char_boundary(span.end.clamp(start, line_end))
            .max(start);
        let listing = Listing {
            name: self.name.clone(),
            first_line: line,
            text: text[line_start..line_end].to_owned(),
            labels: vec![Label {
                range: start - line_start..end - line_start,
                message: label.into(),
                primary: true,
            }],
        };
        let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Diagnostic::error(code, message)
            .at(Place::none().source(self.name.clone(), small(line), small(column)))
            .listing(listing)
    }
}

/// The known name that is most like one that is not known.
pub(super) fn nearest<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let most = (name.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|candidate| (distance(name, candidate, most), candidate))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many characters must be put in, taken out, changed or swapped with their neighbour; anything
/// over `most` if it is more.
fn distance(a: &str, b: &str, most: usize) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > most {
        return most + 1;
    }
    let mut before = vec![0; b.len() + 1];
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for row in 1..=a.len() {
        let mut this = vec![row; b.len() + 1];
        for column in 1..=b.len() {
            let changed = usize::from(a[row - 1] != b[column - 1]);
            this[column] = (above[column] + 1)
                .min(this[column - 1] + 1)
                .min(above[column - 1] + changed);
            if row > 1 && column > 1 && a[row - 1] == b[column - 2] && a[row - 2] == b[column - 1] {
                this[column] = this[column].min(before[column - 2] + 1);
            }
        }
        before = std::mem::replace(&mut above, this);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::{Text, nearest};

    #[test]
    fn slips_of_the_finger_are_recognised() {
        let known = ["user_ip4", "user_ip6", "user_port"];
        assert_eq!(nearest("usr_port", known), Some("user_port"));
        assert_eq!(nearest("user_prot", known), Some("user_port"));
        assert_eq!(nearest("family", known), None);
    }

    #[test]
    fn a_complaint_names_line_and_column() {
        let text = Text {
            name: "a.toml".to_owned(),
            text: "x = 1\ny = 2\n".to_owned(),
            first_line: 1,
        };
        let code = crate::codes::CTX_NAME;
        let complaint = text.complaint(code, &(10..11), "wrong", "here");
        assert_eq!(complaint.place.to_string(), "a.toml:2:5");
        assert_eq!(complaint.listing.expect("it has one").text, "y = 2");
    }
}
