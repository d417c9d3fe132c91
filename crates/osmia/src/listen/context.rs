//! What happened as the input of a program.

use std::sync::Arc;

use osmia_program::{Program, ProgramKind, Target};
use osmia_trace::{Happening, Registers, What};

use super::facts::{self, Event};
use crate::Input;
use crate::described::{Node, laid_out};

/// The input of a program that listens to this.
pub(super) fn input(
    program: &Program,
    target: &Target,
    happening: &Happening,
    event: &Event,
) -> Input {
    let ctx = context(program.hook.kind, happening, event);
    let described = Node::table(vec![("task", event.described.clone()), ("ctx", ctx)]);
    let mut input = laid_out(&described, program, target, &event.task);
    if let Some(record) = record(program.hook.kind, &happening.what) {
        input.ctx = record;
    }
    Arc::make_mut(&mut input.scene).live = Some(event.memory.clone());
    input
}

/// The record of a system call, which is the same for all: a header, the number, and arguments or
/// result.
fn record(kind: ProgramKind, what: &What) -> Option<Vec<u8>> {
    const HEADER: usize = 8;
    if kind != ProgramKind::Tracepoint {
        return None;
    }
    let words = match what {
        What::Enter { call, registers } => {
            [&[u64::from(*call)], &registers.arguments()[..]].concat()
        }
        What::Exit { call, result, .. } => vec![u64::from(*call), *result as u64],
        _ => return None,
    };
    let words = words.iter().flat_map(|word| word.to_ne_bytes());
    Some([0; HEADER].into_iter().chain(words).collect())
}

fn registers(registers: &Registers) -> Vec<(&'static str, Node)> {
    let named = registers.named().into_iter();
    named
        .map(|(name, value)| (name, Node::number(value)))
        .collect()
}

/// The context as a description says it.
fn context(kind: ProgramKind, happening: &Happening, event: &Event) -> Node {
    let current = || Node::text("&task");
    let is_record = kind == ProgramKind::Tracepoint;
    let parts = match &happening.what {
        // Made of the numbers themselves.
        What::Enter { .. } | What::Exit { .. } if is_record => Vec::new(),
        What::Enter {
            registers: regs, ..
        } if kind == ProgramKind::Kprobe => {
            // The function is given the registers that the call came with.
            let mut given = registers(regs);
            given.push(("as", Node::text("struct pt_regs")));
            vec![("di", Node::table(given))]
        }
        What::Exit { result, .. } if kind == ProgramKind::Kprobe => {
            vec![("ax", Node::number(*result))]
        }
        What::Enter {
            call,
            registers: regs,
        } => {
            vec![
                ("regs", Node::table(registers(regs))),
                ("id", Node::number(*call)),
            ]
        }
        What::Exit {
            result,
            registers: regs,
            ..
        } => {
            vec![
                ("regs", Node::table(registers(regs))),
                ("ret", Node::number(*result)),
            ]
        }
        What::Forked { child, .. } if is_record => vec![
            ("parent_comm", Node::text(&event.task.comm)),
            ("parent_pid", Node::number(event.task.pid)),
            ("child_comm", Node::text(&event.task.comm)),
            ("child_pid", Node::number(*child)),
        ],
        What::Forked { child, .. } => {
            vec![("parent", current()), ("child", facts::described(*child))]
        }
        What::Executed { old_thread } => {
            let filename = ("filename", Node::text(&event.executed(happening.process)));
            let old = ("old_pid", Node::number(*old_thread));
            match is_record {
                true => vec![filename, ("pid", Node::number(event.task.pid)), old],
                false => vec![("p", current()), old, ("bprm", Node::table(vec![filename]))],
            }
        }
        What::Ending { .. } if is_record => vec![
            ("comm", Node::text(&event.task.comm)),
            ("pid", Node::number(event.task.pid)),
            ("prio", Node::number(120)),
        ],
        What::Ending { .. } => vec![("p", current())],
        What::Signal {
            number,
            code,
            errno,
        } => vec![
            ("sig", Node::number(*number)),
            ("errno", Node::number(*errno)),
            ("code", Node::number(*code)),
        ],
    };
    Node::table(parts)
}
