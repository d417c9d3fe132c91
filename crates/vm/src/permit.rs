//! Which helpers a program may call: those that Linux lets it call, and those this machine has.

use std::fmt;
use std::sync::Arc;

use osmia_diag::Diagnostic;
use osmia_isa::{Callee, Insn, decode};
use osmia_program::helper::{self, Callers, GPL_LICENSES, Helper, HelperDenial};
use osmia_program::{Program, ProgramFlags, ProgramKind, kfunc};

use crate::checked::Checked;
use crate::code::TAIL_CALL;
use crate::prepare::PrepareError;

/// True if this machine has the helper of this number.
pub fn has_helper(id: u32) -> bool {
    // Control flow rather than a call.
    i32::try_from(id) == Ok(TAIL_CALL) || crate::helper::implementation::<Checked>(id).is_some()
}

/// Looks for calls of helpers and kernel functions that Linux refuses because of the program's type, attach
/// type, licence or because it does not sleep. Calls that could not be relocated are not looked at, nor numbers that are no
/// helper's: [`crate::Code::prepare`] tells about those.
///
/// # Errors
/// The first such call.
pub fn check_helpers(program: &Arc<Program>) -> Result<(), PrepareError> {
    let sleepable = program.flags.has(ProgramFlags::SLEEPABLE);
    let mut at = 0;
    while at < program.insns.len() {
        let insn = decode(&program.insns, at).expect("a program's layout is checked");
        let slot = at;
        at += insn.slots();
        let id = match insn {
            Insn::Call(Callee::Helper(id)) => id,
            Insn::Call(Callee::Kfunc { .. }) => {
                check_kfunc(program, slot)?;
                continue;
            }
            _ => continue,
        };
        let known = u32::try_from(id).ok().and_then(helper::by_id);
        let Some(helper) = known.filter(|_| program.poison_at(slot).is_none()) else {
            continue;
        };
        helper
            .permits(&program.hook, &program.license, sleepable)
            .map_err(|why| PrepareError::HelperDenied {
                program: Arc::clone(program),
                slot,
                helper,
                why,
            })?;
    }
    Ok(())
}

/// Looks at one call of a kernel function; what is not in the table, or replaces another program's function
/// and so has its rights, is not looked at.
fn check_kfunc(program: &Arc<Program>, slot: usize) -> Result<(), PrepareError> {
    let known = program.kfunc_at(slot).and_then(kfunc::by_name);
    let caller = Callers::of(&program.hook);
    let looked_at = program.poison_at(slot).is_none() && program.hook.kind != ProgramKind::Ext;
    match known.filter(|kfunc| looked_at && !kfunc.callers.meets(caller)) {
        None => Ok(()),
        Some(kfunc) => Err(PrepareError::KfuncDenied {
            program: Arc::clone(program),
            slot,
            kfunc,
        }),
    }
}

/// Says that programs of this type cannot call something.
pub(crate) fn explain_caller(
    f: &mut fmt::Formatter<'_>,
    program: &Program,
    name: &str,
) -> fmt::Result {
    let kind = program.hook.kind;
    match program.hook.attach {
        Some(attach) => write!(
            f,
            "programs of type {kind} attached as {attach} cannot call {name}"
        ),
        None => write!(f, "programs of type {kind} cannot call {name}"),
    }
}

/// Says why a helper is denied.
pub(crate) fn explain(
    f: &mut fmt::Formatter<'_>,
    program: &Program,
    helper: &Helper,
    why: HelperDenial,
) -> fmt::Result {
    let name = helper.name;
    match why {
        HelperDenial::Callers => explain_caller(f, program, name),
        HelperDenial::License => write!(
            f,
            "{name} is for programs under a licence compatible with the GPL, this one has \"{}\"",
            program.license
        ),
        HelperDenial::Sleeps => {
            write!(f, "{name} may sleep, and this program must not")
        }
    }
}

/// Says what would have to change.
pub(crate) fn advise(diagnostic: Diagnostic, helper: &Helper, why: HelperDenial) -> Diagnostic {
    match why {
        HelperDenial::Callers => diagnostic
            .note(format!("on Linux it is for {}", helper.callers))
            .help("call another helper, or make it another type of program"),
        HelperDenial::License => diagnostic.help(format!(
            "give the object one of these in its section `license`: {}",
            GPL_LICENSES.join(", ")
        )),
        HelperDenial::Sleeps => diagnostic.help(
            "types that can sleep say so in the section name with `.s`: `lsm.s/…`, `uprobe.s/…`",
        ),
    }
}
