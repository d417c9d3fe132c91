//! JSON rendering: one object, keys in a fixed order, absent when empty.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use crate::Diagnostic;

impl Serialize for Diagnostic {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("severity", &self.severity)?;
        map.serialize_entry("code", self.code.id)?;
        map.serialize_entry("message", &self.message)?;
        if !self.place.is_empty() {
            map.serialize_entry("place", &self.place)?;
        }
        if let Some(listing) = &self.listing {
            map.serialize_entry("listing", listing)?;
        }
        if !self.notes.is_empty() {
            map.serialize_entry("notes", &self.notes)?;
        }
        if !self.help.is_empty() {
            map.serialize_entry("help", &self.help)?;
        }
        map.end()
    }
}
