//! What runs programs: the interpreter, which checks everything, or machine code, which is made of
//! verified programs and checks nothing; or both, compared.

use osmia_diag::Diagnostic;
use osmia_jit::{Isa, NotCompiled, Optimised};
use osmia_program::{Fault, Form, Host, HostProgram, Interpreted, Program, Target};
use osmia_user::{Proof, UserHost};
use osmia_verify::Facts;
use osmia_vm::Code;

use crate::{Error, Loaded, codes};

/// Which of them.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Engine {
    /// The interpreter.
    Interp,
    /// Machine code.
    #[default]
    Native,
    /// Both, each with maps of its own; what they come to is compared.
    Both,
    /// The running kernel's.
    Kernel,
}

/// What code generation builds on.
pub(crate) fn facts<'p>(proof: &'p Proof, target: &Target) -> Result<Facts<'p>, Error> {
    proof.facts(target).map_err(|refusal| {
        let message = format!("the verifier's certificate does not hold: {refusal}");
        Error::new(
            Fault::Internal,
            Diagnostic::error(codes::RUN_ENGINES, message),
        )
    })
}

impl<H: Host> Loaded<'_, H> {
    /// Bytes of machine code that this process made of the programs that are resident, if none is
    /// interpreted: they call each other.
    ///
    /// # Errors
    /// If one of them is interpreted: the reason.
    pub fn code_bytes(&self) -> Result<usize, Error> {
        let of = |program: &H::Program| match program.form() {
            Form::Native { code_bytes } => Ok(*code_bytes),
            // Whoever runs it counts them.
            Form::Kernel => Ok(0),
            Form::Interpreted { why } => Err(interpreted(program.program(), why)),
        };
        self.programs().map(of).sum()
    }
}

impl Loaded<'_, UserHost> {
    /// What a program is lowered to on its way to machine code, as text; nothing runs.
    ///
    /// # Errors
    /// If there is no such program, the verifier rejects it, or the compiler does not take it.
    pub fn lowered(&self, program: &str) -> Result<String, Error> {
        self.compiled(program, |facts, code| Ok(osmia_jit::lowered(facts, code)?))
    }

    /// Its machine code, as text: for this machine, or for the newest of a kind.
    ///
    /// # Errors
    /// As [`Loaded::lowered`], and if no code is made for this machine.
    pub fn native(&self, program: &str, isa: Option<Isa>) -> Result<String, Error> {
        self.compiled(program, |facts, code| osmia_jit::native(facts, code, isa))
    }

    /// What the optimising tier makes of a program, as text; nothing runs.
    ///
    /// # Errors
    /// As [`Loaded::lowered`], and if the program stays in the first tier.
    pub fn optimised(&self, program: &str) -> Result<Optimised, Error> {
        self.compiled(program, osmia_jit::optimised)
    }

    fn compiled<T>(
        &self,
        program: &str,
        compile: impl FnOnce(&Facts<'_>, &Code) -> Result<T, NotCompiled>,
    ) -> Result<T, Error> {
        let resident = self.program(program).ok_or_else(|| {
            let diagnostic = crate::loaded::no_such_program(program, self.set());
            Error::new(Fault::Usage, diagnostic)
        })?;
        let target = self.host().target();
        let specs = self.specs_of(resident.program());
        let proof = self.host().kernel().prove(resident.program(), specs);
        let proof = proof.map_err(|why| rejected(&why.to_diagnostic(resident.program())))?;
        compile(&facts(&proof, target)?, resident.code())
            .map_err(|why| Error::new(Fault::Unsupported, why.to_diagnostic()))
    }
}

/// A program that was to be machine code is not.
fn interpreted(program: &Program, why: &Interpreted) -> Error {
    let name = &program.name;
    let diagnostic = match why {
        Interpreted::NotCompiled(why) => {
            Diagnostic::clone(why).help("without `--engine` the interpreter runs it")
        }
        Interpreted::NotVerified => Diagnostic::error(
            codes::RUN_CHECKED,
            format!("`{name}` is not verified: machine code is made of verified programs only"),
        ),
        Interpreted::Asked => Diagnostic::error(
            codes::RUN_CHECKED,
            format!("the host was told to interpret `{name}`"),
        ),
    };
    Error::new(Fault::Unsupported, diagnostic)
}

/// A program that was to become machine code.
fn rejected(why: &Diagnostic) -> Error {
    let help = "machine code is made of verified programs only; `--engine interp` runs others";
    Error::new(Fault::Input, why.clone().help(help))
}
