//! What programs of those with fewer rights may not be or do at all. What they may not see is checked
//! where they look; what a mispredicting processor would show them is in [`speculation`](crate::speculation).

use std::ops::Range;

use osmia_isa::{Callee, Imm64, Insn};
use osmia_program::helper::Helper;
use osmia_program::{Errno, Privilege, ProgramKind};

use crate::limits::UNPRIVILEGED_INSNS_MAX;
use crate::reject::{Check, invalid, reject};
use crate::transfer::Transfer;

/// `data` and `data_end` of `__sk_buff`.
const PACKET: Range<u64> = 76..84;
/// `tstamp` of `__sk_buff`.
const TIME: Range<u64> = 152..160;

impl Transfer<'_> {
    /// Rules for the program as a whole.
    pub(crate) fn check_privileges(&self) -> Check {
        let kind = self.program.hook.kind;
        self.check_right(
            Privilege::of_programs(kind),
            &format!("programs of type {kind}"),
        )?;
        for map in &self.maps {
            let what = format!("maps of type {} (`{}`)", map.kind, map.name);
            self.check_right(Privilege::of_maps(map.kind), &what)?;
        }
        if self.options.is_capable() {
            return Ok(());
        }
        let count = self.program.insns.len();
        if count > UNPRIVILEGED_INSNS_MAX {
            let message = format!(
                "program of {count} insns is too large, {UNPRIVILEGED_INSNS_MAX} are allowed for non-root"
            );
            return reject(None, message, Errno::E2BIG);
        }
        self.check_plain_calls()?;
        self.check_no_loops()
    }

    /// Refuses a helper that asks for more rights, in the words for programs of the wrong type.
    pub(crate) fn check_helper_privilege(&self, helper: &Helper) -> Check {
        let needed = Privilege::of_calls(helper, &self.program.hook);
        if self.options.privilege >= needed {
            return Ok(());
        }
        invalid(
            self.at,
            format!(
                "program of this type cannot use helper {}#{}",
                helper.name, helper.id
            ),
        )
    }

    /// True for fields of packets in control groups that need `CAP_BPF`.
    pub(crate) fn is_for_the_capable(&self, offset: u64, write: bool) -> bool {
        let limited =
            self.program.hook.kind == ProgramKind::CgroupSkb && !self.options.is_capable();
        limited && (PACKET.contains(&offset) || write && TIME.contains(&offset))
    }

    /// Without `CAP_BPF` every number counts, looked at or not.
    pub(crate) fn look_at_everything(&mut self) {
        if self.options.is_capable() {
            return;
        }
        for reg in self.state.all_mut().filter(|reg| reg.is_number()) {
            reg.precise = true;
        }
    }

    fn check_right(&self, needed: Privilege, what: &str) -> Check {
        let right = match needed {
            Privilege::None => return Ok(()),
            Privilege::Bpf => "CAP_BPF",
            Privilege::All => "CAP_PERFMON",
        };
        if self.options.privilege >= needed {
            return Ok(());
        }
        reject(
            None,
            format!("{what} are allowed only to {right}"),
            Errno::EPERM,
        )
    }

    /// No functions, neither the program's own nor the kernel's.
    fn check_plain_calls(&self) -> Check {
        let calls = |insn: &Option<Insn>| {
            matches!(
                insn,
                Some(
                    Insn::Call(Callee::Local(_) | Callee::Kfunc { .. })
                        | Insn::LoadImm64 {
                            value: Imm64::Func(_),
                            ..
                        }
                )
            )
        };
        match self.shape.insns.iter().position(calls) {
            None => Ok(()),
            at => reject(
                at,
                "loading/calling other bpf or kernel functions are allowed for CAP_BPF and CAP_SYS_ADMIN",
                Errno::EPERM,
            ),
        }
    }

    /// No way back to an instruction on the way to which the way back lies.
    fn check_no_loops(&self) -> Check {
        #[derive(Copy, Clone, PartialEq)]
        enum Seen {
            No,
            OnTheWay,
            Done,
        }
        let mut seen = vec![Seen::No; self.shape.insns.len()];
        // The way from the start, with how many of each instruction's edges were followed.
        let mut way = vec![(0, 0)];
        seen[0] = Seen::OnTheWay;
        while let Some((at, followed)) = way.last_mut() {
            let (next, count) = self.shape.next(*at);
            if *followed == count {
                seen[*at] = Seen::Done;
                way.pop();
                continue;
            }
            let (from, to) = (*at, next[*followed]);
            *followed += 1;
            match seen[to] {
                Seen::Done => {}
                Seen::OnTheWay => {
                    return invalid(from, format!("back-edge from insn {from} to {to}"));
                }
                Seen::No => {
                    seen[to] = Seen::OnTheWay;
                    way.push((to, 0));
                }
            }
        }
        Ok(())
    }
}
