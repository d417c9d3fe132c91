//! bpf(2) as bytes: attributes in a caller's memory, decoded as Linux 6.18 does into a
//! [`Request`], whose addresses are followed to make the typed commands of [`Process`]; answers
//! written back where the caller expects them.
//!
//! This layer copies. Where things lie is [`osmia_program::attr`]'s, what a command means, and every
//! errno that depends on an object, is the process'.

mod attach;
mod call;
mod infos;
mod links;
mod loads;
mod maps;
mod memory;
mod objects;
mod runs;

use osmia_program::Errno;
use osmia_program::attr::{ATTR_BYTES, Address, AttrField, AttrLayout, Request, layout};

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

    fn null_is_empty(&self) -> bool {
        false
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
    let given = memory::known_part(memory, Address(address), size as usize, ATTR_BYTES)?;
    let request = Request::decode(command, &given)?;
    let mut call = Call {
        process,
        memory,
        layout: layout(request.command()),
        address,
        size: size as usize,
    };
    call.run(&request)
}

/// One call: who calls, the memory, and where the attributes lie.
struct Call<'a> {
    process: &'a Process,
    memory: &'a mut dyn UserMemory,
    layout: &'static AttrLayout,
    address: u64,
    size: usize,
}

impl Call<'_> {
    fn run(&mut self, request: &Request) -> Answer {
        match request {
            Request::MapCreate(asked) => self.map_create(asked),
            Request::MapLookupElem(asked) => self.map_lookup(asked),
            Request::MapUpdateElem(asked) => self.map_update(asked),
            Request::MapDeleteElem(asked) => self.map_delete(asked),
            Request::MapGetNextKey(asked) => self.map_next_key(asked),
            Request::MapLookupAndDeleteElem(asked) => self.map_take(asked),
            Request::MapFreeze(asked) => self.map_freeze(asked),
            Request::MapLookupBatch(asked) => self.map_lookup_batch(asked),
            Request::MapLookupAndDeleteBatch(asked) => self.map_take_batch(asked),
            Request::MapUpdateBatch(asked) => self.map_update_batch(asked),
            Request::MapDeleteBatch(asked) => self.map_delete_batch(asked),
            Request::ProgLoad(asked) => self.prog_load(asked),
            Request::BtfLoad(asked) => self.btf_load(asked),
            Request::ProgTestRun(asked) => self.prog_test_run(asked),
            Request::ProgBindMap(asked) => self.prog_bind_map(asked),
            Request::ProgGetNextId(asked) => self.next_id(asked, Process::prog_next_id),
            Request::MapGetNextId(asked) => self.next_id(asked, Process::map_next_id),
            Request::BtfGetNextId(asked) => self.next_id(asked, Process::btf_next_id),
            Request::LinkGetNextId(asked) => self.next_id(asked, Process::link_next_id),
            Request::ProgGetFdById(asked) => self.prog_by_id(asked),
            Request::MapGetFdById(asked) => self.map_by_id(asked),
            Request::BtfGetFdById(asked) => self.btf_by_id(asked),
            Request::LinkGetFdById(asked) => self.link_by_id(asked),
            Request::ObjPin(asked) => self.obj_pin(asked),
            Request::ObjGet(asked) => self.obj_get(asked),
            Request::ObjGetInfoByFd(asked) => self.obj_info(asked),
            Request::EnableStats(asked) => self.enable_stats(asked),
            Request::TokenCreate(asked) => self.token_create(asked),
            Request::ProgStreamReadByFd(asked) => self.stream_read(asked),
            Request::ProgAttach(asked) => self.prog_attach(asked),
            Request::ProgDetach(asked) => self.prog_detach(asked),
            Request::ProgQuery(asked) => self.prog_query(asked),
            Request::TaskFdQuery(asked) => self.task_fd_query(asked),
            Request::LinkCreate(asked) => self.link_create(asked),
            Request::LinkUpdate(asked) => self.link_update(asked),
            Request::LinkDetach(asked) => self.link_detach(asked),
            Request::IterCreate(asked) => self.iter_create(asked),
            Request::RawTracepointOpen(asked) => self.raw_tracepoint_open(asked),
        }
    }

    /// What an address leads to: at most `bytes` bytes, fewer if readable memory ends before.
    fn behind(&self, address: Address, bytes: usize) -> Option<Vec<u8>> {
        (!address.is_null()).then(|| memory::prefix(self.memory, address, bytes))
    }

    /// Writes to where an address of the attributes leads.
    fn write_behind(&mut self, address: Address, bytes: &[u8]) -> Result<(), Errno> {
        memory::write(self.memory, address, bytes)
    }

    fn field(&self, name: &str) -> &'static AttrField {
        let field = self.layout.field(name);
        field.unwrap_or_else(|| panic!("no field {name} among these attributes"))
    }

    /// Writes a field of the attributes back.
    fn answer(&mut self, field: &str, value: u64) -> Result<(), Errno> {
        let place = self.field(field);
        let bytes = &value.to_le_bytes()[..place.bytes];
        let address = Address(self.address + place.offset as u64);
        memory::write(self.memory, address, bytes)
    }

    /// As [`Call::answer`], if the caller's attributes have the field.
    fn answer_if_known(&mut self, field: &str, value: u64) -> Result<(), Errno> {
        let place = self.field(field);
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
