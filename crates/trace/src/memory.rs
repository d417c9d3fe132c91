//! The memory of a traced process.

use osmia_program::ProcessMemory;

use crate::sys;

/// Bytes of a page: what is readable is so page by page.
const PAGE: usize = 4096;

/// A process' memory, read and written from outside.
#[derive(Copy, Clone, Debug)]
pub struct TracedMemory {
    /// The process.
    pub process: u32,
}

/// The parts of a range that do not cross pages, as offsets and lengths.
fn pages(address: u64, bytes: usize) -> impl Iterator<Item = (usize, usize)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        let at = address.wrapping_add(done as u64);
        let len = (bytes - done).min(PAGE - (at as usize % PAGE));
        let part = (done, len);
        done += len;
        (len > 0).then_some(part)
    })
}

impl ProcessMemory for TracedMemory {
    fn read(&self, address: u64, out: &mut [u8]) -> usize {
        match sys::read_memory(self.process, address, out) {
            Ok(read) if read == out.len() => return read,
            _ => {}
        }
        // The kernel may give up on the whole where the first pages are there.
        for (offset, len) in pages(address, out.len()) {
            let at = address.wrapping_add(offset as u64);
            match sys::read_memory(self.process, at, &mut out[offset..offset + len]) {
                Ok(read) if read == len => {}
                _ => return offset,
            }
        }
        out.len()
    }

    fn write(&self, address: u64, bytes: &[u8]) -> usize {
        for (offset, len) in pages(address, bytes.len()) {
            let at = address.wrapping_add(offset as u64);
            match sys::write_memory(self.process, at, &bytes[offset..offset + len]) {
                Ok(written) if written == len => {}
                _ => return offset,
            }
        }
        bytes.len()
    }
}
