//! Standard input that an interrupt ends: a thread waits for bytes, we wait for it or for Ctrl-C.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

/// How long until we look at the flag again.
const PATIENCE: Duration = Duration::from_millis(50);
/// Bytes read at once.
const CHUNK_BYTES: usize = 64 << 10;
/// Chunks that may wait: the thread does not run ahead of us for long.
const CHUNKS_WAITING: usize = 4;

/// Standard input.
pub(super) struct Stdin {
    chunks: Receiver<io::Result<Vec<u8>>>,
    chunk: Vec<u8>,
    at: usize,
    stop: Arc<AtomicBool>,
}

impl Stdin {
    /// Ends as soon as the flag is raised, even while nothing comes.
    pub(super) fn until(stop: &Arc<AtomicBool>) -> Self {
        let (sender, chunks) = sync_channel(CHUNKS_WAITING);
        // The thread ends with the input, or with the process: nothing else ends a blocking read.
        thread::spawn(move || {
            let mut input = io::stdin().lock();
            loop {
                let mut chunk = vec![0; CHUNK_BYTES];
                let read = input.read(&mut chunk).map(|len| {
                    chunk.truncate(len);
                    chunk
                });
                let is_last = !matches!(&read, Ok(chunk) if !chunk.is_empty());
                if sender.send(read).is_err() || is_last {
                    return;
                }
            }
        });
        Self {
            chunks,
            chunk: Vec::new(),
            at: 0,
            stop: Arc::clone(stop),
        }
    }
}

impl Read for Stdin {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.at == self.chunk.len() {
            if self.stop.load(Ordering::Relaxed) {
                return Ok(0);
            }
            match self.chunks.recv_timeout(PATIENCE) {
                Ok(chunk) => {
                    self.chunk = chunk?;
                    self.at = 0;
                    if self.chunk.is_empty() {
                        return Ok(0);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(0),
            }
        }
        let len = out.len().min(self.chunk.len() - self.at);
        out[..len].copy_from_slice(&self.chunk[self.at..self.at + len]);
        self.at += len;
        Ok(len)
    }
}
