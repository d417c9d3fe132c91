//! Advice for calls: what they hold, and who may make them.

use osmia_program::{Hook, MapKind, ProgramKind, helper};

use super::{Advice, Case, general, not_pointer};
use crate::explain::names;
use crate::explain::origin::Happened;
use crate::explain::thread::{called, quoted};
use crate::explain::trace::{Source, Step};

/// What gives back what these functions give.
const RELEASES: &[(&str, &str)] = &[
    (
        "bpf_ringbuf_reserve_dynptr",
        "bpf_ringbuf_discard_dynptr(&{}, 0);",
    ),
    ("bpf_ringbuf_reserve", "bpf_ringbuf_discard({}, 0);"),
    ("bpf_sk_lookup_tcp", "bpf_sk_release({});"),
    ("bpf_sk_lookup_udp", "bpf_sk_release({});"),
    ("bpf_skc_lookup_tcp", "bpf_sk_release({});"),
    ("bpf_map_lookup_elem", "bpf_sk_release({});"),
    ("bpf_task_acquire", "bpf_task_release({});"),
    ("bpf_task_from_pid", "bpf_task_release({});"),
    ("bpf_cgroup_acquire", "bpf_cgroup_release({});"),
    ("bpf_cgroup_from_id", "bpf_cgroup_release({});"),
    ("bpf_obj_new_impl", "bpf_obj_drop({});"),
    ("bpf_kptr_xchg", "bpf_obj_drop({});"),
    ("bpf_cpumask_create", "bpf_cpumask_release({});"),
];

pub(super) fn leak(case: &Case<'_>) -> Advice {
    let at = case.figure("alloc_insn=");
    let taken = case
        .trace
        .steps
        .iter()
        .rposition(|step| at == Some(step.at as i64));
    let Some(taken) = taken else {
        return general(case.mistake);
    };
    let step: &Step = &case.trace.steps[taken];
    let function = called(case.trace, taken).unwrap_or("the call");
    let line = step.source.as_deref();
    // A dynptr is made where the last argument says.
    let made = |line: &Source| {
        let argument = names::argument(&line.text, function, 3);
        argument.map(|name| name.trim_start_matches('&').to_owned())
    };
    let name = match line {
        Some(line) if function.ends_with("_dynptr") => made(line),
        Some(line) => names::assigned(&line.text, line.inside).map(str::to_owned),
        None => None,
    };
    let name = name.unwrap_or_else(|| "pointer".to_owned());
    let from = line.map_or(String::new(), |line| format!(" in line {}", line.line));
    let advice = Advice::new(if case.message.contains("tail_call") {
        format!(
            "a tail call does not come back, and `{name}` that {} gave{from} is still held",
            quoted(function)
        )
    } else {
        format!(
            "`{name}`, which {} gave{from}, is not given back on this path",
            quoted(function)
        )
    });
    let advice = advice.since(
        taken,
        format!("`{name}` is taken here, and must be given back"),
    );
    match RELEASES.iter().find(|(taker, _)| *taker == function) {
        Some((_, release)) => advice.missing(case, vec![release.replace("{}", &name)]),
        None => advice.help("release it before the end of every path"),
    }
}

pub(super) fn lock(case: &Case<'_>) -> Advice {
    let steps = 0..case.trace.end();
    let taken = steps
        .rev()
        .find(|&step| called(case.trace, step) == Some("bpf_spin_lock"));
    let line = taken.and_then(|step| case.trace.steps[step].source.as_deref());
    let lock = line.and_then(|line| names::argument(&line.text, "bpf_spin_lock", 0));
    let from = line.map_or(String::new(), |line| format!(" in line {}", line.line));
    let since = |advice: Advice| match taken {
        Some(step) => advice.since(step, "the lock is taken here"),
        None => advice,
    };
    let unlock = format!("bpf_spin_unlock({});", lock.unwrap_or("&value->lock"));
    if case.message.contains("function calls are not allowed") {
        let function = called(case.trace, case.trace.end()).map_or("a function".to_owned(), quoted);
        return since(Advice::new(format!("{function} is called while the lock taken{from} is held")))
            .help("call it before the lock is taken or after it is released: between there may be no calls");
    }
    if case.message.contains("lock-ed region") || case.message.contains("is missing") {
        return since(Advice::new(format!(
            "the lock taken{from} is not released on this path"
        )))
        .missing(case, vec![unlock]);
    }
    general(case.mistake).help("take one lock at a time, and release the same one on every path")
}

