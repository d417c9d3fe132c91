//! bpf(2): every call of this crate, each with what the kernel may write while it lasts.
//!
//! The kernel reads and writes where attributes point. Reading hurts nobody: an address that leads
//! nowhere gives `EFAULT`. What it writes goes to slices that are borrowed for the call and are as long
//! as the attributes, or the map behind the descriptor, say.
#![allow(unsafe_code)]

mod apart;
mod event;

use std::ffi::{CStr, CString};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use osmia_program::Errno;
use osmia_program::attr::{
    Address, Attr, BtfLoad, IterCreate, LinkCreate, LinkDetail, LinkKprobeMulti, MapCreate,
    MapElement, MapFreeze, MapKey, MapNextKey, ObjPath, ProgLoad, ProgTestRun, RawTracepointOpen,
    Request,
};

pub(crate) use apart::Apart;
pub(crate) use event::{EventAttr, Whose, perf_event};

/// A map's descriptor with the sizes that its elements have towards callers.
#[derive(Debug)]
pub(crate) struct MapFd {
    fd: OwnedFd,
    key_bytes: usize,
    value_bytes: usize,
}

/// Makes a map whose values have so many bytes for callers: more than for programs where each CPU has
/// one of its own.
pub(crate) fn map_create(asked: MapCreate, value_bytes: usize) -> Result<MapFd, Errno> {
    let key_bytes = asked.key_size as usize;
    let fd = new_fd(call(Request::MapCreate(asked)).map(|(fd, _)| fd)?);
    Ok(MapFd {
        fd,
        key_bytes,
        value_bytes,
    })
}

impl MapFd {
    pub(crate) fn as_fd(&self) -> BorrowedFd<'_> {
        use std::os::fd::AsFd;
        self.fd.as_fd()
    }

    pub(crate) fn raw(&self) -> i32 {
        self.fd.as_raw_fd()
    }

    fn is_key(&self, key: &[u8]) -> Result<(), Errno> {
        match key.len() == self.key_bytes {
            true => Ok(()),
            false => Err(Errno::EINVAL),
        }
    }

    pub(crate) fn lookup(&self, key: &[u8]) -> Result<Vec<u8>, Errno> {
        self.is_key(key)?;
        let mut value = vec![0; self.value_bytes];
        call(Request::MapLookupElem(MapElement {
            map_fd: self.raw(),
            key: read_from(key),
            value: written_to(&mut value),
            flags: 0,
        }))?;
        Ok(value)
    }

    pub(crate) fn update(&self, key: &[u8], value: &[u8], flags: u64) -> Result<(), Errno> {
        self.is_key(key)?;
        if value.len() != self.value_bytes {
            return Err(Errno::EINVAL);
        }
        let asked = MapElement {
            map_fd: self.raw(),
            key: read_from(key),
            value: read_from(value),
            flags,
        };
        call(Request::MapUpdateElem(asked)).map(drop)
    }

    pub(crate) fn delete(&self, key: &[u8]) -> Result<(), Errno> {
        self.is_key(key)?;
        let asked = MapKey {
            map_fd: self.raw(),
            key: read_from(key),
        };
        call(Request::MapDeleteElem(asked)).map(drop)
    }

    pub(crate) fn next_key(&self, key: Option<&[u8]>) -> Result<Vec<u8>, Errno> {
        key.map_or(Ok(()), |key| self.is_key(key))?;
        let mut next_key = vec![0; self.key_bytes];
        call(Request::MapGetNextKey(MapNextKey {
            map_fd: self.raw(),
            key: key.map_or(Address::default(), read_from),
            next_key: written_to(&mut next_key),
        }))?;
        Ok(next_key)
    }

    pub(crate) fn freeze(&self) -> Result<(), Errno> {
        let map_fd = self.raw();
        call(Request::MapFreeze(MapFreeze { map_fd })).map(drop)
    }
}

/// What `BPF_PROG_LOAD` is given besides numbers.
pub(crate) struct Image<'a> {
    pub(crate) asked: ProgLoad,
    pub(crate) insns: &'a [u8],
    pub(crate) license: &'a CStr,
    pub(crate) func_info: &'a [u8],
    pub(crate) line_info: &'a [u8],
}

/// Loads a program. With a log, the kernel tells there what it thinks of it.
pub(crate) fn prog_load(image: &Image<'_>, log: Option<&mut Vec<u8>>) -> Result<OwnedFd, Errno> {
    let mut asked = image.asked;
    asked.insns = read_from(image.insns);
    asked.license = read_from(image.license.to_bytes_with_nul());
    asked.func_info = read_from(image.func_info);
    asked.line_info = read_from(image.line_info);
    if let Some(log) = log {
        asked.log_level = 1;
        asked.log_size = u32::try_from(log.len()).unwrap_or(u32::MAX);
        asked.log_buf = written_to(log);
    }
    call(Request::ProgLoad(asked)).map(|(fd, _)| new_fd(fd))
}

/// Gives types to the kernel.
pub(crate) fn btf_load(types: &[u8], log: Option<&mut Vec<u8>>) -> Result<OwnedFd, Errno> {
    let mut asked = BtfLoad {
        btf: read_from(types),
        btf_size: u32::try_from(types.len()).map_err(|_| Errno::E2BIG)?,
        ..BtfLoad::default()
    };
    if let Some(log) = log {
        asked.btf_log_level = 1;
        asked.btf_log_size = u32::try_from(log.len()).unwrap_or(u32::MAX);
        asked.btf_log_buf = written_to(log);
    }
    call(Request::BtfLoad(asked)).map(|(fd, _)| new_fd(fd))
}

