//! Objects and programs as text for snapshots.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::fmt::Write as _;
use std::sync::Arc;

use osmia_diag::Diagnostic;
use osmia_isa::{Endian, NoNames, decode};
use osmia_object::Object;
use osmia_program::{Initial, Kconfig, KernelVersion, MapSpec, Pinning, ProgramSet, Target};

/// A target without a kernel: nothing in a snapshot may depend on the machine.
pub(crate) fn target(endian: Endian) -> Target {
    Target {
        name: "test".into(),
        endian,
        kernel: KernelVersion::new(6, 1, 0),
        release: None,
        cpus: 4,
        btf: None,
        module_btfs: Vec::new(),
        kconfig: Some(Arc::new(Kconfig::from_text(
            "CONFIG_HZ=250\nCONFIG_BPF=y\nCONFIG_NET_CLS_BPF=m\nCONFIG_DEFAULT_HOSTNAME=\"(none)\"\n",
        ))),
        ksyms: Some(Arc::new(
            [("init_task".to_owned(), 0xffff_ffff_8123_4560)].into(),
        )),
        kfuncs: None,
        rules: Default::default(),
        own_helpers: Default::default(),
    }
}

pub(crate) fn diagnostics(diagnostics: &[Diagnostic]) -> String {
    let mut text = String::new();
    for each in diagnostics {
        let severity = format!("{:?}", each.severity).to_lowercase();
        let _ = writeln!(
            text,
            "{severity}[{}] {}: {}",
            each.code, each.place, each.message
        );
        for note in &each.notes {
            let _ = writeln!(text, "  note: {note}");
        }
        for help in &each.help {
            let _ = writeln!(text, "  help: {help}");
        }
    }
    text
}

pub(crate) fn object(object: &Object) -> String {
    let mut text = format!(
        "# object {} {:?} license {:?} version {:#x}\n",
        object.name(),
        object.endian(),
        object.license(),
        object.kernel_version()
    );
    for (index, section) in object.image().numbered_sections() {
        let _ = writeln!(
            text,
            "section {} {} {:?} {} bytes, {} relocations",
            index.index(),
            section.name,
            section.kind,
            section.size,
            section.relocations.len()
        );
    }
    for function in object.functions() {
        let _ = writeln!(
            text,
            "function {} in {} at {} slots {}{}{}",
            function.display_name(),
            object.image().section(function.section).name,
            function.start,
            function.slots,
            if function.global { " global" } else { "" },
            if function.weak { " weak" } else { "" },
        );
    }
    for program in object.programs() {
        let _ = writeln!(
            text,
            "program {} in {} {:?} flags {:#x}{} {:?}",
            program.name,
            program.section,
            program.hook,
            program.flags.0,
            if program.autoload { "" } else { " off" },
            program.certainty,
        );
    }
    for map in object.maps() {
        let _ = writeln!(
            text,
            "map {} in {}+{:#x}",
            spec(&map.spec),
            map.section_name,
            map.offset
        );
    }
    for variable in object.variables() {
        let _ = writeln!(
            text,
            "variable {} in {} at {} size {} type {:?}",
            variable.name,
            object.maps()[variable.map].spec.name,
            variable.offset,
            variable.size,
            variable.type_id,
        );
    }
    for each in object.externs() {
        let _ = writeln!(
            text,
            "extern {}{} {:?}",
            each.name,
            if each.weak { " weak" } else { "" },
            each.kind
        );
    }
    text + &diagnostics(object.notes())
}

fn spec(spec: &MapSpec) -> String {
    let mut text = format!(
        "{} {} key {} value {} entries {} flags {:#x} {:?}",
        spec.name,
        spec.kind,
        spec.key_size,
        spec.value_size,
        spec.max_entries,
        spec.flags.0,
        spec.origin,
    );
    if spec.extra != 0 {
        let _ = write!(text, " extra {:#x}", spec.extra);
    }
    if let Some(node) = spec.numa_node {
        let _ = write!(text, " numa {node}");
    }
    if spec.pinning == Pinning::ByName {
        text += " pinned";
    }
    if spec.frozen {
        text += " frozen";
    }
    if !spec.autocreate {
        text += " off";
    }
    if let Some(btf) = &spec.btf {
        let _ = write!(text, " types {:?} {:?}", btf.key, btf.value);
    }
    match &spec.initial {
        Initial::Empty => {}
        Initial::Value(bytes) => {
            let shown: Vec<String> = bytes
                .iter()
                .take(32)
                .map(|byte| format!("{byte:02x}"))
                .collect();
            let dots = if bytes.len() > 32 { "…" } else { "" };
            let _ = write!(text, " = {}{dots}", shown.join(""));
        }
        other => {
            let _ = write!(text, " = {other:?}");
        }
    }
    if let Some(inner) = &spec.inner {
        let _ = write!(text, " inner ({})", self::spec(inner));
    }
    text
}

pub(crate) fn set(set: &ProgramSet) -> String {
    let mut text = String::new();
    for map in &set.maps {
        let _ = writeln!(text, "map {}", spec(map));
    }
    for program in &set.programs {
        let maps: Vec<&str> = program
            .maps
            .iter()
            .map(|map| set.maps[map.index()].name.as_str())
            .collect();
        let _ = writeln!(
            text,
            "program {} {:?} flags {:#x}{} maps {maps:?}",
            program.name,
            program.hook,
            program.flags.0,
            if program.autoload { "" } else { " off" },
        );
        let mut next = 0;
        for at in 0..program.insns.len() {
            if at < next {
                continue;
            }
            for function in &program.functions {
                if function.start as usize == at {
                    let global = if function.global { "global " } else { "" };
                    let _ = writeln!(text, " {global}{}:", function.name);
                }
            }
            if let Some(debug) = &program.debug
                && debug.lines.iter().any(|line| line.insn as usize == at)
                && let Some(line) = program.line_at(at)
            {
                let _ = writeln!(text, "  ; {}:{} {}", line.line, line.column, line.text);
            }
            if let Ok(insn) = decode(&program.insns, at) {
                let _ = writeln!(text, "  {at:4}: {}", insn.show(at, &NoNames));
                next = at + insn.slots();
            }
            if let Some(poison) = program.poison_at(at) {
                let _ = writeln!(text, "        ! {}", poison.reason);
            }
        }
    }
    text
}
