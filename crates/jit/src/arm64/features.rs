//! What the processor can that not all can.

/// What is made use of.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Features {
    /// Atomics that are one instruction (LSE, from ARMv8.1 on).
    pub(crate) atomics: bool,
}

impl Features {
    /// All of it.
    pub(crate) const ALL: Self = Self { atomics: true };

    /// Of the processor that this runs on.
    #[cfg(target_arch = "aarch64")]
    pub(crate) fn here() -> Self {
        Self {
            atomics: std::arch::is_aarch64_feature_detected!("lse"),
        }
    }
}
