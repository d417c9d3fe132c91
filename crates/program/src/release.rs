//! Releases of Linux, and since which each thing a program may use is there.
//!
//! The rows are mainline's: stable trees and distributions carry more. Where a row comes from is said
//! beside it; `cargo xtask compare-targets` asks running kernels, and the answers of some are kept in
//! `tests/probes`. Everything older than 5.4 counts as 5.4's.

mod callers;
mod contexts;
mod features;
mod kfuncs;
mod numbers;
pub mod probe;
mod targets;

use std::fmt;
use std::str::FromStr;

use crate::helper::{self, Callers};
use crate::{AttachKind, Hook, KernelVersion, MapKind, ProgramKind};

pub use contexts::since as field_since;
pub use features::{FEATURES, Feature, FeatureRow};
pub use kfuncs::since as kfunc_since;
pub use numbers::{UAPI, Uapi};
pub use targets::since as target_since;

/// A mainline release: 6.1.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Release {
    major: u8,
    minor: u8,
}

impl Release {
    /// The oldest that is known here.
    pub const OLDEST: Release = Release::new(5, 4);
    /// The one whose rules the verifier has.
    pub const LATEST: Release = Release::new(6, 18);
    /// The last of the fives.
    const LAST_FIVE: u8 = 19;

    /// `major.minor`.
    pub const fn new(major: u8, minor: u8) -> Self {
        Self { major, minor }
    }

    /// Every release that is known here, oldest first.
    pub fn all() -> impl Iterator<Item = Release> {
        let fives = (Self::OLDEST.minor..=Self::LAST_FIVE).map(|minor| Release::new(5, minor));
        let sixes = (0..=Self::LATEST.minor).map(|minor| Release::new(6, minor));
        fives.chain(sixes)
    }

    /// The version it reports to programs.
    pub const fn kernel(self) -> KernelVersion {
        KernelVersion::new(self.major, self.minor, 0)
    }

    /// The release that a kernel's version belongs to.
    pub const fn of(kernel: KernelVersion) -> Release {
        Release::new((kernel.0 >> 16) as u8, (kernel.0 >> 8) as u8)
    }

    /// How far the enumerations of its UAPI header go.
    pub fn uapi(self) -> &'static Uapi {
        let rows = UAPI.iter().rev();
        let mut until = rows.skip_while(|row| row.release > self);
        until.next().unwrap_or(&UAPI[0])
    }
}

/// The first row of the UAPI table that has the enumerator of a number.
fn first(number: u32, count: impl Fn(&Uapi) -> u32) -> Option<Release> {
    let row = UAPI.iter().find(|row| number < count(row))?;
    Some(row.release)
}

/// Since when programs of this type can be loaded; `None` if that is after [`Release::LATEST`].
pub fn program_since(kind: ProgramKind) -> Option<Release> {
    first(kind.number(), |row| row.programs)
}

/// Since when maps of this type can be made.
pub fn map_since(kind: MapKind) -> Option<Release> {
    first(kind.number(), |row| row.maps)
}

/// Since when programs can be attached so.
pub fn attach_since(kind: AttachKind) -> Option<Release> {
    first(kind.number(), |row| row.attaches)
}

/// Since when there is a helper of this number.
pub fn helper_since(id: u32) -> Option<Release> {
    first(id, |row| row.helpers)
}

/// Since when programs of a hook may call a helper, which they may in [`Release::LATEST`].
pub fn call_since(id: u32, hook: &Hook) -> Option<Release> {
    let first = helper_since(id)?;
    let caller = Callers::of(hook);
    let name = helper::by_id(id)?.name;
    let later = callers::LATER.iter().find(|row| {
        row.helpers.contains(&name) && caller != Callers::NONE && row.callers.meets(caller)
    });
    Some(later.map_or(first, |row| row.release.max(first)))
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl serde::Serialize for Release {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A text that names no release known here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownRelease(String);

impl fmt::Display for UnknownRelease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is no release of Linux known here: linux-{} to linux-{}",
            self.0,
            Release::OLDEST,
            Release::LATEST
        )
    }
}

impl std::error::Error for UnknownRelease {}

impl FromStr for Release {
    type Err = UnknownRelease;

    /// `linux-6.1` or `6.1`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bare = text.strip_prefix("linux-").unwrap_or(text);
        Release::all()
            .find(|release| release.to_string() == bare)
            .ok_or_else(|| UnknownRelease(text.to_owned()))
    }
}

#[cfg(test)]
mod tests;
