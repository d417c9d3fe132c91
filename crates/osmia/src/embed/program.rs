//! Handles on programs, by what they are called with.

use std::marker::PhantomData;
use std::sync::Arc;

use osmia_program::ProgramKind;
use osmia_program::context::{Context, context};
use osmia_user::UserProgram;
use osmia_user::capture::PacketStart;
use osmia_vm::{Code, Layer};

use super::worker::Input;
use super::{Module, Plain, Worker, misuse};
use crate::{Engine, Error, Verdict, codes};

/// A program that is called with a `C`.
///
/// `C` is the context, for programs whose context is plain memory (`SEC("syscall")`): a structure of
/// the application's, or `[u8]` for as many bytes as there are. It is [`Packet`] for programs that are
/// given packets.
pub struct Program<C: ?Sized> {
    code: Arc<Code>,
    layer: Layer,
    /// Bytes of the context it touches.
    context_bytes: usize,
    module: Module,
    takes: PhantomData<fn(&mut C)>,
}

/// Stands for packets, in [`Program`]'s type.
#[derive(Copy, Clone, Debug)]
pub enum Packet {}

/// What programs can be called with: any [`Plain`] type, `[u8]`, and [`Packet`]. There is nothing to
/// implement.
pub trait Takes {
    #[doc(hidden)]
    fn check(program: &UserProgram, context_bytes: usize) -> Result<(), Error>;
}

impl<T: Plain> Takes for T {
    fn check(program: &UserProgram, context_bytes: usize) -> Result<(), Error> {
        takes_bytes(program)?;
        let (name, size) = (std::any::type_name::<T>(), size_of::<T>());
        if size >= context_bytes {
            return Ok(());
        }
        let note =
            format!("it touches {context_bytes} bytes of its context, and `{name}` has {size}");
        Err(other(program, note))
    }
}

impl Takes for [u8] {
    fn check(program: &UserProgram, _context_bytes: usize) -> Result<(), Error> {
        // Their number is looked at before each run.
        takes_bytes(program)
    }
}

impl Takes for Packet {
    fn check(program: &UserProgram, _context_bytes: usize) -> Result<(), Error> {
        match PacketStart::of(program.code().program().hook.kind) {
            Some(_) => Ok(()),
            None => Err(other(program, "it is not given packets")),
        }
    }
}

/// Whether the context of a program is plain memory.
fn takes_bytes(program: &UserProgram) -> Result<(), Error> {
    let hook = &program.code().program().hook;
    match (context(hook), PacketStart::of(hook.kind)) {
        (Context::Bytes(_), _) => Ok(()),
        (_, Some(_)) => Err(other(
            program,
            "it is called with packets: ask for a `Program<Packet>`",
        )),
        _ => Err(other(
            program,
            "programs whose context is plain memory are in SEC(\"syscall\")",
        )),
    }
}

/// A program is called with something else than what was asked for.
fn other(program: &UserProgram, note: impl Into<String>) -> Error {
    let program = program.code().program();
    let (name, kind) = (&program.name, program.hook.kind);
    let message = format!("program `{name}` ({kind}) cannot be called like this");
    let mut error = misuse(codes::EMBED_TYPE, message);
    error.diagnostics[0].notes.push(note.into());
    error
}

impl<C: Takes + ?Sized> Program<C> {
    pub(super) fn new(
        module: &Module,
        program: &UserProgram,
        context_bytes: usize,
    ) -> Result<Self, Error> {
        C::check(program, context_bytes)?;
        Ok(Self {
            code: Arc::clone(program.code()),
            layer: program.layer(),
            context_bytes,
            module: module.clone(),
            takes: PhantomData,
        })
    }
}

impl<C: ?Sized> Program<C> {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.code.program().name
    }

    /// Its type.
    pub fn kind(&self) -> ProgramKind {
        self.code.program().hook.kind
    }

    /// What runs it: machine code, or the interpreter.
    pub fn engine(&self) -> Engine {
        match self.code.native() {
            Some(_) => Engine::Native,
            None => Engine::Interp,
        }
    }

    /// Where it came from.
    pub fn module(&self) -> &Module {
        &self.module
    }

    fn execute(&self, worker: &mut Worker, packet: &[u8]) -> Result<u32, Error> {
        let input = Input {
            packet,
            context: &[],
            layer: self.layer,
        };
        worker.run(self.module.sandbox(), &self.code, &input)
    }
}

impl<T: Plain + ?Sized> Program<T> {
    /// Runs it on a context, which it may change, and gives what it returns. Nothing is allocated.
    ///
    /// # Errors
    /// If the context is too short, the budget is used up, or a helper of the application refuses. The
    /// context is as it was then.
    pub fn run(&self, worker: &mut Worker, context: &mut T) -> Result<u32, Error> {
        let bytes = context.as_mut_bytes();
        if bytes.len() < self.context_bytes {
            let (name, needed, len) = (self.name(), self.context_bytes, bytes.len());
            let message = format!(
                "program `{name}` touches {needed} bytes of its context, and was given {len}"
            );
            return Err(misuse(codes::EMBED_TYPE, message));
        }
        worker.run_on_context(self.module.sandbox(), &self.code, bytes, self.layer)
    }
}

impl Program<Packet> {
    /// Runs it on a packet and gives what it returns: [`Verdict`] knows what that means. Nothing is
    /// allocated.
    ///
    /// # Errors
    /// If the packet is too long, the budget is used up, or a helper of the application refuses.
    pub fn run_on(&self, worker: &mut Worker, packet: &[u8]) -> Result<u32, Error> {
        self.execute(worker, packet)
    }

    /// The same, and leaves the packet as the program made it.
    ///
    /// # Errors
    /// As [`Program::run_on`]; the packet is as it was then.
    pub fn rewrite(&self, worker: &mut Worker, packet: &mut Vec<u8>) -> Result<u32, Error> {
        let value = self.execute(worker, packet)?;
        worker.read_packet(packet);
        Ok(value)
    }

    /// What a value that it returned means.
    pub fn verdict(&self, value: u32) -> Verdict {
        Verdict::new(&self.code.program().hook, value)
    }
}

impl<C: ?Sized> Clone for Program<C> {
    fn clone(&self) -> Self {
        Self {
            code: Arc::clone(&self.code),
            module: self.module.clone(),
            ..*self
        }
    }
}

impl<C: ?Sized> std::fmt::Debug for Program<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Program({})", self.name())
    }
}
