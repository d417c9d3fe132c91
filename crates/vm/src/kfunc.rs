//! The kernel functions this machine has: one function each, written against [`Guest`] like helpers,
//! and found by name. What they are called with is in [`osmia_program::kfunc`].

mod arena;
mod dynptr;
mod exception;
mod graph;
mod iter;
mod lock;
mod object;
mod section;
mod text;
mod work;
mod xdp;

use crate::guest::Guest;
use crate::helper::HelperFn;

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
    dynptr,
    exception,
    graph,
    iter,
    lock,
    object,
    section,
    text,
    work,
    xdp,
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
