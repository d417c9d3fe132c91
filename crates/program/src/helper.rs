//! The helpers of Linux: one table by number, with everything the kernel's verifier asks of a call.
//!
//! Numbers and names are those of `enum bpf_func_id`, callers and licences those of Linux 6.18 (`cargo
//! xtask compare-helpers` asks the running kernel), argument and return classes those of the
//! prototypes in the kernel. What a helper does is not known here.

mod callers;
mod own;
mod table;

use crate::Hook;

pub use callers::Callers;
pub use own::{NotOwn, OWN_START};

/// Every helper; the position is the number.
pub static ALL: &[Helper] = &table::ALL;

/// A helper.
#[derive(Copy, Clone, Debug)]
pub struct Helper {
    /// Its number.
    pub id: u32,
    /// Its name as programs write it: `bpf_map_lookup_elem`.
    pub name: &'static str,
    /// Which programs may call it on Linux.
    pub callers: Callers,
    /// How most of them call it.
    pub prototype: Prototype,
    /// How the others do.
    pub variants: &'static [(Callers, Prototype)],
    /// Only for programs under a licence compatible with the GPL.
    pub gpl_only: bool,
    /// Those whose variant is for any licence.
    pub any_license: Callers,
    /// Only for programs that may sleep.
    pub sleeps: bool,
    /// Addresses into the packet from before the call are invalid after it.
    pub moves_packet: bool,
}

/// How a helper is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prototype {
    /// r1 to r5; registers behind them are not looked at.
    pub args: &'static [Arg],
    /// r0.
    pub returns: Returns,
}

