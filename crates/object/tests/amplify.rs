//! Small files that ask for a lot: each meets a named limit instead.

mod elf;

use osmia_btf::{BtfBuilder, Endian, Linkage, SecVar};
use osmia_object::Object;

use elf::{Part, elf};

fn refused(file: &[u8]) -> String {
    let error = Object::parse(file, "small.o").expect_err("a limit");
    error.to_string()
}

#[test]
fn every_inner_map_in_every_outer_one() {
    // Type, key, value, entries, flags, id, pinning, inner id, inner slot.
    let outer: [u32; 9] = [12, 4, 4, 9, 0, 0, 0, 1, 0];
    let inner: [u32; 9] = [2, 4, 4, 9, 0, 1, 0, 0, 0];
    let definitions: Vec<u8> = (0..2000)
        .flat_map(|at| if at % 2 == 0 { outer } else { inner })
        .flat_map(u32::to_le_bytes)
        .collect();
    let symbols: Vec<_> = (0..2000)
        .map(|at| (format!("m{at}"), 1, at * 36, 36))
        .collect();
    let file = elf(&[("maps", 1, 3, &definitions)], &symbols);
    assert!(refused(&file).contains("NESTED_SLOTS_MAX"));
}

#[test]
fn tables_of_operations_over_each_other() {
    let mut types = BtfBuilder::new();
    let table = types.structure("operations", 60_000, &[]);
    let vars: Vec<SecVar> = (0..2000)
        .map(|at| SecVar {
            var: types.var(&format!("t{at}"), Linkage::Global, table),
            offset: at,
            size: 60_000,
        })
        .collect();
    types.datasec(".struct_ops", 70_000, &vars);
    let btf = types.to_bytes(Endian::Little);
    let parts: [Part<'_>; 2] = [(".struct_ops", 1, 3, &[0; 70_000]), (".BTF", 1, 0, &btf)];
    let text = refused(&elf(&parts, &[]));
    assert!(text.contains("begins inside the table"), "{text}");
}

#[test]
fn one_long_section_name_for_many_programs() {
    let code: Vec<u8> = [0x95, 0, 0, 0, 0, 0, 0, 0].repeat(4000);
    let symbols: Vec<_> = (0..4000)
        .map(|at| (format!("p{at}"), 1, at * 8, 8))
        .collect();
    let name = format!("xdp/{}", "x".repeat(4000));
    let file = elf(&[(&name, 1, 6, &code)], &symbols);
    assert!(refused(&file).contains("PROGRAM_SECTION_BYTES_MAX"));
    let name = "x".repeat(5000);
    let file = elf(&[(&name, 1, 6, &code)], &symbols);
    assert!(refused(&file).contains("NAME_BYTES_MAX"));
    let file = elf(&[("xdp", 1, 6, &code)], &symbols);
    assert_eq!(
        Object::parse(&file, "small.o").unwrap().programs().len(),
        4000
    );
}
