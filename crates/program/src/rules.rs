//! How far the verifier looks for a reason why a program is safe.

/// Whose verifier it stands for.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum Rules {
    /// Linux's: it gives up where Linux does.
    #[default]
    Linux,
    /// Osmia's: what Linux takes and, of what it gives up on, programs that are safe by the same rules once states
    /// are merged. No kernel runs these.
    Osmia,
}
