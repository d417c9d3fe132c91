//! What an instruction tells beside the state it leaves: nothing here says what is safe, it helps to
//! find out which states are alike.

use crate::state::Linked;

/// A number that decided something.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct WantedNumber {
    /// The frame that was running.
    pub(crate) running: usize,
    /// The frame it is in.
    pub(crate) frame: usize,
    pub(crate) place: NumberPlace,
}

/// Where a number is.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum NumberPlace {
    /// In a register.
    Reg(usize),
    /// Spilled in a slot.
    Slot(usize),
}

/// Slots of one frame that are accessed, as sets of bits.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Touched {
    pub(crate) frame: usize,
    /// These may be read.
    pub(crate) reads: u64,
    /// These are written as a whole.
    pub(crate) writes: u64,
}

/// The steps of a path's history say more than where it went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Note {
    /// The frame and slot of the stack accessed.
    pub(crate) stack: Option<(u8, u8)>,
    /// Registers that a comparison refined together.
    pub(crate) linked: Vec<Linked>,
}

/// A state may be made more general, so that the turns of a loop become alike.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// The state that goes on, by the one at this instruction.
    Onward(usize),
    /// The state put aside, by the one at the current instruction.
    Aside,
}

/// What one instruction tells.
#[derive(Clone, Debug, Default)]
pub(crate) struct Events {
    /// It is a jump, a call or an exit.
    pub(crate) jumps: bool,
    /// It ends a turn of a loop.
    pub(crate) turn: Option<Turn>,
    /// What its step of the history says, if it has one.
    pub(crate) note: Option<Note>,
    /// Numbers that decided something, in order.
    pub(crate) wanted: Vec<WantedNumber>,
    /// Slots of stacks.
    pub(crate) touched: Vec<Touched>,
}

impl Events {
    /// Forgets everything, before another instruction.
    pub(crate) fn clear(&mut self) {
        self.jumps = false;
        self.turn = None;
        self.note = None;
        self.wanted.clear();
        self.touched.clear();
    }

    pub(crate) fn note(&mut self, stack: Option<(u8, u8)>, linked: Vec<Linked>) {
        let note = self.note.get_or_insert_default();
        note.stack = note.stack.or(stack);
        if note.linked.is_empty() {
            note.linked = linked;
        }
    }

    pub(crate) fn want_reg(&mut self, running: usize, reg: usize) {
        self.wanted.push(WantedNumber {
            running,
            frame: running,
            place: NumberPlace::Reg(reg),
        });
    }

    pub(crate) fn want_slot(&mut self, running: usize, frame: usize, slot: usize) {
        self.wanted.push(WantedNumber {
            running,
            frame,
            place: NumberPlace::Slot(slot),
        });
    }

    /// The instruction may read slots of a frame.
    pub(crate) fn reads(&mut self, frame: usize, slots: u64) {
        self.touch(frame, slots, 0);
    }

    /// The instruction writes slots of a frame.
    pub(crate) fn writes(&mut self, frame: usize, slots: u64) {
        self.touch(frame, 0, slots);
    }

    fn touch(&mut self, frame: usize, reads: u64, writes: u64) {
        let known = self.touched.iter_mut().find(|touch| touch.frame == frame);
        if let Some(touch) = known {
            touch.reads |= reads;
            touch.writes |= writes;
            return;
        }
        self.touched.push(Touched {
            frame,
            reads,
            writes,
        });
    }
}
