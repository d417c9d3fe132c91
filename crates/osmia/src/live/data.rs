//! Words of a command one by one, and bytes in bpftool's words: `key 1 2 3 4`, `value hex 0a 0b`.

use osmia_program::Fault;

use super::{Selector, words};
use crate::Error;

/// The words of a command that are still to be read.
#[derive(Clone, Debug)]
pub struct Words {
    words: std::vec::IntoIter<String>,
    usage: &'static str,
}

/// Everything that may follow `key` or `value` ends at one of these.
const AFTER_DATA: [&str; 7] = ["key", "value", "any", "exist", "noexist", "hex", "flags"];

impl Words {
    /// These words; `usage` is shown with every mistake.
    pub fn new(words: Vec<String>, usage: &'static str) -> Self {
        Self {
            words: words.into_iter(),
            usage,
        }
    }

    /// The next word, left there.
    pub fn peek(&self) -> Option<&str> {
        self.words.as_slice().first().map(String::as_str)
    }

    /// The next word, if it is this one or starts it.
    pub fn take_if(&mut self, keyword: &str) -> bool {
        let is_it = self.peek().is_some_and(|word| is_short_for(word, keyword));
        if is_it {
            self.words.next();
        }
        is_it
    }

    /// The next word.
    ///
    /// # Errors
    /// If there is none.
    pub fn next(&mut self, what: &str) -> Result<String, Error> {
        let word = self.words.next();
        word.ok_or_else(|| self.mistake(format!("{what} is missing")))
    }

    /// The next word, a number, decimal or after `0x` hexadecimal.
    ///
    /// # Errors
    /// If it is none.
    pub fn number(&mut self, what: &str) -> Result<u64, Error> {
        let word = self.next(what)?;
        number(&word).ok_or_else(|| self.mistake(format!("`{word}` is not {what}, a number")))
    }

    /// Nothing may be left.
    ///
    /// # Errors
    /// If something is.
    pub fn end(&self) -> Result<(), Error> {
        match self.peek() {
            None => Ok(()),
            Some(word) => Err(self.mistake(format!("`{word}` is not understood here"))),
        }
    }

    /// True if nothing is left.
    pub fn is_empty(&self) -> bool {
        self.words.as_slice().is_empty()
    }

    /// A mistake, with how it is said right.
    pub fn mistake(&self, message: impl Into<String>) -> Error {
        words(message, self.usage)
    }

    /// `id N`, `pinned PATH`, `tag T`, `name NAME`.
    ///
    /// # Errors
    /// If it is none of them.
    pub fn selector(&mut self) -> Result<Selector, Error> {
        if self.take_if("id") {
            let id = self.number("an id")?;
            let id = u32::try_from(id);
            return id
                .map(Selector::Id)
                .map_err(|_| self.mistake("ids have 32 bits"));
        }
        if self.take_if("pinned") {
            return Ok(Selector::Pinned(self.next("a path")?));
        }
        if self.take_if("tag") {
            return Ok(Selector::Tag(self.next("a tag")?));
        }
        if self.take_if("name") {
            return Ok(Selector::Name(self.next("a name")?));
        }
        Err(match self.peek() {
            Some(word) => {
                let message = format!("`{word}` says nothing of which one is meant");
                self.mistake(message)
            }
            None => self.mistake("which one is meant is missing"),
        })
    }

    /// So many bytes: numbers, or after `hex` pairs of digits.
    ///
    /// # Errors
    /// If there are fewer or more, or one is no byte.
    pub fn bytes(&mut self, count: usize, what: &str) -> Result<Vec<u8>, Error> {
        let is_hex = self.take_if("hex");
        let mut bytes = Vec::new();
        while let Some(word) = self.peek() {
            if AFTER_DATA.contains(&word) {
                break;
            }
            let byte = match is_hex {
                true => u8::from_str_radix(word, 16).ok(),
                false => number(word).and_then(|byte| u8::try_from(byte).ok()),
            };
            let Some(byte) = byte else {
                return Err(self.mistake(format!("`{word}` is no byte of the {what}")));
            };
            bytes.push(byte);
            self.words.next();
        }
        match bytes.len() == count {
            true => Ok(bytes),
            false => {
                let given = bytes.len();
                let mut error =
                    self.mistake(format!("the {what} has {count} bytes, {given} are given"));
                error.fault = Fault::Usage;
                Err(error)
            }
        }
    }
}

/// bpftool takes the beginning of a keyword for it.
fn is_short_for(word: &str, keyword: &str) -> bool {
    !word.is_empty() && keyword.starts_with(word)
}

fn number(word: &str) -> Option<u64> {
    match word.strip_prefix("0x").or(word.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => word.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(text: &str) -> Words {
        let words = text.split_whitespace().map(str::to_owned).collect();
        Words::new(words, "osmia map update MAP key DATA value DATA")
    }

    #[test]
    fn bytes_are_numbers_or_digits() {
        let mut words = given("1 0x0a 255 value hex 0a ff");
        assert_eq!(words.bytes(3, "key").unwrap(), [1, 10, 255]);
        assert!(words.take_if("value"));
        assert_eq!(words.bytes(2, "value").unwrap(), [10, 255]);
        assert!(words.end().is_ok());
        for wrong in ["1 2", "1 2 300", "hex 1 2 xx", "1 2 3 4"] {
            assert!(given(wrong).bytes(3, "key").is_err(), "{wrong}");
        }
    }

    #[test]
    fn selectors_are_bpftools() {
        assert_eq!(given("id 7").selector().unwrap(), Selector::Id(7));
        let pinned = Selector::Pinned("/a".into());
        assert_eq!(
            given("pin /a").selector().unwrap(),
            pinned,
            "a beginning is enough"
        );
        assert!(given("seven").selector().is_err());
        assert!(given("id x").selector().is_err());
    }
}
