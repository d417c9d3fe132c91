//! Which helpers go with which maps.

use osmia_program::MapKind;

/// Helpers that only maps of these kinds are for, and the other way round. Linux 6.18.
#[rustfmt::skip]
const PAIRS: &[(MapKind, &[u32])] = &[
    (MapKind::ProgArray, &[12]),
    (MapKind::PerfEventArray, &[22, 25, 55, 111, 121]),
    (MapKind::Ringbuf, &[130, 131, 132, 133, 134, 198, 199, 200]),
    (MapKind::UserRingbuf, &[209]),
    (MapKind::StackTrace, &[27]),
    (MapKind::CgroupArray, &[33, 37]),
    (MapKind::CgroupStorage, &[81]),
    (MapKind::PercpuCgroupStorage, &[81]),
    (MapKind::Devmap, &[51, 1]),
    (MapKind::DevmapHash, &[51, 1]),
    (MapKind::Cpumap, &[51]),
    (MapKind::Xskmap, &[51, 1]),
    (MapKind::ArrayOfMaps, &[1]),
    (MapKind::HashOfMaps, &[1]),
    (MapKind::Sockmap, &[52, 53, 3, 60, 82, 1, 2]),
    (MapKind::Sockhash, &[72, 70, 3, 71, 82, 1, 2]),
    (MapKind::ReuseportSockarray, &[82]),
    (MapKind::Queue, &[87, 88, 89]),
    (MapKind::Stack, &[87, 88, 89]),
    (MapKind::SkStorage, &[107, 108, 194]),
    (MapKind::InodeStorage, &[145, 146, 194]),
    (MapKind::TaskStorage, &[156, 157, 194]),
    (MapKind::CgrpStorage, &[210, 211]),
    (MapKind::BloomFilter, &[87, 89]),
];

/// Kinds that a helper takes, for those that take only some.
#[rustfmt::skip]
const TAKES: &[(u32, &[MapKind])] = &[
    (12, &[MapKind::ProgArray]),
    (22, &[MapKind::PerfEventArray]),
    (25, &[MapKind::PerfEventArray]),
    (55, &[MapKind::PerfEventArray]),
    (111, &[MapKind::PerfEventArray]),
    (121, &[MapKind::PerfEventArray]),
    (130, &[MapKind::Ringbuf]),
    (131, &[MapKind::Ringbuf]),
    (134, &[MapKind::Ringbuf]),
    (198, &[MapKind::Ringbuf]),
    (209, &[MapKind::UserRingbuf]),
    (27, &[MapKind::StackTrace]),
    (33, &[MapKind::CgroupArray]),
    (37, &[MapKind::CgroupArray]),
    (51, &[MapKind::Devmap, MapKind::DevmapHash, MapKind::Cpumap, MapKind::Xskmap]),
    (52, &[MapKind::Sockmap]),
    (60, &[MapKind::Sockmap]),
    (53, &[MapKind::Sockmap]),
    (72, &[MapKind::Sockhash]),
    (71, &[MapKind::Sockhash]),
    (70, &[MapKind::Sockhash]),
    (81, &[MapKind::CgroupStorage, MapKind::PercpuCgroupStorage]),
    (82, &[MapKind::ReuseportSockarray, MapKind::Sockmap, MapKind::Sockhash]),
    (88, &[MapKind::Queue, MapKind::Stack]),
    (87, &[MapKind::Queue, MapKind::Stack, MapKind::BloomFilter]),
    (89, &[MapKind::Queue, MapKind::Stack, MapKind::BloomFilter]),
    (107, &[MapKind::SkStorage]),
    (108, &[MapKind::SkStorage]),
    (145, &[MapKind::InodeStorage]),
    (146, &[MapKind::InodeStorage]),
    (156, &[MapKind::TaskStorage]),
    (157, &[MapKind::TaskStorage]),
    (195, &[MapKind::PercpuArray, MapKind::PercpuHash, MapKind::LruPercpuHash]),
    (210, &[MapKind::CgrpStorage]),
    (211, &[MapKind::CgrpStorage]),
    (164, &[
        MapKind::Array, MapKind::PercpuArray, MapKind::Hash, MapKind::PercpuHash,
        MapKind::LruHash, MapKind::LruPercpuHash,
    ]),
];

/// True if a helper may be given a map of this kind.
pub(super) fn compatible(kind: MapKind, helper: u32) -> bool {
    let by_kind = PAIRS.iter().find(|(known, _)| *known == kind);
    let by_helper = TAKES.iter().find(|(known, _)| *known == helper);
    by_kind.is_none_or(|(_, helpers)| helpers.contains(&helper))
        && by_helper.is_none_or(|(_, kinds)| kinds.contains(&kind))
}
