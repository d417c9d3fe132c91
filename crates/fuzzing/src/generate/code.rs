//! Instructions with labels, put into slots at the end.

use osmia_isa::{Callee, Imm64, Insn, Reg, Slot, encode_onto};
use osmia_program::{KfuncRef, kfunc};

/// A place in the code.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Label(usize);

#[derive(Clone, Debug)]
enum Item {
    Insn(Insn),
    /// A jump, a call or an address whose distance is not known yet.
    Towards(Insn, Label),
}

/// Collects instructions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Emitter {
    items: Vec<Item>,
    slots: usize,
    /// Where labels were placed, in slots.
    labels: Vec<Option<usize>>,
    kfuncs: Vec<KfuncRef>,
}

impl Emitter {
    /// A label to be placed once.
    pub(crate) fn label(&mut self) -> Label {
        self.labels.push(None);
        Label(self.labels.len() - 1)
    }

    /// The label is here.
    pub(crate) fn place(&mut self, label: Label) {
        self.labels[label.0] = Some(self.slots);
    }

    pub(crate) fn push(&mut self, insn: Insn) {
        self.slots += insn.slots();
        self.items.push(Item::Insn(insn));
    }

    /// A jump to a label, with any distance.
    pub(crate) fn jump(&mut self, insn: Insn, label: Label) {
        self.slots += insn.slots();
        self.items.push(Item::Towards(insn, label));
    }

    pub(crate) fn call(&mut self, label: Label) {
        self.jump(Insn::Call(Callee::Local(0)), label);
    }

    /// Calls a kernel function; they are numbered as the table has them.
    pub(crate) fn kfunc(&mut self, name: &str) {
        let position = kfunc::ALL.iter().position(|kfunc| kfunc.name == name);
        let id = position.expect("a function of the table") as i32 + 1;
        self.kfuncs.push(KfuncRef {
            insn: self.slots as u32,
            name: name.to_owned(),
        });
        self.push(Insn::Call(Callee::Kfunc { id, module: 0 }));
    }

    /// The address of a function.
    pub(crate) fn address(&mut self, dst: Reg, label: Label) {
        let value = Imm64::Func(0);
        self.jump(Insn::LoadImm64 { dst, value }, label);
    }

    /// True if something leads to the label.
    pub(crate) fn is_wanted(&self, label: Label) -> bool {
        (self.items.iter()).any(|item| matches!(item, Item::Towards(_, to) if *to == label))
    }

    /// The slots, and the kernel functions they call.
    pub(crate) fn finish(self) -> (Vec<Slot>, Vec<KfuncRef>) {
        let mut slots = Vec::with_capacity(self.slots);
        for item in self.items {
            let insn = match item {
                Item::Insn(insn) => insn,
                Item::Towards(insn, label) => {
                    let target = self.labels[label.0].expect("labels are placed") as i64;
                    let at = slots.len() as i64;
                    // The address of a function counts from behind its first half.
                    with_distance(insn, target - at - 1)
                }
            };
            encode_onto(&mut slots, &insn);
        }
        (slots, self.kfuncs)
    }
}

fn with_distance(insn: Insn, distance: i64) -> Insn {
    let short = i16::try_from(distance).unwrap_or_default();
    match insn {
        Insn::Jump { long, .. } => Insn::Jump {
            off: i32::from(short),
            long,
        },
        Insn::JumpIf {
            cond,
            width,
            dst,
            src,
            ..
        } => Insn::JumpIf {
            cond,
            width,
            dst,
            src,
            off: short,
        },
        Insn::MayGoto { .. } => Insn::MayGoto { off: short },
        Insn::Call(Callee::Local(_)) => Insn::Call(Callee::Local(distance as i32)),
        Insn::LoadImm64 { dst, .. } => Insn::LoadImm64 {
            dst,
            value: Imm64::Func(distance as i32),
        },
        other => other,
    }
}
