//! Names of the kernel's functions by address, as instructions that call them want them.

use std::collections::HashMap;

/// What calls count their distance from.
const CALL_BASE: &str = "__bpf_call_base";

/// The kernel's symbols.
#[derive(Debug, Default)]
pub(super) struct Symbols {
    names: HashMap<u64, String>,
    call_base: u64,
}

impl Symbols {
    /// Those the running kernel shows; none without the right to know addresses.
    pub(super) fn of_kernel() -> Self {
        let text = std::fs::read_to_string("/proc/kallsyms").unwrap_or_default();
        let mut symbols = Self::default();
        for line in text.lines() {
            let mut words = line.split_whitespace();
            let address = words
                .next()
                .and_then(|digits| u64::from_str_radix(digits, 16).ok());
            let (Some(address @ 1..), Some(name)) = (address, words.nth(1)) else {
                continue;
            };
            if name == CALL_BASE {
                symbols.call_base = address;
            }
            symbols
                .names
                .entry(address)
                .or_insert_with(|| name.to_owned());
        }
        symbols
    }

    /// The function at an address.
    pub(super) fn at(&self, address: u64) -> Option<&str> {
        self.names.get(&address).map(String::as_str)
    }

    /// The function a call leads to, by its distance; without symbols its address as far as known.
    pub(super) fn called(&self, distance: i32) -> String {
        let address = self.call_base.wrapping_add_signed(i64::from(distance));
        match self.at(address) {
            Some(name) => name.to_owned(),
            None => format!("{address:#x}"),
        }
    }
}
