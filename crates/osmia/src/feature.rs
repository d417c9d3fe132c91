//! What Linux has of everything programs use, and what of it the user-space host has.

use osmia_program::attr::Command;
use osmia_program::context::{Context, PacketAccess, context, packet_access};
use osmia_program::helper::{self, Callers, Helper};
use osmia_program::{AttachKind, Hook, MapKind, ProgramKind, Release, kfunc, release};
use serde::Serialize;

/// A program type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProgTypeFeature {
    /// Its name.
    pub name: &'static str,
    /// What its programs get as their context.
    pub context: &'static str,
    /// What they may do with packet bytes: `none`, `read`, `write`.
    pub packet: &'static str,
    /// How many helpers they may call on Linux, whatever the attach type.
    pub helpers: usize,
    /// How many of those this host has.
    pub helpers_here: usize,
    /// They can be run on this host.
    pub here: bool,
}

/// A map type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MapTypeFeature {
    /// Its name.
    pub name: &'static str,
    /// This host has it.
    pub here: bool,
}

/// A helper.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HelperFeature {
    /// Its name.
    pub name: &'static str,
    /// Its number.
    pub id: u32,
    /// This host has it.
    pub here: bool,
    /// Only for programs under a licence compatible with the GPL.
    pub gpl_only: bool,
    /// Only for programs that may sleep.
    pub sleeps: bool,
    /// Which programs may call it on Linux.
    pub programs: Vec<&'static str>,
    /// The same in the fewest words.
    #[serde(skip)]
    pub programs_text: String,
}

/// A kernel function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KfuncFeature {
    /// Its name.
    pub name: &'static str,
    /// This host has it.
    pub here: bool,
}

/// Something with the release it came with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Since {
    /// What it is: `helper`, `map type`.
    pub kind: &'static str,
    /// Its name.
    pub name: &'static str,
    /// The first release that has it; 5.4 for what is older, too.
    pub since: Release,
    /// Where that is known from.
    pub source: &'static str,
}

/// Everything that a release has, oldest first, with the release it came with.
pub fn releases(release: Release) -> Vec<Since> {
    const HEADER: &str = "include/uapi/linux/bpf.h";
    const FUNCTIONS: &str = "BTF of kernels, docs.ebpf.io";
    let row = |kind, name, since: Option<Release>, source| {
        let since = since.filter(|since| *since <= release)?;
        Some(Since {
            kind,
            name,
            since,
            source,
        })
    };
    let programs = (ProgramKind::ALL[1..].iter()).map(|kind| {
        row(
            "program type",
            kind.name(),
            release::program_since(*kind),
            HEADER,
        )
    });
    let maps = (MapKind::ALL[1..].iter())
        .map(|kind| row("map type", kind.name(), release::map_since(*kind), HEADER));
    let attaches = (AttachKind::ALL.iter()).map(|kind| {
        row(
            "attach type",
            kind.name(),
            release::attach_since(*kind),
            HEADER,
        )
    });
    let helpers = (helper::ALL[1..].iter()).map(|helper| {
        row(
            "helper",
            helper.name,
            release::helper_since(helper.id),
            HEADER,
        )
    });
    let functions = kfunc::ALL.iter().map(|kfunc| {
        let since = release::kfunc_since(kfunc.name, None);
        row("kernel function", kfunc.name, since, FUNCTIONS)
    });
    let features = (release::FEATURES.iter())
        .map(|feature| row("feature", feature.name, Some(feature.since), feature.source));
    let all = programs.chain(maps).chain(attaches).chain(helpers);
    let mut rows: Vec<Since> = all.chain(functions).chain(features).flatten().collect();
    rows.sort_by_key(|row| row.since);
    rows
}

/// The program types of Linux.
pub fn prog_types() -> Vec<ProgTypeFeature> {
    let kinds = (ProgramKind::ALL.iter()).filter(|kind| **kind != ProgramKind::Unspec);
    kinds.map(|kind| prog_type(*kind)).collect()
}

fn prog_type(kind: ProgramKind) -> ProgTypeFeature {
    let callable = helpers(Some(&Hook {
        kind,
        attach: None,
        target: None,
    }));
    let context = context(kind);
    ProgTypeFeature {
        name: kind.name(),
        context: match context {
            Context::Fields(fields) => fields.name,
            Context::Arguments(_) => "arguments",
            Context::Bytes(bytes) => bytes.name,
            Context::OfTarget => "that of the program it extends",
            Context::Nothing => "none",
        },
        packet: match packet_access(kind) {
            PacketAccess::None => "none",
            PacketAccess::Read => "read",
            PacketAccess::ReadWrite => "write",
        },
        helpers: callable.len(),
        helpers_here: callable.iter().filter(|helper| helper.here).count(),
        here: !matches!(context, Context::OfTarget | Context::Nothing),
    }
}

/// The map types of Linux.
pub fn map_types() -> Vec<MapTypeFeature> {
    let kinds = MapKind::ALL.iter().filter(|kind| **kind != MapKind::Unspec);
    kinds
        .map(|kind| MapTypeFeature {
            name: kind.name(),
            here: osmia_vm::map::has_kind(*kind),
        })
        .collect()
}

/// The attach types of Linux.
pub fn attach_types() -> Vec<&'static str> {
    AttachKind::ALL.iter().map(|kind| kind.name()).collect()
}

/// The commands of bpf(2) on Linux.
pub fn commands() -> Vec<&'static str> {
    Command::ALL.iter().map(|command| command.name()).collect()
}

/// The helpers of Linux, or those that programs of a hook may call.
pub fn helpers(hook: Option<&Hook>) -> Vec<HelperFeature> {
    let callers = hook.map_or(Callers::ALL, Callers::of);
    let callable = helper::ALL
        .iter()
        .filter(|helper| helper.callers.meets(callers));
    callable.map(helper_feature).collect()
}

fn helper_feature(helper: &Helper) -> HelperFeature {
    HelperFeature {
        name: helper.name,
        id: helper.id,
        here: osmia_vm::has_helper(helper.id),
        gpl_only: helper.gpl_only,
        sleeps: helper.sleeps,
        programs: helper.callers.names().collect(),
        programs_text: helper.callers.to_string(),
    }
}

/// The kernel functions of Linux that are known here.
pub fn kfuncs() -> Vec<KfuncFeature> {
    let known = kfunc::ALL.iter().map(|kfunc| KfuncFeature {
        name: kfunc.name,
        here: osmia_vm::has_kfunc(kfunc.name),
    });
    known.collect()
}
