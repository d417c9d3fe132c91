//! What the target has for each extern: a value of its configuration, the address or the BTF id of
//! a kernel variable, a kernel function.

use osmia_btf::{Body, Btf, Kind, TypeId, essential_name};
use osmia_isa::Endian;
use osmia_program::{KernelVersion, Target};

use super::settings::integer;
use crate::object::{Extern, ExternKind, KconfigType};
use crate::{LinkOptions, LinkProblem, Object};

/// What an extern became.
#[derive(Clone, Debug)]
pub(super) enum Resolved {
    /// A place in the `.kconfig` map.
    Configuration { offset: u32 },
    /// A number in the instruction: a kernel address, or 0 for a weak one that is missing.
    Address(u64),
    /// A kernel variable by BTF id. `module` is 0 for the kernel's own BTF, else one more than the
    /// position in [`Target::module_btfs`].
    Variable { id: TypeId, module: i32 },
    /// A kernel function by BTF id, `module` likewise.
    Function { id: TypeId, module: i16 },
    /// A weak function that is missing: calling it has to be impossible.
    Absent { reason: String },
    /// Missing, and the program cannot do without.
    Missing { what: String, help: String },
}

/// Externs by position in [`Object::externs`], and the content of the `.kconfig` map.
#[derive(Clone, Debug, Default)]
pub(super) struct Values {
    pub(super) resolved: Vec<Resolved>,
    pub(super) configuration: Vec<u8>,
}

/// Looks every extern up.
pub(super) fn resolve(object: &Object, target: &Target) -> Values {
    let size = object
        .maps
        .iter()
        .find(|map| map.spec.origin == osmia_program::MapOrigin::Kconfig)
        .map_or(0, |map| map.spec.value_size as usize);
    let mut values = Values {
        resolved: Vec::with_capacity(object.externs.len()),
        configuration: vec![0; size],
    };
    for each in &object.externs {
        let resolved = match &each.kind {
            ExternKind::Kconfig { ty, offset, size } => {
                let bytes = (*offset as usize)
                    .checked_add(*size as usize)
                    .and_then(|end| values.configuration.get_mut(*offset as usize..end));
                match bytes.map(|bytes| configure(object, target, each, *ty, bytes)) {
                    Some(Err((what, help))) => Resolved::Missing { what, help },
                    _ => Resolved::Configuration { offset: *offset },
                }
            }
            ExternKind::Variable { ty: None } => address(target, each),
            ExternKind::Variable { ty: Some(ty) } => variable(object, target, each, *ty),
            ExternKind::Function { func } => function(object, target, each, *func),
            ExternKind::Object if each.weak => Resolved::Absent {
                reason: format!("no object and no kernel defines the weak `{}`", each.name),
            },
            ExternKind::Object => Resolved::Missing {
                what: "is defined neither here nor declared as the kernel's".into(),
                help: "link it with the object that defines it, or declare it with __ksym or __kconfig and compile with -g".into(),
            },
        };
        values.resolved.push(resolved);
    }
    values
}

/// Configuration that is missing fails whether or not a program reads it, unless the user sets it.
pub(super) fn check_configuration(
    object: &Object,
    options: &LinkOptions,
    values: &Values,
    problems: &mut Vec<LinkProblem>,
) {
    for (each, resolved) in object.externs.iter().zip(&values.resolved) {
        let (ExternKind::Kconfig { .. }, Resolved::Missing { what, help }) = (&each.kind, resolved)
        else {
            continue;
        };
        if options.globals.iter().any(|(name, _)| *name == each.name) {
            continue;
        }
        problems.push(LinkProblem::Extern {
            name: each.name.clone(),
            program: None,
            what: what.clone(),
            help: help.clone(),
        });
    }
}

type Failure = (String, String);

