//! When an object was made, as a date.

use rustix::time::{ClockId, clock_gettime};

/// Seconds since 1970 of a moment so many nanoseconds after the machine's start.
pub(super) fn wall_seconds(since_boot_ns: u64) -> u64 {
    const SECOND_NS: i64 = 1_000_000_000;
    let now = clock_gettime(ClockId::Realtime);
    let up = clock_gettime(ClockId::Boottime);
    let seconds = now.tv_sec - up.tv_sec;
    let rest = now.tv_nsec - up.tv_nsec + since_boot_ns as i64;
    u64::try_from(seconds + rest.div_euclid(SECOND_NS)).unwrap_or_default()
}
