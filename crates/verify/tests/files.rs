//! Runs every text in `tests/files`: directives in comments, assembly, and after `----` the verdict.
//! `BLESS=1` writes what comes out instead of comparing it.
//!
//! Directives: `; type: xdp`, `; map: NAME KIND KEY VALUE ENTRIES`, `; target: linux-5.10` or `osmia`, `; caps: none`,
//! `; attach: TYPE TARGET`, `; license: TEXT`, `; sleepable: yes`, and `; types: kernel` for a small kernel's BTF, whose functions
//! are called by name, and a program's.

mod types;

use std::fs;
use std::path::Path;

use osmia_isa::{Callee, Endian, Insn, MapRef, Resolve, Slot, assemble, decode};
use osmia_program::{
    AttachKind, DebugInfo, KernelVersion, KfuncRef, MapFlags, MapIndex, MapKind, MapSpec, Program,
    ProgramFlags, ProgramKind, ProgramParts, Rules, Target, helper, kfunc,
};
use osmia_verify::{Options, Privilege, verify};

/// Between cases of one file.
const NEXT: &str = "====\n";
/// Between a program and its verdict.
const VERDICT: &str = "----\n";

struct Known<'a>(&'a [MapSpec]);

impl Resolve for Known<'_> {
    fn helper(&self, name: &str) -> Option<i32> {
        helper::by_name(name).map(|helper| helper.id as i32)
    }

    /// Kernel functions are numbered as the table has them.
    fn kfunc(&self, name: &str) -> Option<(i32, i16)> {
        let position = kfunc::ALL.iter().position(|kfunc| kfunc.name == name)?;
        Some((position as i32 + 1, 0))
    }

    fn map(&self, name: &str) -> Option<MapRef> {
        let index = self.0.iter().position(|map| map.name == name)?;
        Some(MapRef::Idx(index as i32))
    }
}

/// The kernel functions that instructions call.
fn kfuncs(slots: &[Slot]) -> Vec<KfuncRef> {
    let called = |(at, insn)| match insn {
        Insn::Call(Callee::Kfunc { id, .. }) => Some(KfuncRef {
            insn: at as u32,
            name: kfunc::ALL[id as usize - 1].name.to_owned(),
        }),
        _ => None,
    };
    let decoded = (0..slots.len()).filter_map(|at| Some((at, decode(slots, at).ok()?)));
    decoded.filter_map(called).collect()
}

fn map(words: &str) -> MapSpec {
    let words: Vec<&str> = words.split_whitespace().collect();
    let [name, kind, key, value, entries] = words[..] else {
        panic!("a map has five words: {words:?}");
    };
    let number = |text: &str| text.parse().expect("a number");
    let kind = MapKind::from_name(kind).expect("a map type");
    let mut spec = MapSpec::new(name, kind, number(key), number(value), number(entries));
    if kind == MapKind::LpmTrie {
        spec.flags = MapFlags(MapFlags::NO_PREALLOC);
    }
    spec
}

/// What the verifier says of a case.
fn judged(text: &str) -> String {
    judged_with_code(text).1
}

