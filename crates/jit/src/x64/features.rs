//! What the processor can that not all can.

/// What is made use of.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Features {
    /// Shifts by a register that need no particular one, to another register (BMI2).
    pub(crate) shifts_to: bool,
}

impl Features {
    /// All of it.
    pub(crate) const ALL: Self = Self { shifts_to: true };

    /// Of the processor that this runs on.
    #[cfg(target_arch = "x86_64")]
    pub(crate) fn here() -> Self {
        Self {
            shifts_to: std::arch::is_x86_feature_detected!("bmi2"),
        }
    }
}
