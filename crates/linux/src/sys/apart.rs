//! Any call of bpf(2), with memory that the kernel cannot write behind.
//!
//! Callers name addresses of a [`CallMemory`]. The kernel gets those of a mapping of its own that holds a copy,
//! with a page behind it that nobody may touch: what the kernel writes, it writes from an address on without
//! a gap, so it ends there whatever sizes it goes by. Words that the kernel takes for addresses and that are
//! none of the call memory's are refused.

use std::os::fd::{FromRawFd, OwnedFd};

use memmap2::MmapMut;
use osmia_program::Errno;
use osmia_program::attr::{Address, Attr, CallMemory, Command, InfoLayout, Request, Role, layout};

/// Below this nothing of ours is mapped: what lies there is a small number, read as an address by mistake.
const LOWEST_ADDRESS: u64 = 1 << 16;

/// A copy of a call's memory that the kernel is given.
pub(crate) struct Apart {
    mapping: MmapMut,
    bytes: usize,
}

/// What a call answered.
pub(crate) struct Answer {
    pub(crate) number: u32,
}

impl Answer {
    /// As the descriptor that it is: for commands that make one.
    pub(crate) fn into_fd(self) -> OwnedFd {
        // SAFETY: the callers ask for it where the kernel has just given a descriptor, which nobody else owns;
        // an answer can be asked once.
        unsafe { OwnedFd::from_raw_fd(self.number as i32) }
    }
}

/// A word that holds an address of the call's memory.
struct Link {
    at: usize,
    was: [u8; 8],
}

impl Apart {
    /// A copy of this memory.
    pub(crate) fn of(memory: &CallMemory) -> Result<Self, Errno> {
        let page = rustix::param::page_size();
        let bytes = memory.bytes().len();
        let usable = bytes.next_multiple_of(page);
        let mapping = MmapMut::map_anon(usable + page).map_err(|_| Errno::ENOMEM)?;
        // SAFETY: the page lies in the mapping, behind what is read and written through it below, so no
        // reference to it is ever made.
        let guarded = unsafe {
            let behind = mapping.as_ptr().add(usable).cast_mut();
            libc::mprotect(behind.cast(), page, libc::PROT_NONE)
        };
        if guarded != 0 {
            return Err(Errno::ENOMEM);
        }
        let mut apart = Self { mapping, bytes };
        apart.mapping[..bytes].copy_from_slice(memory.bytes());
        Ok(apart)
    }

    /// Copies what the kernel left there.
    pub(crate) fn give_back(&self, memory: &mut CallMemory) {
        let bytes = self.bytes;
        memory.bytes_mut().copy_from_slice(&self.mapping[..bytes]);
    }

    /// Makes the call. `told` is the structure that is behind the address of `BPF_OBJ_GET_INFO_BY_FD`: the one for the
    /// kind of object that its descriptor leads to.
    pub(crate) fn call(
        &mut self,
        memory: &CallMemory,
        request: &mut Request,
        told: Option<&'static InfoLayout>,
    ) -> Result<Answer, Errno> {
        let command = request.command();
        let mut union = *request.attr().bytes();
        let links = self.link_attributes(memory, command, &mut union)?;
        let inner = match (&*request, told) {
            (Request::ObjGetInfoByFd(asked), Some(told)) => {
                self.link_info(memory, asked.info, asked.info_len, told)?
            }
            _ => Vec::new(),
        };
        // SAFETY: the kernel reads and writes the union's own bytes, whose number it is told, and what addresses
        // in it lead to: those it writes to lie in the mapping, which is borrowed for the call, or nothing
        // is mapped there (`link_attributes`, `link_info`); from them it goes on without a gap up to the page
        // behind the mapping at most.
        let result = unsafe {
            libc::syscall(
                libc::SYS_bpf,
                libc::c_long::from(command.number()),
                union.as_mut_ptr(),
                union.len(),
            )
        };
        let errno = std::io::Error::last_os_error().raw_os_error();
        for link in links {
            union[link.at..link.at + 8].copy_from_slice(&link.was);
        }
        for link in inner {
            self.mapping[link.at..link.at + 8].copy_from_slice(&link.was);
        }
        *request = Request::of(&Attr::new(command, &union));
        match u32::try_from(result) {
            Ok(number) => Ok(Answer { number }),
            Err(_) => Err(Errno(errno.unwrap_or_default())),
        }
    }

    /// Puts the mapping's addresses into attributes.
    fn link_attributes(
        &self,
        memory: &CallMemory,
        command: Command,
        union: &mut [u8],
    ) -> Result<Vec<Link>, Errno> {
        let mut links = Vec::new();
        let mut last = None;
        for field in layout(command).fields {
            if field.role != Role::Pointer || last == Some(field.offset) {
                continue;
            }
            last = Some(field.offset);
            let place: &mut [u8] = &mut union[field.offset..field.offset + 8];
            let word = word(place);
            if let Some(real) = self.real(memory, word) {
                links.push(link(field.offset, place, real));
            } else if word >= LOWEST_ADDRESS && command != Command::LinkCreate {
                // Links are made of what the kernel reads; which words are addresses depends on the program.
                return Err(Errno::EFAULT);
            }
        }
        Ok(links)
    }

    /// Puts the mapping's addresses into a structure that tells about an object.
    fn link_info(
        &mut self,
        memory: &CallMemory,
        info: Address,
        bytes: u32,
        told: &'static InfoLayout,
    ) -> Result<Vec<Link>, Errno> {
        let start = memory.offset(info).ok_or(Errno::EFAULT)?;
        let mut links: Vec<Link> = Vec::new();
        for field in told.fields {
            let at = start + field.offset;
            let is_known = links.iter().any(|link| link.at == at);
            if field.role != Role::Pointer || is_known || field.offset + 8 > bytes as usize {
                continue;
            }
            if at + 8 > self.bytes {
                return Err(Errno::EFAULT);
            }
            let word = word(&self.mapping[at..at + 8]);
            if let Some(real) = self.real(memory, word) {
                links.push(link(at, &mut self.mapping[at..at + 8], real));
            } else if word >= LOWEST_ADDRESS {
                return Err(Errno::EFAULT);
            }
        }
        Ok(links)
    }

    /// Where in the mapping an address of the call's memory leads.
    fn real(&self, memory: &CallMemory, word: u64) -> Option<u64> {
        let offset = memory.offset(Address(word))?;
        Some(self.mapping.as_ptr().expose_provenance() as u64 + offset as u64)
    }
}

fn word(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(bytes);
    u64::from_ne_bytes(word)
}

fn link(at: usize, place: &mut [u8], real: u64) -> Link {
    let mut was = [0; 8];
    was.copy_from_slice(place);
    place.copy_from_slice(&real.to_ne_bytes());
    Link { at, was }
}
