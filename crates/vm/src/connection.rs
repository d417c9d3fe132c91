//! Connections that are tracked, as `nf_conntrack` does: both directions' addresses lead to one object of
//! the heap. No packets pass, so connections come, change and go by what programs do, and by time.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};

use osmia_program::TrackedConnection;
use rustc_hash::FxHashMap;

/// One direction of a connection.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Tuple {
    pub(crate) source: (IpAddr, u16),
    pub(crate) destination: (IpAddr, u16),
    pub(crate) protocol: u8,
}

impl Tuple {
    /// The original direction of a connection.
    pub(crate) fn of(described: &TrackedConnection) -> Self {
        let end = |address: SocketAddr| (address.ip(), address.port());
        Self {
            source: end(described.source),
            destination: end(described.destination),
            protocol: described.protocol,
        }
    }

    /// The other direction.
    pub(crate) fn reversed(self) -> Self {
        Self {
            source: self.destination,
            destination: self.source,
            ..self
        }
    }
}

/// A zone: connections in different ones have nothing to do with each other.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Zone {
    pub(crate) id: u16,
    /// The directions it is about, a bit each; the others are in zone 0.
    pub(crate) directions: u8,
}

impl Zone {
    /// `NF_CT_DEFAULT_ZONE_DIR`
    pub(crate) const EVERY_DIRECTION: u8 = 3;

    fn of(self, direction: usize) -> u16 {
        match self.directions & 1 << direction {
            0 => 0,
            _ => self.id,
        }
    }
}

/// A connection that somebody asks for.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) tuple: Tuple,
    pub(crate) zone: Zone,
}

/// What an object of the heap stands for.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) zone: Zone,
    state: Mutex<State>,
}

#[derive(Debug)]
pub(crate) struct State {
    /// The original direction and the reply's.
    pub(crate) tuples: [Tuple; 2],
    /// It is in the table.
    pub(crate) confirmed: bool,
}

impl Connection {
    pub(crate) fn new(zone: Zone, original: Tuple) -> Self {
        Self {
            zone,
            state: Mutex::new(State {
                tuples: [original, original.reversed()],
                confirmed: false,
            }),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keys(&self, tuples: [Tuple; 2]) -> [Key; 2] {
        [0, 1].map(|direction| Key {
            zone: self.zone.of(direction),
            tuple: tuples[direction],
        })
    }
}

#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    zone: u16,
    tuple: Tuple,
}

impl Wanted {
    /// True for a described connection that is meant, in either direction.
    pub(crate) fn is(&self, described: &TrackedConnection) -> bool {
        let tuple = Tuple::of(described);
        let directions = [tuple, tuple.reversed()];
        let found = directions.iter().position(|tuple| *tuple == self.tuple);
        found.is_some_and(|direction| self.zone.of(direction) == described.zone)
    }
}

/// The connections of a host: address of the object and the direction.
#[derive(Debug, Default)]
pub(crate) struct Connections(Mutex<FxHashMap<Key, (u64, u8)>>);

impl Connections {
    /// The connection that has this tuple in one of its directions, and in which.
    pub(crate) fn find(&self, zone: Zone, tuple: Tuple) -> Option<(u64, u8)> {
        let table = self.lock();
        [0_u8, 1].into_iter().find_map(|direction| {
            let zone = zone.of(direction.into());
            let found = table.get(&Key { zone, tuple }).copied();
            found.filter(|(_, known)| *known == direction)
        })
    }

    /// Adds a connection; false if one of its directions is there already.
    pub(crate) fn insert(&self, connection: &Connection, address: u64) -> bool {
        let mut table = self.lock();
        let mut state = connection.lock();
        let keys = connection.keys(state.tuples);
        if keys.iter().any(|key| table.contains_key(key)) {
            return false;
        }
        for (key, direction) in keys.into_iter().zip(0..) {
            table.insert(key, (address, direction));
        }
        state.confirmed = true;
        true
    }

    /// Forgets a connection.
    pub(crate) fn remove(&self, connection: &Connection) {
        let mut table = self.lock();
        for key in connection.keys(connection.lock().tuples) {
            table.remove(&key);
        }
    }

    fn lock(&self) -> MutexGuard<'_, FxHashMap<Key, (u64, u8)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
