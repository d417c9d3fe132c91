//! `osmia prog dump`: the instructions of a loaded program.

use osmia::Error;
use osmia::live::{Handle, ObjectKind, Words, XlatedInsn, dot};
use serde_json::{Value, json};

use super::flags::NounFlags;
use super::show::Shower;

const USAGE: &str = "osmia prog dump xlated PROG [file FILE | [opcodes] [linum] [visual]]";

/// What is shown beside instructions.
#[derive(Copy, Clone, Default)]
struct Beside {
    opcodes: bool,
    linum: bool,
    visual: bool,
}

pub(super) fn run(
    words: Vec<String>,
    flags: &NounFlags,
    shower: &mut Shower<'_>,
) -> Result<(), Error> {
    let mut words = Words::new(words, USAGE);
    if !words.take_if("xlated") {
        return Err(words.mistake("`xlated` is missing"));
    }
    let selector = words.selector()?;
    let (mut beside, mut file) = (Beside::default(), None);
    while !words.is_empty() {
        if words.take_if("file") {
            file = Some(words.next("a file")?);
        } else if words.take_if("opcodes") {
            beside.opcodes = true;
        } else if words.take_if("linum") {
            beside.linum = true;
        } else if words.take_if("visual") {
            beside.visual = true;
        } else {
            words.end()?;
        }
    }
    let live = flags.live()?;
    let programs = selector.find(&live, ObjectKind::Program)?;
    if let Some(file) = file {
        let [program] = programs.as_slice() else {
            return Err(words.mistake("several programs go by that: a file has room for one"));
        };
        let written = std::fs::write(&file, program.xlated_bytes()?);
        written.map_err(|error| Error::io(file.as_ref(), &error))?;
        shower.done();
        return Ok(());
    }
    let mut dumped = Vec::new();
    for program in &programs {
        dumped.push((program, program.xlated()?));
    }
    if let ([(_, insns)], true) = (dumped.as_slice(), beside.visual) {
        shower.either(|| Value::Null, || dot(insns));
        return Ok(());
    }
    let several = dumped.len() > 1;
    let json = |(program, insns): &(&Handle, Vec<XlatedInsn>)| {
        let insns: Value = insns
            .iter()
            .map(|insn| insn.to_json(beside.opcodes, beside.linum))
            .collect();
        match several {
            true => json!({ "id": program.id().unwrap_or_default(), "insns": insns }),
            false => insns,
        }
    };
    shower.rows(&dumped, several, json, |(program, insns)| {
        let head = match several {
            true => format!("{}:\n", program.id().unwrap_or_default()),
            false => String::new(),
        };
        head + &text(insns, beside)
    });
    Ok(())
}

fn text(insns: &[XlatedInsn], beside: Beside) -> String {
    let mut text = String::new();
    for insn in insns {
        if let Some(proto) = &insn.proto {
            text.push_str(&format!("{proto}:\n"));
        }
        if let Some(line) = &insn.line {
            text.push_str(&format!("; {}", line.src));
            if beside.linum {
                text.push_str(&format!(
                    " [file:{} line_num:{} line_col:{}]",
                    line.file, line.line_num, line.line_col
                ));
            }
            text.push('\n');
        }
        text.push_str(&format!("{:4}: {}\n", insn.at, insn.text));
        if beside.opcodes {
            let bytes: Vec<String> = insn
                .bytes
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            text.push_str(&format!("       {}\n", bytes.join(" ")));
        }
    }
    text
}
