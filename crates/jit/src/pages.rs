//! Machine code where it can run, and the ways into it and out of it.
//!
//! Pages are written, then sealed: never writable and executable at once. This is the one module of
//! the crate with `unsafe`, and what it argues with is that only [`crate::compile`] makes
//! [`CodePages`], from a program that is verified.
#![allow(unsafe_code)]

use std::panic::{AssertUnwindSafe, catch_unwind};

use memmap2::{Mmap, MmapMut};
use osmia_verify::Facts;
use osmia_vm::map::Map;
use osmia_vm::map_call::{MapCall, MapFunction};
use osmia_vm::memory::Real;
use osmia_vm::{Entry, Leaf, NativeHelper, Running};

/// Machine code of one program, sealed.
#[derive(Debug)]
pub(crate) struct CodePages {
    pages: Mmap,
    places: Places,
}

/// Where the ways in are in machine code.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Places {
    /// Runs a program from outside: an [`Entry`].
    pub(crate) first: usize,
    /// Runs any function from outside: an [`Enter`].
    pub(crate) enter: usize,
    /// Where the program begins for those who are inside.
    pub(crate) entry: usize,
    /// The stub that returns what a tail call came to.
    pub(crate) returned: usize,
}

/// What `tier1` makes the entry from outside for any function: what the machine keeps of the run, frame pointer,
/// function, arguments.
type Enter = extern "C" fn(u64, u64, u64, *const [u64; 5]) -> u64;

impl CodePages {
    /// Seals the code.
    ///
    /// # Errors
    /// If there are no pages to be had.
    pub(crate) fn seal(code: &[u8], places: Places) -> std::io::Result<Self> {
        let Places {
            first,
            enter,
            entry,
            returned,
        } = places;
        let last = first.max(enter).max(entry).max(returned);
        assert!(last < code.len(), "the ways in lie in the code");
        let mut pages = MmapMut::map_anon(code.len())?;
        pages.copy_from_slice(code);
        let pages = pages.make_exec()?;
        #[cfg(target_arch = "aarch64")]
        fetch_anew(&pages);
        Ok(Self { pages, places })
    }

    /// Where a function is that begins so far from the start.
    pub(crate) fn address(&self, function: usize) -> u64 {
        assert!(function < self.pages.len(), "functions lie in the code");
        self.pages[function..].as_ptr().addr() as u64
    }

    /// Where the program begins for those who are inside.
    pub(crate) fn entry(&self) -> u64 {
        self.address(self.places.entry)
    }

    /// Where the stub is that returns what a tail call came to.
    pub(crate) fn returned(&self) -> u64 {
        self.address(self.places.returned)
    }

    /// The program as a function; only to be called while these pages are there.
    pub(crate) fn first(&self) -> Entry {
        let first = self.pages[self.places.first..].as_ptr();
        // SAFETY: at this place the compilers put a function of this type, in pages that are executable and
        // not written any more. The machine that calls it keeps the code that has the pages.
        unsafe { std::mem::transmute::<*const u8, Entry>(first) }
    }

    /// Runs a function.
    pub(crate) fn enter(
        &self,
        running: &mut Running<'_>,
        frame_pointer: u64,
        function: u64,
        args: &[u64; 5],
    ) -> u64 {
        let entry = self.pages[self.places.enter..].as_ptr();
        // SAFETY: at this place `tier1::enter` put a function of this type, in pages that are executable
        // and not written any more.
        let entry = unsafe { std::mem::transmute::<*const u8, Enter>(entry) };
        entry(running.head(), frame_pointer, function, args)
    }
}

/// Has what is fetched from here on be what was written: on arm64 instructions and data are kept apart.
#[cfg(target_arch = "aarch64")]
fn fetch_anew(code: &[u8]) {
    use std::arch::asm;

    let lines: u64;
    // SAFETY: reads the sizes of cache lines, which programs may.
    unsafe { asm!("mrs {}, ctr_el0", out(reg) lines, options(nomem, nostack)) };
    let [fetched, written] = [lines & 15, lines >> 16 & 15].map(|words| 4_usize << words);
    let range = code.as_ptr_range();
    let each = |bytes: usize| {
        let start = range.start.addr() & !(bytes - 1);
        (start..range.end.addr()).step_by(bytes)
    };
    for line in each(written) {
        // SAFETY: hands on a line of these pages, which stay what they are.
        unsafe { asm!("dc cvau, {}", in(reg) line, options(nostack)) };
    }
    // SAFETY: waits for that.
    unsafe { asm!("dsb ish", options(nostack)) };
    for line in each(fetched) {
        // SAFETY: forgets a line of these pages where instructions are kept.
        unsafe { asm!("ic ivau, {}", in(reg) line, options(nostack)) };
    }
    // SAFETY: waits for that, and fetches anew.
    unsafe { asm!("dsb ish", "isb", options(nostack)) };
    let each_thread = [
        libc::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE,
        libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE,
    ];
    for command in each_thread {
        // SAFETY: has other threads fetch anew, too, and touches no memory. Kernels before 4.16 do not know how;
        // there threads do so when they next come out of the kernel.
        unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) };
    }
}

