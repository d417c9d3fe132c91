//! Patterns of names, as people type them: `*` is any part, `?` any letter.

/// Whether a name is like a pattern.
pub fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut at, mut of) = (0, 0);
    // Where the last star was, and how much of the name it stands for so far.
    let mut star = None;
    while of < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, of));
                at += 1;
            }
            Some(&letter) if letter == b'?' || letter == name[of] => {
                at += 1;
                of += 1;
            }
            _ => {
                let Some((start, taken)) = star else {
                    return false;
                };
                star = Some((start, taken + 1));
                (at, of) = (start + 1, taken + 1);
            }
        }
    }
    pattern[at..].iter().all(|&letter| letter == b'*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars_are_parts_and_question_marks_letters() {
        assert!(matches("*", "syscalls/sys_enter_openat"));
        assert!(matches("*open*", "syscalls/sys_enter_openat"));
        assert!(matches(
            "syscalls/sys_enter_open??",
            "syscalls/sys_enter_openat"
        ));
        assert!(!matches("*close", "syscalls/sys_enter_openat"));
        assert!(!matches("sys?", "sys"));
        assert!(matches("a*b*c", "aXbYbZc"));
        assert!(matches("", ""));
        // Many stars do not take long.
        assert!(!matches(&"a*".repeat(64), &"a".repeat(63)));
    }
}
