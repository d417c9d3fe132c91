//! Functions that are verified on their own, and the depth of the stack over all of them.

use osmia_btf::{Body, TypeId};
use osmia_isa::{Callee, Imm64, Insn, Reg as RegName};
use osmia_program::Errno;
use osmia_program::helper::is_gpl_compatible;
use osmia_program::limits::{CALL_FRAMES_MAX, STACK_BYTES};

use crate::fields::Special;
use crate::reg::{Flags, Reg, What};
use crate::reject::{Check, invalid, reject};
use crate::transfer::Transfer;

impl Transfer<'_> {
    /// Rules for a program as a whole.
    pub(crate) fn check_program(&self) -> Check {
        let struct_ops = self.program.hook.kind == osmia_program::ProgramKind::StructOps;
        if struct_ops && !is_gpl_compatible(&self.program.license) {
            return invalid(0, "struct ops programs must have a GPL compatible license");
        }
        if let Some((operations, member)) = self.operations().filter(|_| !self.has_operation()) {
            let what = format!("attach to unsupported member {member} of struct {operations}");
            return invalid(0, what);
        }
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

    /// The types of a function's parameters.
    pub(crate) fn parameters(&self, function: usize) -> Vec<TypeId> {
        let start = self.shape.functions[function].start;
        let Some(debug) = &self.program.debug else {
            return Vec::new();
        };
        let Some(record) = debug
            .funcs
            .iter()
            .find(|record| record.insn as usize == start)
        else {
            return Vec::new();
        };
        let Body::Func(func) = debug.btf.type_at(record.type_id).body() else {
            return Vec::new();
        };
        let Body::FuncProto(proto) = debug.btf.type_at(func.proto).body() else {
            return Vec::new();
        };
        proto.params().map(|param| param.ty).collect()
    }

    /// What a function that is verified on its own may be given.
    pub(crate) fn global_arguments(&mut self, function: usize) -> Check<Vec<(RegName, Reg)>> {
        let types = self.parameters(function);
        let mut arguments = Vec::new();
        for (index, ty) in types.into_iter().enumerate() {
            let Some(name) = RegName::new(index as u8 + 1).filter(|name| name.number() <= 5) else {
                return reject(
                    None,
                    "a global function has too many parameters",
                    Errno::EINVAL,
                );
            };
            arguments.push((name, self.global_argument(ty)));
        }
        Ok(arguments)
    }

    fn global_argument(&mut self, ty: TypeId) -> Reg {
        let Some(debug) = &self.program.debug else {
            return Reg::UNKNOWN;
        };
        let btf = &debug.btf;
        let Body::Ptr(target) = btf.resolve(ty).body() else {
            return Reg::UNKNOWN;
        };
        const CONTEXTS: [&str; 12] = [
            "__sk_buff",
            "xdp_md",
            "bpf_sock",
            "bpf_sock_addr",
            "bpf_sock_ops",
            "sk_msg_md",
            "bpf_user_pt_regs_t",
            "pt_regs",
            "bpf_perf_event_data",
            "bpf_raw_tracepoint_args",
            "bpf_sysctl",
            "bpf_sockopt",
        ];
        let pointee = btf.resolve(target);
        if CONTEXTS.contains(&pointee.name()) {
            return Reg::pointer(What::Context);
        }
        match btf.size_of(target) {
            Some(bytes) => {
                let id = self.fresh_id();
                Reg {
                    flags: Flags::MAYBE_NULL,
                    id,
                    ..Reg::pointer(What::Memory {
                        bytes: bytes as u32,
                    })
                }
            }
            None => Reg::UNKNOWN,
        }
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
                    if let Some(callee) = self.shape.function_at(target) {
                        callees[index].push(callee);
                    }
                }
            }
        }
        let mut chain = Vec::new();
        self.descend(0, 0, &callees, &mut chain)
    }

    fn descend(
        &self,
        function: usize,
        above: u32,
        callees: &[Vec<usize>],
        chain: &mut Vec<usize>,
    ) -> Check {
        /// Stack that may be in use where a callee ends in a tail call.
        const TAIL_CALL_STACK_BYTES: u32 = 256;
        let own = self.stack_bytes[function].max(1).next_multiple_of(16);
        let used = above + own;
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
            self.descend(callee, used, callees, chain)?;
        }
        chain.pop();
        Ok(())
    }
}
