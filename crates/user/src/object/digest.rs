//! What instructions are told apart by: their SHA-256, and its first eight bytes, the tag.
//!
//! Linux took SHA-1 until 6.17 and SHA-256 since (`bpf_prog_calc_tag`). Which maps a program was
//! loaded with does not count: their immediates are hashed as zero.

use osmia_isa::{Endian, Slot};
use sha2::{Digest as _, Sha256};

/// SHA-256 of a program's instructions.
pub(crate) type Digest = [u8; 32];

/// `BPF_LD | BPF_IMM | BPF_DW`.
const LD_IMM64: u8 = 0x18;
/// `BPF_PSEUDO_MAP_FD`, `BPF_PSEUDO_MAP_VALUE`.
const BY_DESCRIPTOR: [u8; 2] = [1, 2];
/// `BPF_PSEUDO_MAP_IDX`, `BPF_PSEUDO_MAP_IDX_VALUE`.
const BY_POSITION: [u8; 2] = [5, 6];

/// The digest of instructions as they were loaded. Maps that are named by position count as named
/// by descriptor, which is what loaders make of them.
pub(crate) fn digest(insns: &[Slot]) -> Digest {
    let mut hash = Sha256::new();
    let mut second_half = false;
    for &slot in insns {
        let mut slot = slot;
        if second_half {
            slot.imm = 0;
            second_half = false;
        } else if slot.code == LD_IMM64 {
            if let Some(at) = BY_POSITION.iter().position(|&src| src == slot.src) {
                slot.src = BY_DESCRIPTOR[at];
            }
            if BY_DESCRIPTOR.contains(&slot.src) {
                slot.imm = 0;
                second_half = true;
            }
        }
        hash.update(slot.to_bytes(Endian::NATIVE));
    }
    hash.finalize().into()
}

/// The tag of a program with these instructions, as loaded (`bpf_prog_info.tag`).
pub fn program_tag(insns: &[Slot]) -> [u8; 8] {
    tag(&digest(insns))
}

/// The tag of instructions with this digest.
pub(crate) fn tag(digest: &Digest) -> [u8; 8] {
    digest.first_chunk().copied().expect("32 are more than 8")
}

#[cfg(test)]
mod tests {
    use osmia_isa::{NoNames, assemble};

    use super::*;

    fn tag_of(text: &str) -> String {
        let insns = assemble(text, &NoNames).expect("right text").slots;
        let bytes = tag(&digest(&insns));
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// As a 6.18 kernel says in `bpf_prog_info.tag`.
    #[test]
    fn tags_are_the_kernels() {
        assert_eq!(tag_of("r0 = 0\nexit"), "59f4a931744dcdc6");
    }

    #[test]
    fn maps_do_not_count() {
        let with = |src, map, offset| {
            let load = Slot {
                code: LD_IMM64,
                dst: 1,
                src,
                off: 0,
                imm: map,
            };
            let second = Slot {
                imm: offset,
                ..Slot::default()
            };
            digest(&[load, second])
        };
        assert_eq!(with(1, 7, 0), with(1, 9, 0));
        assert_eq!(with(1, 7, 0), with(5, 0, 0));
        assert_eq!(with(2, 7, 4), with(6, 0, 8));
        assert_ne!(with(0, 7, 0), with(0, 9, 0));
        assert_ne!(with(1, 7, 0), with(2, 7, 0));
    }
}
