//! Reading the log of a kernel's verifier, of any age: the path it was on, what it knew, and its
//! last words.
//!
//! The log may come with what a loader printed around it. A new branch (`from 4 to 6: …`) takes the
//! path back to where it parted; states are taken from wherever the kernel printed them: behind the
//! instruction (since 5.18 or so), or on a line of their own.

use std::collections::BTreeMap;
use std::sync::Arc;

use osmia_isa::{Callee, Imm64, Insn, NoNames, Reg, assemble, decode};
use osmia_program::helper;

use super::trace::{Change, Place, Source, Step, Trace};
use super::value::Value;
use crate::domain::Scalar;
use crate::limits;

/// What a log says.
#[derive(Clone, Debug, Default)]
pub struct Log {
    /// The program, if the loader said its name.
    pub program: Option<String>,
    /// The path the verifier was on when it stopped.
    pub trace: Trace,
    /// Its last words.
    pub message: String,
    /// True if the log ends without any.
    pub accepted: bool,
}

/// Reads a log.
pub fn read_log(text: &str) -> Log {
    let mut reader = Reader::default();
    for line in text.lines().take(limits::LOG_LINES_MAX) {
        reader.line(line.trim_end());
    }
    reader.finish()
}

#[derive(Default)]
struct Reader {
    log: Log,
    /// What is known now.
    known: BTreeMap<Place, Value>,
    /// The line that instructions come from.
    source: Option<Arc<Source>>,
    /// The frame that runs.
    frame: usize,
    /// Lines since the last instruction that are no states.
    words: Vec<String>,
    /// True once the kernel has summed up.
    summed_up: bool,
}

/// Beginnings of lines that say nothing about a rejection.
const CHATTER: &[&str] = &[
    "mark_precise:",
    "Live regs",
    "func#",
    "processed ",
    "verification time",
    "stack depth",
    "arg#0 reference type",
    "last_idx",
    "regs=",
    "parent didn't have",
    "parent already had",
    "propagating",
    "(",
    "caller:",
    "callee:",
    "returning from callee:",
    "to caller at",
    "cur state:",
    "old state:",
    "-- BEGIN",
    "-- END",
    "Validating ",
    "Func#",
    "0: safe",
];

impl Reader {
    fn line(&mut self, whole: &str) {
        let mut line = whole;
        if let Some(rest) = line.strip_prefix("libbpf: ") {
            self.loader(rest);
            line = rest;
            // The loader's own words are not the kernel's.
            if line.starts_with("prog '")
                || line.starts_with("failed to load")
                || line.starts_with("elf:")
            {
                return;
            }
        }
        if let Some(text) = line.strip_prefix("; ") {
            self.comment(text);
        } else if let Some(rest) = line.strip_prefix("from ") {
            self.branch(rest);
        } else if let Some((at, rest)) = numbered(line) {
            self.instruction_or_state(at, rest);
        } else if line.trim_start().starts_with("frame") || line.starts_with(" R") {
            self.states(line.trim());
        } else {
            self.remark(line);
        }
    }

    fn loader(&mut self, text: &str) {
        if let Some(rest) = text.strip_prefix("prog '")
            && let Some((name, _)) = rest.split_once('\'')
        {
            self.log.program = Some(name.to_owned());
        }
    }

    /// `text @ file:12`, or only the text.
    fn comment(&mut self, text: &str) {
        let source = match text.rsplit_once(" @ ") {
            Some((text, place)) => {
                let (file, line) = place.rsplit_once(':').unwrap_or((place, "0"));
                Source {
                    file: file.to_owned(),
                    line: line.parse().unwrap_or_default(),
                    column: 0,
                    inside: 0,
                    text: text.trim().to_owned(),
                }
            }
            None => Source {
                file: String::new(),
                line: 0,
                column: 0,
                inside: 0,
                text: text.trim().to_owned(),
            },
        };
        self.source = Some(Arc::new(source));
    }

    /// `4 to 6: R0=…`: the path goes on from where it parted.
    fn branch(&mut self, text: &str) {
        let Some((ends, states)) = text.split_once(':') else {
            return self.remark(text);
        };
        let Some((from, _)) = ends.split_once(" to ") else {
            return self.remark(text);
        };
        if states.trim() == "safe" {
            return;
        }
        if let Ok(from) = from.parse::<usize>()
            && let Some(last) = self
                .log
                .trace
                .steps
                .iter()
                .rposition(|step| step.at == from)
        {
            self.log.trace.steps.truncate(last + 1);
            // What the other way told is not known on this one; the line says what is.
            let step = &mut self.log.trace.steps[last];
            step.changes.clear();
            self.frame = step.frame;
            let trace = &self.log.trace;
            let places: Vec<Place> = self.known.keys().copied().collect();
            self.known = places
                .into_iter()
                .filter_map(|place| Some((place, trace.value(place, last)?.clone())))
                .collect();
        }
        self.words.clear();
        self.states(states.trim());
    }

