//! What people call a place programs are verified for.

use std::fmt;
use std::str::FromStr;

use osmia_program::release::UnknownRelease;
use osmia_program::{Release, Rules, Target};
use osmia_user::UserOptions;

/// A name that `--target` takes.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum TargetName {
    /// A release of Linux: `linux-6.1`.
    Linux(Release),
    /// Osmia itself, whose verifier merges states where Linux gives up: `osmia`.
    Osmia,
}

impl TargetName {
    /// The release of Linux that verdicts are predictions for.
    pub fn release(self) -> Option<Release> {
        match self {
            TargetName::Linux(release) => Some(release),
            TargetName::Osmia => None,
        }
    }

    /// This target, by that name.
    #[must_use]
    pub fn of(self, target: &Target) -> Target {
        match self {
            TargetName::Linux(release) => crate::as_release(target, release),
            TargetName::Osmia => Target {
                rules: Rules::Osmia,
                ..target.clone()
            },
        }
    }

    /// Makes a machine one of that name.
    pub fn set(self, options: &mut UserOptions) {
        match self {
            TargetName::Linux(release) => options.release = Some(release),
            TargetName::Osmia => options.rules = Rules::Osmia,
        }
    }
}

impl fmt::Display for TargetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TargetName::Linux(release) => write!(f, "linux-{release}"),
            TargetName::Osmia => f.write_str("osmia"),
        }
    }
}

impl serde::Serialize for TargetName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A text that names no target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownTarget(UnknownRelease);

impl fmt::Display for UnknownTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, or osmia", self.0)
    }
}

impl std::error::Error for UnknownTarget {}

impl FromStr for TargetName {
    type Err = UnknownTarget;

    /// `linux-6.1`, `6.1` or `osmia`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "osmia" {
            return Ok(TargetName::Osmia);
        }
        let release = text.parse().map_err(UnknownTarget)?;
        Ok(TargetName::Linux(release))
    }
}
