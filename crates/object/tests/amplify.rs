//! Small files that ask for a lot: each meets a named limit instead.

use osmia_btf::{BtfBuilder, Endian, Linkage, SecVar};
use osmia_object::Object;

/// A section to write: name, ELF type, flags, content.
type Part<'a> = (&'a str, u32, u64, &'a [u8]);

/// A little-endian eBPF object of these sections, with a variable or function for each symbol: name,
/// section, offset and size.
fn elf(parts: &[Part<'_>], symbols: &[(String, u16, u64, u64)]) -> Vec<u8> {
    let mut strings = vec![0];
    let mut name = |text: &str| -> u32 {
        let at = strings.len() as u32;
        strings.extend_from_slice(text.as_bytes());
        strings.push(0);
        at
    };
    let mut table = vec![0; 24];
    for (text, section, offset, size) in symbols {
        table.extend(name(text).to_le_bytes());
        // Global; a variable in data and a function in code.
        let function = parts[usize::from(*section) - 1].2 & 4 != 0;
        table.extend([0x10 | if function { 2 } else { 1 }, 0]);
        table.extend(section.to_le_bytes());
        table.extend(offset.to_le_bytes());
        table.extend(size.to_le_bytes());
    }
    let names: Vec<u32> = parts.iter().map(|part| name(part.0)).collect();
    let (table_name, strings_name) = (name(".symtab"), name(".strtab"));
    let strings_index = parts.len() as u32 + 2;
    let mut file = vec![0; 64];
    let mut headers = vec![0; 64];
    let mut section =
        |name: u32, (kind, flags, content): (u32, u64, &[u8]), link: u32, entry: u64| {
            file.resize(file.len().next_multiple_of(8), 0);
            headers.extend(name.to_le_bytes());
            headers.extend(kind.to_le_bytes());
            for number in [flags, 0, file.len() as u64, content.len() as u64] {
                headers.extend(number.to_le_bytes());
            }
            headers.extend(link.to_le_bytes());
            headers.extend(u32::from(link != 0).to_le_bytes());
            headers.extend(8_u64.to_le_bytes());
            headers.extend(entry.to_le_bytes());
            file.extend_from_slice(content);
        };
    for (part, name) in parts.iter().zip(names) {
        section(name, (part.1, part.2, part.3), 0, 0);
    }
    section(table_name, (2, 0, &table), strings_index, 24);
    section(strings_name, (3, 0, &strings), 0, 0);
    let at = file.len() as u64;
    file.extend(headers);
    file[..20].copy_from_slice(&[
        0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 247, 0,
    ]);
    file[20] = 1;
    file[40..48].copy_from_slice(&at.to_le_bytes());
    file[52..54].copy_from_slice(&64_u16.to_le_bytes());
    file[58..60].copy_from_slice(&64_u16.to_le_bytes());
    file[60..62].copy_from_slice(&(parts.len() as u16 + 3).to_le_bytes());
    file[62..64].copy_from_slice(&(strings_index as u16).to_le_bytes());
    file
}

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
