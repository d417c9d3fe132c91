//! Queues and stacks.

use std::marker::PhantomData;
use std::sync::Arc;

use osmia_program::{HostMap, UpdateMode};
use osmia_user::UserMap;
use osmia_vm::map as vm;

use super::map::refused;
use super::{Module, Plain};
use crate::Error;

/// A queue, or a stack: which of its values is next is the map's to say.
#[derive(Clone)]
pub struct Queue<V> {
    map: Arc<vm::Map>,
    _held: (UserMap, Module),
    types: PhantomData<V>,
}

impl<V: Plain> Queue<V> {
    pub(super) fn new(module: &Module, map: &UserMap) -> Self {
        Self {
            map: Arc::clone(map.map()),
            _held: (map.clone(), module.clone()),
            types: PhantomData,
        }
    }

    /// Adds a value.
    ///
    /// # Errors
    /// If it is full.
    pub fn push(&self, value: &V) -> Result<(), Error> {
        let done = (self.map).update_outside(&[], value.as_bytes(), UpdateMode::Any);
        done.map_err(|errno| refused(&self.map, errno))
    }

    /// Takes the next value.
    pub fn pop(&self) -> Option<V> {
        let mut value = V::new_zeroed();
        self.map.pop(value.as_mut_bytes()).ok()?;
        Some(value)
    }

    /// Looks at the next value.
    pub fn peek(&self) -> Option<V> {
        let mut value = V::new_zeroed();
        self.map.peek(value.as_mut_bytes()).ok()?;
        Some(value)
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.map.len() as usize
    }

    /// True without any.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<V> std::fmt::Debug for Queue<V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Queue({})", self._held.0.spec().name)
    }
}
