//! Values as the kernel shows them; `cargo xtask compare-kernel` asks the running kernel the same.

use osmia_btf::print::{ShowFlags, ShowStop, show};
use osmia_btf::{Btf, BtfBuilder, Endian, Int, NewMember, TypeId};

/// `struct point { char name[4]; int x, y; struct point *next; struct { int any; } more; unsigned int
/// low : 3; }`
fn point() -> (Btf, TypeId) {
    let mut btf = BtfBuilder::new();
    let int = btf.int("int", 4, Int::SIGNED);
    let unsigned = btf.int("unsigned int", 4, 0);
    let byte = btf.int("char", 1, Int::SIGNED);
    let name = btf.array(byte, int, 4);
    let more = btf.structure("", 4, &[NewMember::new("any", int, 0)]);
    let next = btf.ptr(TypeId(btf.next_id().0 + 1));
    let members = [
        NewMember::new("name", name, 0),
        NewMember::new("x", int, 4),
        NewMember::new("y", int, 8),
        NewMember::new("next", next, 16),
        NewMember::new("more", more, 24),
        NewMember::bits("low", unsigned, 28 * 8, 3),
    ];
    let point = btf.structure("point", 32, &members);
    (btf.build(Endian::Little).expect("right types"), point)
}

fn shown(flags: ShowFlags) -> String {
    let mut bytes = [0; 32];
    bytes[..2].copy_from_slice(b"ab");
    bytes[4..8].copy_from_slice(&(-7i32).to_le_bytes());
    bytes[28] = 5;
    let (btf, point) = point();
    let read = |address: u64, out: &mut [u8]| {
        let at = (address - 0x1000) as usize;
        out.copy_from_slice(&bytes[at..at + out.len()]);
        true
    };
    let shown = show(&btf, point, 0x1000, flags, &read);
    assert_eq!(shown.stop, None);
    String::from_utf8(shown.text).expect("plain text")
}

#[test]
fn what_is_zero_is_left_out() {
    let text = "\
(struct point){
 .name = (char[])[
  'a',
  'b',
 ],
 .x = (int)-7,
 .low = (unsigned int)0x5,
}
";
    assert_eq!(shown(ShowFlags::default()), text);
}

#[test]
fn flags_take_away_names_and_lines_and_add_zeroes() {
    let flags = ShowFlags {
        compact: true,
        no_name: true,
        zero: true,
    };
    let text = "{['a','b',],-7,0,0x0000000000000000,{0,},0x5,}";
    assert_eq!(shown(flags), text);
}

#[test]
fn what_cannot_be_read_ends_it() {
    let (btf, point) = point();
    let read = |_: u64, _: &mut [u8]| false;
    let shown = show(&btf, point, 0, ShowFlags::default(), &read);
    assert_eq!(shown.text, b"");
    assert_eq!(shown.stop, Some(ShowStop::Unreadable(0)));
}
