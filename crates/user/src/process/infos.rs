//! What is known about objects.

use osmia_isa::{Endian, Slot};
use osmia_program::{MapFlags, MapKind, Program};
use osmia_vm::map::Map;
use osmia_vm::{Code, Identity};
use sha2::{Digest as _, Sha256};

use super::Process;
use crate::bpf::{BtfInfo, MapHash, MapInfo, ProgInfo};
use crate::object::{BtfObject, MapRecord, ProgramRecord, program_tag};

/// `BPF_PSEUDO_MAP_IDX`, `BPF_PSEUDO_MAP_IDX_VALUE`: how maps are named here.
const BY_POSITION: [u8; 2] = [5, 6];
/// `BPF_PSEUDO_MAP_FD`, `BPF_PSEUDO_MAP_VALUE`: how they are named outside.
const BY_ID: [u8; 2] = [1, 2];
/// `BPF_JMP | BPF_CALL` with `BPF_PSEUDO_CALL`.
const FUNCTION_CALL: (u8, u8) = (0x85, 1);
/// `BPF_LD | BPF_IMM | BPF_DW`.
const LD_IMM64: u8 = 0x18;

impl Process {
    pub(super) fn prog_info(&self, code: &Code) -> ProgInfo {
        let record = ProgramRecord::of(code);
        let (about, program) = (&record.about, code.program());
        let map_ids = ProgramRecord::map_ids(code);
        let (run_cnt, run_time_ns) = record.counted();
        let attach_to = &about.attach_to;
        ProgInfo {
            kind: program.hook.kind.number(),
            id: code.id(),
            tag: record.tag(),
            xlated: shown(&program.insns, &map_ids),
            load_time: about.load_time,
            created_by_uid: about.created_by_uid,
            name: about.name,
            gpl_compatible: is_gpl_compatible(&program.license),
            btf_id: about.btf.as_ref().map_or(0, |btf| btf.id()),
            func_info: about.func_info.clone(),
            func_info_rec_size: about.func_info_bytes,
            line_info: about.line_info.clone(),
            line_info_rec_size: about.line_info_bytes,
            prog_tags: function_tags(program, record.tag()),
            run_time_ns,
            run_cnt,
            recursion_misses: 0,
            verified_insns: about.verified_insns,
            attach_btf_obj_id: attached_btf(attach_to.program.as_deref(), attach_to.btf.as_deref()),
            attach_btf_id: attach_to.btf_id,
            map_ids,
        }
    }

    pub(super) fn map_info(&self, map: &Map) -> MapInfo {
        let (spec, about) = (map.spec(), &MapRecord::of(map).about);
        let by_kernel = about.vmlinux_value_type != 0;
        MapInfo {
            kind: spec.kind.number(),
            id: map.id(),
            key_size: spec.key_size,
            value_size: spec.value_size,
            max_entries: spec.max_entries,
            flags: spec.flags.0 | own_flags(spec.kind),
            name: about.name,
            btf_vmlinux_value_type_id: about.vmlinux_value_type,
            btf_id: about.btf.as_ref().map_or(0, |btf| btf.id()),
            btf_key_type_id: about.key_type,
            btf_value_type_id: about.value_type,
            btf_vmlinux_id: match self.kernel.vmlinux() {
                Some(vmlinux) if by_kernel => vmlinux.id(),
                _ => 0,
            },
            map_extra: spec.extra,
            hash: map_hash(map),
        }
    }

    pub(super) fn btf_info(object: &BtfObject) -> BtfInfo {
        BtfInfo {
            btf: object.btf.as_bytes().to_vec(),
            id: object.id(),
            name: object.name.to_owned(),
            kernel_btf: object.is_kernel(),
        }
    }
}

/// What is told of the contents of a map: only arrays that do not change any more can be digested.
fn map_hash(map: &Map) -> MapHash {
    if map.spec().kind != MapKind::Array {
        return MapHash::Unknown;
    }
    if !map.is_frozen() {
        return MapHash::Changing;
    }
    // Values lie in units of eight bytes.
    let padding = map.spec().value_size.next_multiple_of(8) - map.spec().value_size;
    let mut hash = Sha256::new();
    for index in 0..map.spec().max_entries {
        let value = map.lookup_outside(&index.to_ne_bytes());
        hash.update(value.expect("arrays have all their elements"));
        hash.update(&[0; 8][..padding as usize]);
    }
    MapHash::Of(hash.finalize().into())
}

/// The types that the id of what a program is attached to counts in.
fn attached_btf(program: Option<&Code>, btf: Option<&BtfObject>) -> u32 {
    let of_program = || ProgramRecord::of(program?).about.btf.as_deref();
    btf.or_else(of_program).map_or(0, BtfObject::id)
}

/// Instructions with maps named by id, as the kernel shows them (`bpf_insn_prepare_dump`).
fn shown(insns: &[Slot], map_ids: &[u32]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(insns.len() * Slot::BYTES);
    for slot in insns {
        let mut slot = *slot;
        let by_position = BY_POSITION.iter().position(|&src| src == slot.src);
        if let Some(at) = by_position.filter(|_| slot.code == LD_IMM64) {
            slot.src = BY_ID[at];
            let id = usize::try_from(slot.imm)
                .ok()
                .and_then(|map| map_ids.get(map));
            slot.imm = id.copied().unwrap_or(0) as i32;
        }
        bytes.extend_from_slice(&slot.to_bytes(Endian::NATIVE));
    }
    bytes
}

/// A tag a function. The kernel takes them after its verifier has changed the instructions: calls of
/// functions name them by number then. What it makes of helpers and maps is not known here, so tags of
/// functions with such differ.
fn function_tags(program: &Program, own: [u8; 8]) -> Vec<[u8; 8]> {
    if program.functions.len() < 2 {
        return vec![own];
    }
    let starts: Vec<_> = (program.functions.iter())
        .map(|function| function.start as usize)
        .collect();
    let mut insns = program.insns.clone();
    for (at, slot) in insns.iter_mut().enumerate() {
        let target = (at as i64 + 1 + i64::from(slot.imm)) as usize;
        if (slot.code, slot.src) == FUNCTION_CALL
            && let Ok(number) = starts.binary_search(&target)
        {
            slot.off = number as i16;
            slot.imm = 1;
        }
    }
    let ends = starts.iter().skip(1).copied().chain([insns.len()]);
    let ranges = starts.iter().zip(ends);
    ranges
        .map(|(&start, end)| program_tag(&insns[start..end]))
        .collect()
}

/// `license_is_gpl_compatible`.
pub(super) fn is_gpl_compatible(license: &str) -> bool {
    matches!(
        license,
        "GPL"
            | "GPL v2"
            | "GPL and additional rights"
            | "Dual BSD/GPL"
            | "Dual MIT/GPL"
            | "Dual MPL/GPL"
    )
}

/// Flags that maps of a kind give themselves (`dev_map_init_map`).
fn own_flags(kind: MapKind) -> u32 {
    match kind {
        MapKind::Devmap | MapKind::DevmapHash => MapFlags::RDONLY_PROG,
        _ => 0,
    }
}
