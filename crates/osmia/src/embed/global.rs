//! Global variables of a module.

use std::marker::PhantomData;
use std::sync::Arc;

use osmia_user::UserMap;
use osmia_vm::map as vm;

use super::map::refused;
use super::{Module, Plain};
use crate::Error;

/// A global variable that programs and the application share. Constants can be read; they are set when
/// the object is linked (`LinkOptions::globals`).
#[derive(Clone, Debug)]
pub struct Global<T> {
    map: Arc<vm::Map>,
    offset: usize,
    _held: (UserMap, Module),
    ty: PhantomData<T>,
}

impl<T: Plain> Global<T> {
    pub(super) fn new(module: &Module, map: &UserMap, offset: u32) -> Self {
        Self {
            map: Arc::clone(map.map()),
            offset: offset as usize,
            _held: (map.clone(), module.clone()),
            ty: PhantomData,
        }
    }

    /// Its value.
    pub fn get(&self) -> T {
        let mut value = T::new_zeroed();
        if let Some(values) = self.map.values() {
            values.read(0, self.offset, value.as_mut_bytes());
        }
        value
    }

    /// Sets it.
    ///
    /// # Errors
    /// If it is a constant: programs were compiled with its value.
    pub fn set(&self, value: &T) -> Result<(), Error> {
        let constant = self.map.is_frozen() || !self.map.program_writes();
        match self.map.values().filter(|_| !constant) {
            Some(values) => values.write(0, self.offset, value.as_bytes()),
            None => return Err(refused(&self.map, osmia_program::Errno::EPERM)),
        }
        Ok(())
    }
}
