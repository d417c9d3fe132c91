//! Placeholder until the room's first code lands.
