//! Flags that every noun has.

use clap::{Args, ValueEnum};
use osmia::live::Live;
use osmia::{Error, Fault, codes, diag::Diagnostic};

/// Whose objects are meant.
#[derive(Copy, Clone, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum On {
    /// The running kernel's
    Linux,
}

/// On which host, and how it is shown.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct NounFlags {
    /// Print JSON, with bpftool's keys
    #[arg(short, long, global = true)]
    pub(crate) json: bool,
    /// Print JSON with a line for each part
    #[arg(short, long, global = true)]
    pub(crate) pretty: bool,
    /// Say where objects are pinned
    #[arg(short = 'f', long, global = true)]
    pub(crate) bpffs: bool,
    /// Whose objects are meant; `OSMIA_ON` says it where the flag does not
    #[arg(long, global = true, value_enum, value_name = "HOST")]
    on: Option<On>,
}

impl NounFlags {
    /// True if output is for scripts.
    pub(crate) fn is_json(&self) -> bool {
        self.json || self.pretty
    }

    /// The host.
    pub(crate) fn live(&self) -> Result<Live, Error> {
        let asked = match self.on {
            Some(on) => Some(on),
            None => from_environment()?,
        };
        match asked {
            Some(On::Linux) => Ok(Live::linux()?),
            None => {
                let message = "it is not said on which host to look";
                let diagnostic = Diagnostic::error(codes::NOUN_HOST, message).help(
                    "`--on linux`, or OSMIA_ON=linux in the environment, is the running kernel",
                );
                Err(Error::new(Fault::Usage, diagnostic))
            }
        }
    }
}

fn from_environment() -> Result<Option<On>, Error> {
    let Ok(text) = std::env::var("OSMIA_ON") else {
        return Ok(None);
    };
    match On::from_str(&text, true) {
        Ok(on) => Ok(Some(on)),
        Err(_) => {
            let message = format!("OSMIA_ON is `{text}`, which is no host");
            let diagnostic = Diagnostic::error(codes::NOUN_HOST, message).help("`linux` is");
            Err(Error::new(Fault::Usage, diagnostic))
        }
    }
}
