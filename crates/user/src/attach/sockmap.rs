//! Maps of sockets: one program at each of their hooks (`net/core/sock_map.c` of Linux 6.18).

use std::sync::{Arc, Mutex};

use osmia_program::{AttachKind, Errno, MapKind};
use osmia_vm::Code;
use osmia_vm::map::Map;

use super::Attached;
use crate::kernel::lock;
use crate::object::MapRecord;

/// The hooks of a map, in the order of [`Hooks`].
const HOOKS: [AttachKind; 4] = [
    AttachKind::SkMsgVerdict,
    AttachKind::SkSkbStreamParser,
    AttachKind::SkSkbStreamVerdict,
    AttachKind::SkSkbVerdict,
];

type Hooks = [Option<Attached>; HOOKS.len()];

/// The programs of a map of sockets. They go with its last user from outside.
#[derive(Debug, Default)]
pub(crate) struct SocketPrograms(Mutex<Hooks>);

impl SocketPrograms {
    /// Those of a map; `EOPNOTSUPP` if it is of another kind.
    pub(crate) fn of(map: &Map) -> Result<&Self, Errno> {
        match map.spec().kind {
            MapKind::Sockmap | MapKind::Sockhash => Ok(&MapRecord::of(map).socket_programs),
            _ => Err(Errno::EOPNOTSUPP),
        }
    }

    /// Attaches a program; another one that came without a link goes for it.
    pub(crate) fn attach(&self, attach: AttachKind, attached: Attached) -> Result<(), Errno> {
        let mut hooks = lock(&self.0);
        let slot = slot(&mut hooks, attach)?;
        must_not_be_linked(slot.as_ref())?;
        let gone = slot.replace(attached);
        drop(hooks);
        // The program may go with it; not under the lock.
        drop(gone);
        Ok(())
    }

    /// Detaches a program that was attached without a link.
    pub(crate) fn detach(&self, attach: AttachKind, program: &Arc<Code>) -> Result<(), Errno> {
        let mut hooks = lock(&self.0);
        let slot = slot(&mut hooks, attach)?;
        must_not_be_linked(slot.as_ref())?;
        let gone = slot.take_if(|one| one.is(program)).ok_or(Errno::ENOENT)?;
        drop(hooks);
        drop(gone);
        Ok(())
    }

    /// The program at a hook.
    pub(crate) fn at(&self, attach: AttachKind) -> Result<Option<Attached>, Errno> {
        slot(&mut lock(&self.0), attach).map(|slot| slot.clone())
    }

    /// Puts another program where a link's is.
    pub(crate) fn replace_link(
        &self,
        attach: AttachKind,
        link: u32,
        program: &Arc<Code>,
    ) -> Result<(), Errno> {
        let mut hooks = lock(&self.0);
        let slot = slot(&mut hooks, attach)?;
        let one = slot.as_mut().filter(|one| one.link == Some(link));
        let one = one.ok_or(Errno::EBUSY)?;
        let gone = std::mem::replace(&mut one.program, Arc::clone(program));
        drop(hooks);
        drop(gone);
        Ok(())
    }

    /// Takes away what a link attached.
    pub(crate) fn remove_link(&self, link: u32) {
        let mut hooks = lock(&self.0);
        let mut slots = hooks.iter_mut();
        let gone = slots.find_map(|slot| slot.take_if(|one| one.link == Some(link)));
        drop(hooks);
        drop(gone);
    }

    /// Takes everything away.
    pub(crate) fn clear(&self) {
        let gone = std::mem::take(&mut *lock(&self.0));
        drop(gone);
    }
}

/// A hook; the two verdicts about packets exclude each other.
fn slot(hooks: &mut Hooks, attach: AttachKind) -> Result<&mut Option<Attached>, Errno> {
    let at = HOOKS.iter().position(|&hook| hook == attach);
    let at = at.ok_or(Errno::EOPNOTSUPP)?;
    let other = match attach {
        AttachKind::SkSkbStreamVerdict => Some(AttachKind::SkSkbVerdict),
        AttachKind::SkSkbVerdict => Some(AttachKind::SkSkbStreamVerdict),
        _ => None,
    };
    let taken = |other| {
        HOOKS
            .iter()
            .zip(&*hooks)
            .any(|(hook, one)| *hook == other && one.is_some())
    };
    match other.is_some_and(taken) {
        true => Err(Errno::EBUSY),
        false => Ok(&mut hooks[at]),
    }
}

fn must_not_be_linked(attached: Option<&Attached>) -> Result<(), Errno> {
    match attached.is_some_and(|one| one.link.is_some()) {
        true => Err(Errno::EBUSY),
        false => Ok(()),
    }
}
