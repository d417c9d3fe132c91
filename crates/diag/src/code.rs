//! Stable codes. A code is a word, not a number: `elf-truncated` can be guessed, searched and read.

/// The stable name of one kind of diagnostic; its page is `docs/diagnostics/<id>.md`.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Code {
    /// Lower-case words joined by hyphens, the first naming the room: `btf-truncated`.
    pub id: &'static str,
    /// One line that says what this code means in general.
    pub title: &'static str,
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.id)
    }
}

/// Declares the codes of a crate, and `ALL`, the list the tidy check compares with the pages.
///
/// ```
/// mod codes {
///     osmia_diag::codes! {
///         TRUNCATED = "elf-truncated", "the file ends before its own headers say it does";
///     }
/// }
/// assert_eq!(codes::TRUNCATED.id, "elf-truncated");
/// assert_eq!(codes::ALL.len(), 1);
/// ```
#[macro_export]
macro_rules! codes {
    ($($name:ident = $id:literal, $title:literal;)+) => {
        $(
            #[doc = $title]
            pub const $name: $crate::Code = $crate::Code { id: $id, title: $title };
        )+
        /// Every code of this crate.
        pub const ALL: &[$crate::Code] = &[$($name),+];
    };
}
