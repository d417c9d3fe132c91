//! What a program needs that the target's release does not have.
//!
//! The table is `osmia_program::release`. Most is asked of the program as a whole, before any path is
//! followed; helpers are asked where a path calls them, as the kernel does, so that a program may guard
//! a call by the kernel's version.

use osmia_btf::{Body, Btf, TypeId};
use osmia_isa::{AluOp, AtomicOp, Callee, EndOp, Imm64, Insn};
use osmia_program::outcome::outcomes;
use osmia_program::release::{self, Feature};
use osmia_program::{
    AttachKind, Errno, MapFlags, MapOrigin, MapSpec, Program, ProgramFlags, ProgramKind, Release,
};

use crate::Mistake;
use crate::reject::{Because, Check, reject};
use crate::shape::Shape;
use crate::transfer::Transfer;

/// Attach types that loaders leave away where the kernel does not know them: the program means the same.
const OPTIONAL: &[AttachKind] = &[
    AttachKind::Xdp,
    AttachKind::PerfEvent,
    AttachKind::StructOps,
    AttachKind::SkReuseportSelect,
];

/// Flags of maps and the features they are.
const MAP_FLAGS: &[(u32, Feature)] = &[
    (MapFlags::MMAPABLE, Feature::Mmapable),
    (MapFlags::PRESERVE_ELEMS, Feature::PreserveElements),
    (MapFlags::INNER_MAP, Feature::InnerMap),
    (MapFlags::LINK, Feature::MapLinks),
    (MapFlags::VTYPE_BTF_OBJ_FD, Feature::ModuleValues),
    (MapFlags::TOKEN_FD, Feature::Tokens),
    (MapFlags::SEGV_ON_FAULT, Feature::ArenaFlags),
    (MapFlags::NO_USER_CONV, Feature::ArenaFlags),
];

/// Flags of programs and the features they are.
const PROGRAM_FLAGS: &[(u32, Feature)] = &[
    (ProgramFlags::SLEEPABLE, Feature::Sleepable),
    (ProgramFlags::XDP_HAS_FRAGS, Feature::XdpFragments),
    (ProgramFlags::XDP_DEV_BOUND_ONLY, Feature::DeviceBound),
    (
        ProgramFlags::TEST_REG_INVARIANTS,
        Feature::RegisterInvariants,
    ),
];

/// Structures in map values and the features they are.
const FIELDS: &[(&str, Feature)] = &[
    ("bpf_timer", Feature::Timers),
    ("bpf_list_head", Feature::ListHeads),
    ("bpf_rb_root", Feature::RedBlackTrees),
    ("bpf_refcount", Feature::Refcounts),
    ("bpf_wq", Feature::Workqueues),
    ("bpf_res_spin_lock", Feature::ResilientLocks),
    ("bpf_task_work", Feature::TaskWork),
];

/// Tags of pointers in map values and the features they are.
const TAGS: &[(&str, Feature)] = &[
    ("kptr", Feature::Kptrs),
    ("kptr_untrusted", Feature::Kptrs),
    ("percpu_kptr", Feature::PerCpuKptrs),
    ("uptr", Feature::UserPointers),
];

impl Transfer<'_> {
    /// True if the target's release follows a rule that came with a feature.
    pub(crate) fn has(&self, feature: Feature) -> bool {
        let release = self.target.release;
        release.is_none_or(|release| feature.row().since <= release)
    }

    /// The smallest and largest number the program may return, if it matters.
    pub(crate) fn returns(&self) -> Option<(i32, i32)> {
        let hook = &self.program.hook;
        let by_hook = matches!(hook.attach, Some(AttachKind::LsmMac));
        match hook.kind {
            ProgramKind::Lsm if !self.has(Feature::LsmReturns) => None,
            ProgramKind::Lsm if by_hook && self.is_asked_yes_or_no() => Some((0, 1)),
            // Hooks without a result let the operation go on.
            ProgramKind::Lsm if !by_hook && self.attached_to_void() => Some((1, 1)),
            // An operation that returns a pointer returns null, if nothing else.
            ProgramKind::StructOps => self.given_back().map(|_| (0, 0)),
            _ => outcomes(hook).allowed,
        }
    }

    /// True if stack bytes that were never written may be read.
    pub(crate) fn reads_uninitialised_stack(&self) -> bool {
        self.options.is_trusted() && self.has(Feature::UninitialisedStack)
    }
}

