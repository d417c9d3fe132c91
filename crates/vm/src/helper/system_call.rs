//! System calls of programs for the process that runs them: bpf(2) with attributes in the program's
//! memory, and `close`.

use osmia_program::Errno;

use super::{HelperFn, errno, negative};
use crate::guest::{Call, Fault, Guest};
use crate::system_calls::CallerMemory;

/// The helpers of this family by number.
pub(super) fn implementation<G: Guest>(id: u32) -> Option<HelperFn<G>> {
    Some(match id {
        166 => sys_bpf,
        168 => sys_close,
        _ => return None,
    })
}

/// Commands that programs may give: `BPF_MAP_CREATE`, `BPF_MAP_UPDATE_ELEM`, `BPF_MAP_DELETE_ELEM`,
/// `BPF_PROG_LOAD`, `BPF_MAP_GET_FD_BY_ID`, `BPF_RAW_TRACEPOINT_OPEN`, `BPF_BTF_LOAD`,
/// `BPF_MAP_FREEZE`, `BPF_LINK_CREATE`.
const COMMANDS: [u32; 9] = [0, 2, 3, 5, 14, 17, 18, 22, 28];

/// The program's memory as the system call sees it.
struct Memory<'a, G>(&'a mut G);

impl<G: Guest> CallerMemory for Memory<'_, G> {
    fn read(&self, address: u64, out: &mut [u8]) -> usize {
        if self.0.read(address, out) {
            return out.len();
        }
        let byte = |(at, byte): (usize, &mut u8)| {
            let from = address.wrapping_add(at as u64);
            self.0.read(from, std::slice::from_mut(byte))
        };
        out.iter_mut()
            .enumerate()
            .map(byte)
            .take_while(|read| *read)
            .count()
    }

    fn write(&mut self, address: u64, bytes: &[u8]) -> usize {
        if self.0.write(address, bytes) {
            return bytes.len();
        }
        let mut written = 0;
        while written < bytes.len() {
            let to = address.wrapping_add(written as u64);
            if !self.0.write(to, &bytes[written..=written]) {
                break;
            }
            written += 1;
        }
        written
    }
}

/// `bpf_sys_bpf(command, attributes, size)`
fn sys_bpf<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let [command, address, size, ..] = call.args;
    let (command, size) = (command as u32, size as u32);
    if !call.guest.allows(address, size, false) {
        return Err(Fault::Access {
            argument: 2,
            address,
            bytes: u64::from(size),
            write: false,
        });
    }
    if !COMMANDS.contains(&command) {
        return Ok(negative(Errno::EINVAL));
    }
    let process = call.world.process.clone();
    let Some(process) = process else {
        return Ok(negative(Errno::EPERM));
    };
    let result = process.bpf(&mut Memory(call.guest), command, address, size);
    Ok(result.map_or_else(negative, u64::from))
}

/// `bpf_sys_close(fd)`
fn sys_close<G: Guest>(call: &mut Call<'_, G>) -> Result<u64, Fault> {
    let fd = call.args[0] as i32;
    Ok(errno(match &call.world.process {
        Some(process) => process.close(fd),
        None => Err(Errno::EBADF),
    }))
}
