//! What exploration found, as something that can be checked without it: states at some instructions
//! such that every run is, whenever it comes by one of these instructions, in one of its states.
//!
//! A state of a certificate says only what is needed: registers and slots that nobody will read are
//! forgotten, numbers that never decided anything may be anything. So the checker also finds a
//! number wrongly held for unimportant, or a slot wrongly held for dead.

mod claimed;

use rustc_hash::FxHashMap;

use crate::chains::Chains;
use crate::reg::Reg;
use crate::state::{Frame, State};

pub(crate) use claimed::Claimed;

/// States at instructions, for the entry and for every function that is verified on its own.
#[derive(Clone, Debug, Default)]
pub struct Certificate {
    pub(crate) functions: Vec<Claim>,
    /// Names of kernel structures, by the number that registers carry.
    pub(crate) type_names: Vec<String>,
    /// Chains of calls, by the number that frames carry.
    pub(crate) chains: Chains,
    /// The highest id of a register.
    pub(crate) ids: u32,
}

/// What is claimed of a function verified on its own.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    /// Which.
    pub(crate) function: usize,
    /// By instruction.
    pub(crate) states: FxHashMap<usize, Claimed>,
}

impl Certificate {
    /// How many states it holds.
    pub fn state_count(&self) -> usize {
        let states = (self.functions.iter()).flat_map(|claim| claim.states.values());
        states.map(Claimed::len).sum()
    }
}

/// Arguments that calls which call back look at, as sets of bits by call. They look at them again
/// after each turn, so they matter as long as a callback runs; but going back along a path ends for
/// arguments at the call, so states inside of callbacks are not marked with it.
pub(crate) type LookedAt = FxHashMap<usize, u16>;

/// The registers r1 to r5.
const ARGUMENTS: u16 = 0x3e;

/// Arguments in a frame that decided something.
pub(crate) fn precise_arguments(frame: &Frame) -> u16 {
    precise_registers(frame) & ARGUMENTS
}

/// Numbers of a frame that decided something.
fn precise_registers(frame: &Frame) -> u16 {
    let precise = |reg: &Reg| reg.is_number() && reg.precise;
    (frame.regs.iter().enumerate())
        .filter(|(_, reg)| precise(reg))
        .fold(0, |set, (number, _)| set | 1 << number)
}

/// Forgets numbers that never decided anything.
pub(crate) fn generalise(state: &mut State, looked_at: &LookedAt) {
    let waits_in: Vec<u16> = (state.frames.iter().skip(1))
        .map(|callee| callee.callsite.and_then(|call| looked_at.get(&call)))
        .map(|set| set.copied().unwrap_or_default())
        .chain([0])
        .collect();
    for (frame, looked_at) in state.frames.iter_mut().zip(waits_in) {
        let kept = precise_registers(frame) | looked_at;
        for (number, reg) in frame.regs.iter_mut().enumerate() {
            if reg.is_number() && kept & 1 << number == 0 {
                *reg = Reg::UNKNOWN;
            }
        }
        for slot in frame.stack.slots_mut() {
            if slot.holds_number() && !slot.spilled.precise {
                slot.scrub();
            }
        }
    }
}
