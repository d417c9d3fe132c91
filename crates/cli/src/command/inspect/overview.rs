//! The overview of an object as people read it.

use osmia::Overview;

use crate::console::Console;
use crate::table::{Align, Table, count, counted};

/// Where lists of words are broken.
const WIDTH: usize = 78;

pub(super) fn show(console: &mut Console, overview: &Overview) {
    console.heading(&format!(
        "{}: eBPF object, {}-endian",
        overview.file, overview.endian
    ));
    let license = overview.license.as_deref().unwrap_or("none stated");
    console.line(&format!("  licence: {license}"));
    match &overview.btf {
        Some(btf) => console.line(&format!(
            "  BTF:     {}, {}",
            counted(u64::from(btf.types), "type"),
            counted(btf.lines, "source line")
        )),
        None => console.line("  BTF:     none (no types, no source lines)"),
    }
    if !overview.helpers.is_empty() {
        words(console, "  helpers: ", &overview.helpers);
    }
    programs(console, overview);
    functions(console, overview);
    maps(console, overview);
    variables(console, overview);
    externs(console, overview);
    sections(console, overview);
    relocations(console, overview);
}

fn programs(console: &mut Console, overview: &Overview) {
    let mut table = Table::new(&[
        ("  name", Align::Left),
        ("type", Align::Left),
        ("attach to", Align::Left),
        ("section", Align::Left),
        ("slots", Align::Right),
        ("", Align::Left),
    ]);
    for program in &overview.programs {
        let attach = match (&program.target, program.attach) {
            (Some(target), _) => target.clone(),
            (None, Some(attach)) if attach != program.kind => attach.to_owned(),
            (None, _) => String::new(),
        };
        let mut remarks = Vec::new();
        if program.type_is_guess {
            remarks.push("type is a guess");
        }
        if !program.autoload {
            remarks.push("loaded on request");
        }
        table.row([
            format!("  {}", program.name),
            program.kind.to_owned(),
            attach,
            program.section.clone(),
            count(u64::from(program.insns)),
            remarks.join(", "),
        ]);
    }
    part(console, "programs", &table);
}

fn functions(console: &mut Console, overview: &Overview) {
    let mut table = Table::new(&[
        ("  name", Align::Left),
        ("section", Align::Left),
        ("slots", Align::Right),
        ("", Align::Left),
    ]);
    for function in &overview.functions {
        table.row([
            format!("  {}", function.name),
            function.section.clone(),
            count(u64::from(function.insns)),
            if function.global { "global" } else { "" }.to_owned(),
        ]);
    }
    part(console, "functions", &table);
}

fn maps(console: &mut Console, overview: &Overview) {
    let mut table = Table::new(&[
        ("  name", Align::Left),
        ("type", Align::Left),
        ("key", Align::Left),
        ("value", Align::Left),
        ("entries", Align::Right),
    ]);
    let sized = |kind: &Option<String>, bytes: u32| match (kind, bytes) {
        (Some(kind), _) => kind.clone(),
        (None, 0) => "-".to_owned(),
        (None, bytes) => counted(u64::from(bytes), "byte"),
    };
    for map in &overview.maps {
        table.row([
            format!("  {}", map.name),
            map.kind.to_owned(),
            sized(&map.key_type, map.key_size),
            sized(&map.value_type, map.value_size),
            match map.max_entries {
                0 => "one a CPU".to_owned(),
                entries => count(u64::from(entries)),
            },
        ]);
    }
    part(console, "maps", &table);
}

fn variables(console: &mut Console, overview: &Overview) {
    let mut table = Table::new(&[
        ("  name", Align::Left),
        ("type", Align::Left),
        ("section", Align::Left),
        ("bytes", Align::Right),
    ]);
    for global in &overview.globals {
        table.row([
            format!("  {}", global.name),
            global.kind.clone().unwrap_or_default(),
            global.section.clone(),
            count(u64::from(global.size)),
        ]);
    }
    part(console, "variables", &table);
}

fn externs(console: &mut Console, overview: &Overview) {
    let mut table = Table::new(&[
        ("  name", Align::Left),
        ("from", Align::Left),
        ("", Align::Left),
    ]);
    for external in &overview.externs {
        table.row([
            format!("  {}", external.name),
            match external.kind {
                "kconfig" => "kernel configuration",
                "variable" => "kernel variable",
                "function" => "kernel function",
                _ => "another object",
            }
            .to_owned(),
            if external.weak { "may be missing" } else { "" }.to_owned(),
        ]);
    }
    part(console, "externs", &table);
}

fn sections(console: &mut Console, overview: &Overview) {
    let mut table = Table::new(&[
        ("  name", Align::Left),
        ("holds", Align::Left),
        ("bytes", Align::Right),
        ("relocations", Align::Right),
    ]);
    for section in &overview.sections {
        table.row([
            format!("  {}", section.name),
            section.kind.to_owned(),
            count(section.bytes),
            match section.relocations {
                0 => String::new(),
                relocations => count(relocations as u64),
            },
        ]);
    }
    part(console, "sections", &table);
}

fn relocations(console: &mut Console, overview: &Overview) {
    if !overview.relocations.is_empty() {
        console.line("");
        console.heading("relocations");
        let kinds = overview
            .relocations
            .iter()
            .map(|(kind, number)| counted(*number, kind));
        console.line(&format!("  {}", kinds.collect::<Vec<_>>().join(", ")));
    }
    let mut table = Table::new(&[
        ("  asks", Align::Left),
        ("of", Align::Left),
        ("times", Align::Right),
    ]);
    for row in &overview.core {
        table.row([format!("  {}", row.kind), row.of.clone(), count(row.count)]);
    }
    part(console, "CO-RE relocations", &table);
}

/// A heading and a table, or nothing.
fn part(console: &mut Console, title: &str, table: &Table) {
    if table.is_empty() {
        return;
    }
    console.line("");
    console.heading(title);
    let (heading, rows) = table.lines();
    console.line(&heading);
    for row in rows {
        console.line(&row);
    }
}

/// Words after a prefix, continued under themselves.
fn words(console: &mut Console, prefix: &str, words: &[String]) {
    let mut line = prefix.to_owned();
    let mut is_first = true;
    for word in words {
        if !is_first && line.chars().count() + 2 + word.chars().count() > WIDTH {
            console.line(&format!("{line},"));
            line = " ".repeat(prefix.len());
            is_first = true;
        }
        if !is_first {
            line.push_str(", ");
        }
        line.push_str(word);
        is_first = false;
    }
    console.line(&line);
}
