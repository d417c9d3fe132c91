//! What loading costs: by the length of a program, and beside the kernel's `BPF_PROG_LOAD` of the same
//! programs (needs root).

mod beside;
mod kernel;
mod length;

use serde_json::{Value, json};

use crate::place::{Error, missing_privilege};

pub(super) fn run(rounds: usize) -> Result<Value, Error> {
    let lengths = length::run(rounds)?;
    let beside = match missing_privilege() {
        None => beside::run(rounds)?,
        Some(missing) => {
            println!("skipped: the kernel's loads, {missing}");
            Value::Null
        }
    };
    Ok(json!({ "load": lengths, "beside_kernel": beside }))
}
