//! Why a program is rejected, as a value: what was asked, what was known and where from, which way
//! the path went, what is missing.

use osmia_isa::{AluOp, Insn, Operand, Reg as RegName};
use osmia_program::Program;
use serde::Serialize;

use super::advice::{self, Case};
use super::origin::{Event, Happened};
use super::thread::{Thread, told};
use super::trace::{Place, Source, Trace};
use super::turnings::{Turning, turnings};
use super::words;
use crate::Mistake;

/// Why a program is rejected.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// The stable code of the mistake.
    pub code: &'static str,
    /// One sentence: what is wrong.
    pub summary: String,
    /// The slot of the instruction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<usize>,
    /// The instruction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub insn: Option<String>,
    /// The line it came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// Instructions on the path.
    pub steps: usize,
    /// What the instruction asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked: Option<String>,
    /// What it follows from, where that is no value: a lock taken, a resource acquired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Happening>,
    /// The values it is about.
    pub known: Vec<Known>,
    /// The branches that matter.
    pub path: Vec<Turning>,
    /// Branches of the path that do not.
    pub branches_left_out: usize,
    /// A value for which it goes wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub example: Option<String>,
    /// What would help, in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// What would help, as code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<Missing>,
    /// The kernel's words.
    pub kernel: Vec<String>,
}

/// A value the rejection is about.
#[derive(Clone, Debug, Serialize)]
pub struct Known {
    /// What the program calls it, if that can be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The register.
    pub register: String,
    /// What is known where it is used, in the kernel's style.
    pub value: String,
    /// The same in words.
    pub words: String,
    /// Where that knowledge came from.
    pub history: Vec<Happening>,
}

/// Something that happened to a value.
#[derive(Clone, Debug, Serialize)]
pub struct Happening {
    /// Which instruction of the path it is, from 0.
    pub step: usize,
    /// The slot of the instruction.
    pub at: usize,
    /// The instruction.
    pub insn: String,
    /// The line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// What happened.
    pub words: String,
}

/// Code that would help.
#[derive(Clone, Debug, Serialize)]
pub struct Missing {
    /// The lines.
    pub code: Vec<String>,
    /// The line in front of which they belong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Source>,
}

/// Explains a rejection from its path. `program` is known unless the path was read from a log.
pub fn explain(
    trace: &Trace,
    mistake: Mistake,
    message: &str,
    program: Option<&Program>,
) -> Explanation {
    let threads = threads(trace, mistake, message);
    let mistake = refined(mistake, trace, &threads);
    let case = Case {
        trace,
        mistake,
        message,
        threads: &threads,
        program,
    };
    let advice = advice::advise(&case);
    let landmark = advice.landmark.as_ref().map(|(step, _)| *step);
    let (path, branches_left_out) = turnings(trace, &threads, landmark);
    let last = trace.last();
    Explanation {
        code: mistake.code().id,
        summary: advice.summary,
        at: last.map(|step| step.at),
        insn: last.map(|step| step.text.clone()),
        source: last.and_then(|step| step.source.as_deref().cloned()),
        steps: trace.left_out + trace.steps.len(),
        asked: match mistake {
            Mistake::Loop => Some("comes back here, and nothing has changed".to_owned()),
            Mistake::TooComplex => Some("here the verifier gives up".to_owned()),
            _ => asked(trace, &threads),
        },
        before: advice
            .landmark
            .map(|(step, words)| happening(trace, step, words)),
        known: threads.iter().map(|thread| known(trace, thread)).collect(),
        path,
        branches_left_out,
        example: advice.example,
        help: advice.help,
        missing: advice.missing,
        kernel: message
            .lines()
            .skip(usize::from(advice::says_it_all(mistake)))
            .map(str::to_owned)
            .collect(),
    }
}

