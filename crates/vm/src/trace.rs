//! Watching a run: every operation before it is executed, for tests that hold runs against what was
//! claimed of them. Compiled with the feature `trace` only; engines in use do not pay for it.

/// A run at one operation.
#[derive(Debug)]
pub struct Step<'a> {
    /// The slot of the instruction about to run.
    pub slot: usize,
    /// How many functions are running, from 1.
    pub depth: usize,
    /// The registers of the running function.
    pub regs: &'a [u64; 11],
}

/// Takes the steps.
pub type Watch = Box<dyn FnMut(&Step<'_>) + Send>;

/// The watcher of a machine, if it has one.
#[derive(Default)]
pub(crate) struct Watcher(pub(crate) Option<Watch>);

impl std::fmt::Debug for Watcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "watched" } else { "alone" })
    }
}
