//! What the processor can that not all can.

/// What is made use of.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Features {
    /// Shifts by a register that need no particular one, to another register (BMI2).
    pub(crate) shifts_to: bool,
}

impl Features {
    /// All of it.
    #[cfg(test)]
    pub(crate) const ALL: Self = Self { shifts_to: true };

    /// Of the processor that this runs on.
    pub(crate) fn here() -> Self {
        Self {
            #[cfg(target_arch = "x86_64")]
            shifts_to: std::arch::is_x86_feature_detected!("bmi2"),
            #[cfg(not(target_arch = "x86_64"))]
            shifts_to: false,
        }
    }
}