/// What a program is asked about, one release at hand.
struct Question<'a> {
    release: Release,
    program: &'a Program,
}

impl Transfer<'_> {
    /// Refuses a program that uses what the target's release does not have.
    pub(crate) fn check_needs(&self) -> Check {
        let Some(release) = self.target.release else {
            return Ok(());
        };
        let question = Question {
            release,
            program: self.program,
        };
        question.hook()?;
        for map in &self.maps {
            question.map(map)?;
        }
        question.insns(&self.shape)
    }

    /// Refuses a field that the context does not have in the target's release.
    pub(crate) fn check_field_release(&self, structure: &str, field: &str) -> Check {
        let Some(release) = self.target.release else {
            return Ok(());
        };
        let Some(since) = release::field_since(structure, field) else {
            return Ok(());
        };
        let question = Question {
            release,
            program: self.program,
        };
        let (mistake, what) = (Mistake::TargetProgram, format!("{structure}.{field}"));
        question.ask(Some(self.at), mistake, "context field", &what, Some(since))
    }

    /// Refuses a helper that programs like this one cannot call in the target's release.
    pub(crate) fn check_helper_release(&self, id: u32, name: &str) -> Check {
        let Some(release) = self.target.release else {
            return Ok(());
        };
        let question = Question {
            release,
            program: self.program,
        };
        let hook = &self.program.hook;
        let since = release::call_since(id, hook);
        let what = match release::helper_since(id) == since {
            true => format!("{name}#{id}"),
            false => format!("{name}#{id} for programs of type {}", hook.kind),
        };
        question.ask(Some(self.at), Mistake::TargetCall, "helper", &what, since)
    }
}

