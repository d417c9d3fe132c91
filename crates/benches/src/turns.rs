//! Measuring in turns, so that every rival meets the same machine.

use std::time::{Duration, Instant};

/// Median nanoseconds of one call of each function. In every round each function is called for at
/// least `least`, in turn.
pub fn medians(functions: &mut [&mut dyn FnMut()], rounds: usize, least: Duration) -> Vec<f64> {
    let mut calls: Vec<u32> = Vec::new();
    for function in functions.iter_mut() {
        // Doubled until a batch is long enough, which also warms up.
        let mut count = 1_u32;
        loop {
            let start = Instant::now();
            for _ in 0..count {
                function();
            }
            if start.elapsed() >= least || count >= 1 << 24 {
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
    let median = |mut times: Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    times.into_iter().map(median).collect()
}
