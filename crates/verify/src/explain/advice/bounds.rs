//! Advice for accesses that are not known to stay inside.

use osmia_isa::{AluOp, Insn, Operand};

use super::{Advice, Case, general};
use crate::Mistake;
use crate::explain::names;
use crate::explain::origin::Happened;
use crate::explain::thread::Thread;
use crate::explain::trace::Place;
use crate::explain::value::Value;
use crate::explain::words;

pub(super) fn packet(case: &Case<'_>) -> Advice {
    let Some(thread) = case.main() else {
        return general(case.mistake);
    };
    let (Some(off), Some(size)) = (case.figure("off="), case.figure("size=")) else {
        return general(case.mistake);
    };
    let (end, known) = (off + size, thread.value.range.unwrap_or_default().max(0));
    let fixed = thread.value.id == 0;
    let name = thread.quoted();
    let summary = if fixed {
        format!(
            "the packet may be shorter than {}, and {name} is used that far",
            words::bytes(end as u64)
        )
    } else {
        format!("the packet may end before what is used of {name}")
    };
    let advice = Advice::new(summary);
    let advice = if fixed && known < end {
        advice.example(format!(
            "a packet of {}",
            words::bytes((end - 1).max(0) as u64)
        ))
    } else {
        advice
    };
    let Some(name) = &thread.name else {
        return advice.help("compare with `data_end` before the access");
    };
    let limit = end_name(case);
    let line = case.line();
    if line.contains(&format!("{name}->")) || line.contains(&format!("*{name}")) {
        return advice.missing(
            case,
            case.unless(&format!("(void *)({name} + 1) > {limit}")),
        );
    }
    let ahead = end - named_at(case, thread);
    advice.missing(
        case,
        case.unless(&format!("(void *){name} + {ahead} > {limit}")),
    )
}

/// Where in the packet the variable points that the thread is named for.
fn named_at(case: &Case<'_>, thread: &Thread) -> i64 {
    let named = thread.events.iter().find(|event| {
        let source = case.trace.steps[event.step].source.as_ref();
        let assigned = source.and_then(|source| names::assigned(&source.text, source.inside));
        assigned.is_some() && assigned == thread.name.as_deref()
    });
    let same_line = named.and_then(|named| {
        let line = case.trace.steps[named.step].source.as_deref()?;
        // The last thing that happened to it on that line.
        thread.events.iter().rev().find(|event| {
            let source = case.trace.steps[event.step].source.as_deref();
            source.is_some_and(|source| source.same_line(line))
        })
    });
    let event = same_line.filter(|event| event.now.id == thread.value.id);
    event.map_or(0, |event| event.now.off)
}

/// What the program calls the end of the packet.
fn end_name(case: &Case<'_>) -> String {
    let lines = case
        .trace
        .steps
        .iter()
        .filter_map(|step| step.source.as_deref());
    let program = case.program.and_then(|program| program.debug.as_ref());
    let others = program.into_iter().flat_map(|debug| {
        debug
            .lines
            .iter()
            .filter_map(|line| debug.btf.string(line.text))
    });
    let texts = lines.map(|source| source.text.as_str()).chain(others);
    let named = texts
        .filter(|text| text.contains("data_end"))
        .find_map(|text| names::assigned(text, 0).map(str::to_owned));
    match named {
        Some(name) => name,
        None => "(void *)(long)ctx->data_end".to_owned(),
    }
}

/// How many bytes behind a pointer are surely there.
fn room(value: &Value) -> Option<i64> {
    let farthest = value.num.s.max.checked_add(value.off)?;
    match &*value.name {
        "fp" => farthest.checked_neg(),
        "pkt" | "pkt_meta" => value.range.map(|range| range - value.off),
        "map_value" => value
            .map
            .as_ref()?
            .value
            .try_into()
            .ok()
            .map(|bytes: i64| bytes - farthest),
        "map_key" => value
            .map
            .as_ref()?
            .key
            .try_into()
            .ok()
            .map(|bytes: i64| bytes - farthest),
        "mem" | "ringbuf_mem" => value
            .bytes?
            .try_into()
            .ok()
            .map(|bytes: i64| bytes - farthest),
        _ => None,
    }
}

/// How many bytes the memory of a pointer has.
fn whole(value: &Value) -> Option<i64> {
    match &*value.name {
        "map_value" => value.map.as_ref()?.value.try_into().ok(),
        "map_key" => value.map.as_ref()?.key.try_into().ok(),
        "mem" | "ringbuf_mem" => value.bytes?.try_into().ok(),
        "fp" => Some(-value.off),
        _ => None,
    }
}

