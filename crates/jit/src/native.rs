//! A compiled program, ready to run.

mod addresses;
#[cfg(feature = "tier2")]
mod warm;

use osmia_vm::memory::Real;
use osmia_vm::{Code, Machine, Native};

use crate::Tiers;
use crate::lower::Lowered;
use crate::pages::CodePages;
use crate::refused::NotCompiled;
use crate::symbols::Symbols;
use crate::tier1;
use addresses::Addresses;

/// Native code of a verified program.
#[derive(Debug)]
pub struct NativeCode {
    memory: Real,
    context_bytes: usize,
    sealed: Sealed,
    /// What becomes of it if it runs often.
    #[cfg(feature = "tier2")]
    warm: Option<std::sync::Arc<warm::Warm>>,
    /// Machine code has addresses of what these hold.
    _addresses: Addresses,
}

/// Machine code of one tier, where it can run.
#[derive(Debug)]
struct Sealed {
    tier: u8,
    pages: CodePages,
    /// Where the program begins.
    entry: u64,
    code_bytes: usize,
    stack_bytes: usize,
}

impl Sealed {
    fn new(
        tier: u8,
        bytes: &[u8],
        enter: usize,
        entry: usize,
        stack_bytes: usize,
    ) -> Result<Self, NotCompiled> {
        let pages = CodePages::seal(bytes, enter).map_err(|error| NotCompiled::Memory {
            bytes: bytes.len(),
            why: error.to_string(),
        })?;
        Ok(Self {
            tier,
            entry: pages.address(entry),
            pages,
            code_bytes: bytes.len(),
            stack_bytes,
        })
    }

    fn first(lowered: &Lowered, addresses: &Addresses) -> Result<Self, NotCompiled> {
        let address = |symbol| addresses.of(symbol);
        let symbols = Symbols {
            maps: &lowered.maps,
            addresses: &address,
        };
        let compiled = tier1::compile(lowered, &symbols);
        let (enter, entry) = (compiled.enter, compiled.functions[0]);
        Self::new(1, &compiled.bytes, enter, entry, lowered.stack_bytes())
    }

    #[cfg(feature = "tier2")]
    fn second(lowered: &Lowered, addresses: &Addresses) -> Result<Self, NotCompiled> {
        let address = |symbol| addresses.of(symbol);
        let symbols = Symbols {
            maps: &lowered.maps,
            addresses: &address,
        };
        let why = |why: crate::tier2::NotOptimised| NotCompiled::Optimiser {
            program: lowered.program.name.clone(),
            why: why.to_string(),
        };
        let compiled = crate::tier2::compile(lowered, &symbols).map_err(why)?;
        let (enter, entry) = (compiled.enter, compiled.entry);
        Self::new(2, &compiled.bytes, enter, entry, lowered.stack_bytes())
    }
}

impl NativeCode {
    /// Compiles and seals a lowered program. `memory` is the proof that it is verified.
    pub(crate) fn new(
        lowered: Lowered,
        code: &Code,
        memory: Real,
        tiers: Tiers,
    ) -> Result<Self, NotCompiled> {
        let addresses = Addresses::new(&lowered, code);
        let sealed = match tiers {
            Tiers::First | Tiers::Rising => Sealed::first(&lowered, &addresses)?,
            #[cfg(feature = "tier2")]
            Tiers::Second => Sealed::second(&lowered, &addresses)?,
        };
        Ok(Self {
            memory,
            context_bytes: lowered.context_bytes,
            sealed,
            #[cfg(feature = "tier2")]
            warm: (tiers == Tiers::Rising)
                .then(|| std::sync::Arc::new(warm::Warm::new(lowered, addresses.clone()))),
            _addresses: addresses,
        })
    }

    /// What runs now.
    #[inline]
    fn now(&self) -> &Sealed {
        #[cfg(feature = "tier2")]
        if let Some(hot) = self.warm.as_ref().and_then(|warm| warm.hot()) {
            return hot;
        }
        &self.sealed
    }

    /// Bytes of machine code.
    pub fn code_bytes(&self) -> usize {
        self.now().code_bytes
    }
}

impl Native for NativeCode {
    fn memory(&self) -> Real {
        self.memory
    }

    fn stack_bytes(&self) -> usize {
        self.now().stack_bytes
    }

    fn context_bytes(&self) -> usize {
        self.context_bytes
    }

    fn enter(&self, machine: &mut Machine, frame_pointer: u64, args: &[u64; 5]) -> u64 {
        #[cfg(feature = "tier2")]
        if let Some(warm) = &self.warm {
            warm.count();
        }
        let now = self.now();
        (now.pages).enter(machine, frame_pointer, now.entry, args)
    }

    fn entry(&self) -> u64 {
        self.now().entry
    }

    fn tier(&self) -> u8 {
        self.now().tier
    }
}
