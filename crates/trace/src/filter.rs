//! The filter that picks system calls, in the classic instructions that seccomp takes.
//!
//! Threads of another architecture pass: killing them, as ready-made filters do, is not ours to decide.

use crate::wanted::Wanted;

/// One classic instruction.
pub(crate) type Insn = libc::sock_filter;

/// `AUDIT_ARCH_X86_64`
const THIS_MACHINE: u32 = 0xc000_003e;
/// Offset of the call's number in `struct seccomp_data`.
const NUMBER: u32 = 0;
/// Offset of the architecture there.
const ARCHITECTURE: u32 = 4;
const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
const IF_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;

fn load(at: u32) -> Insn {
    insn(LOAD, 0, at)
}

/// The next instruction if the value is this one, else the one behind it.
fn only(value: u32) -> Insn {
    insn(IF_EQUAL, 1, value)
}

fn answer(action: u32) -> Insn {
    insn(RETURN, 0, action)
}

fn insn(code: u16, jf: u8, k: u32) -> Insn {
    Insn { code, jt: 0, jf, k }
}

/// A filter that stops what is wanted and lets everything else run.
pub(crate) fn filter(wanted: &Wanted) -> Vec<Insn> {
    let Some(calls) = wanted.calls() else {
        return vec![
            load(ARCHITECTURE),
            only(THIS_MACHINE),
            answer(libc::SECCOMP_RET_TRACE),
            answer(libc::SECCOMP_RET_ALLOW),
        ];
    };
    let mut filter = vec![
        load(ARCHITECTURE),
        insn(IF_EQUAL, 0, THIS_MACHINE),
        answer(libc::SECCOMP_RET_ALLOW),
        load(NUMBER),
    ];
    // Over the answer if it is this machine's.
    filter[1].jt = 1;
    for call in calls {
        filter.push(only(call));
        filter.push(answer(libc::SECCOMP_RET_TRACE));
    }
    filter.push(answer(libc::SECCOMP_RET_ALLOW));
    filter
}

#[cfg(test)]
mod tests {
    use super::filter;
    use crate::wanted::{Sides, Wanted};

    /// What the filter answers, run by hand.
    fn run(wanted: &Wanted, architecture: u32, call: u32) -> u32 {
        let filter = filter(wanted);
        let (mut at, mut value) = (0, 0);
        loop {
            let insn = &filter[at];
            at += 1;
            match insn.code {
                super::LOAD => value = if insn.k == 0 { call } else { architecture },
                super::IF_EQUAL if value == insn.k => at += usize::from(insn.jt),
                super::IF_EQUAL => at += usize::from(insn.jf),
                super::RETURN => return insn.k,
                other => panic!("{other}"),
            }
        }
    }

    #[test]
    fn only_wanted_calls_of_this_machine_stop() {
        let mut wanted = Wanted::default();
        let sides = Sides {
            enter: true,
            exit: false,
        };
        wanted.add(Some(59), sides);
        wanted.add(Some(2), sides);
        let this = super::THIS_MACHINE;
        for (architecture, call, stops) in [
            (this, 59, true),
            (this, 2, true),
            (this, 1, false),
            (3, 59, false),
        ] {
            assert_eq!(
                run(&wanted, architecture, call) == libc::SECCOMP_RET_TRACE,
                stops
            );
        }
        wanted.add(None, sides);
        assert_eq!(run(&wanted, this, 1), libc::SECCOMP_RET_TRACE);
        assert_eq!(run(&wanted, 3, 1), libc::SECCOMP_RET_ALLOW);
    }
}
