//! What assemblers of all machines have: labels, bound and jumped to in any order.

/// A place in the code, bound or still to be bound.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Label(u32);

const UNBOUND: u32 = u32::MAX;

/// Where each label is.
#[derive(Debug, Default)]
pub(crate) struct Labels(Vec<u32>);

impl Labels {
    /// A label to be bound later.
    pub(crate) fn make(&mut self) -> Label {
        self.0.push(UNBOUND);
        Label(self.0.len() as u32 - 1)
    }

    /// The label is at a place.
    pub(crate) fn bind(&mut self, label: Label, at: usize) {
        let place = &mut self.0[label.0 as usize];
        assert_eq!(*place, UNBOUND, "a label is bound once");
        *place = at as u32;
    }

    /// Where a label is, if it is bound already.
    pub(crate) fn found(&self, label: Label) -> Option<usize> {
        let place = self.0[label.0 as usize];
        (place != UNBOUND).then_some(place as usize)
    }

    /// Where a label is, once all are bound.
    pub(crate) fn place(&self, label: Label) -> usize {
        self.found(label).expect("every label is bound in the end")
    }
}

/// Machine code, appended.
pub(crate) trait Assembly: Sized {
    /// What a processor can beyond what all of its kind can.
    type Features: Copy;

    /// Room for this many bytes, so that growing is rare.
    fn with_capacity(bytes: usize) -> Self;

    /// Bytes so far.
    fn here(&self) -> usize;

    /// A label to be bound later.
    fn label(&mut self) -> Label;

    /// The label is here.
    fn bind(&mut self, label: Label);

    /// Puts an address in the place of another: that of an instruction which loads it, wherever it is.
    fn patch(code: &mut [u8], at: usize, address: u64);

    /// To be called now and then, where nothing but the end of an instruction is: leads jumps on that
    /// would not reach any more what comes.
    fn keep_in_reach(&mut self) {}

    /// The code, and where each of these labels is in it.
    fn finish(self, wanted: &[Label]) -> (Vec<u8>, Vec<usize>);
}
