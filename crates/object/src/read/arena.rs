//! `__arena` variables: what an arena's first bytes are.

use osmia_program::{Initial, MapKind};

use crate::error::Errors;
use crate::image::{Image, SectionKind};
use crate::{MapDecl, ObjectError};

/// Section of variables in an arena (`__arena`).
pub(crate) const ARENA_SECTION: &str = ".addr_space.1";

/// Bytes of a page of an arena.
const PAGE_BYTES: u64 = 4096;

/// Gives the arena the bytes of its variables, as libbpf copies them to its beginning.
pub(super) fn fill(image: &Image, maps: &mut [MapDecl], errors: &mut Errors) {
    let Some((_, section)) = image.section_named(ARENA_SECTION) else {
        return;
    };
    if section.size == 0 {
        return;
    }
    let fail = |map: &str, what: String, help| ObjectError::Map {
        map: map.to_owned(),
        section: ARENA_SECTION.to_owned(),
        offset: 0,
        what,
        help: Some(help),
    };
    let arena = maps.iter_mut().find(|map| map.spec.kind == MapKind::Arena);
    let Some(arena) = arena else {
        errors.push(fail(
            ARENA_SECTION,
            "__arena variables need a map to be in".into(),
            "declare a map of type BPF_MAP_TYPE_ARENA with SEC(\".maps\")",
        ));
        return;
    };
    let bytes = u64::from(arena.spec.max_entries) * PAGE_BYTES;
    if section.size > bytes {
        errors.push(fail(
            &arena.spec.name,
            format!(
                "its {bytes} bytes are too few for __arena variables of {}",
                section.size
            ),
            "raise its max_entries, which counts pages of 4096 bytes",
        ));
        return;
    }
    if section.kind == SectionKind::Bits {
        arena.spec.initial = Initial::Value(section.data.clone());
    }
}
