//! `BPF_OBJ_GET_INFO_BY_FD`: what is known about an object, laid out as the caller knows it.
//!
//! The caller's structure is also a request: where its pointers are not null and its counts not zero,
//! lists are copied as far as there is room, and the counts say how long they are.

use osmia_program::Errno;
use osmia_program::attr::{self, Address, BTF_INFO, InfoLayout, LINK_INFO, MAP_INFO, PROG_INFO};

use super::memory::{self, UserMemory};
use super::{Answer, Call};
use crate::bpf::{
    BtfInfo, Fd, IterTarget, LinkInfo, LinkInfoDetail, MapHash, MapInfo, ObjInfo, PerfEventInfo,
    ProgInfo,
};
use crate::limits::DIGEST_BYTES;

/// A structure as the caller handed it over, being filled.
struct Form<'a> {
    layout: &'static InfoLayout,
    bytes: Vec<u8>,
    memory: &'a mut dyn UserMemory,
}

impl Call<'_> {
    pub(super) fn obj_info(&mut self, asked: &attr::ObjInfo) -> Answer {
        let told = self.process.obj_info(Fd(asked.bpf_fd))?;
        let layout = match &told {
            ObjInfo::Program(_) => &PROG_INFO,
            ObjInfo::Map(_) => &MAP_INFO,
            ObjInfo::Btf(_) => &BTF_INFO,
            ObjInfo::Link(_) => &LINK_INFO,
        };
        let (address, size) = (asked.info, asked.info_len as usize);
        let mut bytes = memory::known_part(self.memory, address, size, layout.bytes)?;
        let known = bytes.len();
        bytes.resize(layout.bytes, 0);
        let mut form = Form {
            layout,
            bytes,
            memory: self.memory,
        };
        let short = match &told {
            ObjInfo::Program(info) => form.program(info)?,
            ObjInfo::Map(info) => form.map(info)?,
            ObjInfo::Btf(info) => form.btf(info)?,
            ObjInfo::Link(info) => form.link(info)?,
        };
        let bytes = form.bytes;
        memory::write(self.memory, address, &bytes[..known])?;
        self.answer("info_len", known as u64)?;
        short.map_or(Ok(0), Err)
    }
}

/// Bytes of `struct bpf_func_info`.
const FUNC_INFO_BYTES: usize = 8;
/// Bytes of `struct bpf_line_info`.
const LINE_INFO_BYTES: usize = 16;
/// Bytes of an address of native code.
const JITED_LINE_INFO_BYTES: usize = 8;

/// `ENOSPC` if a text was cut.
type Short = Option<Errno>;

