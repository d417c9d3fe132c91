//! A compiled program, ready to run.

mod addresses;
mod demands;
mod template;
#[cfg(feature = "tier2")]
mod trial;
#[cfg(feature = "tier2")]
mod warm;

#[cfg(feature = "tier2")]
use std::time::Duration;

#[cfg(feature = "tier2")]
use osmia_program::TierTimes;
use osmia_vm::memory::Real;
use osmia_vm::{Code, Demands, Native, Running, Way};

use crate::Tiers;
use crate::lower::Lowered;
use crate::pages::{CodePages, Places};
use crate::refused::NotCompiled;
#[cfg(feature = "tier2")]
use crate::symbols::Symbols;
use crate::tier1::Compiled;
use addresses::Addresses;
pub use template::Template;
#[cfg(all(test, feature = "tier2"))]
pub(crate) use trial::keeps_first;

/// Native code of a verified program.
#[derive(Debug)]
pub struct NativeCode {
    memory: Real,
    demands: Demands,
    sealed: Sealed,
    /// Where functions are, by what programs know them by: those of tier 1.
    functions: Vec<(u64, u64)>,
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
    code_bytes: usize,
}

impl Sealed {
    fn new(tier: u8, bytes: &[u8], places: Places) -> Result<Self, NotCompiled> {
        let pages = CodePages::seal(bytes, places).map_err(|error| NotCompiled::Memory {
            bytes: bytes.len(),
            why: error.to_string(),
        })?;
        Ok(Self {
            tier,
            pages,
            code_bytes: bytes.len(),
        })
    }

    /// Tier 1, and where its functions are by what programs know them by.
    fn first(
        compiled: &Compiled,
        lowered: &Lowered,
        addresses: &Addresses,
    ) -> Result<(Self, Vec<(u64, u64)>), NotCompiled> {
        let bytes = compiled.with_addresses(|symbol| addresses.of(symbol));
        let sealed = Self::new(1, &bytes, compiled.places)?;
        let places = lowered.functions.iter().zip(&compiled.functions);
        let mut functions = Vec::new();
        for ((slot, known_by), (start, at)) in addresses.functions.iter().zip(places) {
            assert_eq!(slot, start, "every function is known by something");
            functions.push((*known_by, sealed.pages.address(*at)));
        }
        functions.sort_unstable();
        Ok((sealed, functions))
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
        Self::new(2, &compiled.bytes, compiled.places)
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
        let made = match tiers {
            Tiers::First | Tiers::Rising => {
                Sealed::first(&template::compile(&lowered)?, &lowered, &addresses)?
            }
            #[cfg(feature = "tier2")]
            Tiers::Second => (Sealed::second(&lowered, &addresses)?, Vec::new()),
        };
        let demands = demands::of(&lowered);
        Ok(Self::with(
            made,
            lowered,
            addresses,
            (memory, demands),
            tiers,
        ))
    }

    /// What was made of a lowered program, and where its functions are.
    fn with(
        (sealed, functions): (Sealed, Vec<(u64, u64)>),
        lowered: Lowered,
        addresses: Addresses,
        (memory, demands): (Real, Demands),
        tiers: Tiers,
    ) -> Self {
        #[cfg(feature = "tier2")]
        let warm = (tiers == Tiers::Rising)
            .then(|| std::sync::Arc::new(warm::Warm::new(lowered, addresses.clone())));
        #[cfg(not(feature = "tier2"))]
        drop((lowered, tiers));
        Self {
            memory,
            demands,
            sealed,
            functions,
            #[cfg(feature = "tier2")]
            warm,
            _addresses: addresses,
        }
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

    fn demands(&self) -> Demands {
        self.demands
    }

    fn way(&self) -> Way {
        #[cfg(feature = "tier2")]
        if let Some(warm) = &self.warm {
            return warm.way(&self.sealed);
        }
        Way {
            entry: self.sealed.pages.first(),
            runs: u32::MAX,
            measured: None,
        }
    }

    #[cfg(feature = "tier2")]
    fn took(&self, tier: u8, time: Duration) {
        if let Some(warm) = &self.warm {
            warm.took(tier, time);
        }
    }

    #[cfg(feature = "tier2")]
    fn tier_times(&self) -> Option<TierTimes> {
        self.warm.as_ref()?.times()
    }

    #[inline]
    fn enter(
        &self,
        running: &mut Running<'_>,
        frame_pointer: u64,
        function: u64,
        args: &[u64; 5],
    ) -> u64 {
        (self.now().pages).enter(running, frame_pointer, function, args)
    }

    fn entry(&self) -> u64 {
        #[cfg(feature = "tier2")]
        if let Some(warm) = &self.warm {
            warm.entered();
        }
        self.now().pages.entry()
    }

    fn tier(&self) -> u8 {
        self.now().tier
    }

    fn function(&self, known_by: u64) -> Option<u64> {
        // Those of tier 1, which stays: tier 2 has no calls back.
        let functions = &self.functions;
        let found = functions.binary_search_by_key(&known_by, |known| known.0);
        Some(functions[found.ok()?].1)
    }

    fn returned(&self) -> u64 {
        self.now().pages.returned()
    }
}
