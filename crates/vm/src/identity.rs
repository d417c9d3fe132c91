//! What a host knows an object by.
//!
//! An identity lies in the map or program it belongs to and goes with it: whoever lets go of the
//! object last, an array of programs or a run included, frees the id in that moment.

use std::any::Any;
use std::fmt::Debug;

/// What a host knows an object by.
pub trait Identity: Any + Debug + Send + Sync {
    /// The id seen outside; 0 for none.
    fn id(&self) -> u32;
}

/// An identity as this type, if it is of it.
pub(crate) fn known_as<T: Identity>(identity: Option<&dyn Identity>) -> Option<&T> {
    let any: &dyn Any = identity?;
    any.downcast_ref()
}