impl Form<'_> {
    fn number(&self, field: &str) -> u64 {
        let place = self.layout.expect(field);
        let mut value = [0; 8];
        value[..place.bytes].copy_from_slice(&self.bytes[place.offset..][..place.bytes]);
        u64::from_le_bytes(value)
    }

    fn address(&self, field: &str) -> Address {
        Address(self.number(field))
    }

    fn set(&mut self, field: &str, value: impl Into<u64>) {
        let place = self.layout.expect(field);
        let value = value.into().to_le_bytes();
        self.bytes[place.offset..][..place.bytes].copy_from_slice(&value[..place.bytes]);
    }

    fn put(&mut self, field: &str, value: &[u8]) {
        let place = self.layout.expect(field);
        self.bytes[place.offset..][..value.len()].copy_from_slice(value);
    }

    /// A list: its length is answered, and as much of it copied as there is room for.
    fn list(
        &mut self,
        pointer: &str,
        count: &str,
        items: &[u8],
        width: usize,
    ) -> Result<(), Errno> {
        let room = self.number(count) as usize;
        self.set(count, (items.len() / width) as u64);
        let copied = room.saturating_mul(width).min(items.len());
        let address = self.address(pointer);
        memory::write(self.memory, address, &items[..copied])
    }

    /// A list of numbers.
    fn numbers(&mut self, pointer: &str, room: usize, items: &[u64]) -> Result<(), Errno> {
        let address = self.address(pointer);
        let bytes: Vec<u8> = items
            .iter()
            .take(room)
            .flat_map(|one| one.to_le_bytes())
            .collect();
        match address.is_null() {
            true => Ok(()),
            false => memory::write(self.memory, address, &bytes),
        }
    }

    /// A text with its final zero; `ENOSPC` if there is not room for all.
    fn text(&mut self, pointer: &str, length: &str, text: &str) -> Result<Short, Errno> {
        let (address, room) = (self.address(pointer), self.number(length) as usize);
        if address.is_null() != (room == 0) {
            return Err(Errno::EINVAL);
        }
        let whole = [text.as_bytes(), b"\0"].concat();
        if address.is_null() {
            return Ok(None);
        }
        if room >= whole.len() {
            memory::write(self.memory, address, &whole)?;
            return Ok(None);
        }
        let cut = [&whole[..room - 1], b"\0"].concat();
        memory::write(self.memory, address, &cut)?;
        Ok(Some(Errno::ENOSPC))
    }

    fn program(&mut self, info: &ProgInfo) -> Result<Short, Errno> {
        for (field, value) in [
            ("type", u64::from(info.kind)),
            ("id", info.id.into()),
            ("load_time", info.load_time),
            ("created_by_uid", info.created_by_uid.into()),
            ("gpl_compatible", info.gpl_compatible.into()),
            ("run_time_ns", info.run_time_ns),
            ("run_cnt", info.run_cnt),
            ("recursion_misses", info.recursion_misses),
            ("verified_insns", info.verified_insns.into()),
            ("btf_id", info.btf_id.into()),
            ("attach_btf_obj_id", info.attach_btf_obj_id.into()),
            ("attach_btf_id", info.attach_btf_id.into()),
        ] {
            self.set(field, value);
        }
        self.put("tag", &info.tag);
        self.put("name", &info.name);
        self.put("ifindex", &[0; 4]);
        let ids: Vec<u8> = info
            .map_ids
            .iter()
            .flat_map(|id| id.to_le_bytes())
            .collect();
        self.list("map_ids", "nr_map_ids", &ids, 4)?;
        self.records("func_info", FUNC_INFO_BYTES)?;
        self.records("line_info", LINE_INFO_BYTES)?;
        self.records("jited_line_info", JITED_LINE_INFO_BYTES)?;
        // Nothing is compiled, so there is nothing to tell about native code.
        for count in [
            "jited_prog_len",
            "nr_jited_ksyms",
            "nr_jited_func_lens",
            "nr_jited_line_info",
        ] {
            self.set(count, 0_u64);
        }
        self.list("xlated_prog_insns", "xlated_prog_len", &info.xlated, 1)?;
        self.list(
            "func_info",
            "nr_func_info",
            &info.func_info,
            FUNC_INFO_BYTES,
        )?;
        self.list(
            "line_info",
            "nr_line_info",
            &info.line_info,
            LINE_INFO_BYTES,
        )?;
        let tags = info.prog_tags.concat();
        self.list("prog_tags", "nr_prog_tags", &tags, 8)?;
        Ok(None)
    }

    /// The size of records: the caller leaves it open, or knows it.
    fn records(&mut self, list: &str, bytes: usize) -> Result<(), Errno> {
        let (count, record) = (format!("nr_{list}"), format!("{list}_rec_size"));
        let given = self.number(&record);
        let asked = self.number(&count) != 0 || given != 0;
        if asked && given != bytes as u64 {
            return Err(Errno::EINVAL);
        }
        self.set(&record, bytes as u64);
        Ok(())
    }

    fn map(&mut self, info: &MapInfo) -> Result<Short, Errno> {
        let (hash, room) = (self.number("hash"), self.number("hash_size"));
        for (field, value) in [
            ("type", u64::from(info.kind)),
            ("id", info.id.into()),
            ("key_size", info.key_size.into()),
            ("value_size", info.value_size.into()),
            ("max_entries", info.max_entries.into()),
            ("map_flags", info.flags.into()),
            (
                "btf_vmlinux_value_type_id",
                info.btf_vmlinux_value_type_id.into(),
            ),
            ("btf_id", info.btf_id.into()),
            ("btf_key_type_id", info.btf_key_type_id.into()),
            ("btf_value_type_id", info.btf_value_type_id.into()),
            ("btf_vmlinux_id", info.btf_vmlinux_id.into()),
            ("map_extra", info.map_extra),
            ("hash", hash),
            ("hash_size", room),
        ] {
            self.set(field, value);
        }
        self.put("name", &info.name);
        if hash != 0 {
            let digest = match info.hash {
                MapHash::Unknown => return Err(Errno::EINVAL),
                _ if room != DIGEST_BYTES as u64 => return Err(Errno::EINVAL),
                MapHash::Changing => return Err(Errno::EPERM),
                MapHash::Of(digest) => digest,
            };
            memory::write(self.memory, Address(hash), &digest)?;
        } else if room != 0 {
            return Err(Errno::EINVAL);
        }
        Ok(None)
    }

    fn btf(&mut self, info: &BtfInfo) -> Result<Short, Errno> {
        self.set("id", info.id);
        self.list("btf", "btf_size", &info.btf, 1)?;
        self.set("kernel_btf", u64::from(info.kernel_btf));
        let short = self.text("name", "name_len", &info.name)?;
        self.set("name_len", info.name.len() as u64);
        Ok(short)
    }

    fn link(&mut self, info: &LinkInfo) -> Result<Short, Errno> {
        self.set("type", info.kind);
        self.set("id", info.id);
        self.set("prog_id", info.prog_id);
        match &info.detail {
            LinkInfoDetail::RawTracepoint { name, cookie } => {
                self.set("raw_tracepoint.cookie", *cookie);
                let length = "raw_tracepoint.tp_name_len";
                let short = self.text("raw_tracepoint.tp_name", length, name)?;
                self.set(length, name.len() as u64 + 1);
                return Ok(short);
            }
            LinkInfoDetail::Tracing {
                attach_type,
                target_obj_id,
                target_btf_id,
                cookie,
            } => {
                self.set("tracing.attach_type", *attach_type);
                self.set("tracing.target_obj_id", *target_obj_id);
                self.set("tracing.target_btf_id", *target_btf_id);
                self.set("tracing.cookie", *cookie);
            }
            LinkInfoDetail::Cgroup {
                cgroup_id,
                attach_type,
            } => {
                self.set("cgroup.cgroup_id", *cgroup_id);
                self.set("cgroup.attach_type", *attach_type);
            }
            LinkInfoDetail::Iter {
                target_name,
                target,
            } => return self.iterator(target_name, *target),
            LinkInfoDetail::Netns {
                netns_ino,
                attach_type,
            } => {
                self.set("netns.netns_ino", *netns_ino);
                self.set("netns.attach_type", *attach_type);
            }
            LinkInfoDetail::Xdp { ifindex } => self.set("xdp.ifindex", *ifindex),
            LinkInfoDetail::StructOps { map_id } => self.set("struct_ops.map_id", *map_id),
            LinkInfoDetail::Netfilter {
                pf,
                hooknum,
                priority,
                flags,
            } => {
                self.set("netfilter.pf", *pf);
                self.set("netfilter.hooknum", *hooknum);
                self.set("netfilter.priority", *priority as u32);
                self.set("netfilter.flags", *flags);
            }
            LinkInfoDetail::KprobeMulti {
                count,
                flags,
                missed,
                addrs,
                cookies,
            } => {
                let room = self.number("kprobe_multi.count") as usize;
                self.set("kprobe_multi.count", *count);
                self.set("kprobe_multi.flags", *flags);
                self.set("kprobe_multi.missed", *missed);
                self.numbers("kprobe_multi.addrs", room, addrs)?;
                self.numbers("kprobe_multi.cookies", room, cookies)?;
                return Ok((room != 0 && room < *count as usize).then_some(Errno::ENOSPC));
            }
            LinkInfoDetail::UprobeMulti {
                path,
                count,
                flags,
                pid,
                offsets,
                ref_ctr_offsets,
                cookies,
            } => {
                let room = self.number("uprobe_multi.count") as usize;
                self.set("uprobe_multi.count", *count);
                self.set("uprobe_multi.flags", *flags);
                self.set("uprobe_multi.pid", *pid);
                let length = "uprobe_multi.path_size";
                let short = self.text("uprobe_multi.path", length, path)?;
                self.set(length, path.len() as u64 + 1);
                self.numbers("uprobe_multi.offsets", room, offsets)?;
                self.numbers("uprobe_multi.ref_ctr_offsets", room, ref_ctr_offsets)?;
                self.numbers("uprobe_multi.cookies", room, cookies)?;
                let cut = room != 0 && room < *count as usize;
                return Ok(short.or(cut.then_some(Errno::ENOSPC)));
            }
            LinkInfoDetail::PerfEvent(event) => return self.event(event),
            LinkInfoDetail::Tcx {
                ifindex,
                attach_type,
            } => {
                self.set("tcx.ifindex", *ifindex);
                self.set("tcx.attach_type", *attach_type);
            }
            LinkInfoDetail::Netkit {
                ifindex,
                attach_type,
            } => {
                self.set("netkit.ifindex", *ifindex);
                self.set("netkit.attach_type", *attach_type);
            }
            LinkInfoDetail::Sockmap {
                map_id,
                attach_type,
            } => {
                self.set("sockmap.map_id", *map_id);
                self.set("sockmap.attach_type", *attach_type);
            }
        }
        Ok(None)
    }

    fn iterator(&mut self, name: &str, target: IterTarget) -> Result<Short, Errno> {
        let length = "iter.target_name_len";
        let short = self.text("iter.target_name", length, name)?;
        self.set(length, name.len() as u64 + 1);
        match target {
            IterTarget::All => {}
            IterTarget::Map { map_id } => self.set("iter.map.map_id", map_id),
            IterTarget::Cgroup { cgroup_id, order } => {
                self.set("iter.cgroup.cgroup_id", cgroup_id);
                self.set("iter.cgroup.order", order);
            }
            IterTarget::Task { tid, pid } => {
                self.set("iter.task.tid", tid);
                self.set("iter.task.pid", pid);
            }
        }
        Ok(short)
    }

    fn event(&mut self, event: &PerfEventInfo) -> Result<Short, Errno> {
        /// `enum bpf_perf_event_type`
        const UPROBE: u32 = 1;
        const URETPROBE: u32 = 2;
        const KPROBE: u32 = 3;
        const KRETPROBE: u32 = 4;
        const TRACEPOINT: u32 = 5;
        const EVENT: u32 = 6;
        let (kind, part, pointer, name) = match event {
            PerfEventInfo::Uprobe {
                return_probe,
                file_name,
                offset,
                cookie,
                ref_ctr_offset,
            } => {
                self.set("perf_event.uprobe.offset", *offset);
                self.set("perf_event.uprobe.cookie", *cookie);
                self.set("perf_event.uprobe.ref_ctr_offset", *ref_ctr_offset);
                let kind = if *return_probe { URETPROBE } else { UPROBE };
                (kind, "uprobe", "file_name", file_name)
            }
            PerfEventInfo::Kprobe {
                return_probe,
                function,
                offset,
                addr,
                missed,
                cookie,
            } => {
                self.set("perf_event.kprobe.offset", *offset);
                self.set("perf_event.kprobe.addr", *addr);
                self.set("perf_event.kprobe.missed", *missed);
                self.set("perf_event.kprobe.cookie", *cookie);
                let kind = if *return_probe { KRETPROBE } else { KPROBE };
                (kind, "kprobe", "func_name", function)
            }
            PerfEventInfo::Tracepoint { name, cookie } => {
                self.set("perf_event.tracepoint.cookie", *cookie);
                (TRACEPOINT, "tracepoint", "tp_name", name)
            }
            PerfEventInfo::Event {
                config,
                kind,
                cookie,
            } => {
                self.set("perf_event.event.config", *config);
                self.set("perf_event.event.type", *kind);
                self.set("perf_event.event.cookie", *cookie);
                self.set("perf_event.type", EVENT);
                return Ok(None);
            }
        };
        self.set("perf_event.type", kind);
        let length = format!("perf_event.{part}.name_len");
        let short = self.text(&format!("perf_event.{part}.{pointer}"), &length, name)?;
        self.set(&length, name.len() as u64 + 1);
        Ok(short)
    }
}
