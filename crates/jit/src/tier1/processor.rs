//! What the processor can that not all can.

/// What is made use of.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Processor {
    /// Shifts by a register that need no particular one, to another register (BMI2).
    pub(crate) shifts_to: bool,
}

impl Processor {
    /// The one that this runs on.
    pub(crate) fn here() -> Self {
        Self {
            #[cfg(target_arch = "x86_64")]
            shifts_to: std::arch::is_x86_feature_detected!("bmi2"),
            #[cfg(not(target_arch = "x86_64"))]
            shifts_to: false,
        }
    }

    /// One that can everything, for listings that are the same everywhere.
    #[cfg(test)]
    pub(crate) const NEWEST: Self = Self { shifts_to: true };
}
