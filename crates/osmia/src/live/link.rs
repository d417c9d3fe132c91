//! Links: what `link show` tells.

use osmia_program::attr::{self, CallMemory, Request};
use osmia_program::{AttachKind, Errno};
use serde_json::{Map, Value as Json};

use super::info::{Info, Room};
use super::program::{kind_name, told_text};
use super::{Handle, ObjectKind, Refused};

/// The names of `enum bpf_link_type`, by number.
const KINDS: [&str; 15] = [
    "unspec",
    "raw_tracepoint",
    "tracing",
    "cgroup",
    "iter",
    "netns",
    "xdp",
    "perf_event",
    "kprobe_multi",
    "struct_ops",
    "netfilter",
    "tcx",
    "uprobe_multi",
    "netkit",
    "sockmap",
];

/// Bytes of a name or path that is asked for.
const NAME_BYTES: u32 = 256;

/// What `link show` tells of a link, with bpftool's keys.
#[derive(Clone, Debug)]
pub struct LinkRow(pub Map<String, Json>);

impl LinkRow {
    /// Of a link, pinned at these paths.
    ///
    /// # Errors
    /// If the host does not tell.
    pub fn of(link: &Handle, pinned: Vec<String>) -> Result<Self, Refused> {
        let info = link.info()?;
        let kind = info.u32("type");
        let name = KINDS.get(kind as usize).copied();
        let mut row = Row {
            link,
            info: &info,
            map: Map::new(),
        };
        row.number("id", "id");
        row.put(
            "type",
            name.map_or_else(|| kind.to_string().into(), Json::from),
        );
        match name {
            // The one kind without a program.
            Some("struct_ops") => row.number("map_id", "struct_ops.map_id"),
            _ => row.number("prog_id", "prog_id"),
        }
        row.detail(name.unwrap_or_default())?;
        if !pinned.is_empty() {
            row.put("pinned", pinned.into());
        }
        Ok(Self(row.map))
    }

    /// A field as text.
    pub fn text(&self, key: &str) -> Option<String> {
        match self.0.get(key)? {
            Json::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    }
}

/// A row that is being filled.
struct Row<'a> {
    link: &'a Handle,
    info: &'a Info,
    map: Map<String, Json>,
}

impl Row<'_> {
    fn put(&mut self, key: &str, value: Json) {
        self.map.insert(key.to_owned(), value);
    }

    fn number(&mut self, key: &str, field: &str) {
        self.put(key, self.info.u64(field).into());
    }

    fn attach_type(&mut self, field: &str) {
        let number = self.info.u32(field);
        let name = AttachKind::from_number(number);
        self.put(
            "attach_type",
            name.map_or(number.into(), |kind| kind.name().into()),
        );
    }

    fn interface(&mut self, field: &str) {
        let index = self.info.u32(field);
        if let Some(name) = interface_name(index) {
            self.put("devname", name.into());
        }
        self.put("ifindex", index.into());
    }

    /// A name that the structure points to.
    fn name(
        &mut self,
        key: &str,
        pointer: &'static str,
        count: &'static str,
    ) -> Result<(), Refused> {
        let mut rooms = [Room::new(pointer, count, NAME_BYTES, 1)];
        let told = self.link.info_with(&mut rooms);
        told.map_err(|errno: Errno| self.link.refused("name", errno))?;
        self.put(key, told_text(&rooms[0]).into());
        Ok(())
    }

    /// What links of a kind have besides.
    fn detail(&mut self, kind: &str) -> Result<(), Refused> {
        match kind {
            "raw_tracepoint" => {
                let count = "raw_tracepoint.tp_name_len";
                self.name("tp_name", "raw_tracepoint.tp_name", count)?;
            }
            "tracing" => {
                let program = self
                    .link
                    .live()
                    .by_id(ObjectKind::Program, self.info.u32("prog_id"));
                if let Ok(program) = program {
                    self.put("prog_type", kind_name(program.info()?.u32("type")).into());
                }
                self.attach_type("tracing.attach_type");
                self.number("target_obj_id", "tracing.target_obj_id");
                self.number("target_btf_id", "tracing.target_btf_id");
            }
            "cgroup" => {
                self.number("cgroup_id", "cgroup.cgroup_id");
                self.attach_type("cgroup.attach_type");
            }
            "iter" => self.iterator()?,
            "netns" => {
                self.number("netns_ino", "netns.netns_ino");
                self.attach_type("netns.attach_type");
            }
            "xdp" => self.interface("xdp.ifindex"),
            "tcx" => {
                self.interface("tcx.ifindex");
                self.attach_type("tcx.attach_type");
            }
            "netkit" => {
                self.interface("netkit.ifindex");
                self.attach_type("netkit.attach_type");
            }
            "sockmap" => {
                self.number("map_id", "sockmap.map_id");
                self.attach_type("sockmap.attach_type");
            }
            "netfilter" => {
                self.number("pf", "netfilter.pf");
                self.number("hook", "netfilter.hooknum");
                let priority = self.info.u32("netfilter.priority") as i32;
                self.put("prio", priority.into());
                self.number("flags", "netfilter.flags");
            }
            "kprobe_multi" => {
                let returns = self.info.u32("kprobe_multi.flags") & 1 != 0;
                self.put("retprobe", returns.into());
                self.number("func_cnt", "kprobe_multi.count");
                self.number("missed", "kprobe_multi.missed");
            }
            "uprobe_multi" => {
                let returns = self.info.u32("uprobe_multi.flags") & 1 != 0;
                self.put("retprobe", returns.into());
                self.name("path", "uprobe_multi.path", "uprobe_multi.path_size")?;
                self.number("func_cnt", "uprobe_multi.count");
                self.number("pid", "uprobe_multi.pid");
            }
            _ => {}
        }
        Ok(())
    }

    fn iterator(&mut self) -> Result<(), Refused> {
        self.name("target_name", "iter.target_name", "iter.target_name_len")?;
        match self.map["target_name"].as_str() {
            Some("bpf_map_elem" | "bpf_sk_storage_map") => self.number("map_id", "iter.map.map_id"),
            Some("cgroup") => {
                self.number("cgroup_id", "iter.cgroup.cgroup_id");
                self.number("order", "iter.cgroup.order");
            }
            Some("task" | "task_file" | "task_vma") => {
                self.number("tid", "iter.task.tid");
                self.number("pid", "iter.task.pid");
            }
            _ => {}
        }
        Ok(())
    }
}

/// An interface's name in this namespace.
pub(super) fn interface_name(index: u32) -> Option<String> {
    let entries = std::fs::read_dir("/sys/class/net").ok()?;
    entries.flatten().find_map(|entry| {
        let number = std::fs::read_to_string(entry.path().join("ifindex")).ok()?;
        let is_it = number.trim().parse() == Ok(index);
        is_it.then(|| entry.file_name().to_string_lossy().into_owned())
    })
}

impl Handle {
    /// Ends what a link attaches, although somebody still holds it.
    ///
    /// # Errors
    /// If links of its kind are not ended so.
    pub fn detach(&self) -> Result<(), Refused> {
        let link_fd = self.fd();
        let request = Request::LinkDetach(attr::LinkDetach { link_fd });
        let ended = self.live().ask(request, CallMemory::default());
        ended.map(drop).map_err(|errno| self.refused("end", errno))
    }
}
