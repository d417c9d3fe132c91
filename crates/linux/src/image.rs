//! A linked program as the kernel takes it: instructions with descriptors, records of functions and
//! lines, and the function it is for by number.

use osmia_btf::{Btf, Kind};
use osmia_isa::{Endian, Imm64, Insn, Slot, decode, encode, write_slots};
use osmia_program::{AttachKind, DebugInfo, Hook, Program, ProgramKind};

/// Bytes of a record of a function: its instruction, its type.
pub(crate) const FUNC_INFO_BYTES: u32 = 8;
/// Bytes of a record of a line: its instruction, file, text, line and column.
pub(crate) const LINE_INFO_BYTES: u32 = 16;

/// The instructions, maps by descriptor.
pub(crate) fn insns(program: &Program, fds: &[i32]) -> Vec<u8> {
    let mut slots: Vec<Slot> = program.insns.clone();
    let fd_of = |position: i32| fds.get(position as usize).copied().unwrap_or(-1);
    let mut at = 0;
    while at < slots.len() {
        let Ok(insn) = decode(&slots, at) else {
            at += 1;
            continue;
        };
        if let Insn::LoadImm64 { dst, value } = insn {
            let value = match value {
                Imm64::MapIdx(position) => Imm64::MapFd(fd_of(position)),
                Imm64::MapIdxValue { idx, off } => Imm64::MapValue {
                    fd: fd_of(idx),
                    off,
                },
                other => other,
            };
            let (first, second) = encode(&Insn::LoadImm64 { dst, value });
            slots[at] = first;
            if let Some(second) = second {
                slots[at + 1] = second;
            }
        }
        at += insn.slots();
    }
    write_slots(&slots, Endian::NATIVE)
}

/// `struct bpf_func_info` of every function.
pub(crate) fn func_info(debug: &DebugInfo) -> Vec<u8> {
    let records = debug.funcs.iter();
    words(records.flat_map(|record| [record.insn, record.type_id.0]))
}

/// `struct bpf_line_info` of every line.
pub(crate) fn line_info(debug: &DebugInfo) -> Vec<u8> {
    let records = debug.lines.iter();
    words(records.flat_map(|record| {
        // Columns have ten bits.
        let place = record.line << 10 | record.column.min(0x3ff);
        [record.insn, record.file.0, record.text.0, place]
    }))
}

fn words(words: impl Iterator<Item = u32>) -> Vec<u8> {
    words.flat_map(u32::to_ne_bytes).collect()
}

/// A name as the kernel keeps it: cut, and only of letters it takes.
pub(crate) fn name(name: &str) -> [u8; 16] {
    let mut cut = [0; 16];
    for (to, byte) in cut[..15].iter_mut().zip(name.bytes()) {
        let is_taken = byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
        *to = if is_taken { byte } else { b'_' };
    }
    cut
}

/// How the kernel's types call what a hook names, and of which kind that is.
fn spelled(hook: &Hook, target: &str) -> (String, Kind) {
    match (hook.kind, hook.attach) {
        (_, Some(AttachKind::TraceRawTp)) => (format!("btf_trace_{target}"), Kind::Typedef),
        (_, Some(AttachKind::TraceIter)) => (format!("bpf_iter_{target}"), Kind::Func),
        (ProgramKind::Lsm, _) => (format!("bpf_lsm_{target}"), Kind::Func),
        (ProgramKind::StructOps, _) => (target.to_owned(), Kind::Struct),
        _ => (target.to_owned(), Kind::Func),
    }
}

/// The number of the function or structure a program is for, in the kernel's types.
pub(crate) fn attach_btf_id(hook: &Hook, types: &Btf) -> Option<u32> {
    let wants_one = matches!(
        hook.kind,
        ProgramKind::Tracing | ProgramKind::Lsm | ProgramKind::StructOps
    );
    let target = hook.target.as_deref().filter(|_| wants_one)?;
    let (name, kind) = spelled(hook, target);
    types.find(&name, kind).map(|id| id.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_and_cleaned() {
        assert_eq!(&name("tcp_v4_connect-and-more"), b"tcp_v4_connect_\0");
        assert_eq!(&name("a.b")[..4], b"a.b\0");
    }
}
