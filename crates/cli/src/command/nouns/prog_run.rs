//! `osmia prog run`: a loaded program on an input.

use std::io::{Read, Write};

use osmia::Error;
use osmia::live::{ObjectKind, TestRun, Words};
use serde_json::{Map, Value};

use super::flags::NounFlags;
use super::hex;
use super::show::{Shower, only};

const USAGE: &str = "osmia prog run PROG [data_in FILE [data_out FILE [data_size_out N]]] \
                     [ctx_in FILE [ctx_out FILE [ctx_size_out N]]] [repeat N]";

/// Room for what a program makes of its packet, unless it is said.
const OUT_BYTES: usize = 32 << 10;

/// Where output goes.
#[derive(Default)]
struct Out {
    file: Option<String>,
    bytes: Option<usize>,
}

pub(super) fn run(
    words: Vec<String>,
    flags: &NounFlags,
    shower: &mut Shower<'_>,
) -> Result<(), Error> {
    let mut words = Words::new(words, USAGE);
    let selector = words.selector()?;
    let mut run = TestRun {
        repeat: 1,
        ..TestRun::default()
    };
    let (mut data, mut ctx) = (Out::default(), Out::default());
    while !words.is_empty() {
        // Longer words first: the beginning of one is another.
        if words.take_if("data_size_out") {
            data.bytes = Some(words.number("a size")? as usize);
        } else if words.take_if("ctx_size_out") {
            ctx.bytes = Some(words.number("a size")? as usize);
        } else if words.take_if("data_out") {
            data.file = Some(words.next("a file")?);
        } else if words.take_if("ctx_out") {
            ctx.file = Some(words.next("a file")?);
        } else if words.take_if("data_in") {
            run.data = read(&words.next("a file")?)?;
        } else if words.take_if("ctx_in") {
            run.ctx = read(&words.next("a file")?)?;
        } else if words.take_if("repeat") {
            run.repeat = words.number("a count")? as u32;
        } else {
            words.end()?;
        }
    }
    let room = |out: &Out, given: &[u8], least: usize| match (&out.file, out.bytes) {
        (_, Some(bytes)) => bytes,
        (Some(_), None) => given.len().max(least),
        (None, None) => 0,
    };
    run.data_out_bytes = room(&data, &run.data, OUT_BYTES);
    run.ctx_out_bytes = room(&ctx, &run.ctx, run.ctx.len());
    let program = only(&flags.live()?, ObjectKind::Program, &selector)?;
    let ran = program.test_run(&run)?;
    let (mut json, mut text) = (Map::new(), String::new());
    for (name, out, bytes) in [
        ("data_out", &data, &ran.data_out),
        ("ctx_out", &ctx, &ran.ctx_out),
    ] {
        match out.file.as_deref() {
            None => {}
            Some("-") => {
                let digits = bytes
                    .iter()
                    .map(|byte| Value::from(format!("0x{byte:02x}")));
                json.insert(name.to_owned(), digits.collect());
                text.push_str(&format!("{name}:\n{}\n", hex::lines(bytes)));
            }
            Some(file) => std::fs::write(file, bytes).map_err(|e| Error::io(file.as_ref(), &e))?,
        }
    }
    let (key, average) = match run.repeat {
        0 | 1 => ("duration", ""),
        _ => ("duration_average", " (average)"),
    };
    json.insert("retval".to_owned(), ran.retval.into());
    json.insert(key.to_owned(), ran.duration.into());
    text.push_str(&format!(
        "Return value: {}, duration{average}: {}ns\n",
        ran.retval, ran.duration
    ));
    if ran.short {
        // Said beside the result, which holds: what there was room for is there.
        let _ = writeln!(
            std::io::stderr(),
            "note: there was more output than room for it"
        );
    }
    shower.either(|| Value::Object(json), || text);
    Ok(())
}

/// A file's bytes, or those of standard input for `-`.
fn read(file: &str) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let read = match file {
        "-" => std::io::stdin().read_to_end(&mut bytes).map(|_| bytes),
        file => std::fs::read(file),
    };
    read.map_err(|error| Error::io(file.as_ref(), &error))
}
