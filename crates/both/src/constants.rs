//! Names of numbers in cases: kinds by the kernel's names, flags by theirs.

use osmia_program::{AttachKind, MapKind, ProgramKind};

/// Flags of map creation.
const MAP_FLAGS: &[(&str, u64)] = &[
    ("no_prealloc", 1),
    ("no_common_lru", 1 << 1),
    ("numa_node", 1 << 2),
    ("rdonly", 1 << 3),
    ("wronly", 1 << 4),
    ("stack_build_id", 1 << 5),
    ("zero_seed", 1 << 6),
    ("rdonly_prog", 1 << 7),
    ("wronly_prog", 1 << 8),
    ("clone", 1 << 9),
    ("mmapable", 1 << 10),
    ("preserve_elems", 1 << 11),
    ("inner_map", 1 << 12),
    ("link", 1 << 13),
    ("path_fd", 1 << 14),
    ("vtype_btf_obj_fd", 1 << 15),
    ("token_fd", 1 << 16),
    ("segv_on_fault", 1 << 17),
    ("no_user_conv", 1 << 18),
];

/// Flags of elements.
const ELEMENT_FLAGS: &[(&str, u64)] = &[
    ("any", 0),
    ("noexist", 1),
    ("exist", 2),
    ("lock", 4),
    ("cpu", 8),
    ("all_cpus", 16),
];

/// Flags of programs.
const PROGRAM_FLAGS: &[(&str, u64)] = &[
    ("strict_alignment", 1),
    ("any_alignment", 2),
    ("test_rnd_hi32", 4),
    ("test_state_freq", 8),
    ("sleepable", 16),
    ("xdp_has_frags", 32),
    ("xdp_dev_bound_only", 64),
    ("test_reg_invariants", 128),
];

/// The number of a name in a field.
pub(crate) fn by_name(field: &str, name: &str) -> Option<u64> {
    let list = match field {
        "map_type" => return MapKind::from_name(name).map(|kind| u64::from(kind.number())),
        "prog_type" => return ProgramKind::from_name(name).map(|kind| u64::from(kind.number())),
        "expected_attach_type" | "attach_type" => {
            return AttachKind::from_name(name).map(|kind| u64::from(kind.number()));
        }
        "map_flags" | "file_flags" | "open_flags" => MAP_FLAGS,
        "flags" | "elem_flags" => ELEMENT_FLAGS,
        "prog_flags" => PROGRAM_FLAGS,
        _ => return None,
    };
    let found = list.iter().find(|(known, _)| *known == name);
    found.map(|(_, number)| *number)
}