/// Helpers that do the same for other types of programs.
const ALIKE: &[(&str, &str, &str)] = &[
    ("bpf_skb_load_bytes", "bpf_xdp_load_bytes", "xdp"),
    ("bpf_xdp_load_bytes", "bpf_skb_load_bytes", "sched_cls"),
    ("bpf_skb_store_bytes", "bpf_xdp_store_bytes", "xdp"),
    ("bpf_xdp_store_bytes", "bpf_skb_store_bytes", "sched_cls"),
    ("bpf_xdp_adjust_head", "bpf_skb_adjust_room", "sched_cls"),
    ("bpf_xdp_adjust_tail", "bpf_skb_change_tail", "sched_cls"),
    ("bpf_skb_change_tail", "bpf_xdp_adjust_tail", "xdp"),
    ("bpf_skb_change_head", "bpf_xdp_adjust_head", "xdp"),
    ("bpf_skb_output", "bpf_perf_event_output", "xdp"),
];

pub(super) fn map(case: &Case<'_>) -> Advice {
    let kind = case
        .figure("map_type ")
        .and_then(|kind| MapKind::from_number(kind as u32));
    let function = called(case.trace, case.trace.end()).map(quoted);
    let map = case.main().and_then(|thread| thread.value.map.as_ref());
    match (kind, function, map) {
        (Some(kind), Some(function), Some(map)) => {
            let advice = Advice::new(format!(
                "`{}` is a {} map, and {function} is not for those",
                map.name,
                kind.name()
            ));
            match kind {
                MapKind::PerfEventArray => advice.help("write to it with bpf_perf_event_output; to look values up use an array or a hash map"),
                MapKind::Ringbuf => advice.help("write to it with bpf_ringbuf_output or bpf_ringbuf_reserve; to look values up use an array or a hash map"),
                _ => advice.help("use a map of a kind that goes with this helper"),
            }
        }
        _ => general(case.mistake),
    }
}

/// Types named at most.
const KINDS_MAX: usize = 6;

pub(super) fn helper(case: &Case<'_>) -> Advice {
    let words = case.message.rsplit(' ').next().unwrap_or_default();
    let name = words.split('#').next().unwrap_or_default();
    let Some(helper) = helper::by_name(name).filter(|_| !name.is_empty()) else {
        return general(case.mistake);
    };
    let kind = case.program.map(|program| program.hook.kind);
    let who = kind.map_or("programs of this type".to_owned(), |kind| {
        format!("{} programs", kind.name())
    });
    let advice = Advice::new(format!("{who} may not call `{}`", helper.name));
    let alike = ALIKE.iter().find(|(this, _, wanted)| {
        *this == helper.name && kind.is_some_and(|kind| kind.name() == *wanted)
    });
    if let Some((_, other, _)) = alike {
        let line = case.line().replace(helper.name, other);
        return advice.help(format!("`{other}` does the same for {who}: `{line}`"));
    }
    let may = |kind: &ProgramKind| {
        let hook = Hook {
            kind: *kind,
            attach: None,
            target: None,
        };
        helper.permits(&hook, "GPL", true).is_ok()
    };
    let kinds: Vec<&str> = ProgramKind::ALL
        .iter()
        .copied()
        .filter(may)
        .map(ProgramKind::name)
        .collect();
    let more = kinds.len().saturating_sub(KINDS_MAX);
    let mut list = kinds[..kinds.len().min(KINDS_MAX)].join(", ");
    if more > 0 {
        list += &format!(" and {more} more types");
    }
    if kinds.is_empty() {
        advice
    } else {
        advice.help(format!("those that may: {list}"))
    }
}

pub(super) fn argument(case: &Case<'_>) -> Advice {
    let Some(thread) = case.main() else {
        return general(case.mistake);
    };
    let gone = thread
        .events
        .iter()
        .any(|event| event.happened == Happened::ByCall);
    if gone && thread.value.is_number() {
        return not_pointer(case);
    }
    let name = thread.quoted();
    let is = crate::explain::words::value(&thread.value);
    let expected = case
        .message
        .rsplit_once("expected=")
        .map(|(_, names)| names);
    let function = called(case.trace, case.trace.end()).map_or("the function".to_owned(), quoted);
    match expected {
        Some(expected) => Advice::new(format!(
            "{name} is {is}, which {function} does not take there"
        ))
        .help(format!("it takes {expected}")),
        None if case.message.contains("readonly map") => Advice::new(format!(
            "{name} must be constant: {function} reads it when the program is loaded"
        ))
        .help("declare it `static const char name[]`, so that it lies in .rodata"),
        None => Advice::new(format!(
            "{name} is {is}, which {function} does not take there"
        )),
    }
}
