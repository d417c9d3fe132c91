//! System calls of this machine by number and name.

use syscalls::Sysno;

/// A system call's number.
pub type Number = u32;

/// Where the kernel's functions, and the tracepoints named after them, are called otherwise than the
/// system call.
const FUNCTIONS: [(&str, &str); 6] = [
    ("stat", "newstat"),
    ("fstat", "newfstat"),
    ("lstat", "newlstat"),
    ("uname", "newuname"),
    ("umount2", "umount"),
    ("sendfile", "sendfile64"),
];

/// The number of a system call by its name in the manual.
pub fn number(name: &str) -> Option<Number> {
    let call: Sysno = name.parse().ok()?;
    Some(call.id() as Number)
}

/// The number of a system call by the name its function has in the kernel, without `sys_`.
pub fn of_function(name: &str) -> Option<Number> {
    let plain = FUNCTIONS.iter().find(|(_, function)| *function == name);
    number(plain.map_or(name, |(plain, _)| plain))
}

/// The name of a system call in the manual.
pub fn name(number: Number) -> Option<&'static str> {
    Sysno::new(number as usize).map(|call| call.name())
}

/// The names of the kernel's functions for all system calls, without `sys_`.
pub fn functions() -> impl Iterator<Item = &'static str> {
    Sysno::iter().map(|call| {
        let renamed = FUNCTIONS.iter().find(|(plain, _)| *plain == call.name());
        renamed.map_or(call.name(), |(_, function)| *function)
    })
}

#[cfg(test)]
mod tests {
    use super::{functions, name, number, of_function};

    #[test]
    fn names_lead_there_and_back() {
        let execve = number("execve").expect("every machine has it");
        assert_eq!(name(execve), Some("execve"));
        #[cfg(target_arch = "x86_64")]
        assert_eq!(execve, 59);
        assert_eq!(of_function("newfstat"), number("fstat"));
        assert_eq!(number("no_such_call"), None);
        assert!(functions().all(|function| of_function(function).is_some()));
    }
}
