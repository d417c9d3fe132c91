//! Linked programs and their instructions as people read them.

use osmia::{ListedInsn, Listing, ProgramStage};

use crate::console::Console;
use crate::table::counted;

pub(super) fn show(console: &mut Console, programs: &[ProgramStage]) {
    for (position, program) in programs.iter().enumerate() {
        if position > 0 {
            console.line("");
        }
        console.heading(&format!(
            "{} ({}), {}",
            program.name,
            program.kind,
            counted(program.insns as u64, "slot")
        ));
        console.line(&format!("  section:   {}", program.section));
        let attach = match (program.attach, &program.target) {
            (Some(attach), Some(target)) => Some(format!("{attach} {target}")),
            (Some(attach), None) => Some(attach.to_owned()),
            (None, Some(target)) => Some(target.clone()),
            (None, None) => None,
        };
        if let Some(attach) = attach {
            console.line(&format!("  attach to: {attach}"));
        }
        if !program.autoload {
            console.line("  loaded on request only");
        }
        for (position, function) in program.functions.iter().enumerate() {
            let label = if position == 0 { "functions:" } else { "" };
            let global = if function.global { ", global" } else { "" };
            console.line(&format!(
                "  {label:10} {} at slot {}, {}{global}",
                function.name,
                function.start,
                counted(u64::from(function.insns), "slot")
            ));
        }
        if !program.maps.is_empty() {
            console.line(&format!("  maps:      {}", program.maps.join(", ")));
        }
        if !program.poisons.is_empty() {
            console.line("  without an answer in the target's types (a trap if reached):");
            for poison in &program.poisons {
                console.line(&format!("    slot {}: {}", poison.insn, poison.reason));
            }
        }
    }
}

pub(super) fn show_insns(console: &mut Console, programs: &[Listing]) {
    for (position, program) in programs.iter().enumerate() {
        if position > 0 {
            console.line("");
        }
        console.heading(&format!("{} ({})", program.name, program.kind));
        let width = program
            .insns
            .last()
            .map_or(1, |insn| insn.slot.to_string().len());
        for insn in &program.insns {
            show_insn(console, insn, width);
        }
    }
}

fn show_insn(console: &mut Console, insn: &ListedInsn, width: usize) {
    if let Some(function) = &insn.function {
        console.line(&format!("{function}:"));
    }
    if let Some(line) = &insn.line {
        let place = format!("; {}:{}  {}", line.file, line.line, line.text);
        console.line(place.trim_end());
    }
    let mark = if insn.is_target { '>' } else { ' ' };
    let mut text = format!("{mark} {:>width$}: {}", insn.slot, insn.text);
    if let Some(target) = insn.jump_to {
        text.push_str(&format!("  -> {target}"));
    }
    console.line(&text);
    if let Some(poison) = &insn.poison {
        console.line(&format!("  {:width$}  ^ never runs: {poison}", ""));
    }
}
