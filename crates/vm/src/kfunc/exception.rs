//! Exceptions: leaving a program from any depth.

use super::family;
use crate::guest::{Call, Fault, Guest};
use crate::helper::HelperFn;

family! {
    "bpf_throw" => throw,
}

/// `bpf_throw(cookie)`
fn throw<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    Err(Fault::Thrown {
        cookie: call.args[0],
    })
}
