//! What is known of the one that something happened to, as a description would say it.

use std::sync::Arc;

use osmia_program::{LiveProcess, Task};
use osmia_trace::{Happening, TaskFacts, TracedMemory, What};

use crate::described::Node;

/// A happening with the task it happened to.
pub(super) struct Event {
    /// The task, as helpers tell it.
    pub(super) task: Task,
    /// The task as an object: members of `task_struct`.
    pub(super) described: Node,
    /// The process' memory.
    pub(super) memory: LiveProcess,
}

impl Event {
    /// What is known of the one it happened to.
    pub(super) fn of(happening: &Happening) -> Self {
        let facts = TaskFacts::of(happening.thread).unwrap_or(TaskFacts {
            thread: happening.thread,
            process: happening.process,
            ..TaskFacts::default()
        });
        let task = Task {
            pid: facts.thread,
            tgid: facts.process,
            uid: facts.uid,
            gid: facts.gid,
            comm: facts.comm.clone(),
            ..Task::default()
        };
        let mut members = named(&facts);
        members.push(("uid", Node::number(facts.uid)));
        members.push(("gid", Node::number(facts.gid)));
        if let Some(parent) = TaskFacts::of(facts.parent) {
            for member in ["real_parent", "parent"] {
                members.push((member, Node::table(named(&parent))));
            }
        }
        if let What::Ending { status } = happening.what {
            members.push(("exit_code", Node::number(status)));
        }
        Self {
            task,
            described: Node::table(members),
            memory: LiveProcess(Arc::new(TracedMemory {
                process: happening.process,
            })),
        }
    }

    /// The file that the process was asked to run, as it was named.
    pub(super) fn executed(&self, process: u32) -> String {
        let name = executed_name(process).and_then(|at| {
            let mut bytes = vec![0; 4096];
            let read = self.memory.0.read(at, &mut bytes);
            let end = bytes[..read].iter().position(|&byte| byte == 0)?;
            Some(String::from_utf8_lossy(&bytes[..end]).into_owned())
        });
        name.unwrap_or_default()
    }
}

/// Another task as a description's table.
pub(super) fn described(thread: u32) -> Node {
    let facts = TaskFacts::of(thread).unwrap_or(TaskFacts {
        thread,
        process: thread,
        ..TaskFacts::default()
    });
    Node::table(named(&facts))
}

fn named(facts: &TaskFacts) -> Vec<(&'static str, Node)> {
    vec![
        ("pid", Node::number(facts.thread)),
        ("tgid", Node::number(facts.process)),
        ("comm", Node::text(&facts.comm)),
    ]
}

/// Where a process finds the name of the file it runs: `AT_EXECFN` of its auxiliary vector.
fn executed_name(process: u32) -> Option<u64> {
    const AT_EXECFN: u64 = 31;
    let vector = std::fs::read(format!("/proc/{process}/auxv")).ok()?;
    let (pairs, _) = vector.as_chunks::<16>();
    let halves = pairs.iter().map(|pair| {
        let number =
            |at: usize| u64::from_ne_bytes(pair[at..at + 8].try_into().expect("eight bytes"));
        (number(0), number(8))
    });
    halves
        .into_iter()
        .find(|(kind, _)| *kind == AT_EXECFN)
        .map(|(_, value)| value)
}
