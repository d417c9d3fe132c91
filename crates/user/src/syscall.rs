//! bpf(2) as bytes: attributes in a caller's memory, decoded as Linux 6.18 does, into the typed
//! commands of [`Process`]; answers written back where the caller expects them.
//!
//! This layer knows where things lie ([`osmia_program::attr`]) and copies. What a command means, and
//! every errno that depends on an object, is the process'.

mod attach;
mod infos;
mod links;
mod loads;
mod maps;
mod memory;
mod objects;
mod runs;

use osmia_program::Errno;
use osmia_program::attr::{ATTR_BYTES, Attr, Command};

use osmia_vm::{CallerMemory, SystemCalls};

pub use memory::UserMemory;

use crate::bpf::Fd;
use crate::process::Process;

/// What system call programs ask for in the name of the process that runs them.
impl SystemCalls for Process {
    fn bpf(&self, memory: &mut dyn CallerMemory, command: u32, address: u64, size: u32) -> Answer {
        bpf(self, &mut OfProgram(memory), command, address, size)
    }

    fn close(&self, fd: i32) -> Result<(), Errno> {
        Process::close(self, Fd(fd))
    }
}

/// A program's memory.
struct OfProgram<'a>(&'a mut dyn CallerMemory);

impl UserMemory for OfProgram<'_> {
    fn read(&self, address: u64, out: &mut [u8]) -> usize {
        self.0.read(address, out)
    }

    fn write(&mut self, address: u64, bytes: &[u8]) -> usize {
        self.0.write(address, bytes)
    }
}

/// What bpf(2) returns: a descriptor or 0.
type Answer = Result<u32, Errno>;

/// Calls bpf(2): `command` with the `size` bytes of attributes at `address` of the caller's memory.
///
/// # Errors
/// The kernel's errno.
pub fn bpf(
    process: &Process,
    memory: &mut dyn UserMemory,
    command: u32,
    address: u64,
    size: u32,
) -> Answer {
    let given = memory::known_part(memory, address, size as usize, ATTR_BYTES)?;
    let command = Command::from_number(command).ok_or(Errno::EINVAL)?;
    let attr = Attr::new(command, &given);
    if !attr.is_within_layout() {
        return Err(Errno::EINVAL);
    }
    let mut call = Call {
        process,
        memory,
        attr,
        address,
        size: size as usize,
    };
    call.dispatch(command)
}

/// One call: who calls, the memory, the attributes and where they lie.
struct Call<'a> {
    process: &'a Process,
    memory: &'a mut dyn UserMemory,
    attr: Attr,
    address: u64,
    size: usize,
}

impl Call<'_> {
    fn dispatch(&mut self, command: Command) -> Answer {
        match command {
            Command::MapCreate => self.map_create(),
            Command::MapLookupElem => self.map_lookup(),
            Command::MapUpdateElem => self.map_update(),
            Command::MapDeleteElem => self.map_delete(),
            Command::MapGetNextKey => self.map_next_key(),
            Command::MapLookupAndDeleteElem => self.map_take(),
            Command::MapFreeze => self.map_freeze(),
            Command::MapLookupBatch
            | Command::MapLookupAndDeleteBatch
            | Command::MapUpdateBatch
            | Command::MapDeleteBatch => self.map_batch(command),
            Command::ProgLoad => self.prog_load(),
            Command::BtfLoad => self.btf_load(),
            Command::ProgTestRun => self.prog_test_run(),
            Command::ProgBindMap => self.prog_bind_map(),
            Command::ProgGetNextId
            | Command::MapGetNextId
            | Command::BtfGetNextId
            | Command::LinkGetNextId => self.next_id(command),
            Command::ProgGetFdById
            | Command::MapGetFdById
            | Command::BtfGetFdById
            | Command::LinkGetFdById => self.fd_by_id(command),
            Command::ObjPin => self.obj_pin(),
            Command::ObjGet => self.obj_get(),
            Command::ObjGetInfoByFd => self.obj_info(),
            Command::EnableStats => self.enable_stats(),
            Command::TokenCreate => self.token_create(),
            Command::ProgStreamReadByFd => self.stream_read(),
            Command::ProgAttach => self.prog_attach(),
            Command::ProgDetach => self.prog_detach(),
            Command::ProgQuery => self.prog_query(),
            Command::TaskFdQuery => self.task_fd_query(),
            Command::LinkCreate => self.link_create(),
            Command::LinkUpdate => self.link_update(),
            Command::LinkDetach => self.link_detach(),
            Command::IterCreate => self.iter_create(),
            Command::RawTracepointOpen => self.raw_tracepoint_open(),
        }
    }

    fn u32(&self, field: &str) -> u32 {
        self.attr.u32(field)
    }

    fn u64(&self, field: &str) -> u64 {
        self.attr.number(field)
    }

    fn fd(&self, field: &str) -> Fd {
        Fd(self.u32(field) as i32)
    }

    /// What a pointer leads to: at most `bytes` bytes, fewer if readable memory ends before.
    fn behind(&self, field: &str, bytes: usize) -> Option<Vec<u8>> {
        match self.u64(field) {
            0 => None,
            address => Some(memory::prefix(self.memory, address, bytes)),
        }
    }

    /// Writes to where a pointer of the attributes leads.
    fn write_behind(&mut self, field: &str, bytes: &[u8]) -> Result<(), Errno> {
        let address = self.u64(field);
        memory::write(self.memory, address, bytes)
    }

    /// Writes a field of the attributes back.
    fn answer(&mut self, field: &str, value: u64) -> Result<(), Errno> {
        let place = self.attr.expect(field);
        let bytes = &value.to_le_bytes()[..place.bytes];
        memory::write(self.memory, self.address + place.offset as u64, bytes)
    }

    /// As [`Call::answer`], if the caller's attributes have the field.
    fn answer_if_known(&mut self, field: &str, value: u64) -> Result<(), Errno> {
        let place = self.attr.expect(field);
        match self.size >= place.offset + place.bytes {
            true => self.answer(field, value),
            false => Ok(()),
        }
    }
}

/// A descriptor as a result.
fn fd(result: Result<Fd, Errno>) -> Answer {
    result.map(|fd| fd.0 as u32)
}

/// Success is 0.
fn done(result: Result<(), Errno>) -> Answer {
    result.map(|()| 0)
}
