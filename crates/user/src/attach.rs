//! Where programs are attached: what is attached to which place, in which order, by which rules.
//!
//! Events come from elsewhere; here is the state that `BPF_PROG_QUERY` and links show, with the rules
//! and errno of Linux 6.18. Nothing here knows descriptors.

mod cgroup;
mod device;
mod function;
mod kinds;
mod namespace;
mod netfilter;
mod sockmap;

use std::sync::{Arc, Mutex};

use osmia_program::{AttachKind, Errno};
use osmia_vm::Code;
use osmia_vm::map::GroupAttachment;
use rustc_hash::FxHashMap;

pub(crate) use cgroup::{CgroupAttach, CgroupId};
pub(crate) use function::FunctionId;
pub(crate) use kinds::{check_attach_type, is_of_cgroups, program_kind};
pub(crate) use netfilter::check_hook;
pub(crate) use sockmap::SocketPrograms;

use self::cgroup::Cgroups;
use crate::kernel::lock;

/// `BPF_F_ALLOW_OVERRIDE`.
pub(crate) const OVERRIDE: u32 = 1 << 0;
/// `BPF_F_ALLOW_MULTI`.
pub(crate) const MULTI: u32 = 1 << 1;
/// `BPF_F_REPLACE`.
pub(crate) const REPLACE: u32 = 1 << 2;
/// `BPF_F_BEFORE`.
pub(crate) const BEFORE: u32 = 1 << 3;
/// `BPF_F_AFTER`.
pub(crate) const AFTER: u32 = 1 << 4;
/// `BPF_F_ID`.
pub(crate) const BY_ID: u32 = 1 << 5;
/// `BPF_F_PREORDER`.
pub(crate) const PREORDER: u32 = 1 << 6;
/// `BPF_F_LINK`.
pub(crate) const BY_LINK: u32 = 1 << 13;

/// Where something can be attached.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    Cgroup(CgroupId, AttachKind),
    /// An interface's way in or out.
    Tcx(u32, AttachKind),
    /// One end of a netkit pair.
    Netkit(u32, AttachKind),
    /// An interface.
    Xdp(u32),
    /// The one network namespace.
    Netns(AttachKind),
    /// A hook of a protocol family.
    Netfilter {
        pf: u32,
        hooknum: u32,
    },
    /// A function of the kernel's or of a program's.
    Function(FunctionId),
}

/// Something attached.
#[derive(Clone, Debug)]
pub(crate) struct Attached {
    pub(crate) program: Arc<Code>,
    /// The link it came with, by id.
    pub(crate) link: Option<u32>,
    pub(crate) flags: u32,
    /// Where it stands among others that are ordered by number.
    pub(crate) priority: i32,
    /// What maps keep for it if it is attached to a control group.
    pub(crate) storages: Arc<[GroupAttachment]>,
}

impl Attached {
    pub(crate) fn new(program: Arc<Code>, link: Option<u32>, flags: u32) -> Self {
        Self {
            program,
            link,
            flags,
            priority: 0,
            storages: Arc::new([]),
        }
    }

    fn is(&self, program: &Arc<Code>) -> bool {
        Arc::ptr_eq(&self.program, program)
    }
}

/// What something is put before or behind.
#[derive(Clone, Debug, Default)]
pub(crate) enum Anchor {
    /// The whole row.
    #[default]
    None,
    Program(Arc<Code>),
    /// A link, by id.
    Link(u32),
}

impl Anchor {
    fn is(&self, attached: &Attached) -> bool {
        match self {
            Self::None => false,
            Self::Program(program) => attached.is(program),
            Self::Link(link) => attached.link == Some(*link),
        }
    }
}

/// What is attached to one place.
#[derive(Debug)]
pub(crate) struct Row {
    /// How the place may be shared (`BPF_F_ALLOW_…`).
    flags: u32,
    /// Goes up with every change.
    revision: u64,
    attached: Vec<Attached>,
}

impl Default for Row {
    fn default() -> Self {
        Self {
            flags: 0,
            revision: 1,
            attached: Vec::new(),
        }
    }
}

