//! Every state the checker's walks come through, to hold a run against: at each instruction the run
//! must be inside of one of them.

use osmia_isa::Reg as RegName;
use osmia_program::{MapSpec, Program, Target};

use crate::Options;
use crate::certificate::Certificate;
use crate::checker::{self, Refusal};
use crate::reg::{Reg, What};
use crate::state::{REGS, State};

/// The registers of a run's functions at one instruction, the entry's first.
pub type Frames<'a> = &'a [[u64; REGS]];

/// States by instruction.
#[derive(Clone, Debug)]
pub struct Trail {
    states: Vec<Vec<State>>,
}

impl Trail {
    /// Walks through a certificate; `None` if there are more than `states_max` states.
    pub(crate) fn walk(
        certificate: &Certificate,
        program: &Program,
        maps: &[MapSpec],
        target: &Target,
        options: &Options,
        states_max: usize,
    ) -> Result<Option<Trail>, Refusal> {
        let mut states = vec![Vec::new(); program.insns.len()];
        let mut count = 0;
        checker::walk(certificate, program, maps, target, options, |at, state| {
            count += 1;
            if count <= states_max {
                states[at].push(state.clone());
            }
        })?;
        Ok((count <= states_max).then_some(Trail { states }))
    }

    /// True if a run may be at an instruction with these registers. `context` is the address of its
    /// context.
    pub fn allows(&self, at: usize, frames: Frames<'_>, context: u64) -> bool {
        self.states[at]
            .iter()
            .any(|state| allows(state, frames, context))
    }

    /// The states at an instruction, for messages.
    pub fn describe(&self, at: usize) -> String {
        let mut text = String::new();
        for state in &self.states[at] {
            for (number, frame) in state.frames.iter().enumerate() {
                for (reg, value) in frame.regs.iter().enumerate() {
                    if value.what != What::Unset {
                        text += &format!(
                            " f{number}r{reg}={}{:+}:{:?}#{}{:+}",
                            value.name(),
                            value.off,
                            value.num,
                            value.id,
                            value.delta
                        );
                    }
                }
            }
            text.push('\n');
        }
        text
    }
}

fn allows(state: &State, frames: Frames<'_>, context: u64) -> bool {
    // A function verified on its own begins with a frame of its own.
    let Some(outer) = frames.len().checked_sub(state.frames.len()) else {
        return false;
    };
    let inner = &frames[outer..];
    let base = |frame: u8| inner[usize::from(frame)][RegName::R10.index()];
    let mut families: Vec<(u32, u64)> = Vec::new();
    (state.frames.iter().zip(inner)).all(|(frame, regs)| {
        (frame.regs.iter().zip(regs)).all(|(reg, &value)| {
            let inside = match reg.what {
                What::Number => reg.num.contains(value),
                What::Stack { frame } => is_from(reg, base(frame), value),
                What::Context if outer == 0 && !reg.may_be_null() => is_from(reg, context, value),
                What::Unset => true,
                _ => reg.may_be_null() || value != 0,
            };
            inside && is_of_family(reg, value, &mut families)
        })
    })
}

/// True if an address is as far from its base as its register says.
fn is_from(reg: &Reg, base: u64, value: u64) -> bool {
    let distance = value.wrapping_sub(base).wrapping_sub(reg.off as u64);
    reg.num.contains(distance)
}

/// Numbers with the same id differ by their constants.
fn is_of_family(reg: &Reg, value: u64, families: &mut Vec<(u32, u64)>) -> bool {
    if !reg.is_number() || reg.id == 0 {
        return true;
    }
    let origin = value.wrapping_sub(i64::from(reg.delta) as u64);
    match families.iter().find(|family| family.0 == reg.id) {
        Some(family) => family.1 == origin,
        None => {
            families.push((reg.id, origin));
            true
        }
    }
}
