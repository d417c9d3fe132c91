//! What programs send while they run.

use std::sync::Arc;

use osmia_user::UserMap;
use osmia_vm::map as vm;

use super::{Module, Plain};

/// The receiving end of a ring buffer or a perf event array.
#[derive(Clone, Debug)]
pub struct Events {
    map: Arc<vm::Map>,
    _held: (UserMap, Module),
}

impl Events {
    pub(super) fn new(module: &Module, map: &UserMap) -> Self {
        Self {
            map: Arc::clone(map.map()),
            _held: (map.clone(), module.clone()),
        }
    }

    /// Hands over what was sent since the last time, oldest first. Gives how many records were lost
    /// because there was no room. Nothing is allocated for a ring buffer.
    pub fn drain(&self, mut sink: impl FnMut(&[u8])) -> u64 {
        if let Some(ring) = self.map.ringbuf() {
            ring.consume(&mut sink);
            return ring.take_dropped();
        }
        let mut lost = 0;
        self.map.drain(&mut |record| {
            lost += record.lost;
            if !record.bytes.is_empty() {
                sink(&record.bytes);
            }
        });
        lost
    }

    /// The same for records that begin with a `T`; shorter ones are passed over, and counted as lost.
    pub fn drain_as<T: Plain>(&self, mut sink: impl FnMut(T)) -> u64 {
        let mut short = 0;
        let lost = self.drain(|bytes| match T::read_from_prefix(bytes) {
            Ok((record, _)) => sink(record),
            Err(_) => short += 1,
        });
        lost + short
    }
}
