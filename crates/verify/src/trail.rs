//! Every state the checker's walks come through, to hold a run against: at each instruction the run
//! must be inside of one of them.

mod inside;

use std::ops::RangeInclusive;
use std::sync::Arc;

use osmia_program::{MapSpec, Program, Target};

use crate::Options;
use crate::certificate::Certificate;
use crate::checker::{self, Refusal};
use crate::reg::What;
use crate::shape::Shape;
use crate::stack::Byte;
use crate::state::{REGS, State};

/// A run at one instruction, seen from outside.
pub trait Run {
    /// The registers of the functions that run, the entry's first.
    fn frames(&self) -> &[[u64; REGS]];
    /// Address of the context.
    fn context(&self) -> u64;
    /// Addresses of the packet's metadata, of its first byte, and of the one behind its last.
    fn packet(&self) -> [u64; 3];
    /// What stands for a map, by position.
    fn map(&self, position: usize) -> u64;
    /// True if this holds of the address of one of a map's values, among those in a range.
    fn any_value(
        &self,
        map: usize,
        within: RangeInclusive<u64>,
        holds: &dyn Fn(u64) -> bool,
    ) -> bool;
    /// True if so many bytes may be read, or written.
    fn allows(&self, address: u64, bytes: u32, write: bool) -> bool;
    /// Reads bytes; false if not all of them may be.
    fn read(&self, address: u64, bytes: &mut [u8]) -> bool;
}

/// States by instruction.
#[derive(Clone, Debug)]
pub struct Trail {
    states: Vec<Vec<State>>,
}

impl Trail {
    /// Walks through a certificate; `None` if there are more than `states_max` states.
    pub(crate) fn walk(
        certificate: &Certificate,
        (program, shape): (&Program, &Arc<Shape>),
        maps: &[MapSpec],
        target: &Target,
        options: &Options,
        states_max: usize,
    ) -> Result<Option<Trail>, Refusal> {
        let mut states = vec![Vec::new(); program.insns.len()];
        let mut count = 0;
        checker::walk(
            certificate,
            (program, shape),
            maps,
            target,
            options,
            |at, state| {
                count += 1;
                if count <= states_max {
                    states[at].push(state.clone());
                }
            },
        )?;
        Ok((count <= states_max).then_some(Trail { states }))
    }

    /// Which state at an instruction a run is inside of with its registers, its stack and its memory,
    /// if any; that which it was inside of last, turn after turn of a loop, is looked at first.
    pub fn inside(&self, at: usize, run: &impl Run, last: usize) -> Option<usize> {
        let states = &self.states[at];
        let is_inside = |&number: &usize| inside::is_inside(&states[number], run);
        let last = (last < states.len()).then_some(last);
        last.into_iter().chain(0..states.len()).find(is_inside)
    }

    /// The states at an instruction, for messages.
    pub fn describe(&self, at: usize) -> String {
        let mut text = String::new();
        for state in &self.states[at] {
            for (outer, frame) in state.frames.iter().enumerate() {
                for (reg, value) in frame.regs.iter().enumerate() {
                    if value.what != What::Unset {
                        text += &format!(
                            " f{outer}r{reg}={}{:+}:{:?}#{}{:+}",
                            value.name(),
                            value.off,
                            value.num,
                            value.id,
                            value.delta
                        );
                    }
                }
                for (number, slot) in frame.stack.slots().iter().enumerate() {
                    if slot.bytes.iter().any(|&byte| byte != Byte::Invalid) {
                        text += &format!(
                            " f{outer}s{number}={:?} {}{:+}:{:?}",
                            slot.bytes,
                            slot.spilled.name(),
                            slot.spilled.off,
                            slot.spilled.num
                        );
                    }
                }
            }
            text.push('\n');
        }
        text
    }
}
