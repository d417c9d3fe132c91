//! The values a rejection is about, each with its name and what happened to it.

use osmia_isa::{Callee, Insn};

use super::names;
use super::origin::{Event, Happened, origin};
use super::trace::{Place, Trace};
use super::value::Value;
use super::words;

/// A value on its way to where it was used.
#[derive(Clone, Debug)]
pub(crate) struct Thread {
    /// The register, as messages name it.
    pub(crate) register: String,
    /// What the program calls it.
    pub(crate) name: Option<String>,
    /// What was known of it where it was used.
    pub(crate) value: Value,
    /// What happened to it, the first thing first.
    pub(crate) events: Vec<Event>,
    /// The step it was used at.
    pub(crate) used: usize,
}

impl Thread {
    /// The value in a place before a step.
    pub(crate) fn new(trace: &Trace, place: Place, used: usize) -> Thread {
        let value = trace
            .value(place, used)
            .cloned()
            .unwrap_or_else(Value::unset);
        let events = origin(trace, place, used);
        let register = match place {
            Place::Reg { number, .. } => format!("R{number}"),
            Place::Slot { index, .. } => format!("fp-{}", 8 * (index + 1)),
        };
        let name = name(trace, &events, used, place);
        Thread {
            register,
            name,
            value,
            events,
            used,
        }
    }

    /// Without a name, if another value has it: a line names only one.
    pub(crate) fn unless_named(mut self, name: Option<&str>) -> Thread {
        if self.name.as_deref() == name {
            self.name = None;
        }
        self
    }

    /// What to call it: the variable, else the register.
    pub(crate) fn called(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.register)
    }

    /// The same, as code if it is the program's word.
    pub(crate) fn quoted(&self) -> String {
        match &self.name {
            Some(name) => quoted(name),
            None => self.register.clone(),
        }
    }

    /// The numbers this address was computed with that are no constants.
    pub(crate) fn operands(&self, trace: &Trace) -> Vec<Thread> {
        let events = self.events.iter().rev();
        events
            .filter_map(|event| Some((event.operand?, event.step)))
            .map(|(place, step)| Thread::new(trace, place, step))
            .filter(|thread| thread.value.is_number() && thread.value.num.constant().is_none())
            .collect()
    }

    /// The first thing that happened to it.
    pub(crate) fn born(&self) -> Option<&Event> {
        self.events.first()
    }

    /// The function that returned it.
    pub(crate) fn returned_by<'t>(&self, trace: &'t Trace) -> Option<&'t str> {
        let born = self.born()?;
        match born.happened {
            Happened::Returned => called(trace, born.step),
            _ => None,
        }
    }
}

/// The function that a step calls, by the text of the instruction.
pub(crate) fn called(trace: &Trace, step: usize) -> Option<&str> {
    let step = trace.steps.get(step)?;
    if !matches!(step.insn, Some(Insn::Call(_)) | None) {
        return None;
    }
    let name = step.text.split_once("call ")?.1;
    let end = name
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .unwrap_or(name.len());
    Some(&name[..end])
}

fn name(trace: &Trace, events: &[Event], used: usize, place: Place) -> Option<String> {
    let source = |step: usize| trace.steps.get(step)?.source.as_deref();
    let here = source(used)?;
    let value = trace.value(place, used)?;
    // An argument is named where it is passed.
    if let (Some(Insn::Call(Callee::Helper(_) | Callee::Kfunc { .. })), Place::Reg { number, .. }) =
        (trace.steps.get(used)?.insn, place)
        && number >= 1
        && let Some(function) = called(trace, used)
        && let Some(name) = names::argument(&here.text, function, number - 1)
        && !name.contains('"')
    {
        return Some(names::bare(name).to_owned());
    }
    if value.is_stack() {
        return names::accessed(&here.text, here.inside).map(str::to_owned);
    }
    // An address is named where it is used, or where it got its value; a number the other way round.
    let accesses = matches!(
        trace.steps.get(used)?.insn,
        Some(Insn::Load { .. } | Insn::Store { .. } | Insn::Atomic { .. })
    );
    // What is written stands to the left of an assignment.
    let text = match trace.steps.get(used)?.insn {
        Some(Insn::Store { .. }) => names::left(&here.text),
        _ => &here.text,
    };
    let accessed = (accesses && !value.is_number())
        .then(|| names::accessed(text, here.inside))
        .flatten();
    let assigned = || {
        let mut events = events.iter().rev();
        events.find_map(|event| match event.happened {
            Happened::Narrowed | Happened::Start | Happened::ByCall => None,
            _ => source(event.step).and_then(|line| names::assigned(&line.text, line.inside)),
        })
    };
    let index = || {
        value
            .is_number()
            .then(|| names::index(&here.text))
            .flatten()
    };
    let name = accessed.or_else(index).or_else(assigned);
    let name = name.or_else(|| {
        let address = !value.is_number() && !value.is_unset();
        address
            .then(|| names::accessed(&here.text, here.inside))
            .flatten()
    });
    name.map(str::to_owned)
}

/// What happened to a value of this name, as a sentence; nothing if it is not worth telling.
pub(crate) fn told(trace: &Trace, event: &Event, name: &str) -> Option<String> {
    let now = words::value(&event.now);
    let function = quoted(called(trace, event.step).unwrap_or("the call"));
    Some(match event.happened {
        Happened::Start if event.now.is_unset() || event.now.is_stack() => return None,
        Happened::Start => format!("{name} is {now} when the function begins"),
        Happened::Returned => format!("{name} is what {function} gives: {now}"),
        Happened::Clobbered => format!("the call of {function} leaves nothing in R1 to R5"),
        Happened::ByCall if event.was.is_packet() || event.was.name == "pkt_end" => {
            format!("{function} may move the packet: {name} counts no more")
        }
        Happened::ByCall if event.was.reference != 0 && event.now.reference == 0 => {
            format!("{function} gives {name} back: it may be used no more")
        }
        Happened::ByCall => format!("{function} makes {name} {now}"),
        Happened::Loaded { base, .. } => {
            let frame = trace.steps[event.step].frame;
            let base = Place::Reg {
                frame,
                number: usize::from(base),
            };
            let from = trace.value(base, event.step).map(words::value);
            let from = from.unwrap_or_else(|| "memory".to_owned());
            format!("{name} is read from {from}: it is {now}")
        }
        Happened::Constant => format!("{name} is {now}"),
        Happened::Computed { .. }
            if event.now.is_number() && event.now.num.constant().is_some() =>
        {
            return None;
        }
        Happened::Computed { .. } if event.now.is_stack() => format!("{name} is on {now}"),
        Happened::Computed { .. } => format!("{name} is computed: {now}"),
        Happened::Narrowed if event.was.may_be_null() && !event.now.may_be_null() => {
            if event.now.is_number() {
                format!("{name} is null here")
            } else {
                format!("{name} is not null here")
            }
        }
        Happened::Narrowed if event.now.is_packet() => {
            let range = event.now.range.unwrap_or_default();
            if range <= 0 {
                format!("the packet ends before {name}")
            } else {
                format!("the packet has at least {}", words::bytes(range as u64))
            }
        }
        Happened::Narrowed => format!("{name} is now {now}"),
        Happened::Written => format!("{name} becomes {now}"),
    })
}

/// As code.
pub(crate) fn quoted(name: &str) -> String {
    format!("`{name}`")
}