/// Writes a value of the configuration.
fn configure(
    object: &Object,
    target: &Target,
    each: &Extern,
    ty: KconfigType,
    bytes: &mut [u8],
) -> Result<(), Failure> {
    let set = format!("set it with --set {}=VALUE", each.name);
    let known_since =
        |major, minor| u64::from(target.kernel >= KernelVersion::new(major, minor, 0));
    let number = match each.name.as_str() {
        "LINUX_KERNEL_VERSION" => Some(u64::from(target.kernel.0)),
        "LINUX_HAS_BPF_COOKIE" => Some(known_since(5, 15)),
        "LINUX_HAS_SYSCALL_WRAPPER" => Some(known_since(4, 17)),
        _ => None,
    };
    if let Some(number) = number {
        return put(object.endian(), ty, number, bytes)
            .ok_or_else(|| (format!("cannot hold {number}"), "declare it as int".into()));
    }
    let text = if each.name.starts_with("CONFIG_") {
        target
            .kconfig
            .as_ref()
            .and_then(|kconfig| kconfig.0.get(&each.name))
    } else {
        None
    };
    let Some(text) = text else {
        if each.weak {
            return Ok(());
        }
        let what = if !each.name.starts_with("CONFIG_") {
            "is no name of a kernel configuration nor one that a loader knows".into()
        } else if target.kconfig.is_none() {
            format!(
                "is wanted, and the configuration of target {} is not known",
                target.name
            )
        } else {
            format!("is not set in the configuration of target {}", target.name)
        };
        return Err((what, set));
    };
    let wrong = || {
        (
            format!(
                "is {text} on target {}, which its type cannot hold",
                target.name
            ),
            set,
        )
    };
    write_value(object.endian(), ty, text, bytes).ok_or_else(wrong)
}

/// Turns a value as `.config` writes it into bytes.
fn write_value(endian: Endian, ty: KconfigType, text: &str, bytes: &mut [u8]) -> Option<()> {
    let switch = match text {
        "y" => Some(1),
        "m" => Some(2),
        "n" => Some(0),
        _ => None,
    };
    match (ty, switch) {
        (KconfigType::Bool, Some(2)) => None,
        (KconfigType::Bool | KconfigType::Tristate, Some(value)) => put(endian, ty, value, bytes),
        (KconfigType::Char, Some(_)) => {
            *bytes.first_mut()? = *text.as_bytes().first()?;
            Some(())
        }
        (KconfigType::Text, _) => {
            let text = text.strip_prefix('"')?.strip_suffix('"')?;
            // The last byte stays 0; longer text is cut, as libbpf does.
            let room = bytes.len().checked_sub(1)?;
            for (to, from) in bytes.iter_mut().take(room).zip(text.bytes()) {
                *to = from;
            }
            Some(())
        }
        (KconfigType::Int { signed }, None) => {
            let number = integer(text)?;
            let bits = bytes.len() as u32 * 8;
            let range = if signed {
                -(1_i128 << (bits - 1))..1_i128 << (bits - 1)
            } else {
                0..1_i128 << bits
            };
            range.contains(&number).then_some(())?;
            put(endian, ty, number as u64, bytes)
        }
        (KconfigType::Char | KconfigType::Bool, None) => {
            let number = integer(text)?;
            let limit = if ty == KconfigType::Bool { 2 } else { 256 };
            (0..limit).contains(&number).then_some(())?;
            put(endian, ty, number as u64, bytes)
        }
        _ => None,
    }
}

/// Writes a number of any width.
fn put(endian: Endian, ty: KconfigType, number: u64, bytes: &mut [u8]) -> Option<()> {
    if ty == KconfigType::Text || bytes.len() > 8 {
        return None;
    }
    let wide = number.to_le_bytes();
    let last = bytes.len().checked_sub(1)?;
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = wide[match endian {
            Endian::Little => at,
            Endian::Big => last - at,
        }];
    }
    Some(())
}

