//! The examples on the pages of the map codes give the diagnostics the pages promise.

use std::sync::Arc;

use osmia_program::{MapFlags, MapKind, MapSpec};

use super::CPUS;
use crate::map::{Map, Runs};

const PAGES: &[(&str, &str)] = &[
    (
        "vm-map-rule",
        include_str!("../../../../../docs/diagnostics/vm-map-rule.md"),
    ),
    (
        "vm-map-too-big",
        include_str!("../../../../../docs/diagnostics/vm-map-too-big.md"),
    ),
    (
        "vm-map-unsupported",
        include_str!("../../../../../docs/diagnostics/vm-map-unsupported.md"),
    ),
];

/// The line inside the block that opens with this.
fn block<'a>(page: &'a str, open: &str) -> &'a str {
    let (_, rest) = page.split_once(open).expect("the page has the block");
    rest.split_once("\n```").expect("the block ends").0.trim()
}

fn number(word: &str) -> u32 {
    match word.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => word.parse(),
    }
    .expect("a number")
}

#[test]
fn examples_on_the_pages_give_what_the_pages_say() {
    for (code, page) in PAGES {
        let words: Vec<&str> = block(page, "```vm map\n").split(' ').collect();
        let [
            kind,
            "key",
            key,
            "value",
            value,
            "max_entries",
            entries,
            "flags",
            flags,
        ] = words[..]
        else {
            panic!("{code}: {words:?}");
        };
        let kind = MapKind::from_name(kind).expect("a kind of Linux");
        let mut spec = MapSpec::new("example", kind, number(key), number(value), number(entries));
        spec.flags = MapFlags(number(flags));
        let error = Map::create(&spec, &Arc::new(Runs::new(CPUS))).expect_err("the rule is broken");
        let diagnostic = error.to_diagnostic();
        assert_eq!(diagnostic.code.id, *code);
        assert_eq!(diagnostic.message, block(page, "```text\n"));
    }
}