/// The mistake, as far as the path tells more than the message does.
fn refined(mistake: Mistake, trace: &Trace, threads: &[Thread]) -> Mistake {
    let insn = trace.last().and_then(|step| step.insn);
    let by_call = threads.first().and_then(|thread| {
        let gone = thread.value.is_number();
        let mut events = thread.events.iter().rev();
        events.find(|event| gone && event.happened == Happened::ByCall)
    });
    match (mistake, by_call, insn) {
        (Mistake::NotPointer | Mistake::Argument, Some(event), _) if event.was.is_packet() => {
            Mistake::PacketMoved
        }
        (Mistake::NotPointer | Mistake::Argument, Some(_), _) => Mistake::AfterRelease,
        (Mistake::Index, _, Some(Insn::Alu { op, .. }))
            if !matches!(op, AluOp::Add | AluOp::Sub) =>
        {
            Mistake::PointerMath
        }
        _ => mistake,
    }
}

/// The values a rejection is about: the register it names, or those of the instruction; then the
/// numbers that went into an address.
fn threads(trace: &Trace, mistake: Mistake, message: &str) -> Vec<Thread> {
    let Some(last) = trace.last() else {
        return Vec::new();
    };
    let reg = |number: usize| Place::Reg {
        frame: last.frame,
        number,
    };
    let mut places = Vec::new();
    let named = message.lines().rev().find_map(named_register);
    let operands = last.insn.map(|insn| operands(&insn)).unwrap_or_default();
    match mistake {
        Mistake::Reference
        | Mistake::Lock
        | Mistake::Loop
        | Mistake::TooComplex
        | Mistake::Helper
        | Mistake::License => {}
        _ => match named {
            Some(number) if !matches!(last.insn, Some(Insn::Alu { .. })) => {
                places.push(reg(number))
            }
            _ => places.extend(operands.into_iter().map(|name| reg(name.index()))),
        },
    }
    if places.is_empty()
        && let Some(Insn::Call(_)) = last.insn
        && let Some(wanted) = memory_of(mistake)
    {
        let holds = |number: &usize| {
            let value = trace.value(reg(*number), trace.end());
            value.is_some_and(|value| wanted.contains(&&*value.name))
        };
        places.extend((1..=5).find(holds).map(reg));
    }
    // A size is about the memory in front of it, too.
    if mistake == Mistake::Size
        && let Some(number) = named.filter(|&number| number > 1)
    {
        places.push(reg(number - 1));
    }
    let mut threads: Vec<Thread> = Vec::new();
    for place in places {
        let first = threads.first().and_then(|thread| thread.name.clone());
        let thread = Thread::new(trace, place, trace.end());
        let thread = match &first {
            Some(_) => thread.unless_named(first.as_deref()),
            None => thread,
        };
        let operands = if mistake == Mistake::Null {
            Vec::new()
        } else {
            thread.operands(trace)
        };
        let name = thread.name.clone();
        threads.push(thread);
        threads.extend(
            operands
                .into_iter()
                .map(|operand| operand.unless_named(name.as_deref())),
        );
    }
    threads.truncate(THREADS_MAX);
    threads
}

/// What a call is given that a mistake is about, if its message names no register.
fn memory_of(mistake: Mistake) -> Option<&'static [&'static str]> {
    match mistake {
        Mistake::ReadOnly | Mistake::MapValue => Some(&["map_value", "map_key"]),
        Mistake::Map => Some(&["map_ptr"]),
        Mistake::Packet => Some(&["pkt", "pkt_meta"]),
        _ => None,
    }
}

/// Values explained at most.
const THREADS_MAX: usize = 3;

fn named_register(line: &str) -> Option<usize> {
    let at = line.find('R')?;
    let digits: String = line[at + 1..]
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    digits.parse().ok().filter(|&number: &usize| number <= 10)
}

