//! Every page under `docs/diagnostics` about a code of this crate shows what the code really says.
//! Re-blessed with `OSMIA_BLESS=1 cargo test -p osmia-object --test pages`.

mod elf;
mod render;

use std::path::Path;

use osmia_diag::Diagnostic;
use osmia_object::{LinkOptions, Object, codes, limits};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(ROOT).join("tests/data").join(name)).unwrap()
}

fn object(name: &str) -> Object {
    Object::parse(&bytes(name), name).unwrap()
}

fn refused(name: &str, bytes: &[u8]) -> Vec<Diagnostic> {
    let error = Object::parse(bytes, name).expect_err(name);
    let told = error.to_diagnostics().into_iter();
    told.map(|told| told.in_file(name)).collect()
}

fn unlinkable(object: &Object, options: &LinkOptions) -> Vec<Diagnostic> {
    let target = render::target(object.endian());
    let error = object.link(&target, options).expect_err(object.name());
    error.to_diagnostics()
}

/// A copy with some bytes replaced.
fn changed(name: &str, at: usize, new: &[u8]) -> Vec<u8> {
    let mut bytes = bytes(name);
    bytes[at..at + new.len()].copy_from_slice(new);
    bytes
}

/// Offset of the section header of this name, and of the section's bytes.
fn section(name: &str, section: &str) -> (usize, usize) {
    let bytes = bytes(name);
    let object = object(name);
    let (index, _) = object.image().section_named(section).expect("there is one");
    let table = u64::from_le_bytes(bytes[40..48].try_into().unwrap()) as usize;
    let header = table + index.index() * 64;
    let data = u64::from_le_bytes(bytes[header + 24..header + 32].try_into().unwrap());
    (header, data as usize)
}

/// One program of more instructions than any may have.
fn endless() -> Object {
    let slots = osmia_program::limits::INSN_COUNT_MAX as u64 + 1;
    // r0 = 0, again and again; exit.
    let mut code = [0xb7, 0, 0, 0, 0, 0, 0, 0].repeat(slots as usize - 1);
    code.extend([0x95, 0, 0, 0, 0, 0, 0, 0]);
    let parts: [elf::Part<'_>; 1] = [("xdp", 1, 6, &code)];
    let file = elf::elf(&parts, &[("endless".to_owned(), 1, 0, 8 * slots)]);
    Object::parse(&file, "endless.o").unwrap()
}

/// Really provokes each diagnostic that a small change of a committed file can.
fn provoked() -> Vec<Diagnostic> {
    let (xdp, xdp_data) = section("sections.o", "xdp");
    let (relxdp, relxdp_data) = section("sections.o", ".relxdp");
    let (_, btf) = section("sections.o", ".BTF");
    let (_, symbols) = section("sections.o", ".symtab");
    let (_, license) = section("sections.o", "license");
    let (_, legacy) = section("legacy.o", "maps");
    let relxdp_offset = bytes("sections.o")[relxdp + 24..relxdp + 32].to_vec();
    let mut setting = LinkOptions::default();
    setting.globals.push(("conter".into(), "1".into()));
    let mut typed = LinkOptions::default();
    typed.programs.push("unknown".into());
    // The symbol that is a function of the section xdp.
    let function = (1..)
        .map(|index| symbols + index * 24)
        .find(|at| bytes("sections.o")[at + 4] & 0xf == 2)
        .expect("there is a function");
    let (mut all, list) = (
        Vec::new(),
        [
            refused("empty.o", &[]),
            refused("large.o", &vec![0; limits::FILE_BYTES_MAX + 1]),
            refused("hello.bpf.c", b"#include <linux/bpf.h>\n"),
            refused("a.out", &changed("sections.o", 18, &62_u16.to_le_bytes())),
            refused("cut.o", &bytes("sections.o")[..200]),
            refused("x.o", &changed("sections.o", xdp + 32, &[12])),
            refused("x.o", &changed("sections.o", xdp + 24, &relxdp_offset)),
            refused("x.o", &changed("sections.o", function + 8, &[0xf0, 0xff])),
            refused("x.o", &changed("sections.o", relxdp_data, &[0xf0, 0xff])),
            refused("x.o", &changed("legacy.o", legacy, &[99])),
            refused("x.o", &changed("sections.o", function + 16, &[4])),
            Object::parse(&changed("sections.o", btf, &[0]), "x.o")
                .unwrap()
                .notes()
                .to_vec(),
            object("legacy.o").notes().to_vec(),
            Object::parse(&changed("sections.o", license, &[0]), "x.o")
                .unwrap()
                .notes()
                .to_vec(),
            vec![
                Object::merge(vec![object("link_a.o"), object("link_a.o")], "x.o")
                    .unwrap_err()
                    .to_diagnostic(),
            ],
            unlinkable(&object("legacy.o"), &typed),
            unlinkable(&object("globals-19.o"), &setting),
            unlinkable(&object("link_a.o"), &LinkOptions::default()),
            unlinkable(&endless(), &LinkOptions::default()),
            unlinkable(
                // The last instruction of the section is the second program's `exit`.
                &Object::parse(&changed("sections.o", xdp_data + 88, &[0xff]), "x.o").unwrap(),
                &LinkOptions::default(),
            ),
        ],
    );
    all.extend(list.into_iter().flatten());
    all
}

#[test]
fn pages_show_what_is_said() {
    let bless = std::env::var_os("OSMIA_BLESS").is_some();
    let provoked = provoked();
    let mut wrong = Vec::new();
    for code in codes::ALL {
        let path = Path::new(ROOT).join(format!("../../docs/diagnostics/{}.md", code.id));
        let page = std::fs::read_to_string(&path).unwrap_or_default();
        let Some(told) = provoked.iter().find(|told| told.code == *code) else {
            continue;
        };
        let text = format!(
            "```text\n{}```\n",
            render::diagnostics(std::slice::from_ref(told))
        );
        if page.contains(&text) {
            continue;
        }
        if bless {
            let before = page.split("```text\n").next().unwrap_or("");
            std::fs::write(&path, format!("{before}{text}")).unwrap();
        } else {
            wrong.push(code.id);
        }
    }
    assert!(wrong.is_empty(), "pages to re-bless: {wrong:?}");
    let shown = codes::ALL
        .iter()
        .filter(|code| provoked.iter().any(|told| told.code == **code));
    eprintln!("{} of {} codes provoked", shown.count(), codes::ALL.len());
}
