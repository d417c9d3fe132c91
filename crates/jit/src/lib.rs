//! Native code for verified programs.
//!
//! A program is lowered to operations on real addresses ([`lowered`] shows them), those are compiled by
//! tier 1, and the result is sealed in executable pages. Only a verified program can be
//! compiled: machine code checks nothing.
//!
//! With the feature `tier2` programs that run often are compiled once more, in the background, by
//! Cranelift.
//!
//! For x86-64 and arm64; elsewhere nothing is compiled, and programs are interpreted.

mod arm64;
mod asm;
pub mod codes;
mod facts;
pub mod limits;
mod listing;
mod lower;
mod map_functions;
mod native;
mod pages;
mod refused;
mod symbols;
#[cfg(test)]
mod tests;
mod tier1;
#[cfg(feature = "tier2")]
mod tier2;
mod x64;

use std::sync::Arc;

use osmia_program::MapSpec;
use osmia_vm::Code;
use osmia_vm::map::Map;

use crate::lower::Lowered;
use crate::tier1::Processor;
pub use native::{NativeCode, Template};
pub use refused::{NotCompiled, Refused, Unsupported};
pub use tier1::Isa;

/// Compiles a verified program for the maps that a code has.
///
/// Facts are had from [`osmia_verify::Verified`] alone. A program that is not verified does not get
/// here:
///
/// ```compile_fail,E0308
/// # fn run(program: &osmia_program::Program, code: &osmia_vm::Code) {
/// let native = osmia_jit::compile(program, code);
/// # }
/// ```
///
/// # Errors
/// If it uses what has no native form yet, or memory is short.
pub fn compile(verified: &osmia_verify::Facts<'_>, code: &Code) -> Result<NativeCode, NotCompiled> {
    compile_in(verified, code, Tiers::default())
}

/// Which compilers a program goes through.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum Tiers {
    /// The linear-time one.
    First,
    /// The optimising one, at once.
    #[cfg(feature = "tier2")]
    Second,
    /// The linear-time one at once and, where it is built in, the optimising one in the background
    /// when the program is hot.
    #[default]
    Rising,
}

/// As [`compile`], with a say in which tiers.
///
/// # Errors
/// As there, and if the program is larger than the optimising tier takes.
pub fn compile_in(
    verified: &osmia_verify::Facts<'_>,
    code: &Code,
    tiers: Tiers,
) -> Result<NativeCode, NotCompiled> {
    check_same(verified, code)?;
    let lowered = lower(code, &facts::Facts::of(verified, code))?;
    NativeCode::new(lowered, code, pages::vouch(verified), tiers)
}

/// A code is of the program that facts are about, with maps like those it was verified for.
fn check_same(verified: &osmia_verify::Facts<'_>, code: &Code) -> Result<(), NotCompiled> {
    let program = code.program();
    let same_maps = code.maps().len() == verified.maps().len()
        && (code.maps().zip(verified.maps())).all(|(map, spec)| is_alike(map.spec(), spec));
    if program.insns == verified.program().insns && same_maps {
        return Ok(());
    }
    Err(NotCompiled::Other {
        program: program.name.clone(),
    })
}

/// What the optimising tier makes of a program, as text.
#[derive(Clone, Debug)]
pub struct Optimised {
    /// Cranelift's form, when it is done with it.
    pub clif: String,
    /// Machine code.
    pub native: String,
}

/// Shows what a program is lowered to: operations on real addresses, the same for all machines.
///
/// # Errors
/// If it uses what has no native form yet.
pub fn lowered(verified: &osmia_verify::Facts<'_>, code: &Code) -> Result<String, Refused> {
    let lowered = lower(code, &facts::Facts::of(verified, code))?;
    Ok(listing::lowered(&lowered))
}

/// Shows the machine code that the linear-time tier makes, without running anything: for this machine, or for
/// a kind of machine whose processor can all that is made use of.
///
/// # Errors
/// If it uses what has no native form yet, or no code is made for this machine.
pub fn native(
    verified: &osmia_verify::Facts<'_>,
    code: &Code,
    isa: Option<Isa>,
) -> Result<String, NotCompiled> {
    let processor = isa.map(Processor::newest).or_else(Processor::here);
    let processor = processor.ok_or(NotCompiled::Machine)?;
    let lowered = lower(code, &facts::Facts::of(verified, code))?;
    Ok(listing::native(&lowered, processor))
}

/// Shows what the optimising tier makes of a program, without running anything.
///
/// # Errors
/// If it uses what has no native form yet, or stays in the first tier.
pub fn optimised(
    verified: &osmia_verify::Facts<'_>,
    code: &Code,
) -> Result<Optimised, NotCompiled> {
    let lowered = lower(code, &facts::Facts::of(verified, code))?;
    optimised_of(&lowered).map_err(|why| NotCompiled::Optimiser {
        program: code.program().name.clone(),
        why,
    })
}

#[cfg(feature = "tier2")]
fn optimised_of(lowered: &Lowered) -> Result<Optimised, String> {
    let (clif, native) = listing::optimised(lowered)?;
    Ok(Optimised { clif, native })
}

#[cfg(not(feature = "tier2"))]
fn optimised_of(_: &Lowered) -> Result<Optimised, String> {
    Err("the optimising tier is not built in".to_owned())
}

fn lower(code: &Code, facts: &facts::Facts) -> Result<Lowered, Refused> {
    let maps: Vec<Arc<Map>> = code.maps().cloned().collect();
    Lowered::new(code.program(), &maps, facts)
}

/// True if what was shown for a map of one specification holds for the other.
fn is_alike(map: &MapSpec, verified: &MapSpec) -> bool {
    let sizes = |spec: &MapSpec| (spec.kind, spec.key_size, spec.value_size);
    // A host may make room for more entries, never for fewer.
    sizes(map) == sizes(verified) && map.max_entries >= verified.max_entries
}
