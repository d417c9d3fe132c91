//! Interfaces: many programs in order on the way in and out or at an end of a netkit pair, one XDP program
//! (`kernel/bpf/mprog.c`, `drivers/net/netkit.c`, `net/core/dev.c` of Linux 6.18).

use std::sync::Arc;

use osmia_program::Errno;
use osmia_vm::Code;

use super::{Anchor, Attached, Attachments, Place, REPLACE};
use crate::kernel::lock;
use crate::limits::ORDERED_PROGRAMS_MAX;

impl Attachments {
    /// Attaches to a place of an interface that has an order.
    pub(crate) fn attach_in_order(
        &self,
        place: Place,
        attached: Attached,
        replaces: Option<&Arc<Code>>,
        anchor: &Anchor,
        expected_revision: u64,
    ) -> Result<(), Errno> {
        let mut state = lock(&self.state);
        let row = state.rows.entry(place).or_default();
        row.must_be_at(expected_revision)?;
        if row.attached.iter().any(|one| one.is(&attached.program)) {
            return Err(Errno::EEXIST);
        }
        if attached.flags & REPLACE != 0 {
            let old = replaces.and_then(|old| row.attached.iter().position(|one| one.is(old)));
            let old = old.ok_or(Errno::ENOENT)?;
            if row.attached[old].link.is_some() {
                return Err(Errno::EBUSY);
            }
            row.revision += 1;
            let gone = std::mem::replace(&mut row.attached[old], attached);
            drop(state);
            drop(gone);
            return Ok(());
        }
        let at = row.position(attached.flags, anchor)?;
        if row.attached.len() >= ORDERED_PROGRAMS_MAX {
            return Err(Errno::ERANGE);
        }
        row.insert(at, attached);
        Ok(())
    }

    /// Detaches a program, the last one if none is named.
    pub(crate) fn detach_in_order(
        &self,
        place: Place,
        program: Option<&Arc<Code>>,
        expected_revision: u64,
    ) -> Result<(), Errno> {
        let mut state = lock(&self.state);
        let row = state.rows.get_mut(&place).ok_or(Errno::ENOENT)?;
        if row.attached.is_empty() {
            return Err(Errno::ENOENT);
        }
        row.must_be_at(expected_revision)?;
        let at = match program {
            None => row.attached.len().checked_sub(1),
            Some(program) => row.attached.iter().position(|one| one.is(program)),
        };
        let at = at.ok_or(Errno::ENOENT)?;
        if row.attached[at].link.is_some() {
            return Err(Errno::EBUSY);
        }
        let gone = row.remove(at);
        row.forget_if_empty(place);
        drop(state);
        drop(gone);
        Ok(())
    }

    /// Attaches a link's XDP program; an interface has one.
    pub(crate) fn attach_xdp(&self, ifindex: u32, attached: Attached) -> Result<(), Errno> {
        /// `XDP_FLAGS_SKB_MODE`, `XDP_FLAGS_DRV_MODE`, `XDP_FLAGS_HW_MODE`.
        const MODES: u32 = 0b1110;
        const DRIVER: u32 = 0b0100;
        const HARDWARE: u32 = 0b1000;
        let flags = attached.flags;
        if flags & !MODES != 0 || flags.count_ones() > 1 {
            return Err(Errno::EINVAL);
        }
        let mut state = lock(&self.state);
        let row = state.rows.entry(Place::Xdp(ifindex)).or_default();
        let is_taken = !row.attached.is_empty();
        match flags {
            // No driver here has an XDP of its own.
            DRIVER if is_taken => Err(Errno::EEXIST),
            DRIVER | HARDWARE => Err(Errno::EOPNOTSUPP),
            _ if is_taken => Err(Errno::EBUSY),
            _ => {
                row.insert(0, attached);
                Ok(())
            }
        }
    }
}