/// What native code calls for helpers: arguments in order, then what it was entered with.
pub(crate) extern "C" fn call_helper(
    a1: u64,
    a2: u64,
    a3: u64,
    a4: u64,
    a5: u64,
    running: *mut Running<'_>,
) -> u64 {
    // SAFETY: native code passes what `enter` got as an exclusive borrow, which it holds until it
    // returns; nothing else uses that borrow while native code runs.
    let running = unsafe { &mut *running };
    // SAFETY: native code stores the address of one of its program's helpers before each call; they live
    // as long as the code does.
    let helper = unsafe { &*(running.asked_helper() as *const NativeHelper) };
    let args = [a1, a2, a3, a4, a5];
    let call = || running.call_helper(helper, args);
    // Unwinding into native code is not possible.
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(value) => value,
        Err(_) => running.helper_panicked(helper.name()),
    }
}

/// The address of what native code calls for a helper that only looks.
pub(crate) fn look(leaf: Leaf) -> u64 {
    macro_rules! functions {
        ($($leaf:ident),+) => {
            match leaf {
                $(Leaf::$leaf => {
                    extern "C" fn look(running: *mut Running<'_>) -> u64 {
                        // SAFETY: as in `call_helper`.
                        let running = unsafe { &mut *running };
                        running.look(Leaf::$leaf)
                    }
                    look as *const () as u64
                })+
            }
        };
    }
    functions!(Time, Jiffies, Random, Cpu, Node, Process, User)
}

/// What native code calls for an operation on a map: the map, its arguments, then what
/// it was entered with.
pub(crate) extern "C" fn call_map<F: MapFunction>(
    map: *const Map,
    a2: u64,
    a3: u64,
    a4: u64,
    _a5: u64,
    running: *mut Running<'_>,
) -> u64 {
    // SAFETY: native code passes a map of its program, which the code keeps alive.
    let map = unsafe { &*map };
    // SAFETY: as in `call_helper`.
    let running = unsafe { &mut *running };
    let call = MapCall {
        map,
        // SAFETY: only code of verified programs gets here.
        real: unsafe { Real::of_verified() },
        args: [a2, a3, a4],
        cpu: running.cpu(),
    };
    // Unwinding into native code is not possible.
    match catch_unwind(AssertUnwindSafe(|| F::call(&call))) {
        Ok(value) => value,
        Err(_) => running.helper_panicked(F::OPERATION.name()),
    }
}

/// What native code calls for loads, stores and atomics that are not single instructions: where, what to
/// store, which, and what is in `r0`.
pub(crate) extern "C" fn far(
    address: u64,
    value: u64,
    number: u32,
    compared: u64,
    _a5: u64,
    running: *mut Running<'_>,
) -> u64 {
    // SAFETY: as in `call_helper`.
    let running = unsafe { &mut *running };
    let far = || running.far(number, address, value, compared);
    match catch_unwind(AssertUnwindSafe(far)) {
        Ok(value) => value,
        Err(_) => running.helper_panicked("a load or store"),
    }
}

/// What native code calls to find where a tail call goes to.
pub(crate) extern "C" fn tail_call(
    _context: u64,
    handle: u64,
    index: u64,
    _a4: u64,
    _a5: u64,
    running: *mut Running<'_>,
) -> u64 {
    // SAFETY: as in `call_helper`.
    let running = unsafe { &mut *running };
    // Programs say which slot in 32 bits.
    let target = || running.tail_target(handle, index as u32);
    match catch_unwind(AssertUnwindSafe(target)) {
        Ok(target) => target,
        Err(_) => running.helper_panicked("bpf_tail_call"),
    }
}

/// The right to real addresses that a verified program has.
pub(crate) fn vouch(_verified: &Facts<'_>) -> Real {
    // SAFETY: facts are those of a verified program, and `compile` saw to it that the program runs with
    // maps like those it was verified for. Context, packet and stack are the machine's, which gives
    // them as the verifier's tables say.
    unsafe { Real::of_verified() }
}

/// The right to real addresses, for programs written for tests: whoever writes them sees to it that they
/// are right.
#[cfg(test)]
pub(crate) fn vouch_for_test() -> Real {
    // SAFETY: tests of this crate run programs that touch their own context, stack and maps only.
    unsafe { Real::of_verified() }
}
