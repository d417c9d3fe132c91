//! Which system calls somebody looks at.

use std::collections::BTreeMap;

use crate::calls::Number;

/// The ends of a system call that somebody looks at.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Sides {
    /// When it begins.
    pub enter: bool,
    /// When it has returned.
    pub exit: bool,
}

impl Sides {
    fn and(self, other: Self) -> Self {
        Self {
            enter: self.enter || other.enter,
            exit: self.exit || other.exit,
        }
    }

    fn any(self) -> bool {
        self.enter || self.exit
    }
}

/// The system calls that stop a thread.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    every: Sides,
    some: BTreeMap<Number, Sides>,
}

impl Wanted {
    /// Adds one call, or all of them.
    pub fn add(&mut self, call: Option<Number>, sides: Sides) {
        let known = match call {
            Some(number) => self.some.entry(number).or_default(),
            None => &mut self.every,
        };
        *known = known.and(sides);
    }

    /// What is looked at of a call.
    pub fn sides(&self, call: Number) -> Sides {
        let own = self.some.get(&call).copied().unwrap_or_default();
        own.and(self.every)
    }

    /// The calls that stop; `None` for all of them.
    pub(crate) fn calls(&self) -> Option<impl Iterator<Item = Number> + '_> {
        let some = self.some.iter().filter(|(_, sides)| sides.any());
        (!self.every.any()).then(|| some.map(|(number, _)| *number))
    }
}
