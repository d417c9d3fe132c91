//! Control groups: who may attach what where (`kernel/bpf/cgroup.c` of Linux 6.18).

use std::collections::BTreeMap;
use std::sync::Arc;

use osmia_program::{AttachKind, Errno};
use osmia_vm::Code;
use osmia_vm::map::{GroupAttachment, GroupKey};

use super::{
    AFTER, Anchor, Attached, Attachments, BEFORE, MULTI, OVERRIDE, PREORDER, Place, REPLACE, Row,
    Shown, State,
};
use crate::kernel::lock;
use crate::limits::CGROUP_PROGRAMS_MAX;

/// Number of a control group.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct CgroupId(pub(crate) u64);

impl CgroupId {
    /// The group everybody is in.
    pub(crate) const ROOT: CgroupId = CgroupId(1);
}

/// The tree of control groups. Numbers are never used again.
#[derive(Debug)]
pub(super) struct Cgroups {
    /// Parents, by group; the root's is itself.
    parents: BTreeMap<CgroupId, CgroupId>,
    names: BTreeMap<(CgroupId, String), CgroupId>,
    next: u64,
}

impl Default for Cgroups {
    fn default() -> Self {
        Self {
            parents: BTreeMap::from([(CgroupId::ROOT, CgroupId::ROOT)]),
            names: BTreeMap::new(),
            next: CgroupId::ROOT.0 + 1,
        }
    }
}

impl Cgroups {
    /// A group and those above it, the root last.
    fn lineage(&self, group: CgroupId) -> impl Iterator<Item = CgroupId> {
        let above = |&group: &CgroupId| {
            let parent = self.parents.get(&group).copied()?;
            (parent != group).then_some(parent)
        };
        std::iter::successors(Some(group), above)
    }

    /// The group and everything below it, a group before or behind what is below it.
    fn below(&self, group: CgroupId, first: bool, found: &mut Vec<CgroupId>) {
        if first {
            found.push(group);
        }
        let children = self.parents.iter();
        for (&child, _) in children.filter(|&(child, parent)| *parent == group && *child != group) {
            self.below(child, first, found);
        }
        if !first {
            found.push(group);
        }
    }

    fn find(&self, path: &str) -> Result<CgroupId, Errno> {
        let mut names = path.split('/').filter(|name| !name.is_empty());
        names.try_fold(CgroupId::ROOT, |at, name| {
            let child = self.names.get(&(at, name.to_owned()));
            child.copied().ok_or(Errno::ENOENT)
        })
    }
}

/// How something is to be attached to a control group.
#[derive(Debug)]
pub(crate) struct CgroupAttach {
    pub(crate) attached: Attached,
    /// With `BPF_F_REPLACE`, what it takes the place of.
    pub(crate) replaces: Option<Arc<Code>>,
    pub(crate) anchor: Anchor,
    pub(crate) expected_revision: u64,
}

impl Attachments {
    /// The control group of a path.
    pub(crate) fn cgroup(&self, path: &str) -> Result<CgroupId, Errno> {
        lock(&self.state).cgroups.find(path)
    }

    /// The control group with this id.
    pub(crate) fn group(&self, id: u64) -> Option<CgroupId> {
        let group = CgroupId(id);
        let state = lock(&self.state);
        state.cgroups.parents.contains_key(&group).then_some(group)
    }

    /// The groups an iterator shows, by `enum bpf_cgroup_iter_order`; none if the group is gone.
    pub(crate) fn walk(&self, group: CgroupId, order: u32) -> Vec<CgroupId> {
        const SELF_ONLY: u32 = 1;
        const DESCENDANTS_PRE: u32 = 2;
        const DESCENDANTS_POST: u32 = 3;
        let state = lock(&self.state);
        let groups = &state.cgroups;
        let mut found = Vec::new();
        match order {
            _ if !groups.parents.contains_key(&group) => {}
            SELF_ONLY => found.push(group),
            DESCENDANTS_PRE | DESCENDANTS_POST => {
                groups.below(group, order == DESCENDANTS_PRE, &mut found);
            }
            _ => found.extend(groups.lineage(group)),
        }
        found
    }

    /// Makes a control group.
    pub(crate) fn make_cgroup(&self, path: &str) -> Result<(), Errno> {
        let mut state = lock(&self.state);
        let groups = &mut state.cgroups;
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        let key = (groups.find(parent)?, name.to_owned());
        if name.is_empty() || groups.names.contains_key(&key) {
            return Err(Errno::EEXIST);
        }
        let group = CgroupId(groups.next);
        groups.next += 1;
        groups.parents.insert(group, key.0);
        groups.names.insert(key, group);
        Ok(())
    }

    /// Removes a control group without children; what was attached there is let go.
    pub(crate) fn remove_cgroup(&self, path: &str) -> Result<(), Errno> {
        let mut state = lock(&self.state);
        let group = state.cgroups.find(path)?;
        let has_children = state
            .cgroups
            .names
            .keys()
            .any(|(parent, _)| *parent == group);
        if has_children || group == CgroupId::ROOT {
            return Err(Errno::EBUSY);
        }
        state.cgroups.names.retain(|_, named| *named != group);
        state.cgroups.parents.remove(&group);
        let (gone, kept) = std::mem::take(&mut state.rows)
            .into_iter()
            .partition(|(place, _)| matches!(place, Place::Cgroup(of, _) if *of == group));
        state.rows = kept;
        drop(state);
        drop::<rustc_hash::FxHashMap<Place, Row>>(gone);
        Ok(())
    }

