//! One example of every code, as it stands on the code's page. `BLESS=1` rewrites the pages.

mod common;

use common::every_kind;
use osmia_btf::core::{CoreError, Outcome, PatchError, Poison, Relo, ReloKind, Resolver, patch};
use osmia_btf::value::set;
use osmia_btf::{Btf, BtfBuilder, BtfError, BtfExt, Endian, Kind, NewMember, TypeId, codes};
use osmia_diag::{Diagnostic, Paint};
use osmia_isa::Slot;

fn btf_error(bytes: &[u8]) -> BtfError {
    Btf::parse(bytes, None).unwrap_err()
}

fn built(fill: impl FnOnce(&mut BtfBuilder)) -> Result<Btf, BtfError> {
    let mut builder = BtfBuilder::new();
    fill(&mut builder);
    builder.build(Endian::Little)
}

fn structure(b: &mut BtfBuilder, name: &str, member: &str, at: u32) -> TypeId {
    let int = b.int("int", 4, 1);
    b.structure(name, 16, &[NewMember::new(member, int, at)])
}

fn ask(target: &Btf, access: &str) -> Result<Outcome, CoreError> {
    let mut ty = TypeId::VOID;
    let local = built(|b| ty = structure(b, "task", "pid", 4)).unwrap();
    let relo = Relo {
        kind: ReloKind::FieldByteOffset,
        ty,
        access,
    };
    Ok(Resolver::new(&local, &[target]).resolve(&relo)?.outcome)
}

fn poisoned(target: &Btf) -> Poison {
    match ask(target, "0:0").unwrap() {
        Outcome::Poison(poison) => (*poison).clone(),
        Outcome::Value { .. } => panic!("the target has the field"),
    }
}

fn misplaced() -> PatchError {
    let target = built(|b| {
        structure(b, "task", "pid", 8);
    })
    .unwrap();
    let local = built(|b| {
        structure(b, "task", "pid", 4);
    })
    .unwrap();
    let relo = Relo {
        kind: ReloKind::FieldByteOffset,
        ty: local.find("task", Kind::Struct).unwrap(),
        access: "0:0",
    };
    let targets = [&target];
    let resolution = Resolver::new(&local, &targets).resolve(&relo).unwrap();
    // `r1 = *(u32 *)(r1 + 12)`, but the field is at 4.
    let mut slots = [Slot {
        code: 0x61,
        dst: 1,
        src: 1,
        off: 12,
        imm: 0,
    }];
    patch(&mut slots, 0, &resolution).unwrap_err()
}

fn examples() -> Vec<Diagnostic> {
    let bytes = every_kind().to_bytes(Endian::Little);
    let btf = Btf::parse(bytes.clone(), None).unwrap();
    let node = btf.find("node", Kind::Struct).unwrap();
    let mut value = vec![0; 72];
    let mut overlapping = bytes.clone();
    overlapping[16] = 0;
    let mut unterminated = bytes.clone();
    *unterminated.last_mut().unwrap() = b'x';
    let mut ext = vec![0x9f, 0xeb, 1, 0, 24, 0, 0, 0];
    ext.extend([0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    ext.extend([4, 0, 0, 0, 0, 0, 0, 0]);
    let other = built(|b| {
        structure(b, "task", "tgid", 4);
    })
    .unwrap();
    let twice = built(|b| {
        structure(b, "task", "pid", 4);
        structure(b, "task", "pid", 8);
    })
    .unwrap();
    vec![
        btf_error(b"\x7fELF").to_diagnostic(),
        btf_error(&bytes[..100]).to_diagnostic(),
        btf_error(&overlapping).to_diagnostic(),
        btf_error(&unterminated).to_diagnostic(),
        built(|b| {
            b.int_bits("int", 4, 0, 0, 64);
        })
        .unwrap_err()
        .to_diagnostic(),
        built(|b| {
            b.ptr(TypeId(7));
        })
        .unwrap_err()
        .to_diagnostic(),
        built(|b| {
            b.typedef("loop", TypeId(1));
        })
        .unwrap_err()
        .to_diagnostic(),
        built(|b| {
            for id in 1..300 {
                b.const_(TypeId(id + 1));
            }
            b.int("int", 4, 0);
        })
        .unwrap_err()
        .to_diagnostic(),
        BtfExt::parse(&ext, &btf).unwrap_err().to_diagnostic(),
        set(&btf, node, "color", "GREEN", &mut value)
            .unwrap_err()
            .to_diagnostic(),
        set(&btf, node, "colour", "RED", &mut value)
            .unwrap_err()
            .to_diagnostic(),
        ask(&other, "0:5").unwrap_err().to_diagnostic(),
        ask(&twice, "0:0").unwrap_err().to_diagnostic(),
        poisoned(&other).to_diagnostic(),
        misplaced().to_diagnostic(),
    ]
}

#[test]
fn every_code_has_its_page_with_an_example_that_is_true() {
    let bless = std::env::var_os("BLESS").is_some();
    let pages = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/diagnostics");
    let examples = examples();
    assert_eq!(examples.len(), codes::ALL.len());
    for (code, example) in codes::ALL.iter().zip(&examples) {
        assert_eq!(example.code, *code);
        let path = format!("{pages}/{code}.md");
        let page = std::fs::read_to_string(&path).unwrap();
        let (before, rest) = page.split_once("```text\n").unwrap();
        let (_, after) = rest.split_once("```\n").unwrap();
        let text = example.to_text(Paint::Plain);
        let expected = format!("{before}```text\n{text}\n```\n{after}");
        if bless {
            std::fs::write(&path, expected).unwrap();
        } else {
            assert_eq!(page, expected, "{path}");
        }
    }
}
