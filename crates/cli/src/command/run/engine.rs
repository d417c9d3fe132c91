//! The flag that says what runs programs.

use clap::{Args, ValueEnum};
use osmia::diag::Diagnostic;
use osmia::{Clock, Engine, Error, HostProgram, Loaded, Standing, UserHost, UserOptions, codes};

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
    /// What the verifier made of the program.
    standing: Standing,
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
    pub(super) fn compile(
        &self,
        loaded: &Loaded<'_, UserHost>,
        program: &str,
    ) -> Result<How, Error> {
        let engine = self.engine();
        let bytes = match engine {
            Engine::Interp => 0,
            Engine::Native | Engine::Both => loaded.compile()?,
        };
        let standing = loaded.program(program).map(HostProgram::standing);
        Ok(How {
            engine,
            bytes,
            standing: standing.cloned().unwrap_or_default(),
        })
    }
}

impl How {
    /// The one line that says how it runs, if there is something to say: the interpreter running what
    /// the verifier accepted is as it should be.
    pub(super) fn note(&self, program: &str) -> Option<Diagnostic> {
        let beside = match self.engine {
            Engine::Interp => return self.unproven(program),
            Engine::Native => "",
            Engine::Both => ", beside the interpreter",
        };
        let bytes = self.bytes;
        let text =
            format!("`{program}` is verified and runs as {bytes} bytes of machine code{beside}");
        Some(Diagnostic::note_only(codes::RUN_NATIVE, text))
    }

    /// What is to be said of a program that was not verified.
    fn unproven(&self, program: &str) -> Option<Diagnostic> {
        let (why, unknown) = match &self.standing {
            Standing::Verified => return None,
            Standing::NotJudged { why } => ("the verifier gives no verdict", Some(why)),
            Standing::Unverified => ("the verifier was not asked", None),
        };
        let text = format!("`{program}` runs checked, not verified: {why}");
        let note = Diagnostic::note_only(codes::RUN_CHECKED, text);
        Some(match unknown {
            Some(unknown) => note.note(unknown.as_str()),
            None => note,
        })
    }
}
