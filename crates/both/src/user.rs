//! The user-space host, reached through the bytes of bpf(2).

use std::collections::BTreeMap;
use std::sync::Arc;

use osmia_btf::Btf;
use osmia_program::Errno;
use osmia_user::bpf::{Fd, PerfEventOpen, PerfEventSource};
use osmia_user::{Credentials, Kernel, Process, UserMemory, UserOptions, bpf};
use osmia_vm::net::Network;

use crate::request::{Call, Host, Request, Returned};
use crate::run::CPUS;
use crate::types;

/// A process of a user-space host and its memory.
#[derive(Debug)]
pub struct User {
    process: Process,
}

impl User {
    /// A new machine with one process that may do everything.
    ///
    /// # Errors
    /// If memory is short.
    pub fn new() -> Result<User, String> {
        Ok(User {
            process: process()?,
        })
    }
}

fn process() -> Result<Process, String> {
    let options = UserOptions {
        cpus: CPUS as u32,
        seed: Some(0),
        btf: Some(types::described()),
        network: Arc::new(Network::loopback().whole()),
        ..UserOptions::default()
    };
    let kernel = Kernel::new(options).map_err(|error| error.to_string())?;
    Ok(Process::new(&Arc::clone(&kernel), Credentials::ROOT))
}

/// Where attributes and buffers begin: far apart, nothing around them.
const FIRST_ADDRESS: u64 = 0x10_0000_0000;

/// Memory of pieces by their addresses.
struct Pieces(BTreeMap<u64, Vec<u8>>);

impl Pieces {
    /// The piece an address is in, and the offset there.
    fn at(&self, address: u64) -> Option<(u64, usize)> {
        let (start, piece) = self.0.range(..=address).next_back()?;
        let offset = usize::try_from(address - start).ok()?;
        (offset < piece.len()).then_some((*start, offset))
    }
}

impl UserMemory for Pieces {
    fn read(&self, address: u64, out: &mut [u8]) -> usize {
        let Some((start, offset)) = self.at(address) else {
            return 0;
        };
        let there = &self.0[&start][offset..];
        let count = there.len().min(out.len());
        out[..count].copy_from_slice(&there[..count]);
        count
    }

    fn write(&mut self, address: u64, bytes: &[u8]) -> usize {
        let Some((start, offset)) = self.at(address) else {
            return 0;
        };
        let there = self.0.get_mut(&start).map(|piece| &mut piece[offset..]);
        let there = there.unwrap_or_default();
        let count = there.len().min(bytes.len());
        there[..count].copy_from_slice(&bytes[..count]);
        count
    }
}

fn address(index: usize) -> u64 {
    FIRST_ADDRESS * (index as u64 + 1)
}

impl Host for User {
    fn ask(&mut self, request: &Request) -> Result<Returned, String> {
        let process = &self.process;
        let fd = |fd: Result<Fd, Errno>| fd.map(|fd| i64::from(fd.0));
        let done = |result: Result<(), Errno>| result.map(|()| 0);
        let mut returned = Returned::default();
        let result = match request {
            Request::Bpf(call) => call_bpf(process, call, &mut returned),
            Request::Close(fd) => done(process.close(Fd(*fd))),
            Request::Mkdir(path) => done(process.mkdir(path)),
            Request::Rmdir(path) => done(process.rmdir(path)),
            Request::Unlink(path) => done(process.unlink(path)),
            Request::Rename(from, to) => done(process.rename(from, to)),
            Request::Open(path) => fd(process.open_directory(path)),
            Request::Read(from, bytes) => process.read(Fd(*from), *bytes).map(|read| {
                let count = read.len();
                let mut buffer = vec![0; *bytes];
                buffer[..count].copy_from_slice(&read);
                returned.buffers.push(buffer);
                count as i64
            }),
            Request::PerfEvent(kind, config) => fd(process.perf_event_open(&PerfEventOpen {
                source: PerfEventSource::Counter {
                    kind: *kind,
                    config: *config,
                },
                cpu: None,
            })),
        };
        returned.result = result.unwrap_or_else(|errno| -i64::from(errno.0));
        Ok(returned)
    }

    fn types(&self) -> Option<Arc<Btf>> {
        Some(types::described())
    }

    fn pid(&self) -> u32 {
        std::process::id()
    }

    fn reset(&mut self) -> Result<(), String> {
        self.process = process()?;
        Ok(())
    }
}

fn call_bpf(process: &Process, call: &Call, returned: &mut Returned) -> Result<i64, Errno> {
    // Attributes are piece 0, buffers come behind.
    let mut pieces = vec![call.attr.clone()];
    pieces.extend(call.buffers.iter().map(|buffer| buffer.bytes.clone()));
    for (index, buffer) in call.buffers.iter().enumerate() {
        let parent = buffer.place.parent.map_or(0, |parent| parent + 1);
        let place = buffer.place.offset..buffer.place.offset + 8;
        if let Some(place) = pieces[parent].get_mut(place) {
            place.copy_from_slice(&address(index + 1).to_le_bytes());
        }
    }
    let pieces = pieces.into_iter().enumerate();
    let mut memory = Pieces(
        pieces
            .map(|(index, piece)| (address(index), piece))
            .collect(),
    );
    let result = bpf(process, &mut memory, call.command, address(0), call.size);
    let mut pieces = memory.0.into_values();
    returned.attr = pieces.next().unwrap_or_default();
    returned.buffers = pieces.collect();
    result.map(i64::from)
}
