//! Links of iterators, and reading what their programs print (`kernel/bpf/bpf_iter.c` of Linux 6.18).

use std::sync::Arc;

use osmia_program::{Errno, MapKind, ProgramFlags};
use osmia_verify::Reach;
use osmia_vm::Code;
use osmia_vm::map::Map;

use super::Process;
use crate::attach::CgroupId;
use crate::bpf::{Fd, IterCreate, IterTarget, LinkCreate, LinkDetail};
use crate::iterate::{self, Reader};
use crate::link::{Iterated, Link, LinkTarget};
use crate::object::ProgramRecord;
use crate::process::File;
use crate::process::bytes::{read, word};

/// Bytes of `union bpf_iter_link_info`.
const INFO_BYTES: usize = 16;

impl Process {
    pub(super) fn link_to_iterator(
        &self,
        program: Arc<Code>,
        asked: &LinkCreate<'_>,
    ) -> Result<Arc<Link>, Errno> {
        if asked.target != 0 || asked.flags != 0 {
            return Err(Errno::EINVAL);
        }
        let (info, bytes) = match &asked.detail {
            LinkDetail::Iter { info, info_bytes } => (*info, *info_bytes as usize),
            _ => (None, 0),
        };
        if info.is_none() != (bytes == 0) {
            return Err(Errno::EINVAL);
        }
        let given = read(info, bytes)?;
        let (known, tail) = given.split_at(bytes.min(INFO_BYTES));
        if tail.iter().any(|&byte| byte != 0) {
            return Err(Errno::E2BIG);
        }
        let target = program.program().hook.target.clone().unwrap_or_default();
        let sleeps = program.program().flags.has(ProgramFlags::SLEEPABLE);
        if sleeps && !iterate::may_sleep(&target) {
            return Err(Errno::EINVAL);
        }
        let mut words = [0; INFO_BYTES / 4];
        for (at, value) in words.iter_mut().enumerate() {
            let start = (at * 4).min(known.len());
            *value = match known.len() - start {
                0..4 => 0,
                _ => word(&known[start..], 0),
            };
        }
        let iterated = self.iterated(target, words)?;
        if let Some(map) = &iterated.map {
            check_reach(
                &iterated.target,
                ProgramRecord::of(&program).about.reach,
                map,
            )?;
        }
        self.linked(LinkTarget::Iterator(iterated), Some(program), |_| Ok(()))
    }

    /// What `union bpf_iter_link_info` says about a target.
    fn iterated(&self, target: String, info: [u32; 4]) -> Result<Iterated, Errno> {
        let mut map = None;
        let what = match target.as_str() {
            "bpf_map_elem" | "bpf_sk_storage_map" | "sockmap" => {
                if info[0] == 0 {
                    return Err(Errno::EBADF);
                }
                let (found, _) = self.map(Fd(info[0] as i32))?;
                if !is_walked(&target, &found) {
                    return Err(Errno::EINVAL);
                }
                let map_id = found.id();
                map = Some(found);
                IterTarget::Map { map_id }
            }
            "cgroup" => self.iterated_groups(info)?,
            "task" | "task_file" | "task_vma" => {
                let [tid, pid, pid_fd, _] = info;
                if info.iter().filter(|&&number| number != 0).count() > 1 {
                    return Err(Errno::EINVAL);
                }
                if pid_fd != 0 {
                    // What is open here is no process.
                    self.file(Fd(pid_fd as i32))?;
                    return Err(Errno::EBADF);
                }
                IterTarget::Task { tid, pid }
            }
            _ => IterTarget::All,
        };
        Ok(Iterated { target, what, map })
    }

    fn iterated_groups(&self, info: [u32; 4]) -> Result<IterTarget, Errno> {
        /// `BPF_CGROUP_ITER_SELF_ONLY` to `BPF_CGROUP_ITER_ANCESTORS_UP`.
        const ORDERS: std::ops::RangeInclusive<u32> = 1..=4;
        let [order, fd, low, high] = info;
        let id = u64::from(high) << 32 | u64::from(low);
        if !ORDERS.contains(&order) || (fd != 0 && id != 0) {
            return Err(Errno::EINVAL);
        }
        let group = match (fd, id) {
            (0, 0) => CgroupId::ROOT,
            (0, id) => self.kernel.attachments().group(id).ok_or(Errno::ENOENT)?,
            (fd, _) => self.cgroup(Fd(fd as i32))?,
        };
        Ok(IterTarget::Cgroup {
            cgroup_id: group.0,
            order,
        })
    }

    /// `BPF_ITER_CREATE`.
    pub fn iter_create(&self, asked: &IterCreate) -> Result<Fd, Errno> {
        if asked.flags != 0 {
            return Err(Errno::EINVAL);
        }
        let link = self.link_of(asked.link_fd)?;
        let reader = Reader::new(&self.kernel, &link)?;
        self.open(File::Iterator(reader))
    }

    /// `read`: what an iterator's program prints, as far as there is room. The walk happens with the
    /// first read.
    pub fn read(&self, fd: Fd, bytes: usize) -> Result<Vec<u8>, Errno> {
        match &*self.file(fd)? {
            File::Iterator(reader) => reader.read(bytes),
            File::Directory(_) => Err(Errno::EISDIR),
            _ => Err(Errno::EINVAL),
        }
    }
}

/// Whether the keys and values of a map are as long as the program takes them to be.
fn check_reach(target: &str, reach: Reach, map: &Map) -> Result<(), Errno> {
    let spec = map.spec();
    let (key, value) = match target {
        "bpf_map_elem" => (spec.key_size, map.value_bytes_outside()),
        "sockmap" => (spec.key_size, usize::MAX),
        _ => (u32::MAX, spec.value_size as usize),
    };
    match reach.read_only_bytes <= key && reach.writable_bytes as usize <= value {
        true => Ok(()),
        false => Err(Errno::EACCES),
    }
}

/// Whether a target walks maps of this kind.
fn is_walked(target: &str, map: &Map) -> bool {
    use MapKind as M;
    let kind = map.spec().kind;
    match target {
        "bpf_map_elem" => matches!(
            kind,
            M::Hash | M::LruHash | M::Array | M::PercpuHash | M::LruPercpuHash | M::PercpuArray
        ),
        "sockmap" => matches!(kind, M::Sockmap | M::Sockhash),
        _ => kind == M::SkStorage,
    }
}
