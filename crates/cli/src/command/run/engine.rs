//! The flag that says what runs programs.

use clap::{Args, ValueEnum};
use osmia::diag::Diagnostic;
use osmia::{
    Clock, Engine, Error, Form, Host, HostProgram, Interpreted, Loaded, Place, Standing, UserHost,
    UserOptions, codes,
};

/// What runs programs.
#[derive(Args)]
pub(super) struct EngineFlag {
    /// What runs the program. [default: machine code, or the interpreter for what the compiler does not
    /// take]
    #[arg(long, value_enum, value_name = "ENGINE", help_heading = "Machine")]
    engine: Option<Choice>,
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
#[derive(Clone, Debug)]
pub(super) struct How {
    /// What was asked for, or came of asking for nothing.
    pub(super) engine: Engine,
    /// It was asked for.
    demanded: bool,
    /// The host's name.
    place: String,
    /// The kernel beside it, by name, if what they come to is compared.
    beside: Option<String>,
    /// Each program, the one that is run first.
    pub(super) programs: Vec<Resident>,
    /// What the verifier made of the one that is run.
    standing: Standing,
}

/// A program that is resident.
#[derive(Clone, Debug)]
pub(super) struct Resident {
    pub(super) name: String,
    pub(super) form: Form,
}

impl EngineFlag {
    /// True if it was given; `beside_kernel`, if two engines were asked for where there is one too many
    /// already.
    pub(super) fn is_given(&self, beside_kernel: bool) -> bool {
        match beside_kernel {
            true => self.engine == Some(Choice::Both),
            false => self.engine.is_some(),
        }
    }

    /// Two engines can only agree where clock and chance are the same for both; instructions are only
    /// counted by the interpreter.
    pub(super) fn prepare(&self, options: &mut UserOptions, has_budget: bool) {
        match self.engine {
            Some(Choice::Both) => {
                options.seed.get_or_insert(0);
                if let Some(Clock::Real(_)) = options.clock {
                    options.clock = None;
                }
            }
            Some(Choice::Interp) => options.native = false,
            Some(Choice::Native) => {}
            None => options.native = !has_budget,
        }
    }

    /// The other host, if there are two: the interpreter's.
    pub(super) fn twin(&self, options: &UserOptions) -> Result<Option<UserHost>, Error> {
        if self.engine != Some(Choice::Both) {
            return Ok(None);
        }
        let options = UserOptions {
            native: false,
            ..options.clone()
        };
        UserHost::new(options).map(Some).map_err(Error::from)
    }

    /// What runs, now that it is loaded.
    ///
    /// # Errors
    /// If machine code was asked for and a program has none.
    pub(super) fn how(
        &self,
        loaded: &Loaded<'_, Place>,
        beside: Option<&Place>,
        program: &str,
    ) -> Result<How, Error> {
        let engine = match (self.engine, loaded.program(program).map(HostProgram::form)) {
            (_, Some(Form::Kernel)) => Engine::Kernel,
            (Some(Choice::Both), _) => Engine::Both,
            (Some(Choice::Native), _) | (None, Some(Form::Native { .. })) => Engine::Native,
            (Some(Choice::Interp), _) | (None, _) => Engine::Interp,
        };
        let demanded = self.engine.is_some();
        let place = loaded.host().target().name.clone();
        if demanded && engine != Engine::Interp {
            loaded.code_bytes()?;
        }
        let mut programs: Vec<Resident> = (loaded.programs())
            .map(|resident| Resident {
                name: resident.program().name.clone(),
                form: resident.form().clone(),
            })
            .collect();
        programs.sort_by_key(|resident| resident.name != program);
        let standing = loaded.program(program).map(HostProgram::standing);
        Ok(How {
            engine,
            demanded,
            place,
            beside: beside.map(|kernel| kernel.target().name.clone()),
            programs,
            standing: standing.cloned().unwrap_or_default(),
        })
    }
}

impl How {
    /// What there is to say of how it runs: a verified program that runs as machine code, or is
    /// interpreted because it was to be, is as it should be.
    pub(super) fn notes(&self, program: &str) -> Vec<Diagnostic> {
        let mut notes = self.notes_of_first(program);
        if let Some(kernel) = &self.beside {
            let text = format!("`{program}` runs here and in the running kernel, {kernel}");
            let note = Diagnostic::note_only(codes::RUN_KERNEL, text);
            notes.push(note.note("a difference in what they come to ends the run"));
        }
        notes
    }

    fn notes_of_first(&self, program: &str) -> Vec<Diagnostic> {
        let beside = match self.engine {
            Engine::Kernel => {
                let text = format!("`{program}` runs in the running kernel, {}", self.place);
                let note = Diagnostic::note_only(codes::RUN_KERNEL, text);
                return vec![note.note("what it prints goes to the kernel's `trace_pipe`")];
            }
            Engine::Both => ", beside the interpreter",
            Engine::Native if self.demanded => "",
            _ => {
                let mut notes: Vec<_> = self.unproven(program).into_iter().collect();
                notes.extend(self.programs.iter().filter_map(Resident::fallen_back));
                return notes;
            }
        };
        let bytes: usize = self.programs.iter().map(Resident::code_bytes).sum();
        let text =
            format!("`{program}` is verified and runs as {bytes} bytes of machine code{beside}");
        vec![Diagnostic::note_only(codes::RUN_NATIVE, text)]
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

impl Resident {
    fn code_bytes(&self) -> usize {
        match self.form {
            Form::Native { code_bytes } => code_bytes,
            Form::Interpreted { .. } | Form::Kernel => 0,
        }
    }

    /// Why it is interpreted, if the compiler is to blame.
    pub(super) fn not_compiled(&self) -> Option<&Diagnostic> {
        match &self.form {
            Form::Interpreted {
                why: Interpreted::NotCompiled(why),
            } => Some(why),
            _ => None,
        }
    }

    fn fallen_back(&self) -> Option<Diagnostic> {
        let why = self.not_compiled()?;
        let text = format!("`{}` is verified and runs interpreted", self.name);
        Some(Diagnostic::note_only(codes::RUN_INTERPRETED, text).note(why.message.as_str()))
    }
}
