//! A process as somebody who answers bpf(2), in memory that is neither its own nor a program's.

use osmia_program::Errno;
use osmia_program::attr::{
    Address, BTF_INFO, Bpf, CallMemory, InfoLayout, LINK_INFO, MAP_INFO, PROG_INFO, Request,
};

use super::{UserMemory, bpf};
use crate::bpf::{Fd, ObjInfo};
use crate::process::Process;

impl UserMemory for CallMemory {
    fn read(&self, address: u64, out: &mut [u8]) -> usize {
        CallMemory::read(self, Address(address), out)
    }

    fn write(&mut self, address: u64, bytes: &[u8]) -> usize {
        CallMemory::write(self, Address(address), bytes)
    }
}

impl Bpf for Process {
    fn call(&self, request: &mut Request, memory: &mut CallMemory) -> Result<u32, Errno> {
        let command = request.command().number();
        let given = request.encode();
        let attributes = memory.put(&given);
        let result = bpf(self, memory, command, attributes.0, given.len() as u32);
        if let Ok(answered) = Request::decode(command, memory.at(attributes, given.len())) {
            *request = answered;
        }
        result
    }

    fn close(&self, fd: u32) {
        // Who closes what is not open has nothing to lose.
        let _ = Process::close(self, Fd(fd as i32));
    }

    fn info_layout(&self, fd: u32) -> Option<&'static InfoLayout> {
        Some(match self.obj_info(Fd(fd as i32)).ok()? {
            ObjInfo::Program(_) => &PROG_INFO,
            ObjInfo::Map(_) => &MAP_INFO,
            ObjInfo::Btf(_) => &BTF_INFO,
            ObjInfo::Link(_) => &LINK_INFO,
        })
    }
}
