//! Programs that were shown to be safe, not alive yet.

use std::collections::BTreeMap;
use std::sync::Arc;

use osmia_diag::Diagnostic;
use osmia_isa::Endian;
use osmia_jit::NativeCode;
use osmia_program::{Fault, MapKind, MapSpec, Program, ProgramSet};
use osmia_user::{Proof, UserMap, UserProgram};
use osmia_verify::Facts;

use super::{Module, Sandbox};
use crate::engine;
use crate::resident::Resident;
use crate::{Error, Linked, verified};

/// Programs of an object, each with the proof that it is safe in one sandbox. Only
/// [`Sandbox::verify`] makes one.
pub struct Verified {
    sandbox: Sandbox,
    set: ProgramSet,
    proven: BTreeMap<String, Arc<Proof>>,
}

impl Verified {
    pub(super) fn new(sandbox: &Sandbox, linked: &Linked) -> Result<Self, Error> {
        linked.check_endian(Endian::NATIVE)?;
        let set = linked.set().clone();
        let (mut proven, mut reasons) = (BTreeMap::new(), Vec::new());
        for program in set.programs.iter().filter(|program| program.autoload) {
            let maps = verified::specs_of(&set, program);
            match sandbox.host().kernel().prove(program, maps) {
                Ok(proof) => drop(proven.insert(program.name.clone(), proof)),
                Err(why) => reasons.push(why.to_diagnostic(program).in_file(linked.file())),
            }
        }
        match reasons.is_empty() {
            true => Ok(Self {
                sandbox: sandbox.clone(),
                set,
                proven,
            }),
            false => Err(Error {
                fault: Fault::Input,
                diagnostics: reasons,
            }),
        }
    }

    /// The names of its programs.
    pub fn programs(&self) -> impl Iterator<Item = &str> {
        self.proven.keys().map(String::as_str)
    }

    /// Brings them to life: makes their maps, and machine code where there can be some.
    ///
    /// # Errors
    /// If a map breaks a rule of its kind, or memory is short.
    pub fn load(self) -> Result<Module, Error> {
        let names: Vec<&str> = self.proven.keys().map(String::as_str).collect();
        let host = self.sandbox.host();
        let load = |program: &Program, maps: &[UserMap]| {
            let proof = self.proof(&program.name);
            Ok(host.load_verified(proof.verified(), maps)?)
        };
        let resident = Resident::new(host, self.set.clone(), &names, load)?;
        let mut native = Compiled::default();
        let mut context_bytes = BTreeMap::new();
        for (name, program) in &resident.programs {
            let proof = self.proof(name);
            let facts = engine::facts(proof, self.sandbox.target())?;
            context_bytes.insert(name.clone(), facts.context_bytes());
            if !self.sandbox.is_interpreted() {
                native.add(program, proof, &facts);
            }
        }
        let notes = native.install(&self.set);
        Ok(Module::new(self.sandbox, resident, context_bytes, notes))
    }

    fn proof(&self, program: &str) -> &Proof {
        (self.proven.get(program)).expect("every program that is loaded was verified")
    }
}

/// Machine code of programs that can have some, and why others have none.
#[derive(Default)]
struct Compiled<'p> {
    programs: Vec<(&'p UserProgram, NativeCode)>,
    refusals: Vec<Diagnostic>,
}

impl<'p> Compiled<'p> {
    fn add(&mut self, program: &'p UserProgram, proof: &Proof, facts: &Facts<'_>) {
        match proof.compile(facts, program.code()) {
            Ok(native) => self.programs.push((program, native)),
            Err(why) => self.refusals.push(why.to_diagnostic()),
        }
    }

    /// Gives programs their native form and tells which have none. Those that may jump to each other
    /// have all one, or none.
    fn install(self, set: &ProgramSet) -> Vec<Diagnostic> {
        let jumps = |spec: &MapSpec| spec.kind == MapKind::ProgArray;
        if self.refusals.is_empty() || !set.maps.iter().any(jumps) {
            for (program, native) in self.programs {
                program.code().set_native(Box::new(native));
            }
        }
        self.refusals
    }
}

impl std::fmt::Debug for Verified {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.programs()).finish()
    }
}
