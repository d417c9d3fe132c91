//! What is wrong in words, which check is missing, and for which value it goes wrong.

mod bounds;
mod calls;

use osmia_isa::Insn;
use osmia_program::Program;
use osmia_program::context::{Context, context};
use osmia_program::outcome::outcomes;

use super::explanation::Missing;
use super::origin::Happened;
use super::thread::{Thread, called, quoted};
use super::trace::{Source, Trace};
use super::words;
use crate::Mistake;

/// A rejection to give advice for.
pub(super) struct Case<'c> {
    pub(super) trace: &'c Trace,
    pub(super) mistake: Mistake,
    pub(super) message: &'c str,
    pub(super) threads: &'c [Thread],
    pub(super) program: Option<&'c Program>,
}

/// What is wrong and what would help.
#[derive(Clone, Debug, Default)]
pub(super) struct Advice {
    pub(super) summary: String,
    pub(super) example: Option<String>,
    pub(super) help: Option<String>,
    pub(super) missing: Option<Missing>,
    /// A step it follows from, and what happened there.
    pub(super) landmark: Option<(usize, String)>,
}

impl Advice {
    fn new(summary: impl Into<String>) -> Advice {
        Advice {
            summary: summary.into(),
            ..Advice::default()
        }
    }

    fn example(mut self, example: impl Into<String>) -> Advice {
        self.example = Some(example.into());
        self
    }

    fn help(mut self, help: impl Into<String>) -> Advice {
        self.help = Some(help.into());
        self
    }

    fn since(mut self, step: usize, words: impl Into<String>) -> Advice {
        self.landmark = Some((step, words.into()));
        self
    }

    /// With code that belongs before the rejected line.
    fn missing(mut self, case: &Case<'_>, code: Vec<String>) -> Advice {
        let source = case.trace.last().and_then(|step| step.source.as_deref());
        self.missing = Some(Missing {
            code,
            before: source.cloned(),
        });
        self
    }
}

pub(super) fn advise(case: &Case<'_>) -> Advice {
    match case.mistake {
        Mistake::Null => null(case),
        Mistake::Packet => bounds::packet(case),
        Mistake::MapValue => bounds::region(case),
        Mistake::Index => bounds::index(case),
        Mistake::Size => bounds::size(case),
        Mistake::Stack => bounds::stack(case),
        Mistake::Reference => calls::leak(case),
        Mistake::Lock => calls::lock(case),
        Mistake::Helper => calls::helper(case),
        Mistake::Argument | Mistake::Release => calls::argument(case),
        Mistake::NotPointer | Mistake::PacketMoved | Mistake::AfterRelease => not_pointer(case),
        Mistake::PointerMath => pointer_math(case),
        Mistake::ReadOnly => read_only(case),
        Mistake::Map => calls::map(case),
        Mistake::Register => register(case),
        Mistake::ReturnValue => return_value(case),
        Mistake::ContextField => context_field(case),
        Mistake::Loop => endless(case),
        Mistake::TooComplex => too_complex(case),
        Mistake::Memory => bounds::region(case),
        mistake if says_it_all(mistake) => Advice {
            help: general(mistake).help,
            ..Advice::new(case.message.lines().next().unwrap_or_default())
        },
        mistake => general(mistake),
    }
}

/// True if the message is in words of ours, or nothing better is known.
pub(super) fn says_it_all(mistake: Mistake) -> bool {
    matches!(
        mistake,
        Mistake::Unsupported
            | Mistake::Other
            | Mistake::TargetProgram
            | Mistake::TargetMap
            | Mistake::TargetCall
            | Mistake::TargetInstruction
    )
}

