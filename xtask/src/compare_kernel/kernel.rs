//! The kernel's side, through the driver in `drivers/kernel_run.c`.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::inputs::{Filling, Input};
use super::judge::{Contents, OneRun, Ran};
use crate::libbpf_driver;
use crate::place::{self, Error};

/// `ctx->data` of `struct xdp_md`, where metadata ends.
const XDP_MD_BYTES: usize = 24;

/// The compiled driver.
pub(super) struct Driver {
    path: PathBuf,
}

impl Driver {
    pub(super) fn build() -> Result<Driver, Error> {
        let path = libbpf_driver::build("kernel_run")?;
        Ok(Driver { path })
    }

    /// Runs a program on every input, its maps filled. The inner error is the kernel's refusal to load it.
    pub(super) fn run(
        &self,
        object: &Path,
        program: &str,
        filling: &[Filling],
        inputs: &[Input],
    ) -> Result<Result<Ran, String>, Error> {
        let mut child = Command::new(&self.path)
            .arg(object)
            .arg(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut input = (filling.len() as u32).to_ne_bytes().to_vec();
        for Filling { map, key, value } in filling {
            let parts = [map.as_bytes(), key, value];
            input.extend(
                parts
                    .iter()
                    .flat_map(|part| (part.len() as u32).to_ne_bytes()),
            );
            input.extend(parts.concat());
        }
        for one in inputs {
            let data = one.kernel_data();
            input.extend((data.len() as u32).to_ne_bytes());
            input.extend((one.kernel_ctx.len() as u32).to_ne_bytes());
            input.extend(data);
            input.extend(&one.kernel_ctx);
        }
        let mut stdin = child.stdin.take().ok_or("no standard input")?;
        // The driver answers while it reads, so both ends must move.
        let writer = std::thread::spawn(move || stdin.write_all(&input));
        let output = child.wait_with_output()?;
        let written = writer.join().map_err(|_| "the writer failed")?;
        if !output.status.success() {
            return Err(format!("the driver ended with {}", output.status).into());
        }
        let answer: Value = serde_json::from_slice(&output.stdout)?;
        if answer["error"] != 0 {
            let message = answer["message"].as_str().unwrap_or_default().trim();
            return Ok(Err(format!("error {}: {message}", answer["error"])));
        }
        written?;
        ran(&answer, inputs).map(Ok)
    }
}

fn ran(answer: &Value, inputs: &[Input]) -> Result<Ran, Error> {
    let runs = list(&answer["runs"]).iter().zip(inputs);
    let mut ran = Ran {
        runs: runs
            .map(|(run, input)| one(run, input))
            .collect::<Result<_, Error>>()?,
        maps: BTreeMap::new(),
    };
    for map in list(&answer["maps"]) {
        let contents = if let Some(entries) = map["entries"].as_array() {
            let entries = entries
                .iter()
                .map(|entry| Ok((bytes(&entry[0])?, bytes(&entry[1])?)));
            Contents::Entries(entries.collect::<Result<_, Error>>()?)
        } else if let Some(records) = map["records"].as_array() {
            Contents::Records(records.iter().map(bytes).collect::<Result<_, Error>>()?)
        } else {
            continue;
        };
        let name = map["name"].as_str().unwrap_or_default().to_owned();
        ran.maps.insert(name, contents);
    }
    Ok(ran)
}

fn one(run: &Value, input: &Input) -> Result<OneRun, Error> {
    let error = run["error"].as_i64().unwrap_or_default();
    let mut data = bytes(&run["data"])?;
    let mut ctx = bytes(&run["ctx"])?;
    if ctx.len() == XDP_MD_BYTES {
        // Metadata comes first.
        let start = u32::from_ne_bytes([ctx[0], ctx[1], ctx[2], ctx[3]]) as usize;
        data.drain(..start.min(data.len()));
        ctx.clear();
    }
    data.drain(..input.hidden.len().min(data.len()));
    let mut globals = BTreeMap::new();
    for (name, value) in run["globals"].as_object().into_iter().flatten() {
        globals.insert(name.clone(), bytes(value)?);
    }
    Ok(OneRun {
        end: match error {
            0 => Ok(run["retval"].as_u64().unwrap_or_default() as u32),
            errno => Err(format!("errno {errno}")),
        },
        data,
        ctx,
        globals,
    })
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn bytes(value: &Value) -> Result<Vec<u8>, Error> {
    let digits = value.as_str().ok_or("the driver's answer lacks bytes")?;
    Ok(place::from_hex(digits).ok_or("not hexadecimal")?)
}