pub(super) fn region(case: &Case<'_>) -> Advice {
    let limit = ["value_size=", "mem_size=", "key_size="]
        .iter()
        .find_map(|key| case.figure(key));
    let (Some(limit), Some(off), Some(size)) = (limit, case.figure("off="), case.figure("size="))
    else {
        return general(case.mistake);
    };
    // `size=` also ends `value_size=`.
    let size = case
        .message
        .split(" size=")
        .nth(1)
        .and_then(leading)
        .unwrap_or(size);
    let name = case.called();
    let summary = if off < 0 {
        format!("{name} may be used from byte {off} on, before its memory begins")
    } else {
        format!(
            "{name} has {}, the access may reach byte {}",
            words::bytes(limit as u64),
            off + size
        )
    };
    let advice = Advice::new(summary);
    match number(case) {
        Some(index) => bounded(case, advice, index, limit),
        None if matches!(case.main().map(|thread| &*thread.value.name), Some("mem" | "ringbuf_mem")) => {
            advice.help("make the memory as large as the structure that is written: `sizeof(*pointer)`, not `sizeof(pointer)`")
        }
        None => advice.help("access only what the map's value has; its size is in the map's definition"),
    }
}

fn leading(text: &str) -> Option<i64> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    text[..end].parse().ok()
}

/// The number that moved the pointer.
fn number<'c>(case: &'c Case<'_>) -> Option<&'c Thread> {
    case.threads.iter().find(|thread| thread.value.is_number())
}

pub(super) fn index(case: &Case<'_>) -> Advice {
    let Some(index) = number(case) else {
        return general(case.mistake);
    };
    let pointer = case.threads.iter().find(|thread| !thread.value.is_number());
    let negative = index.value.num.s.min < 0;
    let name = index.quoted();
    let (_, before) = scaled(case, index);
    let is = words::number(&before.num);
    let unbounded =
        index.value.num.u.max > u64::from(u16::MAX) && index.value.num.s.max > i64::from(u16::MAX);
    let summary = match (negative, unbounded) {
        (true, true) => format!("{name} may be negative or too large: it is {is}"),
        (true, false) => format!("{name} may be negative: it is {is}"),
        (false, _) => format!("{name} has no upper bound: it is {is}"),
    };
    let advice = Advice::new(summary);
    match pointer.and_then(|pointer| whole(&pointer.value)) {
        Some(limit) => bounded(case, advice, index, limit),
        None => advice.help(format!("compare {name} with its bounds before it is used")),
    }
}

/// Advice to keep an index inside memory of so many bytes.
fn bounded(case: &Case<'_>, advice: Advice, index: &Thread, limit: i64) -> Advice {
    let (scale, before) = scaled(case, index);
    let pointer = case.threads.iter().find(|thread| !thread.value.is_number());
    let negative = before.num.s.min < 0 || index.value.num.s.min < 0;
    let name = index.called();
    let Some((off, bytes)) = case.access().or_else(|| access_ahead(case)) else {
        // What is accessed then is not known: an upper bound would be a guess.
        return match &index.name {
            Some(name) if negative => advice
                .example(format!("{name} = -1"))
                .missing(case, case.unless(&format!("{name} < 0"))),
            _ => {
                let name = index.quoted();
                advice.help(format!("compare {name} with its bounds before it is used"))
            }
        };
    };
    let on_stack = pointer.is_some_and(|pointer| pointer.value.is_stack());
    let start = pointer
        .filter(|_| !on_stack)
        .map_or(0, |pointer| pointer.value.off);
    let count = (limit - start - off - bytes as i64) / scale + 1;
    if count <= 0 {
        return advice;
    }
    let condition = if negative {
        format!("{name} < 0 || {name} >= {count}")
    } else {
        format!("{name} >= {count}")
    };
    let wrong = if negative {
        -1
    } else {
        count.max(before.num.u.min as i64)
    };
    let read_again = read_again(case, index);
    let advice = advice.example(format!(
        "{name} = {wrong}, where 0 to {} are inside",
        count - 1
    ));
    match read_again {
        Some(help) => advice.help(help),
        None if index.name.is_none() => advice.help(format!(
            "compare the number in {name} before: it has to be from 0 to {}",
            count - 1
        )),
        None => advice.missing(case, case.unless(&condition)),
    }
}

/// The access that follows on an address that is computed.
fn access_ahead(case: &Case<'_>) -> Option<(i64, u64)> {
    /// Instructions looked at.
    const AHEAD: usize = 4;
    let (last, program) = (case.trace.last()?, case.program?);
    let Some(Insn::Alu { dst, .. }) = last.insn else {
        return None;
    };
    (last.at + 1..program.insns.len().min(last.at + AHEAD)).find_map(|at| match osmia_isa::decode(
        &program.insns,
        at,
    )
    .ok()?
    {
        Insn::Load {
            base, off, size, ..
        }
        | Insn::Store {
            base, off, size, ..
        } if base == dst => Some((i64::from(off), size.bytes())),
        _ => None,
    })
}

