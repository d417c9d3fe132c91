//! Names of the maps that hold sections of variables, as libbpf makes them.

/// The object's name as libbpf has it: the file's without folders, cut at the first dot and to
/// fifteen bytes.
pub(crate) fn object_name(file: &str) -> String {
    let base = file.rsplit('/').next().unwrap_or(file);
    let base = cut(base, 15);
    base.split('.').next().unwrap_or("").to_owned()
}

/// The name of a section's map: at most fifteen bytes, the object's name cut first.
pub(crate) fn section_map_name(file: &str, section: &str) -> String {
    const KEPT: usize = 15;
    let object = object_name(file);
    let suffix_len = section.len().clamp(7, KEPT);
    // A section with a second dot has a name of its own already.
    let prefix_len = if section.get(1..).is_some_and(|rest| rest.contains('.')) {
        0
    } else {
        (KEPT - suffix_len).min(object.len())
    };
    let name = format!("{}{}", cut(&object, prefix_len), cut(section, suffix_len));
    cut(&name, KEPT)
        .chars()
        .map(|each| {
            if each.is_ascii_alphanumeric() || each == '_' || each == '.' {
                each
            } else {
                '_'
            }
        })
        .collect()
}

/// At most this many bytes, whole characters only.
fn cut(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::section_map_name;

    #[test]
    fn names_are_cut_as_libbpf_cuts_them() {
        for (file, section, name) in [
            ("hello.bpf.o", ".bss", "hello.bss"),
            ("dir/state_machine_hard.bpf.o", ".rodata", "state_ma.rodata"),
            ("dir/state_machine_hard.bpf.o", ".bss", "state_ma.bss"),
            ("x.o", ".rodata.str1.1", ".rodata.str1.1"),
            ("x.o", ".rodata.cst16.of.many", ".rodata.cst16.o"),
            ("a-b.o", ".data", "a_b.data"),
            ("", ".kconfig", ".kconfig"),
        ] {
            assert_eq!(section_map_name(file, section), name, "{file} {section}");
        }
    }
}
