//! Links, iterators and raw tracepoints.

use osmia_program::attr::{
    self, Address, LinkIter, LinkKprobeMulti, LinkNetfilter, LinkPerfEvent, LinkTcx, LinkTracing,
    LinkUprobeMulti,
};

use super::{Answer, Call, done, fd, memory};
use crate::bpf::{
    Fd, IterCreate, KprobeMulti, LinkCreate, LinkDetach, LinkDetail, LinkFamily, LinkUpdate,
    NetfilterHook, RawTracepointOpen, Relative, UprobeMulti,
};
use crate::limits::{
    ITER_INFO_BYTES_MAX, MULTI_PROBES_MAX, SYMBOL_BYTES_MAX, TRACEPOINT_NAME_BYTES_MAX,
};

/// As many probes of a link as are looked at.
fn looked_at(count: u32) -> usize {
    (count as usize).min(MULTI_PROBES_MAX + 1)
}

impl Call<'_> {
    pub(super) fn link_create(&mut self, asked: &attr::LinkCreate) -> Answer {
        // Of what is no program nothing more is read.
        let family = self
            .process
            .link_family(Fd(asked.prog_fd), asked.attach_type);
        let detail = match family.unwrap_or(LinkFamily::None) {
            LinkFamily::None => LinkDetail::None,
            LinkFamily::Tracing => {
                let tracing: LinkTracing = asked.detail.member();
                LinkDetail::Tracing {
                    target_btf_id: tracing.target_btf_id,
                    cookie: tracing.cookie,
                }
            }
            LinkFamily::Iter => {
                let iter: LinkIter = asked.detail.member();
                let bytes = (iter.iter_info_len as usize).min(ITER_INFO_BYTES_MAX);
                let info = self.behind(iter.iter_info, bytes);
                let detail = LinkDetail::Iter {
                    info: info.as_deref(),
                    info_bytes: iter.iter_info_len,
                };
                return self.link(asked, detail);
            }
            LinkFamily::PerfEvent => LinkDetail::PerfEvent {
                cookie: asked.detail.member::<LinkPerfEvent>().bpf_cookie,
            },
            LinkFamily::KprobeMulti => return self.kprobes(asked, &asked.detail.member()),
            LinkFamily::UprobeMulti => return self.uprobes(asked, &asked.detail.member()),
            LinkFamily::Netfilter => {
                let hook: LinkNetfilter = asked.detail.member();
                LinkDetail::Netfilter(NetfilterHook {
                    pf: hook.pf,
                    hooknum: hook.hooknum,
                    priority: hook.priority as i32,
                    flags: hook.flags,
                })
            }
            // Control groups and netkit have the same at the same place.
            LinkFamily::Ordered => {
                let place: LinkTcx = asked.detail.member();
                LinkDetail::Ordered(Relative {
                    relative: place.relative_fd as u32,
                    expected_revision: place.expected_revision,
                })
            }
        };
        self.link(asked, detail)
    }

    fn kprobes(&self, asked: &attr::LinkCreate, probes: &LinkKprobeMulti) -> Answer {
        let count = looked_at(probes.cnt);
        let symbols = self.symbols(probes.syms, count);
        let symbols = symbols
            .as_ref()
            .map(|all| all.iter().map(Vec::as_slice).collect());
        let [addrs, cookies] = [probes.addrs, probes.cookies].map(|at| self.numbers(at, count));
        let detail = LinkDetail::KprobeMulti(KprobeMulti {
            flags: probes.flags,
            count: probes.cnt,
            symbols,
            addrs: addrs.as_deref(),
            cookies: cookies.as_deref(),
        });
        self.link(asked, detail)
    }

    fn uprobes(&self, asked: &attr::LinkCreate, probes: &LinkUprobeMulti) -> Answer {
        let count = looked_at(probes.cnt);
        let path = self.path(probes.path);
        let lists = [probes.offsets, probes.ref_ctr_offsets, probes.cookies];
        let [offsets, counters, cookies] = lists.map(|at| self.numbers(at, count));
        let detail = LinkDetail::UprobeMulti(UprobeMulti {
            path: path.as_deref(),
            has_path: !probes.path.is_null(),
            offsets: offsets.as_deref(),
            ref_ctr_offsets: counters.as_deref(),
            cookies: cookies.as_deref(),
            count: probes.cnt,
            flags: probes.flags,
            pid: probes.pid,
        });
        self.link(asked, detail)
    }

    /// A list of numbers of eight bytes.
    fn numbers(&self, address: Address, count: usize) -> Option<Vec<u8>> {
        self.behind(address, count * size_of::<u64>())
    }

    fn link(&self, asked: &attr::LinkCreate, detail: LinkDetail<'_>) -> Answer {
        fd(self.process.link_create(&LinkCreate {
            prog_fd: Fd(asked.prog_fd),
            target: asked.target_fd as u32,
            attach_type: asked.attach_type,
            flags: asked.flags,
            detail,
        }))
    }

    /// The names a list of pointers leads to.
    fn symbols(&self, address: Address, count: usize) -> Option<Vec<Vec<u8>>> {
        let pointers = self.numbers(address, count)?;
        let pointers = pointers.as_chunks().0.iter();
        let names = pointers.map(|pointer| {
            let name = Address(u64::from_le_bytes(*pointer));
            memory::text(self.memory, name, SYMBOL_BYTES_MAX)
        });
        Some(names.collect())
    }

    pub(super) fn link_update(&mut self, asked: &attr::LinkUpdate) -> Answer {
        done(self.process.link_update(&LinkUpdate {
            link_fd: Fd(asked.link_fd),
            new_fd: Fd(asked.new_prog_fd),
            flags: asked.flags,
            old_fd: Fd(asked.old_prog_fd),
        }))
    }

    pub(super) fn link_detach(&mut self, asked: &attr::LinkDetach) -> Answer {
        let link_fd = Fd(asked.link_fd);
        done(self.process.link_detach(&LinkDetach { link_fd }))
    }

    pub(super) fn iter_create(&mut self, asked: &attr::IterCreate) -> Answer {
        fd(self.process.iter_create(&IterCreate {
            link_fd: Fd(asked.link_fd),
            flags: asked.flags,
        }))
    }

    pub(super) fn raw_tracepoint_open(&mut self, asked: &attr::RawTracepointOpen) -> Answer {
        let address = asked.name;
        let name = match memory::prefix(self.memory, address, 1).is_empty() {
            true => None,
            false => Some(memory::text(
                self.memory,
                address,
                TRACEPOINT_NAME_BYTES_MAX,
            )),
        };
        fd(self.process.raw_tracepoint_open(&RawTracepointOpen {
            name: name.as_deref(),
            prog_fd: Fd(asked.prog_fd),
            cookie: asked.cookie,
        }))
    }
}
