//! Programs judged by the verifier, before any host sees them.

use std::time::Instant;

use osmia_diag::Diagnostic;
use osmia_program::{MapSpec, Privilege, Program, ProgramFlags, ProgramSet, Target};
use osmia_verify::explain::{Explanation, Seen, explain};
use osmia_verify::{Reject, verify_and_trace, verify_and_watch};
use serde::Serialize;

use crate::watched::{self, KnownAt, LineHeat, Watching};
use crate::{Error, Linked};

/// What the verifier made of one program.
#[derive(Clone, Debug, Serialize)]
pub struct Judged {
    /// Its name.
    pub program: String,
    /// Whether it is safe by Linux's rules.
    pub accepted: bool,
    /// False if the verifier does not know something the program uses: then there is no verdict.
    pub judged: bool,
    /// Instructions visited, again and again.
    pub insns_visited: usize,
    /// States kept.
    pub states: usize,
    /// Time it took.
    pub duration_ns: u64,
    /// Time of that which checking the certificate took, if it was checked.
    pub check_ns: Option<u64>,
    /// Visits by source line, if they were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub heat: Vec<LineHeat>,
    /// What is known at the line that was asked about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub known: Vec<KnownAt>,
    /// A log in the kernel's style, if it was asked for.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kernel_log: String,
    /// Why it is rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<Explanation>,
    /// The same in short.
    #[serde(skip)]
    pub reason: Option<Diagnostic>,
}

impl Linked {
    /// Verifies one program, or all that would be loaded.
    ///
    /// # Errors
    /// If there is no program of that name, or the object is not for the target's byte order.
    pub fn verify(&self, target: &Target, name: Option<&str>) -> Result<Vec<Judged>, Error> {
        self.verify_as(Privilege::All, target, name)
    }

    /// The same, for somebody with fewer rights.
    ///
    /// # Errors
    /// As [`Linked::verify`].
    pub fn verify_as(
        &self,
        privilege: Privilege,
        target: &Target,
        name: Option<&str>,
    ) -> Result<Vec<Judged>, Error> {
        self.verify_watching(privilege, target, name, &Watching::default())
    }

    /// The same, and shows more than the verdict.
    ///
    /// # Errors
    /// As [`Linked::verify`].
    pub fn verify_watching(
        &self,
        privilege: Privilege,
        target: &Target,
        name: Option<&str>,
        watching: &Watching,
    ) -> Result<Vec<Judged>, Error> {
        self.check_endian(target.endian)?;
        let name = match name {
            Some(name) => Some(self.choose(Some(name))?),
            None => None,
        };
        let wanted = |program: &&Program| match name {
            Some(name) => program.name == name,
            None => program.autoload,
        };
        let programs = self.set().programs.iter().filter(wanted);
        Ok(programs
            .map(|program| self.judge(program, privilege, target, watching))
            .collect())
    }

    fn judge(
        &self,
        program: &Program,
        privilege: Privilege,
        target: &Target,
        watching: &Watching,
    ) -> Judged {
        let maps = specs_of(self.set(), program);
        let options = osmia_verify::Options {
            privilege,
            replaces: self.replaced(program),
            traces: self.traced(program),
            ..options(program)
        };
        let start = Instant::now();
        let (verdict, trace, seen) = if watching.is_empty() {
            let (verdict, trace) = verify_and_trace(program, &maps, target, &options);
            (verdict, trace, Seen::default())
        } else {
            verify_and_watch(program, &maps, target, &options, &watching.wish(program))
        };
        let nanos = start.elapsed().as_nanos();
        let reason = verdict.result.err();
        let explain = |why: &Reject| explain(&trace, why.kind(), &why.message, Some(program));
        let explanation = reason.as_deref().map(explain);
        Judged {
            program: program.name.clone(),
            accepted: reason.is_none(),
            judged: reason
                .as_ref()
                .is_none_or(|reason| !reason.is_unsupported()),
            insns_visited: verdict.stats.insns,
            states: verdict.stats.states,
            duration_ns: u64::try_from(nanos).unwrap_or(u64::MAX),
            check_ns: (verdict.check)
                .map(|(_, time)| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)),
            heat: watched::heat(program, &seen),
            known: watched::known(&seen),
            kernel_log: seen.kernel_log,
            explanation,
            reason: reason.map(|reason| reason.to_diagnostic(program).in_file(self.file())),
        }
    }
}

/// The maps of a program, in its order.
pub(crate) fn specs_of(set: &ProgramSet, program: &Program) -> Vec<MapSpec> {
    let maps = program.maps.iter();
    maps.map(|map| set.maps[map.index()].clone()).collect()
}

/// How a program wants to be verified.
pub(crate) fn options(program: &Program) -> osmia_verify::Options {
    osmia_verify::Options {
        keep_every_state: program.flags.has(ProgramFlags::TEST_STATE_FREQ),
        ..osmia_verify::Options::default()
    }
}
