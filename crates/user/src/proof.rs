//! Programs that were shown to be safe, with what they are safe with.

use std::sync::OnceLock;

use osmia_jit::{NativeCode, NotCompiled, Template};
use osmia_program::{MapSpec, Program, ProgramFlags, Target};
use osmia_verify::{Facts, Options, Refusal, Replaced, Stats, Verified};
use osmia_vm::Code;

/// A program that was accepted, with what it was accepted for.
#[derive(Debug)]
pub struct Proof {
    verified: Verified,
    maps: Vec<MapSpec>,
    options: Options,
    stats: Stats,
    /// Its machine code for maps like those, once it was made.
    template: OnceLock<Template>,
}

/// How a program wants to be verified.
pub(crate) fn options(program: &Program, replaces: Option<Replaced>) -> Options {
    Options {
        replaces,
        keep_every_state: program.flags.has(ProgramFlags::TEST_STATE_FREQ),
        ..Options::default()
    }
}

impl Proof {
    pub(crate) fn new(
        verified: Verified,
        maps: Vec<MapSpec>,
        options: Options,
        stats: Stats,
    ) -> Self {
        Self {
            verified,
            maps,
            options,
            stats,
            template: OnceLock::new(),
        }
    }

    /// What it is a proof of.
    pub fn verified(&self) -> &Verified {
        &self.verified
    }

    /// The maps it was accepted with.
    pub(crate) fn maps(&self) -> &[MapSpec] {
        &self.maps
    }

    /// What the verifier did for it.
    pub(crate) fn stats(&self) -> Stats {
        self.stats
    }

    /// What code generation builds on.
    ///
    /// # Errors
    /// If the certificate does not hold: a mistake of ours.
    pub fn facts(&self, target: &Target) -> Result<Facts<'_>, Refusal> {
        self.verified.facts(&self.maps, target, &self.options)
    }

    /// Its machine code, made from these facts of it unless another load had some made that fits.
    ///
    /// # Errors
    /// If the compiler does not take it, or memory is short.
    pub fn compile(&self, facts: &Facts<'_>, code: &Code) -> Result<NativeCode, NotCompiled> {
        let known = self.template.get().and_then(|known| known.native(code));
        if let Some(native) = known {
            return native;
        }
        let (native, template) = Template::make(facts, code)?;
        if let Some(template) = template {
            // Another load may have been faster.
            let _ = self.template.set(template);
        }
        Ok(native)
    }
}
