//! The progress bar of a large capture, on a terminal only.

use std::io::{IsTerminal, stderr};

use indicatif::{ProgressBar, ProgressStyle};

use crate::console::Console;

/// Captures below this are done before a bar could be read.
const LARGE_BYTES: u64 = 16 << 20;
/// How many packets between two looks at the clock.
const PACKETS_BETWEEN: u64 = 256;

/// A bar, or nothing where it would be in the way.
pub(super) struct Bar(Option<ProgressBar>);

impl Bar {
    /// For a capture of this size, if known.
    pub(super) fn for_capture(bytes: Option<u64>, console: &Console) -> Self {
        let wanted = stderr().is_terminal() && !console.is_json();
        let bar = bytes
            .filter(|bytes| wanted && *bytes >= LARGE_BYTES)
            .map(|bytes| {
                let style = ProgressStyle::with_template(
                    "{wide_bar} {percent}% {bytes_per_sec}, {eta} left",
                )
                .unwrap_or_else(|_| ProgressStyle::default_bar());
                ProgressBar::new(bytes).with_style(style)
            });
        Self(bar)
    }

    /// So far.
    pub(super) fn advance(&self, packet: u64, offset: u64) {
        if let Some(bar) = &self.0
            && packet.is_multiple_of(PACKETS_BETWEEN)
        {
            bar.set_position(offset);
        }
    }

    /// Before something is printed where the bar stands: what is printed shows the progress, too.
    pub(super) fn make_way(&mut self, console: &Console) {
        if console.is_live()
            && let Some(bar) = self.0.take()
        {
            bar.finish_and_clear();
        }
    }

    /// Takes it off the screen.
    pub(super) fn finish(self) {
        if let Some(bar) = self.0 {
            bar.finish_and_clear();
        }
    }
}
