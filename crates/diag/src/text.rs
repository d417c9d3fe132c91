//! Text rendering, by rustc's own renderer.

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use crate::{Diagnostic, Severity};

/// Whether to use colour; the caller knows the terminal, this crate does not.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Paint {
    /// Plain text.
    Plain,
    /// ANSI colours.
    Ansi,
}

impl Diagnostic {
    /// The diagnostic as people read it, without a final newline.
    pub fn to_text(&self, paint: Paint) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
            Severity::Note => Level::NOTE,
        };
        let mut place = self.place.clone();
        if let Some(listing) = &self.listing
            && place.source.as_ref() == Some(&listing.name)
        {
            // The head of the listing says these already.
            (place.source, place.line, place.column) = (None, None, None);
        }
        let place = place.to_string();
        let mut group = Group::with_title(level.primary_title(&*self.message).id(self.code.id));
        if let Some(listing) = &self.listing {
            let snippet = Snippet::source(&*listing.text)
                .path(&*listing.name)
                .line_start(listing.first_line)
                .fold(true)
                .annotations(listing.labels.iter().map(|label| {
                    let kind = if label.primary {
                        AnnotationKind::Primary
                    } else {
                        AnnotationKind::Context
                    };
                    let end = label.range.end.min(listing.text.len());
                    kind.span(label.range.start.min(end)..end)
                        .label(&*label.message)
                }));
            group = group.element(snippet);
            if !place.is_empty() {
                group = group.element(Level::NOTE.with_name("at").message(&*place));
            }
        } else if !place.is_empty() {
            group = group.element(Origin::path(&*place));
        }
        for note in &self.notes {
            group = group.element(Level::NOTE.message(&**note));
        }
        for help in &self.help {
            group = group.element(Level::HELP.message(&**help));
        }
        let renderer = match paint {
            Paint::Plain => Renderer::plain(),
            Paint::Ansi => Renderer::styled(),
        };
        renderer.render(&[group])
    }
}

#[cfg(test)]
mod tests {
    use crate::{Code, Diagnostic, Label, Listing, Paint, Place};

    const CODE: Code = Code {
        id: "elf-truncated",
        title: "the file ends too early",
    };

    #[test]
    fn a_place_without_text_is_an_origin_line() {
        let diagnostic = Diagnostic::error(CODE, "the section header table ends outside the file")
            .at(Place::file("a.o").section(".text").offset(64))
            .note("it has 40 entries of 64 bytes at offset 0x400, the file has 1,200 bytes")
            .help("build it again, or copy it again in full");
        assert_eq!(
            diagnostic.to_text(Paint::Plain),
            "\
error[elf-truncated]: the section header table ends outside the file
--> a.o, section .text, offset 0x40
 = note: it has 40 entries of 64 bytes at offset 0x400, the file has 1,200 bytes
 = help: build it again, or copy it again in full"
        );
    }

    #[test]
    fn a_listing_has_carets() {
        let text = "0: r0 = 1\n1: exit";
        let diagnostic = Diagnostic::error(CODE, "wrong")
            .at(Place::file("a.o").program("p"))
            .listing(Listing {
                name: "p".into(),
                first_line: 1,
                text: text.into(),
                labels: vec![Label {
                    range: 3..9,
                    message: "this one".into(),
                    primary: true,
                }],
            });
        let text = diagnostic.to_text(Paint::Plain);
        assert!(text.contains("^^^^^^ this one"), "{text}");
        assert!(text.contains("at: a.o, program p"), "{text}");
    }

    #[test]
    fn a_place_that_the_listing_shows_is_not_said_twice() {
        let diagnostic = Diagnostic::error(CODE, "wrong")
            .at(Place::none().source("input", 1, 4))
            .listing(Listing {
                name: "input".into(),
                first_line: 1,
                text: "r1 wrong".into(),
                labels: vec![Label {
                    range: 3..8,
                    message: "this".into(),
                    primary: true,
                }],
            });
        let text = diagnostic.to_text(Paint::Plain);
        assert_eq!(text.matches("input").count(), 1, "{text}");
    }

    #[test]
    fn json_says_the_same() {
        let diagnostic = Diagnostic::warning(CODE, "odd")
            .at(Place::file("a.o").offset(3))
            .help("h");
        assert_eq!(
            serde_json::to_string(&diagnostic).unwrap(),
            r#"{"severity":"warning","code":"elf-truncated","message":"odd","place":{"file":"a.o","offset":3},"help":["h"]}"#
        );
    }
}