    fn instruction_or_state(&mut self, at: usize, rest: &str) {
        let Some((opcode, text)) = coded(rest) else {
            // `8: R0=…`, or `8: safe`.
            if rest.starts_with(['R', 'f', ' ']) {
                self.states(rest.trim());
            }
            return;
        };
        let (text, states) = match text.split_once("; ") {
            Some((text, states)) => (text.trim(), states),
            None => (text.trim(), ""),
        };
        self.summed_up = false;
        self.words.clear();
        if self.log.trace.steps.len() >= limits::STEPS_EXPLAINED_MAX {
            let half = limits::STEPS_EXPLAINED_MAX / 2;
            self.log.trace.steps.drain(..half);
            self.log.trace.left_out += half;
        }
        if self.log.trace.steps.is_empty() && self.log.trace.start.is_empty() {
            self.log.trace.start = self.known.clone().into_iter().collect();
        }
        let insn = read(opcode, text);
        self.log.trace.steps.push(Step {
            at,
            frame: self.frame,
            insn,
            text: text.to_owned(),
            source: self.source.clone(),
            changes: Vec::new(),
        });
        self.presume(insn);
        self.states(states);
        if matches!(insn, Some(Insn::Exit)) {
            self.frame = self.frame.saturating_sub(1);
        } else if matches!(insn, Some(Insn::Call(Callee::Local(_)))) {
            self.frame += 1;
        }
    }

    /// What an instruction does even if the log does not say it.
    fn presume(&mut self, insn: Option<Insn>) {
        let frame = self.frame;
        let mut set = |number: usize, value: Value| {
            let place = Place::Reg { frame, number };
            self.change(place, value);
        };
        match insn {
            Some(Insn::Call(Callee::Local(_))) => {}
            Some(Insn::Call(_)) => {
                for number in 1..=5 {
                    set(number, Value::unset());
                }
                set(0, untold());
            }
            Some(
                Insn::Alu { dst, .. }
                | Insn::Neg { dst, .. }
                | Insn::MovSx { dst, .. }
                | Insn::End { dst, .. }
                | Insn::Load { dst, .. }
                | Insn::LoadImm64 { dst, .. },
            ) => set(dst.index(), untold()),
            _ => {}
        }
    }

    /// `R0=scalar() fp-8=mmmmmmmm`, maybe behind `frame1:`.
    fn states(&mut self, text: &str) {
        let mut frame = self.frame;
        for word in words(text) {
            if let Some(number) = word.strip_prefix("frame") {
                if let Ok(number) = number.trim_end_matches(':').parse() {
                    frame = number;
                    self.frame = number;
                }
                continue;
            }
            let Some((name, value)) = word.split_once('=') else {
                continue;
            };
            // `R0_w`: a mark of older kernels.
            let name = name.split('_').next().unwrap_or(name);
            let place = if let Some(number) = name.strip_prefix('R') {
                number
                    .parse()
                    .ok()
                    .map(|number| Place::Reg { frame, number })
            } else if let Some(off) = name.strip_prefix("fp-") {
                let index = off
                    .parse::<usize>()
                    .ok()
                    .and_then(|off| (off / 8).checked_sub(1));
                index.map(|index| Place::Slot { frame, index })
            } else {
                None
            };
            if let (Some(place), Some(value)) = (place, Value::parse(value)) {
                self.change(place, value);
            }
        }
    }

    fn change(&mut self, place: Place, now: Value) {
        let was = self
            .known
            .insert(place, now.clone())
            .unwrap_or_else(Value::unset);
        let Some(step) = self.log.trace.steps.last_mut() else {
            return;
        };
        if let Some(change) = step.changes.iter_mut().find(|change| change.place == place) {
            change.now = now;
            return;
        }
        if was != now {
            step.changes.push(Change { place, was, now });
        }
    }

    fn remark(&mut self, line: &str) {
        let line = line.trim();
        // The call did not enter it: it is checked on its own.
        if line.contains("is global and")
            && let Some(last) = self.log.trace.steps.last()
        {
            self.frame = last.frame;
        }
        self.summed_up |= line.starts_with("processed ");
        if line.is_empty() || CHATTER.iter().any(|start| line.starts_with(start)) || self.summed_up
        {
            return;
        }
        self.words.push(line.to_owned());
    }

    fn finish(mut self) -> Log {
        // Changes that turned out to be none.
        for step in &mut self.log.trace.steps {
            step.changes.retain(|change| change.was != change.now);
        }
        if let Some(last) = self.log.trace.steps.last_mut()
            && !self.words.is_empty()
        {
            // It did not happen.
            last.changes.clear();
        }
        self.log.accepted = self.words.is_empty();
        self.log.message = self.words.join("\n");
        self.log
    }
}

/// A value of which the log says nothing.
fn untold() -> Value {
    Value {
        num: Scalar::UNKNOWN,
        ..Value::named("unknown")
    }
}

