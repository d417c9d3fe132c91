//! Broken BTF: the header's fields, and small type sections written by hand.

use super::elf::Elf;
use super::{Inputs, cut, with};
use crate::place::Error;

const INT: u32 = 1;
const PTR: u32 = 2;
const ARRAY: u32 = 3;
const STRUCT: u32 = 4;
const ENUM: u32 = 6;
const FWD: u32 = 7;
const TYPEDEF: u32 = 8;
const CONST: u32 = 10;
const FUNC: u32 = 12;
const FUNC_PROTO: u32 = 13;
const VAR: u32 = 14;
const DATASEC: u32 = 15;
const FLOAT: u32 = 16;
const DECL_TAG: u32 = 17;

/// `info`: kind flag, kind, number of members.
fn info(kind: u32, members: u32) -> u32 {
    kind << 24 | members
}

/// A whole BTF with these words as its types and these strings.
fn file(words: &[u32], strings: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x9f, 0xeb, 1, 0];
    let types = words.len() as u32 * 4;
    for word in [24, 0, types, types, strings.len() as u32]
        .iter()
        .chain(words)
    {
        bytes.extend(word.to_le_bytes());
    }
    bytes.extend(strings);
    bytes
}

pub(super) fn inputs(hello: &[u8]) -> Result<Inputs, Error> {
    let (_, whole) = Elf(hello).section(".BTF")?;
    let mut inputs = Inputs::new();
    let absurd = [0xff, 0xff, 0xff, 0x7f];
    inputs.insert("empty", Vec::new());
    inputs.insert("magic-only", cut(whole, 2));
    inputs.insert("header-only", cut(whole, 24));
    inputs.insert("half", cut(whole, whole.len() / 2));
    inputs.insert("last-byte-missing", cut(whole, whole.len() - 1));
    inputs.insert("magic-swapped", with(whole, 0, [0xeb, 0x9f]));
    inputs.insert("version-2", with(whole, 2, [2]));
    inputs.insert("flags-unknown", with(whole, 3, [0xff]));
    inputs.insert("header-length-absurd", with(whole, 4, absurd));
    inputs.insert("header-length-small", with(whole, 4, [8, 0, 0, 0]));
    inputs.insert("types-offset-absurd", with(whole, 8, absurd));
    inputs.insert("types-offset-unaligned", with(whole, 8, [2, 0, 0, 0]));
    inputs.insert("types-length-absurd", with(whole, 12, absurd));
    inputs.insert("types-length-ragged", with(whole, 12, [13, 0, 0, 0]));
    inputs.insert("strings-offset-absurd", with(whole, 16, absurd));
    inputs.insert("strings-over-types", with(whole, 16, [0; 4]));
    inputs.insert("strings-length-absurd", with(whole, 20, absurd));
    inputs.insert("strings-length-zero", with(whole, 20, [0; 4]));
    inputs.insert("strings-without-end", file(&[], b"\0abc"));
    inputs.insert("strings-without-start", file(&[], b"abc\0"));
    inputs.insert("ext-section", Elf(hello).section(".BTF.ext")?.1.to_vec());
    inputs.insert("valid-hello", whole.to_vec());
    inputs.insert("valid-empty", file(&[], b"\0"));

    let name = b"\0a\0";
    // name, info, size or type, then what the kind adds.
    inputs.insert("kind-unknown", file(&[0, info(31, 0), 0], name));
    inputs.insert("kind-zero", file(&[0, info(0, 0), 0], name));
    inputs.insert("name-out-of-range", file(&[77, info(INT, 0), 4, 32], name));
    inputs.insert("int-bits-over-size", file(&[1, info(INT, 0), 1, 64], name));
    inputs.insert(
        "int-size-absurd",
        file(&[1, info(INT, 0), u32::MAX, 32], name),
    );
    inputs.insert("int-cut", file(&[1, info(INT, 0), 4], name));
    inputs.insert("members-absurd", file(&[1, info(STRUCT, 0xffff), 8], name));
    inputs.insert(
        "member-type-missing",
        file(&[1, info(STRUCT, 1), 8, 1, 99, 0], name),
    );
    inputs.insert(
        "member-past-the-end",
        file(
            &[1, info(STRUCT, 1), 4, 1, 2, 4096, 1, info(INT, 0), 4, 32],
            name,
        ),
    );
    inputs.insert(
        "member-offset-absurd",
        file(
            &[
                1,
                info(STRUCT, 1),
                4,
                1,
                2,
                u32::MAX,
                1,
                info(INT, 0),
                4,
                32,
            ],
            name,
        ),
    );
    inputs.insert(
        "bitfield-wider-than-its-type",
        file(
            &[
                1,
                info(STRUCT, 1) | 1 << 31,
                4,
                1,
                2,
                0xff << 24,
                1,
                info(INT, 0),
                4,
                32,
            ],
            name,
        ),
    );
    inputs.insert("cycle-typedef", file(&[1, info(TYPEDEF, 0), 1], name));
    inputs.insert(
        "cycle-const",
        file(&[0, info(CONST, 0), 2, 0, info(CONST, 0), 1], name),
    );
    inputs.insert(
        "cycle-struct",
        file(&[1, info(STRUCT, 1), 4, 1, 1, 0], name),
    );
    inputs.insert(
        "cycle-struct-array",
        file(
            &[
                1,
                info(STRUCT, 1),
                4,
                1,
                2,
                0,
                0,
                info(ARRAY, 0),
                0,
                1,
                1,
                1,
            ],
            name,
        ),
    );
    inputs.insert("cycle-array", file(&[0, info(ARRAY, 0), 0, 1, 1, 3], name));
    inputs.insert(
        "cycle-prototype",
        file(&[0, info(FUNC_PROTO, 1), 1, 1, 1], name),
    );
    inputs.insert("cycle-pointer-is-fine", file(&[0, info(PTR, 0), 1], name));
    inputs.insert("array-overflows", {
        // An array of arrays of arrays: 2^96 bytes.
        let array = |of: u32| [0, info(ARRAY, 0), 0, of, 1, u32::MAX];
        file(
            &[
                &[1, info(INT, 0), 4, 32][..],
                &array(1),
                &array(2),
                &array(3),
            ]
            .concat(),
            name,
        )
    });
    inputs.insert(
        "array-index-missing",
        file(&[0, info(ARRAY, 0), 0, 0, 9, 3], name),
    );
    inputs.insert("enum-absurd", file(&[1, info(ENUM, 0xffff), 4], name));
    inputs.insert("enum-size-3", file(&[1, info(ENUM, 1), 3, 1, 0], name));
    inputs.insert("fwd-with-members", file(&[1, info(FWD, 3), 0], name));
    inputs.insert(
        "func-of-int",
        file(&[1, info(FUNC, 0), 2, 1, info(INT, 0), 4, 32], name),
    );
    inputs.insert(
        "prototype-return-missing",
        file(&[0, info(FUNC_PROTO, 0), 9], name),
    );
    inputs.insert(
        "var-linkage-absurd",
        file(&[1, info(VAR, 0), 0, u32::MAX], name),
    );
    inputs.insert(
        "datasec-of-int",
        file(
            &[1, info(DATASEC, 1), 4, 2, 0, 4, 1, info(INT, 0), 4, 32],
            name,
        ),
    );
    inputs.insert(
        "datasec-overflows",
        file(
            &[
                1,
                info(DATASEC, 1),
                4,
                2,
                u32::MAX,
                u32::MAX,
                1,
                info(VAR, 0),
                3,
                0,
                1,
                info(INT, 0),
                4,
                32,
            ],
            name,
        ),
    );
    inputs.insert("float-size-3", file(&[1, info(FLOAT, 0), 3], name));
    inputs.insert(
        "decl-tag-component-absurd",
        file(
            &[1, info(DECL_TAG, 0), 2, 7777, 1, info(STRUCT, 0), 0],
            name,
        ),
    );
    inputs.insert("nesting-deep", {
        // Each typedef names the next; the last is an int.
        let mut words = Vec::new();
        for id in 0..2000 {
            words.extend([1, info(TYPEDEF, 0), id + 2]);
        }
        words.extend([1, info(INT, 0), 4, 32]);
        file(&words, name)
    });
    inputs.insert("nesting-explodes", {
        // Each structure holds the next one four times: 4^30 leaves in 31 types.
        let mut words = Vec::new();
        for id in 0..30 {
            words.extend([1, info(STRUCT, 4), 0]);
            for _ in 0..4 {
                words.extend([1, id + 2, 0]);
            }
        }
        words.extend([1, info(STRUCT, 0), 0]);
        file(&words, name)
    });
    Ok(inputs)
}
