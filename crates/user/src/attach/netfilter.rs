//! Hooks of netfilter: many programs, each with a priority of its own
//! (`net/netfilter/nf_bpf_link.c` of Linux 6.18).

use osmia_program::Errno;

use super::{Attached, Attachments, Place};
use crate::bpf::NetfilterHook;
use crate::kernel::lock;

/// `NFPROTO_IPV4`, `NFPROTO_IPV6`.
const FAMILIES: [u32; 2] = [2, 10];
/// `NF_INET_NUMHOOKS`.
const HOOKS: u32 = 5;
/// `BPF_F_NETFILTER_IP_DEFRAG`.
const DEFRAGMENT: u32 = 1;
/// `NF_IP_PRI_CONNTRACK_DEFRAG`: where packets are put together.
const DEFRAGMENT_PRIORITY: i32 = -400;

/// Whether there is such a hook.
pub(crate) fn check_hook(hook: &NetfilterHook) -> Result<(), Errno> {
    if !FAMILIES.contains(&hook.pf) {
        return Err(Errno::EAFNOSUPPORT);
    }
    if hook.hooknum >= HOOKS {
        return Err(Errno::EPROTO);
    }
    if hook.flags & !DEFRAGMENT != 0 {
        return Err(Errno::EOPNOTSUPP);
    }
    let too_early = hook.flags & DEFRAGMENT != 0 && hook.priority <= DEFRAGMENT_PRIORITY;
    match hook.priority == i32::MIN || hook.priority == i32::MAX || too_early {
        true => Err(Errno::ERANGE),
        false => Ok(()),
    }
}

impl Attachments {
    /// Attaches a link's program to a hook.
    pub(crate) fn attach_netfilter(
        &self,
        hook: &NetfilterHook,
        mut attached: Attached,
    ) -> Result<(), Errno> {
        let place = Place::Netfilter {
            pf: hook.pf,
            hooknum: hook.hooknum,
        };
        attached.priority = hook.priority;
        let mut state = lock(&self.state);
        let row = state.rows.entry(place).or_default();
        let by_priority = row
            .attached
            .binary_search_by_key(&hook.priority, |one| one.priority);
        match by_priority {
            Ok(_) => Err(Errno::EBUSY),
            Err(at) => {
                row.insert(at, attached);
                Ok(())
            }
        }
    }
}
