//! The kernel functions this machine has: one function each, written against [`Guest`] like helpers,
//! and found by name. What they are called with is in [`osmia_program::kfunc`].

mod absent;
mod arena;
mod cgroup;
mod congestion;
mod connection;
mod cpumask;
mod dynptr;
mod event;
mod exception;
mod graph;
mod iter;
mod lock;
mod object;
mod section;
mod system;
mod task;
mod text;
mod walk;
mod work;
mod xdp;

pub(crate) use absent::reason;

use crate::fields::release;
use crate::guest::{Call, Fault, Guest};
use crate::helper::HelperFn;
use crate::owner::OwnerKind;

/// Declares a family: names and functions.
macro_rules! family {
    ($($name:literal => $function:expr,)+) => {
        /// The names of this family.
        pub(super) const NAMES: &[&str] = &[$($name),+];

        /// The implementation of a function of this family.
        pub(super) fn implementation<G: Guest>(name: &str) -> Option<HelperFn<G>> {
            Some(match name {
                $($name => $function,)+
                _ => return None,
            })
        }
    };
}
use family;

/// The families, in the order they are asked.
macro_rules! families {
    ($($family:ident),+ $(,)?) => {
        /// The implementation of a kernel function.
        pub(crate) fn implementation<G: Guest>(name: &str) -> Option<HelperFn<G>> {
            None$(.or_else(|| $family::implementation(name)))+
        }

        const NAMES: &[&[&str]] = &[$($family::NAMES),+];
    };
}

families! {
    arena,
    cgroup,
    congestion,
    connection,
    cpumask,
    dynptr,
    event,
    exception,
    graph,
    iter,
    lock,
    object,
    section,
    system,
    task,
    text,
    walk,
    work,
    xdp,
}

/// The kernel object of a type that an argument (from 1) points to the start of.
fn kernel_object<G: Guest>(call: &Call<'_, G>, argument: usize, of: &str) -> Result<u64, Fault> {
    let object = call.object(argument, &format!("a {of}"))?;
    match &*object.tag.name {
        name if name == of => Ok(object.address),
        other => Err(Fault::Argument {
            argument,
            what: format!("is a {other}, not a {of}"),
        }),
    }
}

/// The control group an argument (from 1) points to, by itself or by its state, and its id.
fn group<G: Guest>(call: &Call<'_, G>, argument: usize) -> Result<(u64, u64), Fault> {
    let address = kernel_object(call, argument, "cgroup")?;
    let id = call.world.runs.owners().number(OwnerKind::Cgroup, address);
    match id {
        Some(id) => Ok((address, id)),
        None => Err(Fault::Argument {
            argument,
            what: "is a cgroup whose id was not described".to_owned(),
        }),
    }
}

/// Takes one more reference to the kernel object in the first argument.
fn acquire<G: Guest>(call: &mut Call<'_, G>, of: &str) -> Result<u64, Fault> {
    let address = kernel_object(call, 1, of)?;
    call.world.held.acquire(address);
    Ok(address)
}

/// Gives back the reference in the first argument.
fn give_back<G: Guest>(call: &mut Call<'_, G>, of: &str) -> Result<u64, Fault> {
    let address = call.args[0];
    if !call.world.held.release(address) {
        return Err(Fault::Argument {
            argument: 1,
            what: format!("is no {of} that the run has a reference to"),
        });
    }
    release(&call.world.runs, address);
    Ok(0)
}

/// True if this machine has a kernel function of this name.
pub fn has_kfunc(name: &str) -> bool {
    NAMES.iter().any(|family| family.contains(&name))
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_function_here_is_in_the_table() {
        for name in super::NAMES.iter().copied().flatten() {
            assert!(osmia_program::kfunc::by_name(name).is_some(), "{name}");
        }
    }
}
