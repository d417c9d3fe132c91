//! Measuring in turns, so that every rival meets the same machine.

use std::time::{Duration, Instant};

/// Nanoseconds of one call.
#[derive(Copy, Clone, Debug)]
pub struct Times {
    /// The median of all rounds.
    pub median: f64,
    /// The fastest round: what is left when nobody else wants the machine.
    pub least: f64,
}

/// Times each function. In every round each is called for at least `batch`, in turn.
pub fn times(functions: &mut [&mut dyn FnMut()], rounds: usize, batch: Duration) -> Vec<Times> {
    let mut calls: Vec<u32> = Vec::new();
    for function in functions.iter_mut() {
        // Doubled until a batch is long enough, which also warms up.
        let mut count = 1_u32;
        loop {
            let start = Instant::now();
            for _ in 0..count {
                function();
            }
            if start.elapsed() >= batch || count >= 1 << 24 {
                break;
            }
            count *= 2;
        }
        calls.push(count);
    }
    let mut times = vec![Vec::with_capacity(rounds); functions.len()];
    for _ in 0..rounds {
        for (position, function) in functions.iter_mut().enumerate() {
            let start = Instant::now();
            for _ in 0..calls[position] {
                function();
            }
            times[position].push(start.elapsed().as_nanos() as f64 / f64::from(calls[position]));
        }
    }
    let summary = |mut times: Vec<f64>| {
        times.sort_by(f64::total_cmp);
        Times {
            median: times[times.len() / 2],
            least: times[0],
        }
    };
    times.into_iter().map(summary).collect()
}