/// What an argument must be.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Arg {
    /// Any number.
    Scalar,
    /// A map.
    Map,
    /// Bytes of the map's key size to read.
    MapKey,
    /// Bytes of the map's value size to read.
    MapValue,
    /// The same, or null for zeroes.
    MapValueOrNull,
    /// Room for a value of the map.
    MapValueOut,
    /// The context.
    Context,
    /// The context, or null.
    ContextOrNull,
    /// Bytes to read; the next argument is how many.
    Read,
    /// The same, or null with a size of 0.
    ReadOrNull,
    /// Room to write; the next argument is how many bytes.
    Write,
    /// The same, or null with a size of 0.
    WriteOrNull,
    /// Bytes to read and write; the next argument is how many.
    ReadWrite,
    /// How many bytes the argument before has, not 0.
    Size,
    /// How many bytes the argument before has.
    SizeOrZero,
    /// So many bytes to read.
    FixedRead(u32),
    /// Room for so many bytes, aligned to their number.
    FixedWrite(u32),
    /// So many bytes to read and write, aligned to their number.
    FixedReadWrite(u32),
    /// A constant: how many bytes the result has.
    AllocSize,
    /// A zero-terminated string in a read-only map.
    ConstString,
    /// A function of the program.
    Function,
    /// An address in the stack, or null.
    StackOrNull,
    /// A reservation in a ring buffer, which the call ends.
    Reservation,
    /// A `struct bpf_spin_lock` in a map value.
    SpinLock,
    /// A `struct bpf_timer` in a map value.
    Timer,
    /// A kernel pointer in a map value.
    Kptr,
    /// An object the program owns, which the call takes, or null.
    OwnedOrNull,
    /// A dynptr.
    Dynptr,
    /// Room for a new dynptr.
    DynptrOut,
    /// A dynptr of a ring buffer, whose reservation the call ends.
    DynptrEnd,
    /// A socket of any kind, given by a context, a helper or the kernel.
    Socket,
    /// The same, or null.
    SocketOrNull,
    /// A socket that the program owns, which the call takes.
    SocketRelease,
    /// A socket given by a context or a helper.
    SockCommon,
    /// A kernel structure of this name.
    Kernel(&'static str),
    /// The same, or null for no effect.
    KernelOrNull(&'static str),
    /// The address of a per-CPU variable.
    PerCpu,
}

/// What a helper returns.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Returns {
    /// Nothing of use.
    Void,
    /// A number.
    Scalar,
    /// The address of a map value.
    MapValue,
    /// The address of a map value, or null.
    MapValueOrNull,
    /// The address of a ring buffer reservation, or null.
    ReservationOrNull,
    /// The address of a dynptr's bytes, or null.
    DynptrMemoryOrNull,
    /// The address of a full socket, or null.
    SocketOrNull,
    /// The address of a socket of any kind, or null.
    SockCommonOrNull,
    /// The address of a `bpf_tcp_sock`, or null.
    TcpSocketOrNull,
    /// The address of a kernel structure of this name.
    Kernel(&'static str),
    /// The same, or null.
    KernelOrNull(&'static str),
    /// The address of a CPU's copy of a variable.
    PerCpu,
    /// The same, or null.
    PerCpuOrNull,
    /// An object that the program owns from now on, or null.
    OwnedOrNull,
}

impl Returns {
    /// True if the result is an address that may be null.
    pub const fn may_be_null(self) -> bool {
        match self {
            Returns::MapValueOrNull
            | Returns::ReservationOrNull
            | Returns::DynptrMemoryOrNull
            | Returns::SocketOrNull
            | Returns::SockCommonOrNull
            | Returns::TcpSocketOrNull
            | Returns::KernelOrNull(_)
            | Returns::PerCpuOrNull
            | Returns::OwnedOrNull => true,
            Returns::Void
            | Returns::Scalar
            | Returns::MapValue
            | Returns::Kernel(_)
            | Returns::PerCpu => false,
        }
    }
}

impl Prototype {
    const fn new(args: &'static [Arg], returns: Returns) -> Self {
        Self { args, returns }
    }
}

/// Why the kernel refuses a call, whatever the arguments are.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum HelperDenial {
    /// Not for programs of this type and attach type.
    Callers,
    /// Not for programs under this licence.
    License,
    /// Not for programs that do not sleep.
    Sleeps,
}

impl Helper {
    const fn new(
        id: u32,
        name: &'static str,
        callers: Callers,
        args: &'static [Arg],
        returns: Returns,
    ) -> Self {
        Self {
            id,
            name,
            callers,
            prototype: Prototype::new(args, returns),
            variants: &[],
            gpl_only: false,
            any_license: Callers::NONE,
            sleeps: false,
            moves_packet: false,
        }
    }

    const fn gpl(mut self) -> Self {
        self.gpl_only = true;
        self
    }

    const fn gpl_or_not(mut self, callers: Callers) -> Self {
        self.any_license = callers;
        self
    }

    const fn sleeps(mut self) -> Self {
        self.sleeps = true;
        self
    }

    const fn moves_packet(mut self) -> Self {
        self.moves_packet = true;
        self
    }

    const fn also(mut self, variants: &'static [(Callers, Prototype)]) -> Self {
        self.variants = variants;
        self
    }

    /// How programs of this hook call it.
    pub fn prototype_for(&self, hook: &Hook) -> &Prototype {
        let caller = Callers::of(hook);
        let variant = self.variants.iter().find(|(set, _)| set.meets(caller));
        variant.map_or(&self.prototype, |(_, prototype)| prototype)
    }

    /// Whether a program may call it at all. Programs that replace a function of another are judged
    /// by that one.
    ///
    /// # Errors
    /// The first reason why not.
    pub fn permits(&self, hook: &Hook, license: &str, sleepable: bool) -> Result<(), HelperDenial> {
        let caller = Callers::of(hook);
        if caller != Callers::NONE && !self.callers.meets(caller) {
            return Err(HelperDenial::Callers);
        }
        let reserved = self.gpl_only && !self.any_license.meets(caller);
        if reserved && !is_gpl_compatible(license) {
            return Err(HelperDenial::License);
        }
        if self.sleeps && !sleepable {
            return Err(HelperDenial::Sleeps);
        }
        Ok(())
    }
}

/// The licences that Linux takes as compatible with its own (`license_is_gpl_compatible`).
pub const GPL_LICENSES: &[&str] = &[
    "GPL",
    "GPL v2",
    "GPL and additional rights",
    "Dual BSD/GPL",
    "Dual MIT/GPL",
    "Dual MPL/GPL",
];

/// True if a program under this licence may call helpers reserved for the GPL's.
pub fn is_gpl_compatible(license: &str) -> bool {
    GPL_LICENSES.contains(&license)
}

/// The helper of this number.
pub fn by_id(id: u32) -> Option<&'static Helper> {
    ALL.get(id as usize)
}

/// The helper of this name, with or without `bpf_`.
pub fn by_name(name: &str) -> Option<&'static Helper> {
    let bare = name.strip_prefix("bpf_").unwrap_or(name);
    ALL.iter().find(|helper| &helper.name[4..] == bare)
}

#[cfg(test)]
mod tests;