    /// Attaches a program, by itself or by a link.
    pub(crate) fn attach_to_cgroup(
        &self,
        group: CgroupId,
        attach: AttachKind,
        mut asked: CgroupAttach,
    ) -> Result<(), Errno> {
        let flags = asked.attached.flags;
        let sharing = flags & (OVERRIDE | MULTI);
        if sharing == OVERRIDE | MULTI || (flags & REPLACE != 0 && flags & MULTI == 0) {
            return Err(Errno::EINVAL);
        }
        if flags & REPLACE != 0 && flags & (BEFORE | AFTER) != 0 {
            return Err(Errno::EINVAL);
        }
        let key = GroupKey {
            group: group.0,
            attach: attach.number(),
        };
        let maps = asked.attached.program.maps();
        let storages = maps.filter_map(|map| GroupAttachment::of(map, key).transpose());
        asked.attached.storages = storages.collect::<Result<_, _>>()?;
        let place = Place::Cgroup(group, attach);
        let mut state = lock(&self.state);
        if !state.cgroups.parents.contains_key(&group) {
            return Err(Errno::ENODEV);
        }
        let revision = state.rows.get(&place).map_or(1, |row| row.revision);
        if asked.expected_revision != 0 && asked.expected_revision != revision {
            return Err(Errno::ESTALE);
        }
        if !state.is_allowed_below(group, attach) {
            return Err(Errno::EPERM);
        }
        let row = state.rows.entry(place).or_default();
        if !row.attached.is_empty() && row.flags != sharing {
            return Err(Errno::EPERM);
        }
        if row.attached.len() >= CGROUP_PROGRAMS_MAX {
            return Err(Errno::E2BIG);
        }
        let old = match row.to_replace(&asked)? {
            Some(at) => {
                row.revision += 1;
                Some(std::mem::replace(&mut row.attached[at], asked.attached))
            }
            None => {
                let at = row.position(flags, &asked.anchor)?;
                row.insert(at, asked.attached);
                None
            }
        };
        row.flags = sharing;
        drop(state);
        drop(old);
        Ok(())
    }

    /// Detaches a program that was attached without a link. Where only one can be, it need not be
    /// named.
    pub(crate) fn detach_from_cgroup(
        &self,
        group: CgroupId,
        attach: AttachKind,
        program: Option<&Arc<Code>>,
        expected_revision: u64,
    ) -> Result<(), Errno> {
        let mut state = lock(&self.state);
        let row = state.rows.entry(Place::Cgroup(group, attach)).or_default();
        row.must_be_at(expected_revision)?;
        let at = match (row.flags & MULTI != 0, program) {
            (false, _) if row.attached.is_empty() => None,
            (false, _) => Some(0),
            (true, None) => return Err(Errno::EINVAL),
            (true, Some(program)) => (row.attached.iter())
                .position(|attached| attached.link.is_none() && attached.is(program)),
        };
        let gone = row.remove(at.ok_or(Errno::ENOENT)?);
        drop(state);
        drop(gone);
        Ok(())
    }

    /// What runs in a control group, what it inherits included (`compute_effective_progs`).
    pub(crate) fn effective(&self, group: CgroupId, attach: AttachKind) -> Shown {
        let state = lock(&self.state);
        let mut attached: Vec<Attached> = Vec::new();
        let mut first = Vec::new();
        for above in state.cgroups.lineage(group) {
            let Some(row) = state.rows.get(&Place::Cgroup(above, attach)) else {
                continue;
            };
            let taken = attached.len() + first.len() > 0;
            if taken && row.flags & MULTI == 0 {
                continue;
            }
            // Those that want to be early run before all others, an ancestor's before a child's.
            let (early, others): (Vec<_>, Vec<_>) = row
                .attached
                .iter()
                .cloned()
                .partition(|one| one.flags & PREORDER != 0);
            first.splice(0..0, early);
            attached.extend(others);
        }
        first.append(&mut attached);
        Shown {
            flags: 0,
            revision: None,
            attached: first,
        }
    }
}

impl State {
    /// Whether what is attached above a group lets something be attached to it.
    fn is_allowed_below(&self, group: CgroupId, attach: AttachKind) -> bool {
        for above in self.cgroups.lineage(group).skip(1) {
            let Some(row) = self.rows.get(&Place::Cgroup(above, attach)) else {
                continue;
            };
            if row.flags & MULTI != 0 {
                return true;
            }
            if !row.attached.is_empty() {
                return row.flags & OVERRIDE != 0;
            }
        }
        true
    }
}

impl Row {
    /// What an attachment takes the place of, if anything (`find_attach_entry`).
    fn to_replace(&self, asked: &CgroupAttach) -> Result<Option<usize>, Errno> {
        if asked.attached.flags & MULTI == 0 {
            return Ok((!self.attached.is_empty()).then_some(0));
        }
        let new = &asked.attached;
        let is_same = |one: &Attached| {
            new.link.is_none()
                && one.link.is_none()
                && one.is(&new.program)
                && !asked.replaces.as_ref().is_some_and(|old| one.is(old))
        };
        if self.attached.iter().any(is_same) {
            return Err(Errno::EINVAL);
        }
        let Some(old) = &asked.replaces else {
            return Ok(None);
        };
        let is_old = |one: &Attached| one.link.is_none() && one.is(old);
        let at = self.attached.iter().position(is_old);
        at.map(Some).ok_or(Errno::ENOENT)
    }
}
