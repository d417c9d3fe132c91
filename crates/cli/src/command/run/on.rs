//! The flag that says where programs are loaded.

use clap::ValueEnum;
use osmia::diag::Diagnostic;
use osmia::{Error, Fault, Host, Place, UserHost, UserOptions, codes};

/// Where programs are loaded.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum On {
    /// In this process: no rights, no kernel
    #[default]
    User,
    /// In the running kernel, by its test runs
    Linux,
    /// In both: what they come to is compared
    Both,
}

/// The hosts of a run.
pub(super) struct Hosts {
    /// The one that is told about.
    pub(super) first: Place,
    /// The one it is compared with.
    pub(super) twin: Option<Place>,
}

impl On {
    /// The hosts; `other_engine` is what the first is compared with where there is but one kind.
    pub(super) fn hosts(
        self,
        mut options: UserOptions,
        other_engine: Option<UserHost>,
    ) -> Result<Hosts, Error> {
        let kernel = match self {
            On::User => None,
            On::Linux | On::Both => Some(Place::linux()?),
        };
        if self == On::Linux
            && let Some(first) = kernel
        {
            return Ok(Hosts { first, twin: None });
        }
        if let Some(kernel) = &kernel {
            // Values of every CPU can only be compared one by one.
            options.cpus = kernel.target().cpus;
        }
        Ok(Hosts {
            first: Place::User(UserHost::new(options)?),
            twin: kernel.or(other_engine.map(Place::User)),
        })
    }

    /// Refuses a flag that would do nothing.
    pub(super) fn refuse(self, only_elsewhere: Option<&str>) -> Result<(), Error> {
        let (On::Linux | On::Both, Some(flag)) = (self, only_elsewhere) else {
            return Ok(());
        };
        let name = match self {
            On::Both => "both",
            _ => "linux",
        };
        let message = format!("`{flag}` has no meaning with `--on {name}`");
        let diagnostic = Diagnostic::error(codes::RUN_HOST, message)
            .help("the kernel is used as it is; such flags are for `--on user`");
        Err(Error::new(Fault::Usage, diagnostic))
    }
}