impl Case<'_> {
    fn main(&self) -> Option<&Thread> {
        self.threads.first()
    }

    /// The value of the main thread, by name.
    fn called(&self) -> String {
        self.main().map_or("the value".to_owned(), Thread::quoted)
    }

    /// The text of the rejected line.
    fn line(&self) -> &str {
        let source = self.trace.last().and_then(|step| step.source.as_ref());
        source.map_or("", |source| source.text.as_str())
    }

    /// How to leave the function that runs.
    fn leave(&self) -> String {
        let outer = self.trace.last().is_some_and(|step| {
            let function = self
                .program
                .and_then(|program| program.function_at(step.at));
            step.frame == 0 && function.is_none_or(|function| function.start == 0)
        });
        let hook = self.program.map(|program| &program.hook);
        let value = match hook {
            Some(hook) if outer => {
                let named = outcomes(hook).named;
                let usual = named
                    .iter()
                    .find(|one| one.goes_on && !one.name.is_empty() && one.value >= 0);
                match usual.or(named.iter().find(|one| one.goes_on)) {
                    Some(one) if one.name.is_empty() => one.value.to_string(),
                    Some(one) => one.name.to_owned(),
                    None => "0".to_owned(),
                }
            }
            _ => "0".to_owned(),
        };
        format!("\treturn {value};")
    }

    /// A check that leaves the function.
    fn unless(&self, condition: &str) -> Vec<String> {
        vec![format!("if ({condition})"), self.leave()]
    }

    /// The bytes the rejected instruction accesses, from the register.
    fn access(&self) -> Option<(i64, u64)> {
        match self.trace.last()?.insn? {
            Insn::Load { off, size, .. }
            | Insn::LoadAcquire { off, size, .. }
            | Insn::Store { off, size, .. }
            | Insn::StoreRelease { off, size, .. }
            | Insn::Atomic { off, size, .. } => Some((i64::from(off), size.bytes())),
            _ => None,
        }
    }

    /// The number behind `key` in the message.
    fn figure(&self, key: &str) -> Option<i64> {
        let at = self.message.find(key)? + key.len();
        let rest = &self.message[at..];
        let end = rest
            .find(|c: char| !(c.is_ascii_digit() || c == '-'))
            .unwrap_or(rest.len());
        rest[..end].parse().ok()
    }
}

fn null(case: &Case<'_>) -> Advice {
    let name = case.called();
    let Some(thread) = case.main() else {
        return general(case.mistake);
    };
    let map = thread.value.map.as_ref().map(|map| quoted(&map.name));
    let reason = match thread.returned_by(case.trace) {
        Some(function) if function.ends_with("map_lookup_elem") => {
            map.map(|map| format!("a key that {map} does not hold"))
        }
        Some("bpf_ringbuf_reserve") => Some("a ring buffer that is full".to_owned()),
        Some(function) if function.contains("sk") && function.contains("lookup") => {
            Some("a packet for which there is no socket".to_owned())
        }
        Some(_) => None,
        None if thread.value.name.starts_with("sock") => {
            Some("a packet that belongs to no socket".to_owned())
        }
        None if thread.value.name.starts_with("mem") => {
            Some("a caller that passes NULL".to_owned())
        }
        None => None,
    };
    let advice = Advice::new(format!("{name} may be null where it is used"));
    let advice = match &thread.name {
        Some(name) => advice.missing(case, case.unless(&format!("!{name}"))),
        None => advice.help(format!("compare {name} with NULL before it is used")),
    };
    match reason {
        Some(reason) => advice.example(reason),
        None => advice,
    }
}

fn not_pointer(case: &Case<'_>) -> Advice {
    let Some(thread) = case.main() else {
        return general(case.mistake);
    };
    let name = thread.quoted();
    let by_call = thread
        .events
        .iter()
        .rev()
        .find(|event| event.happened == Happened::ByCall);
    if let Some(event) = by_call {
        let function = quoted(called(case.trace, event.step).unwrap_or("the call"));
        if event.was.is_packet() {
            let mut code = Vec::new();
            if let Some(name) = &thread.name {
                code.push(format!("{name} = (void *)(long)ctx->data;"));
            }
            code.push("/* and data_end, and compare again */".to_owned());
            return Advice::new(format!(
                "{name} points into a packet that {function} may have moved"
            ))
            .help(format!(
                "load `data` and `data_end` again after {function}, and compare again"
            ))
            .missing(case, code);
        }
        return Advice::new(format!("{name} is used after {function} gave it back")).help(format!(
            "use {name} before {function}; keep what is needed later in a variable"
        ));
    }
    let from = thread.returned_by(case.trace).map(quoted);
    let summary = match &from {
        Some(function) => format!(
            "{name} is a number to the verifier: {function} does not give an address it knows"
        ),
        None => format!("{name} is a number to the verifier, not an address it knows"),
    };
    let code = match &thread.name {
        Some(name) => vec![format!(
            "bpf_probe_read_kernel(&copy, sizeof(copy), &{name}->member);"
        )],
        None => Vec::new(),
    };
    let advice = Advice::new(summary).help("read the kernel's memory with bpf_probe_read_kernel or BPF_CORE_READ, the memory of a process with bpf_probe_read_user");
    if code.is_empty() {
        advice
    } else {
        advice.missing(case, code)
    }
}

