//! Where a program listens, by the names its section gives.

use osmia_diag::Diagnostic;
use osmia_program::{AttachKind, Program, ProgramKind};
use osmia_trace::calls::{self, Number};
use osmia_trace::{Sides, Wanted, What};

use crate::codes;

/// A place in the life of processes.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Spot {
    /// Where a system call begins; `None` for every one.
    Enter(Option<Number>),
    /// Where it has returned.
    Exit(Option<Number>),
    /// A process or a thread was started.
    Fork,
    /// A process runs another program now.
    Exec,
    /// A thread ends.
    End,
    /// A signal is delivered.
    Signal,
}

/// What every kernel function of a system call is called before its name.
const WRAPPERS: [&str; 2] = ["__x64_sys_", "__se_sys_"];

impl Spot {
    /// Where a program listens.
    pub(super) fn of(program: &Program) -> Result<Self, Box<Diagnostic>> {
        let unknown = || Box::new(cannot_be_heard(program));
        let target = program.hook.target.as_deref().unwrap_or_default();
        let spot = match (program.hook.kind, program.hook.attach) {
            (ProgramKind::Tracepoint, _) => record(target),
            (ProgramKind::RawTracepoint | ProgramKind::RawTracepointWritable, _)
            | (ProgramKind::Tracing, Some(AttachKind::TraceRawTp)) => event(target),
            (ProgramKind::Kprobe, None) => probe(&program.section, target),
            _ => None,
        };
        spot.ok_or_else(unknown)
    }

    /// Whether this is where something happened.
    pub(super) fn hears(self, what: &What) -> bool {
        match (self, what) {
            (Spot::Enter(wanted), What::Enter { call, .. })
            | (Spot::Exit(wanted), What::Exit { call, .. }) => {
                wanted.is_none_or(|wanted| wanted == *call)
            }
            (Spot::Fork, What::Forked { .. })
            | (Spot::Exec, What::Executed { .. })
            | (Spot::End, What::Ending { .. })
            | (Spot::Signal, What::Signal { .. }) => true,
            _ => false,
        }
    }
}

/// The system calls that somebody listens to.
pub(super) fn wanted<'s>(spots: impl Iterator<Item = &'s Spot>) -> Wanted {
    let mut wanted = Wanted::default();
    for spot in spots {
        match *spot {
            Spot::Enter(call) => wanted.add(
                call,
                Sides {
                    enter: true,
                    exit: false,
                },
            ),
            Spot::Exit(call) => wanted.add(
                call,
                Sides {
                    enter: false,
                    exit: true,
                },
            ),
            Spot::Fork | Spot::Exec | Spot::End | Spot::Signal => {}
        }
    }
    wanted
}

/// `syscalls/sys_enter_openat`, `sched/sched_process_exec`
fn record(target: &str) -> Option<Spot> {
    match target.split_once('/')? {
        ("syscalls", name) => {
            if let Some(function) = name.strip_prefix("sys_enter_") {
                return calls::of_function(function).map(|call| Spot::Enter(Some(call)));
            }
            let function = name.strip_prefix("sys_exit_")?;
            calls::of_function(function).map(|call| Spot::Exit(Some(call)))
        }
        ("raw_syscalls", name) => {
            event(name).filter(|spot| matches!(spot, Spot::Enter(_) | Spot::Exit(_)))
        }
        ("sched" | "signal", name) => event(name),
        _ => None,
    }
}

/// A tracepoint by its name alone.
fn event(name: &str) -> Option<Spot> {
    Some(match name {
        "sys_enter" => Spot::Enter(None),
        "sys_exit" => Spot::Exit(None),
        "sched_process_fork" => Spot::Fork,
        "sched_process_exec" => Spot::Exec,
        "sched_process_exit" => Spot::End,
        "signal_deliver" => Spot::Signal,
        _ => return None,
    })
}

/// `ksyscall/openat`, `kprobe/__x64_sys_openat` and their counterparts at the return.
fn probe(section: &str, target: &str) -> Option<Spot> {
    let section = section.strip_prefix('?').unwrap_or(section);
    let (kind, _) = section.split_once('/')?;
    let call = match kind {
        "ksyscall" | "kretsyscall" => calls::of_function(target).or_else(|| calls::number(target)),
        "kprobe" | "kretprobe" => {
            let function = WRAPPERS
                .iter()
                .find_map(|wrapper| target.strip_prefix(wrapper))?;
            calls::of_function(function)
        }
        _ => None,
    }?;
    Some(match kind {
        "ksyscall" | "kprobe" => Spot::Enter(Some(call)),
        _ => Spot::Exit(Some(call)),
    })
}

/// The tracepoints of processes' lives.
const EVENTS: [&str; 6] = [
    "raw_syscalls/sys_enter",
    "raw_syscalls/sys_exit",
    "sched/sched_process_fork",
    "sched/sched_process_exec",
    "sched/sched_process_exit",
    "signal/signal_deliver",
];

fn cannot_be_heard(program: &Program) -> Diagnostic {
    let section = &program.section;
    let message = format!(
        "`{}` listens at `{section}`, which cannot be heard here",
        program.name
    );
    let mut diagnostic = Diagnostic::error(codes::RUN_HOOK, message)
        .help("`osmia run --list '*'` names the places that can");
    let target = program.hook.target.as_deref().unwrap_or_default();
    if let Some(nearest) = nearest(target) {
        diagnostic = diagnostic.help(format!("did you mean `{nearest}`?"));
    }
    diagnostic
}

/// The known place whose name is most alike, if one is.
fn nearest(target: &str) -> Option<String> {
    let (mut best, mut least) = (None, target.len() / 4 + 1);
    for name in listed() {
        let away = strsim::damerau_levenshtein(target, &name);
        if away < least {
            (best, least) = (Some(name), away);
        }
    }
    best
}

/// The tracepoints that can be heard.
pub(super) fn listed() -> impl Iterator<Item = String> {
    let calls = calls::functions().flat_map(|function| {
        ["enter", "exit"].map(|side| format!("syscalls/sys_{side}_{function}"))
    });
    EVENTS.iter().map(|&name| name.to_owned()).chain(calls)
}
