//! `osmia inspect`: what an object file says, at each stage of its way to a program.

mod overview;
mod program;

use clap::{Args, ValueEnum};
use osmia::diag::Diagnostic;
use osmia::{Error, Fault, Host, Isa, Listing, Object, Overview, ProgramStage, UserHost, codes};
use serde::Serialize;

use super::object::ObjectFlags;
use crate::console::Console;
use crate::exit::Exit;

/// Show what an object file declares, its linked programs, or their instructions.
///
/// Reading a file never depends on this machine; linking does (`--stage program`, `--stage insns`),
/// where CO-RE relocations are resolved against kernel types. Machine code (`--stage lowered`,
/// `--stage native`) is made of programs that the verifier accepts.
#[derive(Args)]
#[command(after_help = "\
Examples:
  osmia inspect examples/hello.bpf.o
  osmia inspect examples/core.bpf.o --stage program
  osmia inspect examples/hello.bpf.o --stage insns --prog hello")]
pub(crate) struct Inspect {
    #[command(flatten)]
    object: ObjectFlags,
    /// How far to go.
    #[arg(long, value_enum, default_value_t = Stage::Object, help_heading = "Output")]
    stage: Stage,
    /// For `--stage native`: the kind of machine, if not this one.
    #[arg(long, value_enum, value_name = "MACHINE", help_heading = "Output")]
    machine: Option<MachineKind>,
    /// Only this program.
    #[arg(long, value_name = "NAME", help_heading = "Program")]
    prog: Option<String>,
    /// Print JSON.
    #[arg(short, long, help_heading = "Output")]
    pub(crate) json: bool,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum Stage {
    /// What the file declares.
    Object,
    /// Linked programs: functions, maps, what could not be resolved.
    Program,
    /// Their instructions, with source lines.
    Insns,
    /// What verified programs are lowered to: real addresses, known maps.
    Lowered,
    /// Their machine code.
    Native,
    /// What Cranelift makes of them once they are hot.
    Clif,
    /// Their machine code once they are hot.
    Optimised,
}

/// A kind of machine that code is made for.
#[derive(Copy, Clone, Debug, PartialEq, Eq, ValueEnum)]
enum MachineKind {
    #[value(name = "x86-64")]
    X64,
    Arm64,
}

impl From<MachineKind> for Isa {
    fn from(kind: MachineKind) -> Self {
        match kind {
            MachineKind::X64 => Isa::X64,
            MachineKind::Arm64 => Isa::Arm64,
        }
    }
}

/// JSON: schema `osmia.inspect/1`, described in `docs/json.md`.
#[derive(Serialize)]
#[serde(tag = "stage", rename_all = "kebab-case")]
enum Document<'a> {
    Object {
        schema: &'a str,
        #[serde(flatten)]
        overview: &'a Overview,
    },
    Program {
        schema: &'a str,
        programs: &'a [ProgramStage],
    },
    Insns {
        schema: &'a str,
        programs: &'a [Listing],
    },
    Lowered {
        schema: &'a str,
        programs: &'a [Compiled],
    },
    Native {
        schema: &'a str,
        programs: &'a [Compiled],
    },
    Clif {
        schema: &'a str,
        programs: &'a [Compiled],
    },
    Optimised {
        schema: &'a str,
        programs: &'a [Compiled],
    },
}

/// A program on its way to machine code.
#[derive(Serialize)]
struct Compiled {
    name: String,
    lines: Vec<String>,
}

const SCHEMA: &str = "osmia.inspect/1";

impl Inspect {
    pub(crate) fn run(self, console: &mut Console) -> Result<Exit, Error> {
        if self.machine.is_some() && self.stage != Stage::Native {
            let message = "`--machine` says whose machine code is shown, but none is";
            let diagnostic = Diagnostic::error(codes::INSPECT_MACHINE, message)
                .help("say `--stage native` as well");
            return Err(Error::new(Fault::Usage, diagnostic));
        }
        let object = self.object.open(console)?;
        if self.stage == Stage::Object {
            let mut overview = Overview::new(&object);
            if let Some(name) = &self.prog {
                overview.keep_program(name)?;
            }
            if self.json {
                console.value(&Document::Object {
                    schema: SCHEMA,
                    overview: &overview,
                });
            } else {
                overview::show(console, &overview);
            }
            return Ok(Exit::Ok);
        }
        if self.stage >= Stage::Lowered {
            return self.compiled(&object, console);
        }
        let mut target = self.object.user_options(&object, false, console)?.target();
        // Reading does not depend on the machine: objects of the other byte order link as well.
        target.endian = object.declared().endian();
        let linked = self
            .object
            .link(&object, &target, self.prog.as_deref(), console)?;
        let wanted = self.prog.as_deref();
        match (self.stage, self.json) {
            (Stage::Program, true) => console.value(&Document::Program {
                schema: SCHEMA,
                programs: &linked.program_stage(wanted)?,
            }),
            (Stage::Program, false) => program::show(console, &linked.program_stage(wanted)?),
            (_, true) => console.value(&Document::Insns {
                schema: SCHEMA,
                programs: &linked.listings(wanted)?,
            }),
            (_, false) => program::show_insns(console, &linked.listings(wanted)?),
        }
        Ok(Exit::Ok)
    }

    /// Loads each program, which is verified, and shows what becomes of it.
    fn compiled(&self, object: &Object, console: &mut Console) -> Result<Exit, Error> {
        let host = UserHost::new(self.object.user_options(object, false, console)?)?;
        let wanted = self.prog.as_deref();
        let linked = self.object.link(object, host.target(), wanted, console)?;
        let names: Vec<&str> = match wanted {
            Some(_) => vec![linked.choose(wanted)?],
            None => {
                let programs = linked.set().programs.iter();
                let loaded = programs.filter(|program| program.autoload);
                loaded.map(|program| &*program.name).collect()
            }
        };
        let mut programs = Vec::new();
        for name in names {
            let loaded = linked.load(&host, &[name])?;
            let text = match self.stage {
                Stage::Clif => loaded.optimised(name)?.clif,
                Stage::Optimised => loaded.optimised(name)?.native,
                Stage::Native => loaded.native(name, self.machine.map(Isa::from))?,
                _ => loaded.lowered(name)?,
            };
            programs.push(Compiled {
                name: name.to_owned(),
                lines: text.lines().map(str::to_owned).collect(),
            });
        }
        let (schema, programs) = (SCHEMA, &*programs);
        match (self.json, self.stage) {
            (true, Stage::Lowered) => console.value(&Document::Lowered { schema, programs }),
            (true, Stage::Native) => console.value(&Document::Native { schema, programs }),
            (true, Stage::Clif) => console.value(&Document::Clif { schema, programs }),
            (true, _) => console.value(&Document::Optimised { schema, programs }),
            (false, _) => {
                for (position, program) in programs.iter().enumerate() {
                    if position > 0 {
                        console.line("");
                    }
                    program.lines.iter().for_each(|line| console.line(line));
                }
            }
        }
        Ok(Exit::Ok)
    }
}
