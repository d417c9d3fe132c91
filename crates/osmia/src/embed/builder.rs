//! What a sandbox is to be, said before it is made.

use osmia_user::{Clock, UserHost, UserOptions};
use osmia_vm::{Fault as HelperFault, HostCall, HostHelper};

use super::{Helper, Sandbox, misuse};
use crate::{Error, codes};

/// Describes a sandbox; [`Builder::build`] makes it.
///
/// ```
/// use osmia::embed::{Arg, Helper, Returns, Sandbox};
///
/// let fahrenheit = Helper::own(1000, "fahrenheit", &[Arg::Scalar], Returns::Scalar);
/// let sandbox = Sandbox::builder()
///     .cpus(4)
///     .helper(fahrenheit, |call| Ok(call.number(1) * 9 / 5 + 32))
///     .build()?;
/// # Ok::<(), osmia::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Builder {
    options: UserOptions,
    interpreted: bool,
}

impl Default for Builder {
    fn default() -> Self {
        let cpus = std::thread::available_parallelism().map_or(1, usize::from);
        Self::from(UserOptions {
            cpus: u32::try_from(cpus).unwrap_or(1),
            ..UserOptions::default()
        })
    }
}

impl From<UserOptions> for Builder {
    fn from(options: UserOptions) -> Self {
        Self {
            options,
            interpreted: false,
        }
    }
}

impl Builder {
    /// How many workers there can be at once, and copies of per-CPU values; by default as many as the
    /// machine has CPUs.
    #[must_use]
    pub fn cpus(mut self, cpus: u32) -> Self {
        self.options.cpus = cpus.max(1);
        self
    }

    /// Makes every run the same: random numbers come from the seed, the clock ticks by itself.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.options.seed = Some(seed);
        self
    }

    /// What programs see on the clock.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.options.clock = Some(clock);
        self
    }

    /// Runs programs in the interpreter, which checks every access and counts every instruction, also
    /// where there is machine code.
    #[must_use]
    pub fn interpreted(mut self) -> Self {
        self.interpreted = true;
        self
    }

    /// Gives programs a function of the application. They declare it by its number
    /// (`static long (*fahrenheit)(long) = (void *) 1000;`), and the verifier holds calls to the
    /// prototype: `function` sees what that allows. If it panics, the run ends with an error.
    #[must_use]
    pub fn helper(
        mut self,
        helper: Helper,
        function: impl Fn(&mut HostCall<'_>) -> Result<u64, HelperFault> + Send + Sync + 'static,
    ) -> Self {
        (self.options.helpers).push(HostHelper::new(helper, function));
        self
    }

    /// Makes the sandbox.
    ///
    /// # Errors
    /// If a helper cannot be one, two have the same number, or memory is short.
    pub fn build(self) -> Result<Sandbox, Error> {
        let helpers = &self.options.helpers;
        for (index, helper) in helpers.iter().enumerate() {
            let own = helper.helper();
            let refused = |why: &str| {
                let message = format!(
                    "helper `{}` ({}) cannot be offered: {why}",
                    own.name, own.id
                );
                misuse(codes::EMBED_HELPER, message)
            };
            own.check_own().map_err(|why| refused(&why.to_string()))?;
            let before = helpers[..index].iter().map(HostHelper::helper);
            if let Some(other) = { before }.find(|other| other.id == own.id) {
                return Err(refused(&format!("`{}` has its number", other.name)));
            }
        }
        let host = UserHost::new(self.options)?;
        Ok(Sandbox::new_on(host, self.interpreted))
    }
}
