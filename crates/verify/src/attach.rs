//! What a program is attached to: whether the target has it and lets such a program be there, as far as
//! the kernel asks when it loads one (`bpf_check_attach_target` of Linux 6.18). Nothing is attached.
//!
//! What a function of the kernel takes is in the target's BTF; what cannot be read there is in [`lists`].
//! A target without BTF, or with layouts alone, is asked for nothing that only functions would tell.

mod extension;
mod lists;
mod operations;
mod prototype;
mod traced;

use osmia_btf::{Btf, Kind};
use osmia_program::helper::is_gpl_compatible;
use osmia_program::{AttachKind, Errno, PARTIAL_TYPES, ProgramFlags, ProgramKind};

use crate::reject::{Because, Check, reject};
use crate::transfer::Transfer;
use crate::{Mistake, Options};

pub use extension::Replaced;
pub(crate) use extension::replacing;
pub(crate) use operations::Given;

/// Refuses the program as a whole, for what it is attached to.
fn refused<T>(message: impl Into<String>) -> Check<T> {
    reject(None, message, Errno::EINVAL)
}

impl Transfer<'_> {
    /// Refuses a program that the kernel would not let be attached as it says.
    pub(crate) fn check_attachment(&self) -> Check {
        self.check_sleeper()?;
        match self.program.hook.kind {
            ProgramKind::StructOps => self.check_operation(),
            ProgramKind::Tracing => self.check_traced().because_of_target(),
            ProgramKind::Lsm => self.check_security_hook().because_of_target(),
            _ => Ok(()),
        }
    }

    /// Few programs may sleep, and one type must.
    fn check_sleeper(&self) -> Check {
        use AttachKind as A;
        let hook = &self.program.hook;
        let may = match hook.kind {
            ProgramKind::Syscall if !self.sleeps() => {
                return refused("Syscall programs can only be sleepable");
            }
            ProgramKind::Tracing => !matches!(hook.attach, Some(A::TraceRawTp)),
            ProgramKind::Syscall
            | ProgramKind::Lsm
            | ProgramKind::Kprobe
            | ProgramKind::StructOps => true,
            _ => false,
        };
        if may || !self.sleeps() {
            return Ok(());
        }
        refused(
            "Only fentry/fexit/fmod_ret, lsm, iter, uprobe, and struct_ops programs can be sleepable",
        )
    }

    fn sleeps(&self) -> bool {
        self.program.flags.has(ProgramFlags::SLEEPABLE)
    }

    /// The target's BTF and the name of what the program is attached to, if both are there.
    fn attached(&self) -> Option<(&Btf, &str)> {
        let btf = self.target.btf.as_deref()?;
        Some((btf, self.program.hook.target.as_deref()?))
    }

    /// Tracepoints, iterators, and functions at their begin and end.
    fn check_traced(&self) -> Check {
        use AttachKind as A;
        if let Some(traced) = &self.options.traces {
            return self.check_traced_program(traced);
        }
        let Some((btf, name)) = self.attached() else {
            return Ok(());
        };
        match self.program.hook.attach {
            Some(A::TraceRawTp) => {
                let typedef = format!("btf_trace_{name}");
                match btf.find(&typedef, Kind::Typedef) {
                    Some(_) => Ok(()),
                    None => absent(btf, "tracepoint", name),
                }
            }
            Some(A::TraceIter) => match btf.find(&format!("bpf_iter_{name}"), Kind::Func) {
                // Functions of open-coded iterators are called like that, too.
                Some(_)
                    if btf
                        .find(&format!("bpf_iter__{name}"), Kind::Struct)
                        .is_some() =>
                {
                    Ok(())
                }
                _ => absent(btf, "iterator", name),
            },
            Some(A::TraceFentry | A::TraceFexit | A::ModifyReturn) => {
                self.check_traced_function(btf, name)
            }
            _ => Ok(()),
        }
    }

    fn check_traced_function(&self, btf: &Btf, name: &str) -> Check {
        let Some(function) = btf.find(name, Kind::Func) else {
            return absent(btf, "function", name);
        };
        prototype::check(btf, name, function)?;
        let attach = self.program.hook.attach;
        let modifies = attach == Some(AttachKind::ModifyReturn);
        let injected = lists::is_error_injected(name) && self.injects_errors();
        if self.sleeps() {
            let may = (injected && !lists::NOT_SLEEPABLE.contains(&name))
                || lists::MODIFIED_ASLEEP.contains(&name);
            if !may {
                return refused(format!("{name} is not sleepable"));
            }
        } else if modifies {
            let may = injected || name.starts_with("security_") || lists::is_modified(name);
            if !may {
                return refused(format!("{name}() is not modifiable"));
            }
        }
        if lists::UNTRACED.contains(&name) {
            return refused(format!(
                "Attaching tracing programs to function '{name}' is rejected."
            ));
        }
        let at_end = modifies || attach == Some(AttachKind::TraceFexit);
        if at_end && lists::NO_RETURN.contains(&name) {
            return refused(format!(
                "Attaching fexit/fmod_ret to __noreturn function '{name}' is rejected."
            ));
        }
        Ok(())
    }

    /// False if the target is known to be built without the means to make functions fail.
    fn injects_errors(&self) -> bool {
        const OPTION: &str = "CONFIG_FUNCTION_ERROR_INJECTION";
        (self.target.kconfig.as_ref()).is_none_or(|kconfig| kconfig.0.contains_key(OPTION))
    }

    /// Hooks of security modules.
    fn check_security_hook(&self) -> Check {
        if !is_gpl_compatible(&self.program.license) {
            return refused("LSM programs must have a GPL compatible license");
        }
        let Some((btf, name)) = self.attached() else {
            return Ok(());
        };
        let symbol = format!("bpf_lsm_{name}");
        let Some(function) = btf.find(&symbol, Kind::Func) else {
            return absent(btf, "security hook", name);
        };
        prototype::check(btf, &symbol, function)?;
        if self.sleeps() && !lists::HOOKS_ASLEEP.contains(&name) {
            return refused(format!("{symbol} is not sleepable"));
        }
        let what = match name {
            _ if lists::DISABLED_HOOKS.contains(&name) => "disabled hook",
            _ if lists::NO_HOOKS.contains(&name) => "wrong type name",
            _ => return Ok(()),
        };
        let id = function.0;
        refused(format!("attach_btf_id {id} points to {what} {symbol}"))
    }

    /// True for hooks that answer yes or no.
    pub(crate) fn is_asked_yes_or_no(&self) -> bool {
        let name = self.program.hook.target.as_deref().unwrap_or_default();
        lists::HOOKS_OF_TRUTH.contains(&name)
    }
}

/// The target has no such thing: loaders do not find its type. A partial BTF cannot tell.
fn absent(btf: &Btf, kind: &str, name: &str) -> Check {
    if is_partial(btf) {
        return Ok(());
    }
    let message = format!("the target's kernel has no {kind} {name} to attach to");
    reject(None, message, Errno::ENOENT)
}

/// True for a BTF that does not tell which functions its kernel has.
pub(crate) fn is_partial(btf: &Btf) -> bool {
    let marked = btf.find(PARTIAL_TYPES, Kind::Typedef).is_some();
    marked || !btf.types().any(|ty| ty.kind() == Kind::Func)
}

/// Refusals that are about what a program is attached to, whatever they are worded like.
trait BecauseOfTarget {
    fn because_of_target(self) -> Self;
}

impl BecauseOfTarget for Check {
    fn because_of_target(self) -> Self {
        match &self {
            Err(why) if why.message.contains("GPL") => self,
            _ => self.because(Mistake::Attach),
        }
    }
}

impl Options {
    /// True if the program replaces a function of another one.
    pub(crate) fn is_extension(&self) -> bool {
        self.replaces.is_some()
    }
}
