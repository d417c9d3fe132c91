//! What cannot agree, with the reason.

/// Programs by object and name.
const PROGRAMS: &[(&str, &str)] = &[];

/// Maps by object and name.
const MAPS: &[(&str, &str)] = &[];

/// Why a program is not compared.
pub(super) fn of_program(label: &str) -> Option<&'static str> {
    find(PROGRAMS, label)
}

/// Why a map of a program is not compared.
pub(super) fn of_map(label: &str, map: &str) -> Option<&'static str> {
    let object = label.split(' ').next().unwrap_or(label);
    find(MAPS, &format!("{object} {map}"))
}

fn find(list: &[(&str, &'static str)], label: &str) -> Option<&'static str> {
    list.iter()
        .find(|(name, _)| *name == label)
        .map(|(_, why)| *why)
}
