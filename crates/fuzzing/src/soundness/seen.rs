//! What a run's watcher sees: at every step, whether the run is inside of its program's certificate.

use std::ops::RangeInclusive;

use osmia_verify::{Run, Trail};
use osmia_vm::{Guest, Step};

/// What the watcher of a run has found so far.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) steps: u64,
    frames: Vec<[u64; 11]>,
    /// By instruction, the state of the trail that the run was last inside of.
    last: Vec<usize>,
    pub(super) outside: Option<String>,
}

impl Seen {
    pub(super) fn step(&mut self, trail: &Trail, step: &Step<'_>) {
        if self.outside.is_some() {
            return;
        }
        self.steps += 1;
        self.frames.truncate(step.depth - 1);
        self.frames.push(*step.regs);
        let seen = SeenStep {
            frames: &self.frames,
            step,
        };
        let last = self.last.get(step.slot).copied().unwrap_or_default();
        let Some(inside) = trail.inside(step.slot, &seen, last) else {
            self.outside = Some(format!(
                "instruction {} with {:x?} is outside of\n{}",
                step.slot,
                self.frames,
                trail.describe(step.slot)
            ));
            return;
        };
        if self.last.len() <= step.slot {
            self.last.resize(step.slot + 1, 0);
        }
        self.last[step.slot] = inside;
    }
}

/// A step with the registers of callers.
struct SeenStep<'a> {
    frames: &'a [[u64; 11]],
    step: &'a Step<'a>,
}

impl Run for SeenStep<'_> {
    fn frames(&self) -> &[[u64; 11]] {
        self.frames
    }
    fn context(&self) -> u64 {
        self.step.context()
    }
    fn packet(&self) -> [u64; 3] {
        self.step.packet_ends()
    }
    fn map(&self, position: usize) -> u64 {
        self.step.map_handle(position)
    }
    fn any_value(
        &self,
        map: usize,
        within: RangeInclusive<u64>,
        holds: &dyn Fn(u64) -> bool,
    ) -> bool {
        self.step.map_values(map, &within).any(holds)
    }
    fn allows(&self, address: u64, bytes: u32, write: bool) -> bool {
        self.step.memory.allows(address, bytes, write)
    }
    fn read(&self, address: u64, bytes: &mut [u8]) -> bool {
        self.step.memory.read(address, bytes)
    }
}
