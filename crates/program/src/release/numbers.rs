//! How long the enumerations of `include/uapi/linux/bpf.h` were, release by release.
//!
//! Enumerators are only ever appended, so their number says which there are. Sources: the histories
//! that docs.ebpf.io and bcc's `docs/kernel-versions.md` keep, with the commit of every enumerator;
//! 5.10, 6.1, 6.12, 6.16 and 6.18 read in the BTF of such kernels.

use super::Release;

/// The lengths at a release, and until the next row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uapi {
    /// The first release of that shape.
    pub release: Release,
    /// `enum bpf_func_id`: helpers, 0 included.
    pub helpers: u32,
    /// `enum bpf_prog_type`.
    pub programs: u32,
    /// `enum bpf_map_type`.
    pub maps: u32,
    /// `enum bpf_attach_type`.
    pub attaches: u32,
    /// `enum bpf_cmd`.
    pub commands: u32,
    /// `enum bpf_link_type`.
    pub links: u32,
}

const fn row(release: (u8, u8), lengths: [u32; 6]) -> Uapi {
    let [helpers, programs, maps, attaches, commands, links] = lengths;
    Uapi {
        release: Release::new(release.0, release.1),
        helpers,
        programs,
        maps,
        attaches,
        commands,
        links,
    }
}

/// One row for each release that added something.
#[rustfmt::skip]
pub static UAPI: &[Uapi] = &[
    //             helpers programs maps attaches commands links
    row((5, 4),   [111, 26, 26, 23, 24, 0]),
    row((5, 5),   [116, 27, 26, 26, 24, 0]),
    row((5, 6),   [119, 29, 27, 26, 28, 0]),
    row((5, 7),   [125, 30, 27, 28, 30, 4]),
    row((5, 8),   [136, 30, 28, 34, 34, 6]),
    row((5, 9),   [142, 31, 28, 38, 35, 7]),
    row((5, 10),  [156, 31, 29, 38, 36, 7]),
    row((5, 11),  [163, 31, 30, 38, 36, 7]),
    row((5, 12),  [164, 31, 30, 38, 36, 7]),
    row((5, 13),  [166, 31, 30, 39, 36, 7]),
    row((5, 14),  [169, 32, 30, 41, 36, 7]),
    row((5, 15),  [176, 32, 30, 42, 36, 8]),
    row((5, 16),  [180, 32, 31, 42, 36, 8]),
    row((5, 17),  [186, 32, 31, 42, 36, 8]),
    row((5, 18),  [194, 32, 31, 43, 36, 9]),
    row((5, 19),  [204, 32, 31, 43, 36, 10]),
    row((6, 0),   [208, 32, 31, 44, 36, 10]),
    row((6, 1),   [210, 32, 32, 44, 36, 10]),
    row((6, 2),   [212, 32, 33, 44, 36, 10]),
    row((6, 4),   [212, 33, 33, 46, 36, 11]),
    row((6, 6),   [212, 33, 33, 49, 36, 13]),
    row((6, 7),   [212, 33, 33, 56, 36, 14]),
    row((6, 9),   [212, 33, 34, 56, 37, 14]),
    row((6, 10),  [212, 33, 34, 57, 37, 15]),
    row((6, 13),  [212, 33, 34, 58, 37, 15]),
    row((6, 17),  [212, 33, 34, 58, 38, 15]),
];