fn pointer_math(case: &Case<'_>) -> Advice {
    let Some(thread) = case.threads.iter().find(|thread| !thread.value.is_number()) else {
        return general(case.mistake);
    };
    let name = thread.quoted();
    let insn = case
        .trace
        .last()
        .map_or(String::new(), |step| quoted(&step.text));
    let advice = Advice::new(format!(
        "{name} is an address, and {insn} is nothing that may be done to one"
    ));
    Advice {
        help: general(case.mistake).help,
        ..advice
    }
}

fn read_only(case: &Case<'_>) -> Advice {
    let Some(thread) = case.main() else {
        return general(case.mistake);
    };
    let name = thread.quoted();
    if thread.value.is_packet() {
        let who = case
            .program
            .map_or("programs of this type".to_owned(), |program| {
                format!("{} programs", program.hook.kind.name())
            });
        return Advice::new(format!(
            "{name} is in the packet, which {who} may only read"
        ))
        .help("change packets in xdp or sched_cls programs");
    }
    let constant = thread
        .value
        .map
        .as_ref()
        .is_some_and(|map| map.name.contains(".rodata"));
    if constant {
        return Advice::new(format!("{name} is constant, and would be written")).help(
            "declare it without `const`; what is constant is frozen before the program runs",
        );
    }
    Advice {
        help: general(case.mistake).help,
        ..Advice::new(format!("{name} may not be accessed like this"))
    }
}

fn register(case: &Case<'_>) -> Advice {
    let Some(thread) = case.main() else {
        return general(case.mistake);
    };
    let register = &thread.register;
    match thread.born() {
        Some(event) if event.happened == Happened::Clobbered => {
            let function = quoted(called(case.trace, event.step).unwrap_or("a function"));
            Advice::new(format!("{register} is read, but the call of {function} left nothing in it"))
                .help(format!("copy the value to one of R6 to R9 before {function}: calls keep only those"))
        }
        _ if register == "R0" => Advice::new("the function ends without a value to return")
            .help("return a value on every path; reaching the end of a function that returns one is undefined in C"),
        _ => Advice::new(format!("{register} is read, but on this path nothing was written to it"))
            .help("give the variable a value on every path, best where it is declared"),
    }
}

fn return_value(case: &Case<'_>) -> Advice {
    // A program's result is an int.
    let value = case.main().map(|thread| match thread.value.num.constant() {
        Some(value) => (value as i32).to_string(),
        None => words::number(&thread.value.num),
    });
    let value = value.unwrap_or_default();
    let allowed = case
        .message
        .rsplit_once("should have been in ")
        .map(|(_, range)| range);
    let range = allowed.map(|range| range.trim_matches(['[', ']']).replace(", ", " to "));
    let who = if case.message.contains("callback") {
        "the callback"
    } else {
        "the program"
    };
    let advice = match &range {
        Some(range) => Advice::new(format!(
            "{who} returns {value}, where only {range} mean something"
        )),
        None => Advice::new(format!(
            "{who} returns something other than a number that is known"
        )),
    };
    let Some(program) = case.program.filter(|_| who == "the program") else {
        return match range {
            Some(_) if who == "the callback" => advice.help("return 0 to go on and 1 to stop"),
            Some(range) => advice.help(format!("return a number from {range}")),
            None => advice,
        };
    };
    let named = outcomes(&program.hook).named.iter();
    let meanings: Vec<String> = named
        .map(|one| {
            let name = if one.name.is_empty() {
                String::new()
            } else {
                format!("{} = ", one.name)
            };
            format!("{name}{}: {}", one.value, one.meaning)
        })
        .collect();
    if meanings.is_empty() {
        advice
    } else {
        advice.help(format!("return one of {}", meanings.join("; ")))
    }
}

fn context_field(case: &Case<'_>) -> Advice {
    let (Some(off), Some(size)) = (case.figure("off="), case.figure("size=")) else {
        return general(case.mistake);
    };
    let write = matches!(
        case.trace.last().and_then(|step| step.insn),
        Some(Insn::Store { .. } | Insn::Atomic { .. })
    );
    let verb = if write { "write" } else { "read" };
    let Some(program) = case.program else {
        return Advice::new(format!(
            "programs of this type may not {verb} {} at byte {off} of their context",
            words::bytes(size as u64)
        ));
    };
    let kind = program.hook.kind;
    let field = match context(&program.hook) {
        Context::Fields(fields) => fields.layout().field_at(off as u64),
        _ => None,
    };
    let name = match field {
        Some(field) => format!("`{}`", field.name),
        None => format!("byte {off}"),
    };
    let who = kind.name();
    let advice = Advice::new(format!(
        "{who} programs may not {verb} {name} of their context"
    ));
    if write {
        advice.help(
            "write only the fields that are meant to be written; for the rest there are helpers",
        )
    } else {
        advice.help(format!("`osmia feature` and the headers say what the context of {who} programs has; helpers give the rest"))
    }
}