/// By how much an index counts, and what it was before it was multiplied.
fn scaled(case: &Case<'_>, index: &Thread) -> (i64, Value) {
    let (mut shift, mut factor, mut before) = (0, 1, None);
    for event in &index.events {
        if !matches!(event.happened, Happened::Computed { with: None }) {
            continue;
        }
        match case.trace.steps[event.step].insn {
            Some(Insn::Alu {
                op: AluOp::Lsh,
                src: Operand::Imm(by),
                ..
            }) => shift += by,
            Some(Insn::Alu {
                op: AluOp::Rsh | AluOp::Arsh,
                src: Operand::Imm(by),
                ..
            }) => shift -= by,
            Some(Insn::Alu {
                op: AluOp::Mul,
                src: Operand::Imm(by),
                ..
            }) if by > 0 => factor *= i64::from(by),
            _ => continue,
        }
        before.get_or_insert_with(|| event.was.clone());
    }
    let scale = if (1..16).contains(&shift) {
        factor << shift
    } else {
        factor
    };
    (scale, before.unwrap_or_else(|| index.value.clone()))
}

/// If the number was compared before, in another reading of the same memory: what to do.
fn read_again(case: &Case<'_>, number: &Thread) -> Option<String> {
    let read = |thread: &Thread| {
        let born = thread.born()?;
        let Happened::Loaded { base, off } = born.happened else {
            return None;
        };
        let step = &case.trace.steps[born.step];
        let base = Place::Reg {
            frame: step.frame,
            number: usize::from(base),
        };
        let from = case.trace.value(base, born.step)?;
        let map = from.map.as_ref()?;
        Some((map.name.clone(), from.off + i64::from(off), born.step))
    };
    let (map, off, step) = read(number)?;
    (0..step).rev().find_map(|compared| {
        let here = &case.trace.steps[compared];
        let Some(Insn::JumpIf { dst, .. }) = here.insn else {
            return None;
        };
        let place = Place::Reg {
            frame: here.frame,
            number: dst.index(),
        };
        let (other, at, earlier) = read(&Thread::new(case.trace, place, compared))?;
        if (other, at) != (map.clone(), off) || earlier == step {
            return None;
        }
        let line = here.source.as_ref()?.line;
        Some(format!(
            "line {line} compares an earlier reading of it: the memory may have changed since. Read it once into a variable, compare that and use that"
        ))
    })
}

pub(super) fn size(case: &Case<'_>) -> Advice {
    let Some(size) = number(case) else {
        return general(case.mistake);
    };
    let name = size.quoted();
    let num = &size.value.num;
    if case.message.contains("not a known constant") {
        return Advice::new(format!("{name} must be a constant: it is {}", words::number(num)))
            .help("reserve a constant number of bytes, the largest that is needed; or use bpf_ringbuf_output, or a dynptr, for records of variable size");
    }
    let memory = case
        .threads
        .iter()
        .rev()
        .find(|thread| !thread.value.is_number());
    let room = memory
        .and_then(|memory| room(&memory.value))
        .filter(|&room| room > 0);
    if case.message.contains("zero-sized") {
        let condition = format!("{} == 0", size.called());
        return Advice::new(format!(
            "{name} may be 0, and the helper does not take that"
        ))
        .example(format!("{} = 0", size.called()))
        .missing(case, case.unless(&condition));
    }
    let advice = Advice::new(if case.message.contains("negative") {
        format!("the size {name} may be negative")
    } else {
        format!(
            "the size {name} has no upper bound: it is {}",
            words::number(num)
        )
    });
    match room {
        Some(room) => {
            let negative = if num.s.min < 0 {
                format!("{} < 0 || ", size.called())
            } else {
                String::new()
            };
            let condition = format!("{negative}{} > {room}", size.called());
            let again = read_again(case, size);
            let advice = advice.example(format!(
                "{} = {}, where there is room for {room}",
                size.called(),
                if num.s.min < 0 { -1 } else { room + 1 }
            ));
            match again {
                Some(help) => advice.help(help),
                None if size.name.is_none() => advice.help(format!(
                    "compare the number in {} before: there is room for {room}",
                    size.called()
                )),
                None => advice.missing(case, case.unless(&condition)),
            }
        }
        None => advice.help(format!(
            "compare {name} with the size of the memory before the call"
        )),
    }
}

pub(super) fn stack(case: &Case<'_>) -> Advice {
    let (off, size) = (
        case.figure("off="),
        case.message.split(" size=").nth(1).and_then(leading),
    );
    if let Some(index) = number(case) {
        let name = index.quoted();
        let advice = Advice::new(format!(
            "{name} picks a byte of the stack and has no bounds: it is {}",
            words::number(&index.value.num)
        ));
        let pointer = case.threads.iter().find(|thread| thread.value.is_stack());
        return match pointer.and_then(|pointer| whole(&pointer.value)) {
            Some(limit) => bounded(case, advice, index, limit),
            None => advice,
        };
    }
    let (Some(off), Some(size)) = (off, size) else {
        return general(Mistake::Stack);
    };
    let name = case.called();
    if off < 0 && off + size > 0 {
        return Advice::new(format!("{} are taken at {name}, where only {} of the stack are left", words::bytes(size as u64), -off))
            .help(format!("make the variable {} large: a key or value on the stack is as large as the map's definition says", words::bytes(size as u64)));
    }
    Advice::new(format!(
        "{name} is outside of the stack: it has bytes -512 to -1 from R10"
    ))
    .help("keep offsets from the frame pointer between -512 and -1")
}
