//! Helpers of the application that embeds the machine, with prototypes that verification holds
//! programs to.
//!
//! What the application writes is safe code. It gets at the program's memory through [`HostCall`]
//! only, which never goes beyond what the prototype says: native code has no other bounds.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use osmia_program::helper::{Arg, Helper};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::guest::{Call, Fault, Guest};

/// What a helper of the application does.
type Function = dyn Fn(&mut HostCall<'_>) -> Result<u64, Fault> + Send + Sync;

/// A helper of the application.
#[derive(Clone)]
pub struct HostHelper {
    helper: Helper,
    function: Arc<Function>,
}

impl HostHelper {
    /// A helper with a prototype; [`Helper::check_own`] is the caller's to ask.
    pub fn new(
        helper: Helper,
        function: impl Fn(&mut HostCall<'_>) -> Result<u64, Fault> + Send + Sync + 'static,
    ) -> Self {
        Self {
            helper,
            function: Arc::new(function),
        }
    }

    /// Its number, name and prototype.
    pub fn helper(&self) -> &Helper {
        &self.helper
    }

    /// Calls it. If it panics the program ends, and nothing else.
    pub(crate) fn call<G: Guest>(&self, call: &mut Call<'_, G>) -> Result<u64, Fault> {
        let mut call = HostCall {
            args: call.args,
            helper: &self.helper,
            memory: &mut Reach(&mut *call.guest),
        };
        let call = || (self.function)(&mut call);
        // A run that ends here is forgotten; what the application shares with its helper is its own.
        catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| {
            let what = format!("panicked: {}", message(&*panic));
            Err(Fault::Misuse { what })
        })
    }
}

impl std::fmt::Debug for HostHelper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HostHelper({} {})", self.helper.id, self.helper.name)
    }
}

/// What a panic says.
fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

/// The program's memory, whatever the engine.
trait Memory {
    fn read(&self, address: u64, out: &mut [u8]) -> bool;
    fn write(&mut self, address: u64, bytes: &[u8]) -> bool;
}

struct Reach<'a, G>(&'a mut G);

impl<G: Guest> Memory for Reach<'_, G> {
    fn read(&self, address: u64, out: &mut [u8]) -> bool {
        self.0.read(address, out)
    }

    fn write(&mut self, address: u64, bytes: &[u8]) -> bool {
        self.0.write(address, bytes)
    }
}

/// One call of an application's helper. Arguments count from 1, as their registers do; asking for one
/// that the prototype does not have is a mistake of the application's, and panics.
pub struct HostCall<'a> {
    args: [u64; 5],
    helper: &'a Helper,
    memory: &'a mut dyn Memory,
}

impl HostCall<'_> {
    /// What the program passes as an argument: a number, or how long the memory before it is.
    pub fn number(&self, argument: usize) -> u64 {
        match self.arg(argument) {
            Arg::Scalar | Arg::Size | Arg::SizeOrZero => self.args[argument - 1],
            _ => panic!("argument {argument} of {} is memory", self.helper.name),
        }
    }

    /// Bytes that an argument points to: as many as the prototype or the next argument says.
    pub fn len(&self, argument: usize) -> usize {
        match self.arg(argument) {
            Arg::FixedRead(bytes) | Arg::FixedWrite(bytes) | Arg::FixedReadWrite(bytes) => {
                bytes as usize
            }
            arg if arg.has_size() => self.args[argument] as usize,
            _ => panic!("argument {argument} of {} is a number", self.helper.name),
        }
    }

    /// True if there is nothing where an argument points.
    pub fn is_empty(&self, argument: usize) -> bool {
        self.len(argument) == 0
    }

    /// Fills `out` from where an argument points.
    ///
    /// # Errors
    /// If there are fewer bytes.
    pub fn read(&self, argument: usize, out: &mut [u8]) -> Result<(), Fault> {
        self.check(argument, "read", out.len(), Arg::is_read)?;
        let address = self.args[argument - 1];
        match self.memory.read(address, out) {
            true => Ok(()),
            false => Err(denied(argument, address, out.len(), false)),
        }
    }

    /// Writes to where an argument points.
    ///
    /// # Errors
    /// If there is room for fewer bytes.
    pub fn write(&mut self, argument: usize, bytes: &[u8]) -> Result<(), Fault> {
        self.check(argument, "written", bytes.len(), Arg::is_written)?;
        let address = self.args[argument - 1];
        match self.memory.write(address, bytes) {
            true => Ok(()),
            false => Err(denied(argument, address, bytes.len(), true)),
        }
    }

    /// The value an argument points to.
    ///
    /// # Errors
    /// If there are fewer bytes.
    pub fn get<T: FromBytes + IntoBytes>(&self, argument: usize) -> Result<T, Fault> {
        let mut value = T::new_zeroed();
        self.read(argument, value.as_mut_bytes())?;
        Ok(value)
    }

    /// Sets the value an argument points to.
    ///
    /// # Errors
    /// If there is room for fewer bytes.
    pub fn put<T: IntoBytes + Immutable>(
        &mut self,
        argument: usize,
        value: &T,
    ) -> Result<(), Fault> {
        self.write(argument, value.as_bytes())
    }

    /// What to return to end the program, with the reason as a phrase that follows the helper's name.
    pub fn refuse(&self, what: impl Into<String>) -> Fault {
        Fault::Misuse { what: what.into() }
    }

    fn arg(&self, argument: usize) -> Arg {
        let arg = argument
            .checked_sub(1)
            .and_then(|index| self.helper.prototype.args.get(index));
        *arg.unwrap_or_else(|| panic!("{} has no argument {argument}", self.helper.name))
    }

    fn check(
        &self,
        argument: usize,
        verb: &str,
        bytes: usize,
        allows: fn(Arg) -> bool,
    ) -> Result<(), Fault> {
        let name = self.helper.name;
        let allowed = allows(self.arg(argument));
        assert!(allowed, "argument {argument} of {name} cannot be {verb}");
        let len = self.len(argument);
        if bytes <= len {
            return Ok(());
        }
        let what = format!("asks for {bytes} bytes of argument {argument}, which has {len}");
        Err(Fault::Misuse { what })
    }
}

impl std::fmt::Debug for HostCall<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HostCall({} {:x?})", self.helper.name, self.args)
    }
}

fn denied(argument: usize, address: u64, bytes: usize, write: bool) -> Fault {
    Fault::Access {
        argument,
        address,
        bytes: bytes as u64,
        write,
    }
}
