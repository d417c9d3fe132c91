//! Functions that are verified on their own, and the depth of the stack over all of them.

use osmia_btf::TypeId;
use osmia_isa::{Callee, Imm64, Insn};
use osmia_program::limits::{CALL_FRAMES_MAX, STACK_BYTES};
use osmia_program::{AttachKind, Errno, KernelVersion};

use crate::fields::Special;
use crate::reject::{Check, invalid, reject};
use crate::shape::Function;
use crate::transfer::Transfer;

/// The first release whose programs have private stacks.
const PRIVATE_STACK: KernelVersion = KernelVersion::new(6, 13, 0);

impl Transfer<'_> {
    /// Rules for a program as a whole.
    pub(crate) fn check_program(&self) -> Check {
        self.check_attachment()?;
        self.check_symbols()?;
        for record in &self.records {
            let refused = record.find(|special| {
                matches!(
                    special,
                    Special::SpinLock | Special::Timer | Special::Workqueue
                )
            });
            if let Some(field) = refused.filter(|_| self.is_tracing()) {
                let name = field.special.name();
                return invalid(0, format!("tracing progs cannot use {name} yet"));
            }
        }
        Ok(())
    }

    /// Every variable of the kernel that the program names is there, whether it is reached or not.
    fn check_symbols(&self) -> Check {
        let (Some(btf), Some(ksyms)) = (&self.target.btf, &self.target.ksyms) else {
            return Ok(());
        };
        for (at, insn) in self.shape.insns.iter().enumerate() {
            let Some(Insn::LoadImm64 {
                value: Imm64::BtfId { id, .. },
                ..
            }) = insn
            else {
                continue;
            };
            let name = btf.ty(TypeId(*id as u32)).map_or("", |ty| ty.name());
            if !name.is_empty() && !ksyms.contains_key(name) {
                let message =
                    format!("ldimm64 failed to find the address for kernel symbol '{name}'.");
                return reject(Some(at), message, Errno::ENOENT);
            }
        }
        Ok(())
    }

    fn is_tracing(&self) -> bool {
        use osmia_program::ProgramKind::{Kprobe, PerfEvent, RawTracepoint, Tracepoint};
        matches!(
            self.program.hook.kind,
            Kprobe | Tracepoint | PerfEvent | RawTracepoint
        )
    }

    /// The stack of every chain of calls fits.
    pub(crate) fn check_stack_depth(&self) -> Check {
        let mut callees = vec![Vec::new(); self.shape.functions.len()];
        for (index, function) in self.shape.functions.iter().enumerate() {
            for at in function.start..function.end {
                let Some(insn) = self.shape.insns[at] else {
                    continue;
                };
                let calls = matches!(
                    insn,
                    Insn::Call(Callee::Local(_))
                        | Insn::LoadImm64 {
                            value: Imm64::Func(_),
                            ..
                        }
                );
                if calls {
                    let target = insn.target(at).unwrap_or_default() as usize;
                    let named = matches!(insn, Insn::LoadImm64 { .. });
                    if let Some(callee) = self.shape.function_at(target)
                        && !(named && self.later_functions.contains(&callee))
                    {
                        callees[index].push(callee);
                    }
                }
            }
        }
        for called in &mut callees {
            called.sort_unstable();
            called.dedup();
        }
        // What runs later runs on a stack of its own.
        let roots = [0].into_iter().chain(self.later_functions.iter().copied());
        for root in roots {
            let private = root == 0 && self.has_private_stack();
            let mut seen = vec![[None; CALL_FRAMES_MAX]; callees.len()];
            self.descend(root, 0, private, &callees, &mut Vec::new(), &mut seen)?;
        }
        Ok(())
    }

    /// True for programs whose larger functions have their stack apart from the kernel's.
    fn has_private_stack(&self) -> bool {
        use osmia_program::ProgramKind::{Kprobe, PerfEvent, RawTracepoint, Tracepoint, Tracing};
        let hook = &self.program.hook;
        let kind = match hook.kind {
            Kprobe | Tracepoint | PerfEvent | RawTracepoint => true,
            Tracing => hook.attach != Some(AttachKind::TraceIter),
            _ => false,
        };
        let ends_elsewhere = |function: &Function| function.has_tail_calls;
        kind && self.target.kernel >= PRIVATE_STACK
            && !self.shape.functions.iter().any(ends_elsewhere)
    }

    fn descend(
        &self,
        function: usize,
        above: u32,
        private: bool,
        callees: &[Vec<usize>],
        chain: &mut Vec<usize>,
        seen: &mut [[Option<u32>; CALL_FRAMES_MAX]],
    ) -> Check {
        /// Stack that may be in use where a callee ends in a tail call.
        const TAIL_CALL_STACK_BYTES: u32 = 256;
        let own = self.stack_bytes[function].max(1).next_multiple_of(16);
        /// Functions with less stay on the kernel's stack.
        const PRIVATE_STACK_BYTES_MIN: u32 = 64;
        let apart = private && own >= PRIVATE_STACK_BYTES_MIN;
        let used = if apart { above } else { above + own };
        if used > STACK_BYTES as u32 {
            return reject(
                None,
                format!(
                    "combined stack size of {} calls is {used}. Too large",
                    chain.len() + 1
                ),
                Errno::EACCES,
            );
        }
        if chain.len() + 1 > CALL_FRAMES_MAX {
            return reject(
                None,
                format!("the call stack of {} frames is too deep !", chain.len() + 1),
                Errno::E2BIG,
            );
        }
        if chain.contains(&function) {
            return reject(None, "recursive call", Errno::EINVAL);
        }
        // Below a function nothing is new that was not as deep, in calls and in bytes, before: or the
        // number of chains would grow with every level of calls.
        let depth = chain.len();
        if (seen[function][depth..].iter()).any(|bytes| bytes.is_some_and(|bytes| bytes >= above)) {
            return Ok(());
        }
        seen[function][depth] = Some(above);
        chain.push(function);
        for &callee in &callees[function] {
            if self.shape.functions[callee].has_tail_calls && used >= TAIL_CALL_STACK_BYTES {
                return reject(
                    None,
                    format!(
                        "tail_calls are not allowed when call stack of previous frames is {used} bytes. Too large"
                    ),
                    Errno::EACCES,
                );
            }
            self.descend(callee, used, private, callees, chain, seen)?;
        }
        chain.pop();
        Ok(())
    }
}
