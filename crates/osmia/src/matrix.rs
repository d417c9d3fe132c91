//! Which releases of Linux should take an object: predictions from the table of releases.

use osmia_diag::Diagnostic;
use osmia_object::LinkOptions;
use osmia_program::{Release, Target};
use serde::Serialize;

use crate::{Error, Object};

/// What one release should make of an object's programs.
#[derive(Clone, Debug, Serialize)]
pub struct Predicted {
    /// The release.
    pub release: Release,
    /// Whether it should take every program; `None` if the verifier does not know something they use.
    pub takes: Option<bool>,
    /// The first program it should not take.
    pub program: Option<String>,
    /// The first reason not to.
    pub reason: Option<Diagnostic>,
}

/// This target, as a release of Linux.
#[must_use]
pub fn as_release(target: &Target, release: Release) -> Target {
    Target {
        name: format!("linux-{release}"),
        kernel: release.kernel(),
        release: Some(release),
        ..target.clone()
    }
}

impl Object {
    /// What every release known here should make of one program, or of all that would be loaded. Types of
    /// the kernel are the target's for all of them.
    ///
    /// # Errors
    /// If there is no program of that name, or the object is not for the target's byte order.
    pub fn predict(
        &self,
        target: &Target,
        options: &LinkOptions,
        name: Option<&str>,
    ) -> Result<Vec<Predicted>, Error> {
        let one = |release| self.predict_one(&as_release(target, release), release, options, name);
        Release::all().map(one).collect()
    }

    fn predict_one(
        &self,
        target: &Target,
        release: Release,
        options: &LinkOptions,
        name: Option<&str>,
    ) -> Result<Predicted, Error> {
        let judged = self.link(target, options)?.verify(target, name)?;
        // A verdict that is missing counts less than one against a program.
        let mut open = judged.iter().filter(|one| !one.accepted);
        let against = judged.iter().find(|one| one.judged && !one.accepted);
        let first = against.or_else(|| open.next());
        Ok(Predicted {
            release,
            takes: match first {
                Some(first) if !first.judged => None,
                first => Some(first.is_none()),
            },
            program: first.map(|first| first.program.clone()),
            reason: first.and_then(|first| first.reason.clone()),
        })
    }
}
