//! The branches of a path that matter for a rejection.

use osmia_isa::Insn;

use super::origin::Happened;
use super::thread::Thread;
use super::trace::{Source, Trace};

/// A branch of the path.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Turning {
    /// Which instruction of the path it is, from 0.
    pub step: usize,
    /// Its slot.
    pub at: usize,
    /// The instruction.
    pub insn: String,
    /// The line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// Whether the jump was taken.
    pub taken: bool,
    /// The next line of the path that is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub goes_on: Option<Source>,
    /// How often in a row, in a loop.
    pub times: usize,
}

/// Branches shown that only lie on the way; the last ones say most.
const ON_THE_WAY_MAX: usize = 3;

/// The branches that told something about the values, and the last ones since the first value was
/// there; how many of all branches these leave out.
pub(crate) fn turnings(
    trace: &Trace,
    threads: &[Thread],
    landmark: Option<usize>,
) -> (Vec<Turning>, usize) {
    let events = || threads.iter().flat_map(|thread| &thread.events);
    let born = threads.first().and_then(Thread::born);
    let since = landmark
        .or(born.map(|event| event.step))
        .unwrap_or_default();
    let is_branch = |step: usize| matches!(trace.steps[step].insn, Some(Insn::JumpIf { .. }));
    let all: Vec<usize> = (0..trace.end()).filter(|&step| is_branch(step)).collect();
    let told = |step: usize| {
        events().any(|event| event.step == step && event.happened == Happened::Narrowed)
    };
    let mut passed: Vec<usize> = all.iter().copied().filter(|&step| step > since).collect();
    passed.drain(..passed.len().saturating_sub(ON_THE_WAY_MAX));
    let mut found: Vec<Turning> = Vec::new();
    let mut shown = 0;
    for &step in &all {
        if !told(step) && !passed.contains(&step) {
            continue;
        }
        shown += 1;
        let turning = turning(trace, step);
        match found.last_mut() {
            Some(last) if last.at == turning.at && last.taken == turning.taken => last.times += 1,
            _ => found.push(turning),
        }
    }
    (found, all.len() - shown)
}

fn turning(trace: &Trace, step: usize) -> Turning {
    let here = &trace.steps[step];
    let goes_on = trace.steps[step + 1..].iter().find_map(|next| {
        let next = next.source.as_ref()?;
        let other = here
            .source
            .as_ref()
            .is_none_or(|here| !here.same_line(next));
        other.then(|| Source::clone(next))
    });
    Turning {
        step,
        at: here.at,
        insn: here.text.clone(),
        source: here.source.as_ref().map(|source| Source::clone(source)),
        taken: trace.taken(step).unwrap_or_default(),
        goes_on,
        times: 1,
    }
}
