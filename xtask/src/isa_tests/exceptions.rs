//! Tests that are neither passed nor failed, with the reason of each.

const LIST: &str = include_str!("exceptions.txt");

/// Why a test is one.
pub(super) fn reason(name: &str) -> Option<&'static str> {
    LIST.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(" = "))
        .find(|(exception, _)| *exception == name)
        .map(|(_, reason)| reason)
}
