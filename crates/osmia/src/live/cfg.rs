//! The control flow of a loaded program in the language of DOT (`prog dump xlated … visual`).

use std::collections::BTreeSet;

use super::XlatedInsn;

/// What follows an instruction.
enum Next {
    /// The one behind it.
    Behind,
    /// The one at a slot only.
    Jump(i64),
    /// Either.
    Branch(i64),
    /// Nothing.
    End,
}

/// A piece that is entered at its start and left at its end only.
struct Block<'a> {
    insns: &'a [XlatedInsn],
    /// Slots that its end leads to; none if it leaves the function.
    to: Vec<usize>,
}

const EXIT: u8 = 0x95;
const JUMP: u8 = 0x05;
const JUMP_LONG: u8 = 0x06;
const CALL: u8 = 0x85;
const LOAD_IMM64: u8 = 0x18;
const OWN_FUNCTION: u8 = 1;
const FUNCTION_ADDRESS: u8 = 4;

fn offset(insn: &XlatedInsn) -> i64 {
    i64::from(i16::from_le_bytes([insn.bytes[2], insn.bytes[3]]))
}

fn constant(insn: &XlatedInsn) -> i64 {
    i64::from(i32::from_le_bytes([
        insn.bytes[4],
        insn.bytes[5],
        insn.bytes[6],
        insn.bytes[7],
    ]))
}

fn source(insn: &XlatedInsn) -> u8 {
    insn.bytes[1] >> 4
}

fn next(insn: &XlatedInsn) -> Next {
    let behind = insn.at as i64 + 1;
    match insn.bytes[0] {
        EXIT => Next::End,
        JUMP => Next::Jump(behind + offset(insn)),
        JUMP_LONG => Next::Jump(behind + constant(insn)),
        CALL => Next::Behind,
        code if matches!(code & 7, 5 | 6) => Next::Branch(behind + offset(insn)),
        _ => Next::Behind,
    }
}

/// The control flow, a cluster for each function.
pub fn dot(insns: &[XlatedInsn]) -> String {
    let mut graph = String::from("digraph \"DOT graph for eBPF program\" {\n");
    for (number, function) in functions(insns).into_iter().enumerate() {
        cluster(&mut graph, number, &blocks(function));
    }
    graph.push_str("}\n");
    graph
}

/// The functions: they start where calls and addresses of functions lead.
fn functions(insns: &[XlatedInsn]) -> Vec<&[XlatedInsn]> {
    let mut starts = BTreeSet::from([0]);
    for insn in insns {
        let distance = match (insn.bytes[0], source(insn)) {
            (CALL, OWN_FUNCTION) if offset(insn) != 0 => offset(insn),
            (CALL, OWN_FUNCTION) | (LOAD_IMM64, FUNCTION_ADDRESS) => constant(insn),
            _ => continue,
        };
        starts.extend(usize::try_from(insn.at as i64 + 1 + distance));
    }
    split(insns, &starts)
}

/// Cuts before the instructions at these slots.
fn split<'a>(mut insns: &'a [XlatedInsn], starts: &BTreeSet<usize>) -> Vec<&'a [XlatedInsn]> {
    let mut parts = Vec::new();
    while let Some(first) = insns.first() {
        let rest = insns
            .iter()
            .position(|insn| insn.at > first.at && starts.contains(&insn.at));
        let (part, behind) = insns.split_at(rest.unwrap_or(insns.len()));
        parts.push(part);
        insns = behind;
    }
    parts
}

fn blocks(function: &[XlatedInsn]) -> Vec<Block<'_>> {
    let mut starts = BTreeSet::new();
    for (position, insn) in function.iter().enumerate() {
        let behind = function.get(position + 1).map(|insn| insn.at);
        match next(insn) {
            Next::Behind => {}
            Next::End => starts.extend(behind),
            Next::Jump(to) | Next::Branch(to) => {
                starts.extend(behind);
                starts.extend(usize::try_from(to));
            }
        }
    }
    let mut blocks: Vec<Block<'_>> = Vec::new();
    let parts = split(function, &starts);
    for (position, part) in parts.iter().enumerate() {
        let behind = parts.get(position + 1).map(|part| part[0].at);
        let to = match part.last().map_or(Next::End, next) {
            Next::End => Vec::new(),
            Next::Behind => behind.into_iter().collect(),
            Next::Jump(to) => usize::try_from(to).into_iter().collect(),
            Next::Branch(to) => {
                let to = usize::try_from(to).ok().filter(|to| Some(*to) != behind);
                behind.into_iter().chain(to).collect()
            }
        };
        blocks.push(Block { insns: part, to });
    }
    blocks
}

/// Positions of the two blocks that every function has besides its own.
const ENTRY: usize = 0;
const LEFT: usize = 1;

fn cluster(graph: &mut String, number: usize, blocks: &[Block<'_>]) {
    let name = |block: usize| format!("fn_{number}_bb_{block}");
    let line = |graph: &mut String, text: String| {
        graph.push_str(&text);
        graph.push('\n');
    };
    line(graph, format!("subgraph \"cluster_{number}\" {{"));
    line(
        graph,
        format!("\tstyle=\"dashed\";\n\tcolor=\"black\";\n\tlabel=\"func_{number} ()\";"),
    );
    let round = |block, label| {
        format!(
            "\t{} [shape=Mdiamond,style=filled,label=\"{label}\"];\n",
            name(block)
        )
    };
    line(graph, round(ENTRY, "ENTRY"));
    for (position, block) in blocks.iter().enumerate() {
        let mut label = String::new();
        for insn in block.insns {
            let bar = if label.is_empty() { "" } else { " | " };
            // Lines of a label end with a mark of DOT's, and go on behind a backslash.
            label.push_str(&format!(
                "{bar}{:4}: {}\\l\\\n",
                insn.at,
                escaped(&insn.text)
            ));
        }
        line(
            graph,
            format!(
                "\t{} [shape=record,style=filled,label=\"{{{label}}}\"];\n",
                name(position + 2)
            ),
        );
    }
    line(graph, round(LEFT, "EXIT"));
    let edge = |from, to, style| {
        format!(
            "\t{}:s -> {}:n [{style}, constraint=true];",
            name(from),
            name(to)
        )
    };
    const SOLID: &str = "style=\"solid,bold\", color=black, weight=10";
    line(graph, edge(ENTRY, 2, SOLID));
    for (position, block) in blocks.iter().enumerate() {
        let at = |slot: &usize| blocks.iter().position(|block| block.insns[0].at == *slot);
        let mut targets: Vec<usize> = block.to.iter().filter_map(at).map(|at| at + 2).collect();
        if targets.is_empty() {
            targets.push(LEFT);
        }
        for target in targets {
            line(graph, edge(position + 2, target, SOLID));
        }
    }
    line(graph, edge(ENTRY, LEFT, "style=\"invis\""));
    graph.push_str("}\n");
}

/// A label's letters that mean something to DOT.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for letter in text.chars() {
        if matches!(letter, '<' | '>' | '|' | '&' | '{' | '}') {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}
