//! Writes small objects for tests.

/// A section to write: name, ELF type, flags, content.
pub(crate) type Part<'a> = (&'a str, u32, u64, &'a [u8]);

/// A little-endian eBPF object of these sections, with a variable or function for each symbol: name,
/// section, offset and size.
pub(crate) fn elf(parts: &[Part<'_>], symbols: &[(String, u16, u64, u64)]) -> Vec<u8> {
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
