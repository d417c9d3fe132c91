//! Links, iterators and raw tracepoints.

use super::{Answer, Call, done, fd, memory};
use crate::bpf::{
    IterCreate, KprobeMulti, LinkCreate, LinkDetach, LinkDetail, LinkFamily, LinkUpdate,
    NetfilterHook, RawTracepointOpen, Relative, UprobeMulti,
};
use crate::limits::{
    ITER_INFO_BYTES_MAX, MULTI_PROBES_MAX, SYMBOL_BYTES_MAX, TRACEPOINT_NAME_BYTES_MAX,
};

impl Call<'_> {
    pub(super) fn link_create(&mut self) -> Answer {
        let (prog_fd, attach_type) = (self.fd("prog_fd"), self.u32("attach_type"));
        // Of what is no program nothing more is read.
        let family = self.process.link_family(prog_fd, attach_type);
        let multi = match family {
            Ok(LinkFamily::KprobeMulti) => "kprobe_multi",
            _ => "uprobe_multi",
        };
        let count = (self.u32(&format!("{multi}.cnt")) as usize).min(MULTI_PROBES_MAX + 1);
        let numbers = |field: &str| {
            let wanted = matches!(
                family,
                Ok(LinkFamily::KprobeMulti | LinkFamily::UprobeMulti)
            );
            wanted.then(|| self.behind(&format!("{multi}.{field}"), count * size_of::<u64>()))?
        };
        let cookies = numbers("cookies");
        let detail = match family.unwrap_or(LinkFamily::None) {
            LinkFamily::None => LinkDetail::None,
            LinkFamily::Tracing => LinkDetail::Tracing {
                target_btf_id: self.u32("tracing.target_btf_id"),
                cookie: self.u64("tracing.cookie"),
            },
            LinkFamily::Iter => {
                let bytes = (self.u32("iter_info_len") as usize).min(ITER_INFO_BYTES_MAX);
                let info = self.behind("iter_info", bytes);
                return self.link(LinkDetail::Iter {
                    info: info.as_deref(),
                    info_bytes: self.u32("iter_info_len"),
                });
            }
            LinkFamily::PerfEvent => LinkDetail::PerfEvent {
                cookie: self.u64("perf_event.bpf_cookie"),
            },
            LinkFamily::KprobeMulti => {
                let symbols = self.symbols(count);
                let addrs = numbers("addrs");
                return self.link(LinkDetail::KprobeMulti(KprobeMulti {
                    flags: self.u32("kprobe_multi.flags"),
                    count: self.u32("kprobe_multi.cnt"),
                    symbols: symbols
                        .as_ref()
                        .map(|symbols| symbols.iter().map(Vec::as_slice).collect()),
                    addrs: addrs.as_deref(),
                    cookies: cookies.as_deref(),
                }));
            }
            LinkFamily::UprobeMulti => {
                let path = self.path("uprobe_multi.path");
                let [offsets, counters] = ["offsets", "ref_ctr_offsets"].map(numbers);
                return self.link(LinkDetail::UprobeMulti(UprobeMulti {
                    path: path.as_deref(),
                    has_path: self.u64("uprobe_multi.path") != 0,
                    offsets: offsets.as_deref(),
                    ref_ctr_offsets: counters.as_deref(),
                    cookies: cookies.as_deref(),
                    count: self.u32("uprobe_multi.cnt"),
                    flags: self.u32("uprobe_multi.flags"),
                    pid: self.u32("uprobe_multi.pid"),
                }));
            }
            LinkFamily::Netfilter => LinkDetail::Netfilter(NetfilterHook {
                pf: self.u32("netfilter.pf"),
                hooknum: self.u32("netfilter.hooknum"),
                priority: self.u32("netfilter.priority") as i32,
                flags: self.u32("netfilter.flags"),
            }),
            // All of them lie at the same place.
            LinkFamily::Ordered => LinkDetail::Ordered(Relative {
                relative: self.u32("tcx.relative_fd"),
                expected_revision: self.u64("tcx.expected_revision"),
            }),
        };
        self.link(detail)
    }

    fn link(&self, detail: LinkDetail<'_>) -> Answer {
        fd(self.process.link_create(&LinkCreate {
            prog_fd: self.fd("prog_fd"),
            target: self.u32("target_fd"),
            attach_type: self.u32("attach_type"),
            flags: self.u32("flags"),
            detail,
        }))
    }

    /// The names a list of pointers leads to.
    fn symbols(&self, count: usize) -> Option<Vec<Vec<u8>>> {
        let pointers = self.behind("kprobe_multi.syms", count * size_of::<u64>())?;
        let pointers = pointers.as_chunks().0.iter();
        let names = pointers.map(|pointer| {
            memory::text(self.memory, u64::from_le_bytes(*pointer), SYMBOL_BYTES_MAX)
        });
        Some(names.collect())
    }

    pub(super) fn link_update(&mut self) -> Answer {
        done(self.process.link_update(&LinkUpdate {
            link_fd: self.fd("link_fd"),
            new_fd: self.fd("new_prog_fd"),
            flags: self.u32("flags"),
            old_fd: self.fd("old_prog_fd"),
        }))
    }

    pub(super) fn link_detach(&mut self) -> Answer {
        let link_fd = self.fd("link_fd");
        done(self.process.link_detach(&LinkDetach { link_fd }))
    }

    pub(super) fn iter_create(&mut self) -> Answer {
        fd(self.process.iter_create(&IterCreate {
            link_fd: self.fd("link_fd"),
            flags: self.u32("flags"),
        }))
    }

    pub(super) fn raw_tracepoint_open(&mut self) -> Answer {
        let address = self.u64("name");
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
            prog_fd: self.fd("prog_fd"),
            cookie: self.u64("cookie"),
        }))
    }
}