impl Row {
    fn must_be_at(&self, expected: u64) -> Result<(), Errno> {
        match expected == 0 || expected == self.revision {
            true => Ok(()),
            false => Err(Errno::ESTALE),
        }
    }

    /// Where something goes that is to be before or behind an anchor, or at one end.
    fn position(&self, flags: u32, anchor: &Anchor) -> Result<usize, Errno> {
        if flags & BEFORE != 0 && flags & AFTER != 0 {
            return Err(Errno::EINVAL);
        }
        if matches!(anchor, Anchor::None) {
            return Ok(if flags & BEFORE != 0 {
                0
            } else {
                self.attached.len()
            });
        }
        let found = self
            .attached
            .iter()
            .position(|attached| anchor.is(attached));
        let found = found.ok_or(Errno::ENOENT)?;
        Ok(if flags & BEFORE != 0 {
            found
        } else {
            found + 1
        })
    }

    fn insert(&mut self, at: usize, attached: Attached) {
        self.attached.insert(at, attached);
        self.revision += 1;
    }

    fn remove(&mut self, at: usize) -> Attached {
        self.revision += 1;
        let gone = self.attached.remove(at);
        if self.attached.is_empty() {
            self.flags = 0;
        }
        gone
    }

    /// What a netkit device counted is not told while nothing is attached.
    fn is_hidden(&self, place: Place) -> bool {
        matches!(place, Place::Netkit(..)) && self.attached.is_empty()
    }

    /// Of an interface that nothing is attached to any more, nothing is remembered; a netkit device counts
    /// its changes on.
    fn forget_if_empty(&mut self, place: Place) {
        if matches!(place, Place::Tcx(..)) && self.attached.is_empty() {
            *self = Self::default();
        }
    }
}

/// What a query finds.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    pub(crate) flags: u32,
    /// Of what runs there, inherited or not, there is none.
    pub(crate) revision: Option<u64>,
    pub(crate) attached: Vec<Attached>,
}

impl Shown {
    fn nothing() -> Self {
        Self {
            revision: Some(Row::default().revision),
            ..Self::default()
        }
    }
}

/// Everything attached.
#[derive(Debug, Default)]
pub(crate) struct Attachments {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    rows: FxHashMap<Place, Row>,
    cgroups: Cgroups,
}

impl Attachments {
    /// Takes away what a link attached; false if it is no longer there.
    pub(crate) fn remove_link(&self, place: Place, link: u32) -> bool {
        let mut state = lock(&self.state);
        let Some(row) = state.rows.get_mut(&place) else {
            return false;
        };
        let at = row
            .attached
            .iter()
            .position(|attached| attached.link == Some(link));
        let gone = at.map(|at| row.remove(at));
        row.forget_if_empty(place);
        drop(state);
        // The program may go with it; not under the lock.
        gone.is_some()
    }

    /// Puts another program where a link's is; `ENOLINK` if the place is gone.
    pub(crate) fn replace_link(
        &self,
        place: Place,
        link: u32,
        program: &Arc<Code>,
    ) -> Result<(), Errno> {
        let mut state = lock(&self.state);
        let row = state.rows.get_mut(&place).ok_or(Errno::ENOLINK)?;
        let at = row
            .attached
            .iter()
            .position(|attached| attached.link == Some(link));
        let at = at.ok_or(Errno::ENOLINK)?;
        let elsewhere = |(other, attached): (usize, &Attached)| other != at && attached.is(program);
        let once = matches!(place, Place::Tcx(..) | Place::Netkit(..));
        if once && row.attached.iter().enumerate().any(elsewhere) {
            return Err(Errno::EEXIST);
        }
        let old = std::mem::replace(&mut row.attached[at].program, Arc::clone(program));
        row.revision += 1;
        drop(state);
        drop(old);
        Ok(())
    }

    /// What is attached to a place itself.
    pub(crate) fn shown(&self, place: Place) -> Shown {
        let state = lock(&self.state);
        match state.rows.get(&place) {
            Some(row) if row.is_hidden(place) => Shown::nothing(),
            None => Shown::nothing(),
            Some(row) => Shown {
                flags: row.flags,
                revision: Some(row.revision),
                attached: row.attached.clone(),
            },
        }
    }
}