fn address(target: &Target, each: &Extern) -> Resolved {
    let found = target
        .ksyms
        .as_ref()
        .and_then(|symbols| symbols.get(&each.name));
    match found {
        Some(address) => Resolved::Address(*address),
        None if each.weak => Resolved::Address(0),
        None => Resolved::Missing {
            what: format!("is no kernel symbol that target {} knows", target.name),
            help: "declare it __weak and check its address before use".into(),
        },
    }
}

/// The target's BTFs: the kernel's own, then its modules', each with its number.
fn btfs(target: &Target) -> impl Iterator<Item = (i32, &Btf)> {
    let kernel = target.btf.iter().map(|btf| (0, btf.as_ref()));
    let modules = target
        .module_btfs
        .iter()
        .enumerate()
        .map(|(index, (_, btf))| (index as i32 + 1, btf.as_ref()));
    kernel.chain(modules)
}

fn variable(object: &Object, target: &Target, each: &Extern, ty: TypeId) -> Resolved {
    for (module, btf) in btfs(target) {
        let Some(id) = btf.find(&each.name, Kind::Var) else {
            continue;
        };
        if module != 0 && id < btf.first_id() {
            continue;
        }
        let Body::Var(var) = btf.type_at(id).body() else {
            continue;
        };
        let fits = object.btf().is_some_and(|local| {
            let (declared, kernel) = (local.resolve(ty).id(), btf.resolve(var.ty).id());
            osmia_btf::core::types_compatible(local, declared, btf, kernel)
        });
        if !fits {
            return Resolved::Missing {
                what: format!("has another type on target {}", target.name),
                help: "declare it as the kernel does, or as void to get its address only".into(),
            };
        }
        return Resolved::Variable { id, module };
    }
    if each.weak {
        return Resolved::Address(0);
    }
    Resolved::Missing {
        what: missing(target, "variable"),
        help: "declare it __weak and check its address before use".into(),
    }
}

/// True if the release that is asked about did not have the function yet.
fn came_later(target: &Target, name: &str) -> bool {
    let since = osmia_program::release::kfunc_since(name, None);
    (target.release).is_some_and(|release| since.is_some_and(|since| since > release))
}

fn function(object: &Object, target: &Target, each: &Extern, func: TypeId) -> Resolved {
    let mut mismatch = None;
    let name = essential_name(&each.name);
    let unknown = target.kfuncs.is_some_and(|has| !has(name));
    if each.weak && (unknown || came_later(target, name)) {
        let what = format!("is no function that target {} has", target.name);
        return Resolved::Absent {
            reason: format!("weak kernel function `{}` {what}", each.name),
        };
    }
    for (module, btf) in btfs(target) {
        let Some(id) = btf.find(name, Kind::Func) else {
            continue;
        };
        if module != 0 && id < btf.first_id() {
            continue;
        }
        let Ok(module) = i16::try_from(module) else {
            continue;
        };
        let (Some(local), Body::Func(kernel)) = (object.btf(), btf.type_at(id).body()) else {
            continue;
        };
        let Body::Func(declared) = local.type_at(func).body() else {
            continue;
        };
        if osmia_btf::core::types_compatible(local, declared.proto, btf, kernel.proto) {
            return Resolved::Function { id, module };
        }
        mismatch = Some(format!("has another prototype on target {}", target.name));
        break;
    }
    let what = match mismatch {
        Some(what) => what,
        // It is known by its name; if the target does not have it, loading says so.
        None if target.kfuncs.is_some() => {
            return Resolved::Function {
                id: TypeId::VOID,
                module: 0,
            };
        }
        None => missing(target, "function"),
    };
    if each.weak {
        return Resolved::Absent {
            reason: format!("weak kernel function `{}` {what}", each.name),
        };
    }
    Resolved::Missing {
        what,
        help: "declare it __weak and guard the call with bpf_ksym_exists()".into(),
    }
}

fn missing(target: &Target, what: &str) -> String {
    if target.btf.is_some() {
        format!("is no {what} of target {}", target.name)
    } else {
        format!(
            "is a kernel {what}, and target {} has no BTF to find it in",
            target.name
        )
    }
}
