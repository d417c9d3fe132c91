//! What is known at one point of one path.

use osmia_isa::Reg as RegName;

use crate::chains::ChainId;
use crate::fields::Owner;
use crate::reg::{Flags, Reg, What};
use crate::stack::Stack;

/// Registers of a frame.
pub(crate) const REGS: usize = 11;

/// A range of numbers that a function may return.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReturnRange {
    /// The smallest.
    pub(crate) min: i32,
    /// The largest.
    pub(crate) max: i32,
}

/// A frame that runs because a helper called back.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Callback {
    /// What it may return.
    pub(crate) returns: ReturnRange,
    /// It runs later, on its own: a timer's.
    pub(crate) later: bool,
}

/// A function that is running.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Frame {
    /// Its registers.
    pub(crate) regs: [Reg; REGS],
    /// Its stack.
    pub(crate) stack: Stack,
    /// The call it returns behind; of the entry, nothing.
    pub(crate) callsite: Option<usize>,
    /// Which function.
    pub(crate) function: usize,
    /// The function in this chain of calls, for what is live.
    pub(crate) chain: ChainId,
    /// If it was called back.
    pub(crate) callback: Option<Callback>,
    /// How often callbacks ran at the call this frame waits in.
    pub(crate) callback_depth: u32,
}

impl Frame {
    /// A function at its start, registers unset.
    pub(crate) fn new(
        function: usize,
        chain: ChainId,
        number: u8,
        callsite: Option<usize>,
    ) -> Frame {
        let mut regs = [Reg::UNSET; REGS];
        regs[RegName::R10.index()] = Reg::frame_pointer(number);
        Frame {
            regs,
            stack: Stack::default(),
            callsite,
            function,
            chain,
            callback: None,
            callback_depth: 0,
        }
    }

    /// A register.
    pub(crate) fn reg(&self, name: RegName) -> &Reg {
        &self.regs[name.index()]
    }

    /// A register.
    pub(crate) fn reg_mut(&mut self, name: RegName) -> &mut Reg {
        &mut self.regs[name.index()]
    }

    /// Every register, spilled ones included.
    pub(crate) fn all_mut(&mut self) -> impl Iterator<Item = &mut Reg> {
        let spilled = (self.stack.slots_mut().iter_mut())
            .filter(|slot| slot.holds_spill())
            .map(|slot| &mut slot.spilled);
        self.regs.iter_mut().chain(spilled)
    }
}

/// Something that must be given back.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    /// Its id, which registers carry.
    pub(crate) id: u32,
    /// The call that gave it.
    pub(crate) at: usize,
}

/// Kinds of locks.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum LockKind {
    /// `bpf_spin_lock`
    Spin,
    /// `bpf_res_spin_lock`
    Resilient,
    /// The same, without interrupts.
    ResilientIrq,
}

/// A lock held.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lock {
    pub(crate) kind: LockKind,
    /// What it lies in.
    pub(crate) owner: Owner,
    /// Which lookup gave the value, or which call made the object, that it lies in.
    pub(crate) id: u32,
}

/// A register or spilled register that shares its number with others.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Linked {
    /// The frame.
    pub(crate) frame: u8,
    /// The register, or the slot.
    pub(crate) place: u8,
    /// It is a slot.
    pub(crate) spilled: bool,
}

/// A state.
#[derive(Clone, Debug)]
pub(crate) struct State {
    /// The frames, the entry's first.
    pub(crate) frames: Vec<Frame>,
    /// What must be given back.
    pub(crate) references: Vec<Reference>,
    /// The locks held, the latest last.
    pub(crate) locks: Vec<Lock>,
    /// Interrupt flags saved and not restored, by id, the latest last.
    pub(crate) irqs: Vec<u32>,
    /// Nested RCU read locks held by calls.
    pub(crate) rcu_locks: u32,
    /// Nested sections without preemption.
    pub(crate) preempt_locks: u32,
    /// What runs here may sleep.
    pub(crate) sleepable: bool,
    /// How often `may_goto` was passed.
    pub(crate) may_goto_depth: u32,
    /// How often a callback was unrolled.
    pub(crate) callback_unroll_depth: u32,
    /// Only a mispredicting processor gets here.
    pub(crate) speculative: bool,
    /// Addresses and what lies in unwritten memory must not be seen.
    pub(crate) secretive: bool,
}

impl State {
    /// At the first instruction of a function.
    pub(crate) fn new(function: usize, chain: ChainId) -> State {
        State {
            frames: vec![Frame::new(function, chain, 0, None)],
            ..State::empty()
        }
    }

    /// No state: what is left where one was taken away.
    pub(crate) fn empty() -> State {
        State {
            frames: Vec::new(),
            references: Vec::new(),
            locks: Vec::new(),
            irqs: Vec::new(),
            rcu_locks: 0,
            preempt_locks: 0,
            sleepable: false,
            may_goto_depth: 0,
            callback_unroll_depth: 0,
            speculative: false,
            secretive: false,
        }
    }

    /// Bytes it takes.
    pub(crate) fn bytes(&self) -> usize {
        let frame = |frame: &Frame| size_of::<Frame>() + size_of_val(frame.stack.slots());
        size_of::<State>()
            + self.frames.iter().map(frame).sum::<usize>()
            + size_of_val(self.references.as_slice())
            + size_of_val(self.locks.as_slice())
            + size_of_val(self.irqs.as_slice())
    }

    /// The running frame's number.
    pub(crate) fn top(&self) -> usize {
        self.frames.len() - 1
    }

    /// The running frame.
    pub(crate) fn frame(&self) -> &Frame {
        self.frames.last().expect("a state has a frame")
    }

    /// The running frame.
    pub(crate) fn frame_mut(&mut self) -> &mut Frame {
        self.frames.last_mut().expect("a state has a frame")
    }

    /// A register of the running frame.
    pub(crate) fn reg(&self, name: RegName) -> &Reg {
        self.frame().reg(name)
    }

    /// A register of the running frame.
    pub(crate) fn reg_mut(&mut self, name: RegName) -> &mut Reg {
        self.frame_mut().reg_mut(name)
    }

    /// Every register of every frame, spilled ones included.
    pub(crate) fn all_mut(&mut self) -> impl Iterator<Item = &mut Reg> {
        self.frames.iter_mut().flat_map(Frame::all_mut)
    }

    /// Makes packet pointers invalid: the packet was moved.
    pub(crate) fn forget_packet(&mut self) {
        let invalid = self.invalid();
        for reg in self.all_mut() {
            let gone =
                reg.is_packet() || reg.what == What::PacketEnd || reg.flags.has(Flags::OF_PACKET);
            if gone {
                *reg = invalid;
            }
        }
    }

    /// Makes every copy of a resource's pointer invalid.
    pub(crate) fn forget_reference(&mut self, id: u32) {
        let invalid = self.invalid();
        for reg in self.all_mut() {
            if reg.reference == id {
                *reg = invalid;
            }
        }
    }

    /// Gives a resource back; false if it is not held.
    pub(crate) fn release(&mut self, id: u32) -> bool {
        let before = self.references.len();
        self.references.retain(|reference| reference.id != id);
        self.references.len() != before
    }

    /// What a pointer becomes that no longer points anywhere: some number, which not everybody may read.
    pub(crate) fn invalid(&self) -> Reg {
        if self.secretive {
            Reg::UNSET
        } else {
            Reg::UNKNOWN
        }
    }
}