/// Registers an instruction is about.
fn operands(insn: &Insn) -> Vec<RegName> {
    let with = |first: RegName, src: Operand| match src {
        Operand::Reg(src) if src != first => vec![first, src],
        _ => vec![first],
    };
    match *insn {
        Insn::Load { base, .. } | Insn::LoadAcquire { base, .. } => vec![base],
        Insn::Store { base, .. } | Insn::StoreRelease { base, .. } | Insn::Atomic { base, .. } => {
            vec![base]
        }
        Insn::Alu { dst, src, .. } => with(dst, src),
        Insn::JumpIf { dst, src, .. } => with(dst, src),
        Insn::Exit => vec![RegName::R0],
        _ => Vec::new(),
    }
}

fn asked(trace: &Trace, threads: &[Thread]) -> Option<String> {
    let last = trace.last()?;
    let name = |number: usize| {
        let register = format!("R{number}");
        let thread = threads
            .iter()
            .find(|thread| thread.register == register && thread.used == trace.end());
        thread.map_or(register.clone(), |thread| match &thread.name {
            Some(name) => format!("`{name}`"),
            None => register,
        })
    };
    let memory = |verb: &str, base: RegName, off: i16, bytes: u64| {
        let place = match off {
            0 => String::new(),
            off if off < 0 => format!(", {} bytes before it", -i32::from(off)),
            off => format!(", {off} bytes behind it"),
        };
        let what = words::bytes(bytes);
        format!("{verb} {what} through {}{place}", name(base.index()))
    };
    Some(match last.insn? {
        Insn::Load {
            base, off, size, ..
        }
        | Insn::LoadAcquire {
            base, off, size, ..
        } => memory("reads", base, off, size.bytes()),
        Insn::Store {
            base, off, size, ..
        }
        | Insn::StoreRelease {
            base, off, size, ..
        } => memory("writes", base, off, size.bytes()),
        Insn::Atomic {
            base, off, size, ..
        } => memory("changes", base, off, size.bytes()),
        Insn::Call(_) => {
            let function = super::thread::called(trace, trace.end())?;
            match threads.first() {
                Some(thread) => {
                    let number = thread.register.trim_start_matches('R');
                    let called = name(number.parse().ok()?);
                    format!("calls `{function}` with {called} as argument {number}")
                }
                None => format!("calls `{function}`"),
            }
        }
        Insn::Exit => "returns R0".to_owned(),
        Insn::Alu { .. } => format!("computes `{}`", last.text),
        Insn::JumpIf { .. } => format!("compares: `{}`", last.text),
        _ => return None,
    })
}

fn known(trace: &Trace, thread: &Thread) -> Known {
    let name = thread.quoted();
    let mut history: Vec<Happening> = Vec::new();
    let mut last: Option<&Event> = None;
    for event in &thread.events {
        let Some(words) = told(trace, event, &name) else {
            continue;
        };
        let happening = happening(trace, event.step, words);
        // Of what is computed in one line only the end is worth telling.
        let same_line =
            history
                .last()
                .is_some_and(|before| match (&before.source, &happening.source) {
                    (Some(before), Some(now)) => before.same_line(now),
                    _ => false,
                });
        let computed = |event: &Event| matches!(event.happened, Happened::Computed { .. });
        if same_line && computed(event) && last.is_some_and(computed) {
            history.pop();
        }
        if history
            .last()
            .is_none_or(|before| before.words != happening.words)
        {
            history.push(happening);
        }
        last = Some(event);
    }
    // In a loop the first and the last things say most.
    if history.len() > HISTORY_MAX {
        history.drain(2..history.len() - (HISTORY_MAX - 2));
    }
    Known {
        name: thread.name.clone(),
        register: thread.register.clone(),
        value: thread.value.to_string(),
        words: words::value(&thread.value),
        history,
    }
}

fn happening(trace: &Trace, step: usize, words: String) -> Happening {
    let here = &trace.steps[step];
    Happening {
        step,
        at: here.at,
        insn: here.text.clone(),
        source: here.source.as_deref().cloned(),
        words,
    }
}

/// Things told about one value at most.
const HISTORY_MAX: usize = 6;