/// A test run: what goes in, and room for what comes out.
pub(crate) struct TestRun<'a> {
    pub(crate) data: &'a [u8],
    pub(crate) ctx: &'a [u8],
    pub(crate) data_out: &'a mut [u8],
    pub(crate) ctx_out: &'a mut [u8],
    pub(crate) repeat: u32,
}

/// What came of a test run.
pub(crate) struct Ran {
    pub(crate) retval: u32,
    pub(crate) duration_ns: u32,
    pub(crate) data_bytes: usize,
    pub(crate) ctx_bytes: usize,
}

/// Runs a program on an input.
pub(crate) fn test_run(program: &OwnedFd, run: TestRun<'_>) -> Result<Ran, Errno> {
    let bytes = |slice: &[u8]| u32::try_from(slice.len()).map_err(|_| Errno::E2BIG);
    let (_, answered) = call(Request::ProgTestRun(ProgTestRun {
        prog_fd: program.as_raw_fd(),
        data_size_in: bytes(run.data)?,
        data_in: read_from(run.data),
        data_size_out: bytes(run.data_out)?,
        data_out: written_to(run.data_out),
        ctx_size_in: bytes(run.ctx)?,
        ctx_in: read_from(run.ctx),
        ctx_size_out: bytes(run.ctx_out)?,
        ctx_out: written_to(run.ctx_out),
        repeat: run.repeat,
        ..ProgTestRun::default()
    }))?;
    let Request::ProgTestRun(answered) = answered else {
        return Err(Errno::EINVAL);
    };
    Ok(Ran {
        retval: answered.retval,
        duration_ns: answered.duration,
        data_bytes: answered.data_size_out as usize,
        ctx_bytes: answered.ctx_size_out as usize,
    })
}

/// Attaches a program.
pub(crate) fn link_create(asked: LinkCreate) -> Result<OwnedFd, Errno> {
    call(Request::LinkCreate(asked)).map(|(fd, _)| new_fd(fd))
}

/// Attaches a program to many functions of the kernel.
pub(crate) fn link_functions(
    mut asked: LinkCreate,
    functions: &[CString],
    flags: u32,
) -> Result<OwnedFd, Errno> {
    let names: Vec<u64> = functions
        .iter()
        .map(|name| name.as_ptr().addr() as u64)
        .collect();
    asked.detail = LinkDetail::of(&LinkKprobeMulti {
        flags,
        cnt: u32::try_from(names.len()).map_err(|_| Errno::E2BIG)?,
        syms: Address(names.as_ptr().addr() as u64),
        ..LinkKprobeMulti::default()
    });
    call(Request::LinkCreate(asked)).map(|(fd, _)| new_fd(fd))
}

/// Attaches a program to a tracepoint by its name, or where it was loaded for.
pub(crate) fn raw_tracepoint_open(
    program: &OwnedFd,
    name: Option<&CStr>,
) -> Result<OwnedFd, Errno> {
    call(Request::RawTracepointOpen(RawTracepointOpen {
        name: read_from(name.map_or(&[], CStr::to_bytes_with_nul)),
        prog_fd: program.as_raw_fd(),
        ..RawTracepointOpen::default()
    }))
    .map(|(fd, _)| new_fd(fd))
}

/// Makes a walk of an iterator that is attached: a file to read.
pub(crate) fn iter_create(link: &OwnedFd) -> Result<OwnedFd, Errno> {
    call(Request::IterCreate(IterCreate {
        link_fd: link.as_raw_fd(),
        ..IterCreate::default()
    }))
    .map(|(fd, _)| new_fd(fd))
}

/// Puts a link where it outlives its descriptor.
pub(crate) fn pin(fd: &OwnedFd, path: &CStr) -> Result<(), Errno> {
    call(Request::ObjPin(ObjPath {
        pathname: read_from(path.to_bytes_with_nul()),
        bpf_fd: fd.as_raw_fd(),
        ..ObjPath::default()
    }))
    .map(drop)
}

/// Where the kernel reads. Nothing for an empty slice.
fn read_from(bytes: &[u8]) -> Address {
    match bytes {
        [] => Address::default(),
        _ => Address(bytes.as_ptr().addr() as u64),
    }
}

/// Where the kernel writes, during the call this address is given to.
fn written_to(bytes: &mut [u8]) -> Address {
    match bytes {
        [] => Address::default(),
        _ => Address(bytes.as_mut_ptr().expose_provenance() as u64),
    }
}

fn new_fd(fd: i32) -> OwnedFd {
    // SAFETY: the callers pass what the kernel has just given them, which nobody else owns.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// The call itself: its result, and the attributes as the kernel left them.
fn call(request: Request) -> Result<(i32, Request), Errno> {
    let mut union = *request.attr().bytes();
    let command = request.command();
    // SAFETY: the kernel reads and writes the union's own bytes, whose number it is told, and what the
    // functions above made addresses of: slices alive and, if written to, exclusively borrowed until they
    // return, of the sizes that the attributes say; elements of maps have the sizes of `MapFd`, which are
    // those the map was made with.
    let result = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            libc::c_long::from(command.number()),
            union.as_mut_ptr(),
            union.len(),
        )
    };
    if result < 0 {
        let errno = std::io::Error::last_os_error().raw_os_error();
        return Err(Errno(errno.unwrap_or_default()));
    }
    let answered = Request::of(&Attr::new(command, &union));
    Ok((result as i32, answered))
}
