//! Native code for verified programs.
//!
//! A program is lowered to operations on real addresses ([`Stages`] shows them), those are compiled by
//! tier 1, and the result is sealed in executable pages. Only a verified program can be
//! compiled: machine code checks nothing.
//!
//! x86-64 only; there is no second tier yet.

pub mod codes;
mod facts;
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
mod x64;

use std::sync::Arc;

use osmia_program::MapSpec;
use osmia_vm::Code;
use osmia_vm::map::Map;

use crate::lower::Lowered;
pub use native::NativeCode;
pub use refused::{NotCompiled, Refused, Unsupported};

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
    let program = code.program();
    let same_maps = code.maps().len() == verified.maps().len()
        && (code.maps().zip(verified.maps())).all(|(map, spec)| is_alike(map.spec(), spec));
    if program.insns != verified.program().insns || !same_maps {
        return Err(NotCompiled::Other {
            program: program.name.clone(),
        });
    }
    let lowered = lower(verified, code)?;
    NativeCode::new(&lowered, code, pages::vouch(verified))
}

/// What a program becomes on its way, as text.
#[derive(Clone, Debug)]
pub struct Stages {
    /// Operations on real addresses.
    pub lowered: String,
    /// Machine code.
    pub native: String,
}

/// Shows what `compile` makes of a program, without running anything.
///
/// # Errors
/// If it uses what has no native form yet.
pub fn stages(verified: &osmia_verify::Facts<'_>, code: &Code) -> Result<Stages, Refused> {
    let lowered = lower(verified, code)?;
    Ok(Stages {
        lowered: listing::lowered(&lowered),
        native: listing::native(&lowered),
    })
}

fn lower(verified: &osmia_verify::Facts<'_>, code: &Code) -> Result<Lowered, Refused> {
    let maps: Vec<Arc<Map>> = code.maps().cloned().collect();
    Lowered::new(code.program(), &maps, &facts::Facts::of(verified))
}

/// True if what was shown for a map of one specification holds for the other.
fn is_alike(map: &MapSpec, verified: &MapSpec) -> bool {
    let sizes = |spec: &MapSpec| (spec.kind, spec.key_size, spec.value_size);
    // A host may make room for more entries, never for fewer.
    sizes(map) == sizes(verified) && map.max_entries >= verified.max_entries
}
