//! Links: attachments that live as long as somebody holds them.

mod target;

use std::sync::{Arc, Mutex, OnceLock};

use osmia_program::{Errno, ProgramKind};
use osmia_vm::{Code, Identity};

pub(crate) use target::{Iterated, LinkTarget};

use crate::attach::{Attachments, Place, SocketPrograms};
use crate::bpf::LinkInfo;
use crate::kernel::lock;
use crate::object::{MapUse, ProgramRecord, Table};

/// A link. With its last holder, what it attached is detached.
#[derive(Debug)]
pub(crate) struct Link {
    id: OnceLock<u32>,
    table: Arc<Table<Link>>,
    attachments: Arc<Attachments>,
    target: LinkTarget,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// A table of operations has its own.
    program: Option<Arc<Code>>,
    attached: bool,
}

impl Link {
    /// A link with an id that attaches nothing yet: `attach` does that, and is told the id. Without
    /// success there is no link.
    pub(crate) fn create(
        table: &Arc<Table<Link>>,
        attachments: &Arc<Attachments>,
        target: LinkTarget,
        program: Option<Arc<Code>>,
        attach: impl FnOnce(u32) -> Result<(), Errno>,
    ) -> Result<Arc<Self>, Errno> {
        let link = Arc::new(Self {
            id: OnceLock::new(),
            table: Arc::clone(table),
            attachments: Arc::clone(attachments),
            target,
            state: Mutex::new(State {
                program,
                attached: false,
            }),
        });
        table.add(&link, |id| {
            link.id.set(id).expect("nobody else gives it one")
        })?;
        attach(link.id())?;
        lock(&link.state).attached = true;
        Ok(link)
    }

    pub(crate) fn id(&self) -> u32 {
        self.id.get().copied().unwrap_or(0)
    }

    /// The program it attaches, if it is not a table of operations.
    pub(crate) fn program(&self) -> Option<Arc<Code>> {
        lock(&self.state).program.clone()
    }

    /// What it walks; `EINVAL` if it is no iterator.
    pub(crate) fn iterated(&self) -> Result<&Iterated, Errno> {
        match &self.target {
            LinkTarget::Iterator(iterated) => Ok(iterated),
            _ => Err(Errno::EINVAL),
        }
    }

    /// True if it attaches a table of operations, which another one may replace.
    pub(crate) fn is_of_operations(&self) -> bool {
        matches!(self.target, LinkTarget::Operations(_))
    }

    /// `BPF_LINK_DETACH`; a second time is no error.
    pub(crate) fn detach(&self) -> Result<(), Errno> {
        if !self.target.can_detach() {
            return Err(Errno::EOPNOTSUPP);
        }
        let mut state = lock(&self.state);
        if std::mem::take(&mut state.attached) {
            self.target.release(&self.attachments, self.id());
        }
        Ok(())
    }

    /// `BPF_LINK_UPDATE`.
    pub(crate) fn update(&self, new: &Arc<Code>, old: Option<&Arc<Code>>) -> Result<(), Errno> {
        let is_possible = match &self.target {
            LinkTarget::Netfilter(_) => return Err(Errno::EOPNOTSUPP),
            LinkTarget::Place(_) | LinkTarget::Iterator(_) | LinkTarget::Sockets { .. } => true,
            _ => false,
        };
        let mut state = lock(&self.state);
        let (true, Some(program)) = (is_possible, &state.program) else {
            return Err(Errno::EINVAL);
        };
        let is_gone = !self.is_attached(&state);
        // Some look at the programs first, the others at whether there is still a place.
        let place_first =
            matches!(&self.target, LinkTarget::Place(place) if !matches!(place, Place::Netns(_)));
        if is_gone && place_first {
            return Err(Errno::ENOLINK);
        }
        if old.is_some_and(|old| !Arc::ptr_eq(old, program)) {
            return Err(Errno::EPERM);
        }
        if !self.takes(new, program) {
            return Err(Errno::EINVAL);
        }
        if is_gone {
            return Err(Errno::ENOLINK);
        }
        match &self.target {
            LinkTarget::Place(place) => {
                self.attachments.replace_link(*place, self.id(), new)?;
            }
            LinkTarget::Sockets { map, attach } => {
                SocketPrograms::of(map)?.replace_link(*attach, self.id(), new)?;
            }
            _ => {}
        }
        let gone = state.program.replace(Arc::clone(new));
        drop(state);
        drop(gone);
        Ok(())
    }

    /// `BPF_LINK_UPDATE` of a table of operations.
    pub(crate) fn update_operations(
        &self,
        new: &MapUse,
        old: Option<&MapUse>,
    ) -> Result<(), Errno> {
        let LinkTarget::Operations(table) = &self.target else {
            return Err(Errno::EINVAL);
        };
        let operations = new.operations().filter(|operations| operations.is_ready());
        let operations = operations.ok_or(Errno::EINVAL)?;
        if !operations.can_be_replaced() {
            return Err(Errno::EOPNOTSUPP);
        }
        if !lock(&self.state).attached {
            return Err(Errno::ENOLINK);
        }
        let mut current = lock(table);
        if old.is_some_and(|old| !Arc::ptr_eq(old.map(), current.map())) {
            return Err(Errno::EPERM);
        }
        let before = current.operations().ok_or(Errno::EINVAL)?;
        if before.name() != operations.name() {
            return Err(Errno::EINVAL);
        }
        operations.replace(before)?;
        let gone = std::mem::replace(&mut *current, new.clone());
        drop(current);
        drop(gone);
        Ok(())
    }

    /// Whether another program can stand where one stands.
    fn takes(&self, new: &Code, program: &Code) -> bool {
        let expected = |code: &Code| ProgramRecord::of(code).about.attach;
        let function = |code: &Code| ProgramRecord::of(code).about.attach_to.btf_id;
        let alike = kind(new) == kind(program);
        match &self.target {
            LinkTarget::Sockets { .. } => alike && expected(new) == expected(program),
            LinkTarget::Iterator(_) => {
                alike && expected(new) == expected(program) && function(new) == function(program)
            }
            _ => alike,
        }
    }

    /// Whether it is attached still: a control group may have gone.
    fn is_attached(&self, state: &State) -> bool {
        let is_there = |place| {
            let shown = self.attachments.shown(place);
            shown.attached.iter().any(|one| one.link == Some(self.id()))
        };
        state.attached && self.target.place().is_none_or(is_there)
    }

    /// What `BPF_OBJ_GET_INFO_BY_FD` tells.
    pub(crate) fn info(&self) -> LinkInfo {
        let state = lock(&self.state);
        LinkInfo {
            kind: self.target.kind(),
            id: self.id(),
            prog_id: state.program.as_ref().map_or(0, |program| program.id()),
            detail: self.target.info(self.is_attached(&state)),
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.table.remove(self.id());
        let attached = self.state.get_mut().map_or(true, |state| state.attached);
        if attached {
            self.target.release(&self.attachments, self.id());
        }
    }
}

fn kind(code: &Code) -> ProgramKind {
    code.program().hook.kind
}
