//! The flag that says what runs programs.

use clap::{Args, ValueEnum};
use osmia::diag::Diagnostic;
use osmia::{Clock, Engine, Error, Loaded, UserHost, UserOptions, codes};

/// What runs programs.
#[derive(Args)]
pub(super) struct EngineFlag {
    /// What runs the program.
    #[arg(long, value_enum, value_name = "ENGINE", default_value_t = Choice::Interp, help_heading = "Machine")]
    engine: Choice,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq, ValueEnum)]
enum Choice {
    /// The interpreter, which checks every access
    Interp,
    /// Machine code, made if the verifier accepts the program
    Native,
    /// Both: what they come to is compared
    Both,
}

/// What a run's programs run in.
#[derive(Clone, Debug, Default)]
pub(super) struct How {
    pub(super) engine: Engine,
    /// Bytes of machine code.
    bytes: usize,
}

impl EngineFlag {
    fn engine(&self) -> Engine {
        match self.engine {
            Choice::Interp => Engine::Interp,
            Choice::Native => Engine::Native,
            Choice::Both => Engine::Both,
        }
    }

    /// Two engines can only agree where clock and chance are the same for both.
    pub(super) fn prepare(&self, options: &mut UserOptions) {
        if self.engine == Choice::Both {
            options.seed.get_or_insert(0);
            if let Some(Clock::Real(_)) = options.clock {
                options.clock = None;
            }
        }
    }

    /// The other host, if there are two.
    pub(super) fn twin(&self, options: &UserOptions) -> Result<Option<UserHost>, Error> {
        let wanted = self.engine == Choice::Both;
        Ok(match wanted {
            true => Some(UserHost::new(options.clone())?),
            false => None,
        })
    }

    /// Makes machine code, if it is to.
    pub(super) fn compile(&self, loaded: &Loaded<'_, UserHost>) -> Result<How, Error> {
        let engine = self.engine();
        let bytes = match engine {
            Engine::Interp => 0,
            Engine::Native | Engine::Both => loaded.compile()?,
        };
        Ok(How { engine, bytes })
    }
}

impl How {
    /// The one line that says what the run promises, or does not.
    pub(super) fn note(&self, program: &str) -> Diagnostic {
        let beside = match self.engine {
            Engine::Interp => {
                let text =
                    format!("`{program}` runs checked, not verified (`osmia verify` judges it)");
                return Diagnostic::note_only(codes::RUN_CHECKED, text);
            }
            Engine::Native => "",
            Engine::Both => ", beside the interpreter",
        };
        let bytes = self.bytes;
        let text =
            format!("`{program}` is verified and runs as {bytes} bytes of machine code{beside}");
        Diagnostic::note_only(codes::RUN_NATIVE, text)
    }
}