impl Question<'_> {
    /// Refuses what came later, or not at all up to the latest release.
    fn ask(
        &self,
        at: Option<usize>,
        mistake: Mistake,
        kind: &str,
        what: &str,
        since: Option<Release>,
    ) -> Check {
        let came = match since {
            Some(since) if since <= self.release => return Ok(()),
            Some(since) => format!("since linux-{since}"),
            None => format!("after linux-{}", Release::LATEST),
        };
        let message = format!(
            "linux-{} has no {kind} {what}, which is there {came}",
            self.release
        );
        reject(at, message, Errno::EINVAL).because(mistake)
    }

    fn feature(&self, at: Option<usize>, mistake: Mistake, feature: Feature) -> Check {
        let row = feature.row();
        if row.since <= self.release {
            return Ok(());
        }
        let message = format!(
            "linux-{} has no {}, which are there since linux-{}",
            self.release, row.name, row.since
        );
        reject(at, message, Errno::EINVAL).because(mistake)
    }

    /// How the program is loaded and attached.
    fn hook(&self) -> Check {
        let (hook, mistake) = (&self.program.hook, Mistake::TargetProgram);
        let since = release::program_since(hook.kind);
        self.ask(None, mistake, "program type", hook.kind.name(), since)?;
        if let Some(attach) = hook.attach
            && !OPTIONAL.contains(&attach)
        {
            let since = release::attach_since(attach);
            self.ask(None, mistake, "attach type", attach.name(), since)?;
        }
        if let Some(since) = release::target_since(hook) {
            let target = hook.target.as_deref().unwrap_or_default();
            self.ask(None, mistake, "attach target", target, Some(since))?;
        }
        for (flag, feature) in PROGRAM_FLAGS {
            if self.program.flags.has(*flag) {
                self.feature(None, mistake, *feature)?;
            }
        }
        let sleeps = self.program.flags.has(ProgramFlags::SLEEPABLE);
        if sleeps && hook.kind == ProgramKind::Kprobe {
            self.feature(None, mistake, Feature::SleepableUprobes)?;
        }
        Ok(())
    }

    fn map(&self, map: &MapSpec) -> Check {
        let mistake = Mistake::TargetMap;
        let what = format!("{} (`{}`)", map.kind, map.name);
        let since = release::map_since(map.kind);
        self.ask(None, mistake, "map type", &what, since)?;
        // Loaders leave it away from their own maps.
        let own = matches!(map.origin, MapOrigin::Data | MapOrigin::Kconfig);
        for (flag, feature) in MAP_FLAGS {
            if map.flags.has(*flag) && !(own && *flag == MapFlags::MMAPABLE) {
                self.feature(None, mistake, *feature)?;
            }
        }
        if let Some(types) = &map.btf
            && let Some(value) = types.value
        {
            self.fields(&types.btf, value)?;
        }
        Ok(())
    }

    /// The members of a map's value that the kernel looks after.
    fn fields(&self, btf: &Btf, value: TypeId) -> Check {
        let Body::Struct(value) = btf.resolve(value).body() else {
            return Ok(());
        };
        for member in value.members() {
            let mut ty = btf.resolve(member.ty);
            if let Body::Array(array) = ty.body() {
                ty = btf.resolve(array.element);
            }
            let field = match ty.body() {
                Body::Struct(_) => FIELDS.iter().find(|(name, _)| *name == ty.name()),
                Body::Ptr(target) => {
                    let tags = btf.type_tags(target);
                    TAGS.iter().find(|(tag, _)| tags.contains(tag))
                }
                _ => None,
            };
            if let Some((_, feature)) = field {
                self.feature(None, Mistake::TargetMap, *feature)?;
            }
        }
        Ok(())
    }

    fn insns(&self, shape: &Shape) -> Check {
        for (at, insn) in shape.insns.iter().enumerate() {
            let Some(insn) = insn else { continue };
            if let Some(feature) = feature_of(insn) {
                self.feature(Some(at), Mistake::TargetInstruction, feature)?;
            }
            match insn {
                Insn::Call(Callee::Kfunc { .. }) => self.kernel_function(at)?,
                Insn::Call(Callee::Helper(TAIL_CALL)) if shape.functions.len() > 1 => {
                    self.feature(Some(at), Mistake::TargetCall, Feature::MixedTailCalls)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn kernel_function(&self, at: usize) -> Check {
        let (at, mistake) = (Some(at), Mistake::TargetCall);
        self.feature(at, mistake, Feature::KernelFunctions)?;
        let name = at.and_then(|at| self.program.kfunc_at(at));
        let kind = self.program.hook.kind;
        // Functions that are not in the table may be a module's: nothing is known of them.
        let Some((name, since)) =
            name.and_then(|name| Some((name, release::kfunc_since(name, Some(kind))?)))
        else {
            return Ok(());
        };
        let what = match release::kfunc_since(name, None) == Some(since) {
            true => name.to_owned(),
            false => format!("{name} for programs of type {kind}"),
        };
        self.ask(at, mistake, "kernel function", &what, Some(since))
    }
}

const TAIL_CALL: i32 = 12;

/// The feature that an instruction needs, if kernels may lack it.
fn feature_of(insn: &Insn) -> Option<Feature> {
    Some(match insn {
        Insn::Alu {
            op: AluOp::Sdiv | AluOp::Smod,
            ..
        } => Feature::SignedDivision,
        Insn::MovSx { .. } => Feature::SignExtendingMoves,
        Insn::End {
            op: EndOp::Swap, ..
        } => Feature::ByteSwaps,
        Insn::Load {
            sign_extend: true, ..
        } => Feature::SignExtendingLoads,
        Insn::Atomic {
            op: AtomicOp::Add { fetch: false },
            ..
        } => return None,
        Insn::Atomic { .. } => Feature::FetchAtomics,
        Insn::LoadAcquire { .. } | Insn::StoreRelease { .. } => Feature::LoadAcquire,
        Insn::Jump { long: true, .. } => Feature::LongJumps,
        Insn::MayGoto { .. } => Feature::MayGoto,
        Insn::AddrSpaceCast { .. } => Feature::AddressSpaces,
        Insn::LoadImm64 {
            value: Imm64::Func(_),
            ..
        } => Feature::FunctionAddresses,
        Insn::LoadImm64 {
            value: Imm64::BtfId { .. },
            ..
        } => Feature::KernelVariables,
        _ => return None,
    })
}
