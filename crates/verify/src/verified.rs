//! What verification yields: a program together with the reason why it is safe.

use std::sync::Arc;

use osmia_program::{MapSpec, Program, Target};

use crate::Options;
use crate::Trail;
use crate::certificate::Certificate;
use crate::checker::{self, Checked, Refusal};
use crate::facts::Seen;
use crate::reach::Reach;
use crate::shape::Shape;

/// A program that was accepted, with its certificate.
///
/// Only [`verify`](crate::verify) makes one, so whoever holds one need not ask whether the program is
/// safe. It cannot be put together elsewhere:
///
/// ```compile_fail,E0451
/// # fn forge(program: osmia_program::Program, certificate: osmia_verify::Certificate) {
/// let forged = osmia_verify::Verified { program, certificate };
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Verified {
    program: Program,
    shape: Arc<Shape>,
    certificate: Certificate,
    reach: Reach,
    /// What a check of the certificate saw, if there was one.
    seen: Option<Seen>,
}

impl Verified {
    pub(crate) fn new(
        program: &Program,
        shape: Arc<Shape>,
        certificate: Certificate,
        reach: Reach,
    ) -> Self {
        Self {
            program: program.clone(),
            shape,
            certificate,
            reach,
            seen: None,
        }
    }

    /// How far it looks into what whoever runs it lays out.
    pub fn reach(&self) -> Reach {
        self.reach
    }

    /// Checks the certificate and keeps what is seen.
    pub(crate) fn be_checked(
        &mut self,
        maps: &[MapSpec],
        target: &Target,
        options: &Options,
    ) -> Result<Checked, Refusal> {
        let (checked, seen) = self.look(maps, target, options)?;
        self.seen = Some(seen);
        Ok(checked)
    }

    /// Checks the certificate and says what is seen.
    pub(crate) fn look(
        &self,
        maps: &[MapSpec],
        target: &Target,
        options: &Options,
    ) -> Result<(Checked, Seen), Refusal> {
        Seen::check(&self.certificate, self.shaped(), maps, target, options)
    }

    /// The program with its shape.
    fn shaped(&self) -> (&Program, &Arc<Shape>) {
        (&self.program, &self.shape)
    }

    pub(crate) fn seen(&self) -> Option<&Seen> {
        self.seen.as_ref()
    }

    /// The program.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Why it is safe.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Checks the certificate again, for the maps, target and options it was made for.
    ///
    /// # Errors
    /// What the certificate fails to show: a mistake of ours.
    pub fn check(
        &self,
        maps: &[MapSpec],
        target: &Target,
        options: &Options,
    ) -> Result<Checked, Refusal> {
        checker::check(&self.certificate, self.shaped(), maps, target, options)
    }

    /// Every state the check walks through, to hold runs against; `None` if they are too many.
    ///
    /// # Errors
    /// As [`Verified::check`].
    pub fn trail(
        &self,
        maps: &[MapSpec],
        target: &Target,
        options: &Options,
        states_max: usize,
    ) -> Result<Option<Trail>, Refusal> {
        let certificate = &self.certificate;
        Trail::walk(
            certificate,
            self.shaped(),
            maps,
            target,
            options,
            states_max,
        )
    }
}
