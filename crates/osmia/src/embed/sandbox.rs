//! The place: what programs of an application share, and nothing else has.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use osmia_object::LinkOptions;
use osmia_program::{Fault, Host, Target};
use osmia_user::UserHost;

use super::{Builder, Module, Verified, Worker, misuse};
use crate::{Error, Linked, Object, codes};

/// A place programs are loaded and run, of an application's own. Handles to the same one are cheap to
/// clone; what is loaded lives until the last handle to it is dropped.
#[derive(Clone, Debug)]
pub struct Sandbox {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    host: UserHost,
    interpreted: bool,
    /// CPUs that workers have.
    taken: Mutex<BTreeSet<u32>>,
}

/// A CPU that nobody else has, until it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    sandbox: Sandbox,
    cpu: u32,
}

impl Sandbox {
    /// One with the defaults of [`Sandbox::builder`].
    ///
    /// # Errors
    /// If memory is short.
    pub fn new() -> Result<Self, Error> {
        Self::builder().build()
    }

    /// Says what it is to be.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(super) fn new_on(host: UserHost, interpreted: bool) -> Self {
        Self {
            shared: Arc::new(Shared {
                host,
                interpreted,
                taken: Mutex::default(),
            }),
        }
    }

    /// What programs are linked and verified for.
    pub fn target(&self) -> &Target {
        self.shared.host.target()
    }

    /// Links an object, with its own programs and values of variables; `LinkOptions::default()` for all
    /// as they are.
    ///
    /// # Errors
    /// Everything that is wrong with the programs, or with the options.
    pub fn link(&self, object: &Object, options: &LinkOptions) -> Result<Linked, Error> {
        object.link(self.target(), options)
    }

    /// Verifies everything that would be loaded: the programs are safe whatever their input is.
    ///
    /// # Errors
    /// One diagnostic for each program that is not.
    pub fn verify(&self, linked: &Linked) -> Result<Verified, Error> {
        Verified::new(self, linked)
    }

    /// Links, verifies and loads an object as it is.
    ///
    /// # Errors
    /// Those of each step.
    pub fn load(&self, object: &Object) -> Result<Module, Error> {
        self.verify(&self.link(object, &LinkOptions::default())?)?
            .load()
    }

    /// One more CPU to run programs on; there are as many as [`Builder::cpus`] says.
    ///
    /// # Errors
    /// If every CPU has its worker, or memory is short.
    pub fn worker(&self) -> Result<Worker, Error> {
        let seat = self.seat()?;
        let machine = self.host().kernel().new_machine(seat.cpu)?;
        Ok(Worker::new(machine, seat))
    }

    fn seat(&self) -> Result<Seat, Error> {
        let cpus = self.target().cpus;
        let mut taken = self.taken();
        let Some(cpu) = (0..cpus).find(|cpu| !taken.contains(cpu)) else {
            let message = format!("every CPU of the sandbox ({cpus}) has its worker");
            let mut error = misuse(codes::EMBED_WORKER, message);
            error.fault = Fault::Unsupported;
            return Err(error);
        };
        taken.insert(cpu);
        let sandbox = self.clone();
        Ok(Seat { sandbox, cpu })
    }

    fn taken(&self) -> std::sync::MutexGuard<'_, BTreeSet<u32>> {
        (self.shared.taken.lock()).unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn host(&self) -> &UserHost {
        &self.shared.host
    }

    pub(super) fn is_interpreted(&self) -> bool {
        self.shared.interpreted
    }

    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

impl Seat {
    pub(super) fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    pub(super) fn cpu(&self) -> u32 {
        self.cpu
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.sandbox.taken().remove(&self.cpu);
    }
}