/// `12: rest`.
fn numbered(line: &str) -> Option<(usize, &str)> {
    let (number, rest) = line.split_once(": ")?;
    Some((number.parse().ok()?, rest))
}

/// `(79) r1 = …`.
fn coded(rest: &str) -> Option<(u8, &str)> {
    let (code, text) = rest.strip_prefix('(')?.split_once(") ")?;
    Some((u8::from_str_radix(code, 16).ok()?, text))
}

/// Splits at spaces outside of parentheses.
fn words(text: &str) -> Vec<&str> {
    let mut depth = 0;
    let split = text.split(move |c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        c == ' ' && depth == 0
    });
    split.filter(|word| !word.is_empty()).collect()
}

/// The instruction of a line, if it can be read.
fn read(opcode: u8, text: &str) -> Option<Insn> {
    const LOAD_IMM64: u8 = 0x18;
    const CALL: u8 = 0x85;
    match opcode {
        CALL => {
            let name = text.strip_prefix("call ")?;
            if let Some(distance) = name.strip_prefix("pc") {
                return Some(Insn::Call(Callee::Local(distance.parse().ok()?)));
            }
            let (name, number) = name.split_once('#').unwrap_or((name, "0"));
            let id = number.parse().unwrap_or_default();
            Some(Insn::Call(match helper::by_name(name) {
                Some(helper) => Callee::Helper(helper.id as i32),
                None => Callee::Kfunc { id, module: 0 },
            }))
        }
        LOAD_IMM64 => {
            let (dst, _) = text.split_once(' ')?;
            let dst = Reg::new(dst.strip_prefix('r')?.parse().ok()?)?;
            Some(Insn::LoadImm64 {
                dst,
                value: Imm64::Value(0),
            })
        }
        _ => {
            let text = text.replace("goto pc", "goto ");
            let assembly = assemble(&text, &NoNames).ok()?;
            decode(&assembly.slots, 0).ok()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::read_log;
    use crate::Mistake;
    use crate::explain::explain;

    const NEW: &str = "\
libbpf: prog 'count': BPF program load failed: Permission denied
libbpf: prog 'count': -- BEGIN PROG LOAD LOG --
0: R1=ctx() R10=fp0
; __u32 queue = ctx->rx_queue_index; @ count.bpf.c:15
0: (61) r1 = *(u32 *)(r1 +16)         ; R1=scalar(smin=0,smax=umax=0xffffffff,var_off=(0x0; 0xffffffff))
1: (63) *(u32 *)(r10 -4) = r1         ; R1=scalar() R10=fp0 fp-8=mmmm????
2: (bf) r2 = r10                      ; R2=fp0 R10=fp0
3: (07) r2 += -4                      ; R2=fp-4
; __u64 *packets = bpf_map_lookup_elem(&counts, &queue); @ count.bpf.c:16
4: (18) r1 = 0xffff88860800a800       ; R1=map_ptr(map=counts,ks=4,vs=8)
6: (85) call bpf_map_lookup_elem#1    ; R0=map_value_or_null(id=1,map=counts,ks=4,vs=8)
; *packets += 1; @ count.bpf.c:18
7: (79) r1 = *(u64 *)(r0 +0)
R0 invalid mem access 'map_value_or_null'
processed 7 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
-- END PROG LOAD LOG --
";

    const OLD: &str = "\
0: (61) r2 = *(u32 *)(r1 +4)
1: (61) r1 = *(u32 *)(r1 +0)
2: (bf) r3 = r1
3: (07) r3 += 14
4: (2d) if r3 > r2 goto pc+2
 R1_w=pkt(id=0,off=0,r=14,imm=0) R2_w=pkt_end(id=0,off=0,imm=0) R3_w=pkt(id=0,off=14,r=14,imm=0) R10=fp0
; return eth->h_proto;
5: (71) r0 = *(u8 *)(r1 +14)
invalid access to packet, off=14 size=1, R1(id=0,off=14,r=14)
R1 offset is outside of the packet
";

    #[test]
    fn a_new_log() {
        let log = read_log(NEW);
        assert_eq!(log.program.as_deref(), Some("count"));
        assert_eq!(log.message, "R0 invalid mem access 'map_value_or_null'");
        let told = explain(&log.trace, Mistake::of(&log.message), &log.message, None);
        assert_eq!(told.code, "verify-null-pointer");
        assert_eq!(told.summary, "`packets` may be null where it is used");
        assert_eq!(told.source.map(|source| source.line), Some(18));
    }

    #[test]
    fn an_old_log() {
        let log = read_log(OLD);
        let told = explain(&log.trace, Mistake::of(&log.message), &log.message, None);
        assert_eq!(told.code, "verify-packet-bounds");
        assert_eq!(told.at, Some(5));
        assert_eq!(told.known[0].value, "pkt(r=14)");
    }
}
