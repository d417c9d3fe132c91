//! What `/proc` tells of a task.

use std::fs;

/// A task's identity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskFacts {
    /// The thread's id.
    pub thread: u32,
    /// Its process'.
    pub process: u32,
    /// The process that started its process.
    pub parent: u32,
    /// Its name.
    pub comm: String,
    /// Real user.
    pub uid: u32,
    /// Real group.
    pub gid: u32,
}

impl TaskFacts {
    /// What is known of a thread; `None` if it is gone.
    pub fn of(thread: u32) -> Option<Self> {
        let status = fs::read(format!("/proc/{thread}/status")).ok()?;
        let status = String::from_utf8_lossy(&status);
        let mut facts = Self {
            thread,
            process: thread,
            ..Self::default()
        };
        for line in status.lines() {
            let Some((name, value)) = line.split_once(':') else {
                continue;
            };
            let value = value.trim();
            let number = || {
                value
                    .split_whitespace()
                    .next()
                    .and_then(|word| word.parse().ok())
            };
            match name {
                // A name may hold a line's end, which is written as two characters here.
                "Name" => facts.comm = value.replace("\\n", "\n"),
                "Tgid" => facts.process = number()?,
                "PPid" => facts.parent = number()?,
                "Uid" => facts.uid = number()?,
                "Gid" => {
                    facts.gid = number()?;
                    break;
                }
                _ => {}
            }
        }
        Some(facts)
    }
}
