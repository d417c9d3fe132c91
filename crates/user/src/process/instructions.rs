//! From the words of a program load to a program whose maps are named by position.

use std::sync::Arc;

use osmia_btf::{Kind, TypeId};
use osmia_isa::{Endian, Slot};
use osmia_program::limits::PROGRAM_MAPS_MAX;
use osmia_program::{Errno, Function, KfuncRef, MapKind};
use osmia_vm::map::Map;

use super::Process;
use super::bytes::{read, word};
use crate::bpf::{Fd, ProgLoad};

/// `BPF_LD | BPF_IMM | BPF_DW`.
const LD_IMM64: u8 = 0x18;
/// `BPF_JMP | BPF_CALL`.
const CALL: u8 = 0x85;
/// `BPF_PSEUDO_CALL`, in the source register of a call.
const PSEUDO_CALL: u8 = 1;
/// `BPF_PSEUDO_KFUNC_CALL`, there too.
const PSEUDO_KFUNC_CALL: u8 = 2;
/// `BPF_PSEUDO_FUNC`, in the source register of a wide load.
const PSEUDO_FUNC: u8 = 4;

/// How a wide load names a map.
#[derive(Copy, Clone, PartialEq, Eq)]
enum Named {
    Descriptor,
    Position,
}

/// Instructions whose maps are named by position.
pub(super) struct Resolved {
    pub(super) insns: Vec<Slot>,
    pub(super) maps: Vec<Arc<Map>>,
}

/// The slots that lie in memory.
pub(super) fn slots(bytes: &[u8]) -> Vec<Slot> {
    let (words, _) = bytes.as_chunks::<{ Slot::BYTES }>();
    words
        .iter()
        .map(|word| Slot::from_bytes(*word, Endian::NATIVE))
        .collect()
}

impl Process {
    /// Finds the maps that instructions name (`resolve_pseudo_ldimm64`).
    pub(super) fn resolve(
        &self,
        mut insns: Vec<Slot>,
        asked: &ProgLoad<'_>,
        log: &mut String,
    ) -> Result<Resolved, Errno> {
        let mut maps: Vec<Arc<Map>> = Vec::new();
        let mut at = 0;
        while at < insns.len() {
            let slot = insns[at];
            if slot.code != LD_IMM64 {
                at += 1;
                continue;
            }
            let named = match slot.src {
                1 | 2 => Some(Named::Descriptor),
                5 | 6 => Some(Named::Position),
                _ => None,
            };
            if let Some(named) = named {
                let fd = match named {
                    Named::Descriptor => Fd(slot.imm),
                    Named::Position => self.fd_at(asked, slot.imm, log)?,
                };
                let (map, _) = self.map(fd).inspect_err(|_| {
                    *log += &format!("fd {fd} is not pointing to valid bpf_map\n");
                })?;
                let known = maps.iter().position(|known| Arc::ptr_eq(known, map.map()));
                let position = known.unwrap_or(maps.len());
                if position == maps.len() {
                    if maps.len() == PROGRAM_MAPS_MAX {
                        *log += &format!(
                            "The total number of maps per program has reached the limit of {PROGRAM_MAPS_MAX}\n"
                        );
                        return Err(Errno::E2BIG);
                    }
                    check_company(&maps, map.map(), log)?;
                    maps.push(Arc::clone(map.map()));
                }
                insns[at].src = if matches!(slot.src, 1 | 5) { 5 } else { 6 };
                insns[at].imm = i32::try_from(position).expect("at most 64");
            }
            at += 2;
        }
        Ok(Resolved { insns, maps })
    }

    /// The kernel functions that instructions call, by their types in the kernel's BTF.
    pub(super) fn kfuncs(&self, insns: &[Slot], log: &mut String) -> Result<Vec<KfuncRef>, Errno> {
        let calls = insns.iter().enumerate();
        let calls = calls.filter(|(_, slot)| slot.code == CALL && slot.src == PSEUDO_KFUNC_CALL);
        let named = |(at, slot): (usize, &Slot)| {
            let vmlinux = self.kernel.vmlinux();
            let id = TypeId(slot.imm as u32);
            let function = vmlinux.and_then(|vmlinux| vmlinux.btf.ty(id));
            let function = function.filter(|ty| ty.kind() == Kind::Func);
            let Some(function) = function.filter(|_| slot.off == 0) else {
                *log += &format!("kernel btf_id {} is not a function\n", slot.imm);
                return Err(Errno::EINVAL);
            };
            Ok(KfuncRef {
                insn: at as u32,
                name: function.name().to_owned(),
            })
        };
        calls.map(named).collect()
    }

    fn fd_at(&self, asked: &ProgLoad<'_>, index: i32, log: &mut String) -> Result<Fd, Errno> {
        let Some(array) = asked.fd_array else {
            *log += "fd_idx without fd_array is invalid\n";
            return Err(Errno::EPROTO);
        };
        let index = usize::try_from(index).map_err(|_| Errno::EFAULT)?;
        let fds = read(Some(array), index.saturating_add(1).saturating_mul(4))?;
        Ok(Fd(word(fds, index) as i32))
    }

    /// The maps of `fd_array` if its length is given: the program holds them, used or not.
    pub(super) fn bound_maps(&self, asked: &ProgLoad<'_>) -> Result<Vec<Arc<Map>>, Errno> {
        let mut maps = Vec::new();
        for index in 0..asked.fd_array_cnt as usize {
            let fds = read(asked.fd_array, (index + 1).saturating_mul(4))?;
            let fd = Fd(word(fds, index) as i32);
            match self.map(fd) {
                Ok((map, _)) => maps.push(Arc::clone(map.map())),
                Err(errno) => drop(self.btf(fd).map_err(|_| errno)?),
            }
        }
        Ok(maps)
    }
}

/// Of some kinds a program has one map at most, and an arena must have its place
/// (`process_fd`, `add_used_map`).
fn check_company(others: &[Arc<Map>], map: &Map, log: &mut String) -> Result<(), Errno> {
    let kind = map.spec().kind;
    let is_second = others.iter().any(|other| other.spec().kind == kind);
    match kind {
        MapKind::CgroupStorage | MapKind::PercpuCgroupStorage if is_second => {
            *log += "only one cgroup storage of each type is allowed\n";
            Err(Errno::EBUSY)
        }
        MapKind::Arena if is_second => {
            *log += "Only one arena per program\n";
            Err(Errno::EBUSY)
        }
        // Nobody can map it here.
        MapKind::Arena if map.spec().extra == 0 => {
            *log += "arena's user address must be set via map_extra or mmap()\n";
            Err(Errno::EINVAL)
        }
        _ => Ok(()),
    }
}

/// The functions that calls and function addresses lead to, the entry first.
pub(super) fn functions(insns: &[Slot], name: &str) -> Vec<Function> {
    let target = |(at, slot): (usize, &Slot)| {
        let leads = (slot.code == CALL && slot.src == PSEUDO_CALL)
            || (slot.code == LD_IMM64 && slot.src == PSEUDO_FUNC);
        let start = at as i64 + 1 + i64::from(slot.imm);
        leads.then(|| u32::try_from(start).ok()).flatten()
    };
    let mut starts: Vec<u32> = insns.iter().enumerate().filter_map(target).collect();
    starts.push(0);
    starts.sort_unstable();
    starts.dedup();
    let named = |start| Function {
        name: match start {
            0 => name.to_owned(),
            start => format!("func_{start}"),
        },
        start,
        global: false,
    };
    starts.into_iter().map(named).collect()
}