fn endless(case: &Case<'_>) -> Advice {
    let code = vec!["for (int turn = 0; turn < 100; turn++)".to_owned()];
    let line = looping(case.trace);
    let mut advice =
        Advice::new("a loop comes back to where it was with nothing changed: it need not end")
            .help("count the turns and stop at a constant, or use bpf_loop")
            .missing(case, code);
    if let (Some(missing), Some(line)) = (&mut advice.missing, line) {
        missing.before = Some(line);
    }
    advice
}

/// The line the path came back to most often.
fn looping(trace: &Trace) -> Option<Source> {
    let mut counts: Vec<(&Source, usize)> = Vec::new();
    for source in trace.steps.iter().filter_map(|step| step.source.as_deref()) {
        match counts.iter_mut().find(|(one, _)| one.same_line(source)) {
            Some((_, count)) => *count += 1,
            None => counts.push((source, 1)),
        }
    }
    let best = counts.into_iter().max_by_key(|(_, count)| *count)?;
    Some(best.0.clone())
}

fn too_complex(case: &Case<'_>) -> Advice {
    let line = looping(case.trace);
    let summary = match &line {
        Some(line) => format!(
            "there are more paths than the verifier looks at; most of this one is spent on line {}",
            line.line
        ),
        None => "there are more paths than the verifier looks at".to_owned(),
    };
    Advice::new(summary)
        .help("bound loops by a small constant, use bpf_loop for long ones, and move parts into global functions; `osmia verify --heat` shows where the work goes")
}

/// Advice that needs no look at values.
fn general(mistake: Mistake) -> Advice {
    let help = match mistake {
        Mistake::License => Some(
            "declare `char LICENSE[] SEC(\"license\") = \"GPL\";` (or \"Dual MIT/GPL\"), if that is your licence",
        ),
        Mistake::Sleep => Some(
            "use a section that may sleep (`uprobe.s`, `fentry.s`, `lsm.s`, `syscall`), or a helper that does not sleep",
        ),
        Mistake::StackSize => Some(
            "make arrays smaller, put large ones into a per-CPU array map, and call fewer functions inside each other",
        ),
        Mistake::ContextPointer => Some(
            "use the context pointer as it came, with constant offsets; the compiler must not compute addresses in it",
        ),
        Mistake::ReadOnly => Some(
            "write to memory that is not constant: a variable without `const`, a map without BPF_F_RDONLY_PROG",
        ),
        Mistake::Atomic => Some(
            "use atomic operations on map values and the stack; change packets with plain loads and stores",
        ),
        Mistake::Alignment => Some(
            "place the member at a multiple of its size; atomic operations need it, `packed` takes it away",
        ),
        Mistake::PointerMath => {
            Some("compute with offsets from the start, and add them to the address at the end")
        }
        Mistake::Map => Some("use a map of a kind that goes with this helper"),
        Mistake::Spill => {
            Some("store and load pointers on the stack as 8 bytes, at multiples of 8")
        }
        Mistake::Dynptr => Some(
            "make the dynptr on this path first (bpf_dynptr_from_mem, bpf_dynptr_from_skb, bpf_ringbuf_reserve_dynptr), and leave its bytes on the stack alone",
        ),
        Mistake::Iterator => Some(
            "make the iterator with its `_new` function, step with `_next`, and end it with `_destroy` on every path",
        ),
        Mistake::MixedPointers => {
            Some("give each kind of pointer a load of its own; the compiler merged two of them")
        }
        Mistake::Unsupported => {
            Some("this is no verdict: Linux may well take the program; `osmia run` runs it checked")
        }
        Mistake::Leak | Mistake::Privilege => {
            Some("keep addresses out of maps, packets and return values, or load with CAP_PERFMON")
        }
        _ => None,
    };
    let advice = Advice::new(mistake.code().title);
    match help {
        Some(help) => advice.help(help),
        None => advice,
    }
}