/// The same, and the code of the mistake it found.
fn judged_with_code(text: &str) -> (&'static str, String) {
    let directives = |name: &str| -> Vec<String> {
        let prefix = format!("; {name}: ");
        let lines = text.lines().filter_map(|line| line.strip_prefix(&prefix));
        lines.map(str::to_owned).collect()
    };
    let kind = directives("type");
    let kind = kind.first().map_or("socket_filter", String::as_str);
    let kind = ProgramKind::from_name(kind).expect("a program type");
    let maps: Vec<MapSpec> = directives("map").iter().map(|words| map(words)).collect();
    let insns = match assemble(text, &Known(&maps)) {
        Ok(assembly) => assembly.slots,
        Err(error) => panic!("{error:?}\n{text}"),
    };
    let mut parts = ProgramParts::bare("test", kind, insns);
    parts.kfuncs = kfuncs(&parts.insns);
    if let Some(attach) = directives("attach").first() {
        let (attach, target) = attach.split_once(' ').expect("an attach type and a target");
        parts.hook.attach = AttachKind::from_name(attach);
        assert!(parts.hook.attach.is_some(), "{attach}");
        parts.hook.target = Some(target.to_owned());
    }
    if let Some(license) = directives("license").first() {
        parts.license.clone_from(license);
    }
    if !directives("sleepable").is_empty() {
        parts.flags = ProgramFlags(ProgramFlags::SLEEPABLE);
    }
    let typed = !directives("types").is_empty();
    parts.debug = typed.then(|| DebugInfo {
        btf: types::program(),
        funcs: Vec::new(),
        lines: Vec::new(),
    });
    parts.maps = (0..maps.len()).map(MapIndex::from_usize).collect();
    let program = match Program::new(parts) {
        Ok(program) => program,
        Err(error) => return ("", format!("no program: {error}\n")),
    };
    let wanted = directives("target");
    let wanted = wanted.first().map(String::as_str);
    let rules = match wanted {
        Some("osmia") => Rules::Osmia,
        _ => Rules::Linux,
    };
    let target = Target {
        name: "test".to_owned(),
        endian: Endian::NATIVE,
        kernel: KernelVersion::new(6, 18, 0),
        release: (wanted.filter(|_| rules == Rules::Linux))
            .map(|name| name.parse().expect("a release")),
        cpus: 2,
        btf: typed.then(types::kernel),
        module_btfs: Vec::new(),
        kconfig: None,
        ksyms: None,
        kfuncs: None,
        rules,
        own_helpers: Default::default(),
    };
    let options = Options {
        privilege: match directives("caps").first().map(String::as_str) {
            None => Privilege::All,
            Some("bpf") => Privilege::Bpf,
            Some("none") => Privilege::None,
            Some(other) => panic!("no rights are called {other}"),
        },
        ..Options::default()
    };
    let verdict = verify(&program, &maps, &target, &options);
    match verdict.result {
        Ok(_) => {
            let insns = verdict.stats.insns;
            ("", format!("accepted, {insns} instructions visited\n"))
        }
        Err(why) => {
            let at = why.at.map_or(String::new(), |at| format!(" at {at}"));
            let says = format!("rejected{at}: {}\n", why.message);
            (why.kind().code().id, says)
        }
    }
}

#[test]
fn every_file_gives_the_verdict_it_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files");
    let bless = std::env::var_os("BLESS").is_some();
    let (mut files, mut differ) = (0, String::new());
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("it can be listed").path();
        let text = fs::read_to_string(&path).expect("it is text");
        let cases = text.split(NEXT).map(|case| {
            let program = case.split(VERDICT).next().unwrap_or_default();
            format!("{program}{VERDICT}{}", judged(program))
        });
        let now = cases.collect::<Vec<_>>().join(NEXT);
        files += 1;
        if now == text {
            continue;
        }
        if bless {
            fs::write(&path, now).expect("it can be written");
        } else {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            differ += &format!("{name}:\n{now}\n");
        }
    }
    assert!(files > 0, "no files");
    assert!(differ.is_empty(), "BLESS=1 rewrites them:\n{differ}");
}

/// Every `verify` block of the pages about our codes is judged as the `text` block behind it says.
#[test]
fn pages_show_what_the_verifier_says() {
    const START: &str = "```verify\n";
    const ANSWER: &str = "```text\n";
    const END: &str = "```\n";
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/diagnostics");
    let bless = std::env::var_os("BLESS").is_some();
    let (mut blocks, mut differ) = (0, String::new());
    for code in osmia_verify::codes::ALL {
        let path = folder.join(format!("{}.md", code.id));
        let page = fs::read_to_string(&path).expect("every code has a page");
        let Some((before, rest)) = page.split_once(START) else {
            continue;
        };
        let (program, rest) = rest.split_once(END).expect("the block ends");
        let (between, rest) = rest.split_once(ANSWER).expect("an answer follows");
        let (_, after) = rest.split_once(END).expect("the answer ends");
        let (found, says) = judged_with_code(program);
        assert_eq!(found, code.id, "{says}");
        let now = format!("{before}{START}{program}{END}{between}{ANSWER}{says}{END}{after}");
        blocks += 1;
        if now == page {
            continue;
        }
        if bless {
            fs::write(&path, now).expect("it can be written");
        } else {
            differ += &format!("{}: {says}", code.id);
        }
    }
    assert!(blocks > 0, "no blocks");
    assert!(differ.is_empty(), "BLESS=1 rewrites them:\n{differ}");
}
