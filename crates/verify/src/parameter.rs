//! Parameters of functions that are verified on their own: what they may be given, by their types and
//! tags in the program's BTF, and whether a caller keeps to it.

use osmia_btf::{Body, TypeId};
use osmia_isa::Reg as RegName;
use osmia_program::Errno;

use crate::reg::{Dynptr, DynptrMemory, Flags, Reg, What};
use crate::reject::{Check, denied, invalid, reject};
use crate::transfer::Transfer;

/// What a parameter may be given.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Parameter {
    /// A number.
    Number,
    /// The context.
    Context,
    /// A dynptr, to be read.
    Dynptr,
    /// An address in the arena.
    Arena,
    /// A structure of the kernel that the kernel vouches for.
    Trusted { name: String, nullable: bool },
    /// Whatever is there: it is read with care.
    Untrusted { name: String },
    /// So many bytes.
    Memory { bytes: u64, nullable: bool },
}

/// Most parameters of a function.
const PARAMETERS_MAX: usize = 5;

impl Transfer<'_> {
    /// The parameters of a function, if its BTF is known.
    fn parameters(&self, function: usize) -> Check<Vec<Parameter>> {
        let start = self.shape.functions[function].start;
        let Some(debug) = &self.program.debug else {
            return Ok(Vec::new());
        };
        let record = (debug.funcs.iter()).find(|record| record.insn as usize == start);
        let Some(record) = record else {
            return Ok(Vec::new());
        };
        let (btf, id) = (&debug.btf, record.type_id);
        let Body::Func(func) = btf.type_at(id).body() else {
            return Ok(Vec::new());
        };
        let Body::FuncProto(proto) = btf.type_at(func.proto).body() else {
            return Ok(Vec::new());
        };
        if proto.params().len() > PARAMETERS_MAX {
            let message = format!(
                "Global function {}() with {} > {PARAMETERS_MAX} args. Buggy compiler.",
                btf.type_at(id).name(),
                proto.params().len()
            );
            return reject(None, message, Errno::EINVAL);
        }
        let params = proto.params().enumerate();
        params
            .map(|(index, param)| self.parameter(id, index, param.ty))
            .collect()
    }

    fn parameter(&self, function: TypeId, index: usize, ty: TypeId) -> Check<Parameter> {
        let Some(debug) = &self.program.debug else {
            return Ok(Parameter::Number);
        };
        let btf = &debug.btf;
        let tags = btf.decl_tags(function, Some(index as u32));
        let tagged = |tag: &str| tags.contains(&tag);
        let resolved = btf.resolve(ty);
        let target = match resolved.body() {
            Body::Ptr(target) => target,
            Body::Int(_) | Body::Enum(_) | Body::Enum64(_) => return Ok(Parameter::Number),
            _ => {
                let (kind, name) = (resolved.kind(), btf.type_at(function).name());
                let message =
                    format!("Arg#{index} type {kind:?} in {name}() is not supported yet.");
                return reject(None, message, Errno::EINVAL);
            }
        };
        let pointee = btf.resolve(target);
        let name = pointee.name();
        let nullable = tagged("arg:nullable");
        if tagged("arg:ctx") || self.is_context_type(name) {
            return Ok(Parameter::Context);
        }
        if name == "bpf_dynptr" {
            return Ok(Parameter::Dynptr);
        }
        if tagged("arg:arena") {
            return Ok(Parameter::Arena);
        }
        let name = name.to_owned();
        if tagged("arg:trusted") {
            return Ok(Parameter::Trusted { name, nullable });
        }
        if tagged("arg:untrusted") {
            return Ok(Parameter::Untrusted { name });
        }
        match btf.size_of(target) {
            Some(bytes) => Ok(Parameter::Memory {
                bytes,
                nullable: !tagged("arg:nonnull"),
            }),
            None => reject(
                None,
                format!("arg#{index} reference type('UNKNOWN {name}') size cannot be determined"),
                Errno::EINVAL,
            ),
        }
    }

    /// What the program finds in its registers: its context, or what the function has that it replaces.
    pub(crate) fn entry_arguments(&mut self) -> Check<Vec<(RegName, Reg)>> {
        if self.options.is_extension() {
            return self.global_arguments(0);
        }
        Ok(vec![(RegName::R1, Reg::pointer(What::Context))])
    }

    /// What a function finds in its registers, as far as its prototype tells.
    pub(crate) fn global_arguments(&mut self, function: usize) -> Check<Vec<(RegName, Reg)>> {
        let parameters = self.parameters(function)?;
        let handler = self.shape.exception_callback == Some(function);
        if handler && parameters != [Parameter::Number] {
            let message = "exception cb only supports single integer argument";
            return reject(None, message, Errno::EINVAL);
        }
        let given = parameters.iter().enumerate();
        Ok(given
            .map(|(index, parameter)| (register(index), self.given(parameter)))
            .collect())
    }

    fn given(&mut self, parameter: &Parameter) -> Reg {
        let null = |nullable: bool| {
            if nullable {
                Flags::MAYBE_NULL
            } else {
                Flags::default()
            }
        };
        match parameter {
            Parameter::Number => Reg::UNKNOWN,
            Parameter::Context => Reg::pointer(What::Context),
            Parameter::Arena => Reg::pointer(What::Arena),
            Parameter::Dynptr => Reg {
                id: self.fresh_id(),
                ..Reg::pointer(What::Dynptr(Dynptr {
                    memory: DynptrMemory::Local,
                    first: true,
                }))
            },
            Parameter::Trusted { name, nullable } => Reg {
                flags: Flags::TRUSTED.with(null(*nullable)),
                id: self.fresh_id(),
                ..Reg::pointer(What::Kernel {
                    type_id: self.type_number(name),
                })
            },
            Parameter::Untrusted { name } => Reg {
                flags: Flags::UNTRUSTED,
                ..Reg::pointer(What::Kernel {
                    type_id: self.type_number(name),
                })
            },
            Parameter::Memory { bytes, nullable } => Reg {
                flags: null(*nullable),
                id: self.fresh_id(),
                ..Reg::pointer(What::Memory {
                    bytes: *bytes as u32,
                })
            },
        }
    }

    /// A caller gives a function what its prototype asks for.
    pub(crate) fn check_global_arguments(&mut self, function: usize) -> Check {
        let parameters = self.parameters(function)?;
        for (index, parameter) in parameters.iter().enumerate() {
            let checked = self.check_global_argument(index, parameter);
            checked.map_err(|mut why| {
                let start = self.shape.functions[function].start as u32;
                let mut functions = self.program.functions.iter();
                let name = functions.find(|known| known.start == start);
                let name = name.map_or("", |known| &known.name);
                let more = format!("Caller passes invalid args into func#{function} ('{name}')");
                why.message = format!("{}\n{more}", why.message);
                why
            })?;
        }
        Ok(())
    }

    fn check_global_argument(&mut self, index: usize, parameter: &Parameter) -> Check {
        let (at, name) = (self.at, register(index));
        let reg = self.read(name)?;
        let number = name.number();
        match parameter {
            Parameter::Untrusted { .. } => Ok(()),
            Parameter::Number if reg.is_number() => Ok(()),
            Parameter::Number => invalid(at, format!("R{number} is not a scalar")),
            Parameter::Context if reg.what == What::Context => self.check_plain_context(&reg, name),
            Parameter::Context => invalid(
                at,
                format!(
                    "arg#{index} expected pointer to ctx, but got {}",
                    reg.name()
                ),
            ),
            Parameter::Dynptr => self.check_dynptr(name, &reg).map(|_| ()),
            Parameter::Arena if reg.is_number() || reg.what == What::Arena => Ok(()),
            Parameter::Arena => invalid(
                at,
                format!("R{number} is not a pointer to arena or scalar."),
            ),
            Parameter::Trusted {
                name: wanted,
                nullable,
            } => {
                if *nullable && reg.is_null() {
                    return Ok(());
                }
                let mut there = reg;
                if *nullable {
                    there.flags = there.flags.without(Flags::MAYBE_NULL);
                }
                let fits = match there.what {
                    What::Kernel { type_id } => self.type_names[type_id as usize] == *wanted,
                    _ => false,
                };
                if fits && Self::is_trusted(&there) && !there.may_be_null() {
                    return Ok(());
                }
                denied(
                    at,
                    format!("R{number} type={} expected=trusted_ptr_", reg.name()),
                )
            }
            Parameter::Memory { bytes, nullable } => {
                self.check_kfunc_memory(name, &reg, *bytes)?;
                if !nullable && reg.may_be_null() {
                    return invalid(at, format!("arg#{index} is expected to be non-NULL"));
                }
                Ok(())
            }
        }
    }
}

fn register(index: usize) -> RegName {
    RegName::new(index as u8 + 1).expect("at most five parameters")
}
