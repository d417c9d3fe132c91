//! Time stamps: counts of some unit since 1970, as nanoseconds.

/// How an interface counts time.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Clock {
    /// pcapng's `if_tsresol`: a negative power of 10, of 2 if the top bit is set.
    pub(super) resolution: u8,
    /// Seconds to add to every time stamp.
    pub(super) offset_secs: i64,
}

impl Clock {
    /// What holds if the file says nothing: microseconds.
    pub(super) const MICROSECONDS: Clock = Clock {
        resolution: 6,
        offset_secs: 0,
    };
    /// Nanoseconds since 1970.
    pub(super) const NANOSECONDS: Clock = Clock {
        resolution: 9,
        offset_secs: 0,
    };

    /// Nanoseconds since 1970; `None` before 1970 or past what 64 bits hold (the year 2554).
    pub(super) fn nanoseconds(self, ticks: u64) -> Option<u64> {
        let exponent = u32::from(self.resolution & 0x7f);
        let base: u128 = if self.resolution & 0x80 == 0 { 10 } else { 2 };
        let nanos = match base.checked_pow(exponent) {
            Some(per_second) => (u128::from(ticks) * 1_000_000_000) / per_second,
            // A unit so small that 64 bits of it are less than a nanosecond.
            None => 0,
        };
        let offset = i128::from(self.offset_secs) * 1_000_000_000;
        let total = i128::try_from(nanos).ok()?.checked_add(offset)?;
        u64::try_from(total).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::Clock;

    fn clock(resolution: u8, offset_secs: i64) -> Clock {
        Clock {
            resolution,
            offset_secs,
        }
    }

    #[test]
    fn units_and_offsets() {
        assert_eq!(
            Clock::MICROSECONDS.nanoseconds(1_500_000),
            Some(1_500_000_000)
        );
        assert_eq!(clock(9, 0).nanoseconds(7), Some(7));
        assert_eq!(clock(0, 0).nanoseconds(3), Some(3_000_000_000));
        assert_eq!(clock(0x80 | 10, 0).nanoseconds(512), Some(500_000_000));
        assert_eq!(clock(3, -1).nanoseconds(2_500), Some(1_500_000_000));
    }

    #[test]
    fn absurd_units_and_offsets_are_no_time_or_zero() {
        assert_eq!(clock(127, 0).nanoseconds(u64::MAX), Some(0));
        assert_eq!(clock(0xff, 0).nanoseconds(u64::MAX), Some(0));
        assert_eq!(clock(0, 0).nanoseconds(u64::MAX), None);
        assert_eq!(clock(6, i64::MIN).nanoseconds(0), None);
        assert_eq!(clock(6, i64::MAX).nanoseconds(u64::MAX), None);
    }
}
