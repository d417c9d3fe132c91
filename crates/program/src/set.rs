//! Programs and the maps they share: what one object links to.

use std::sync::Arc;

use osmia_btf::{Btf, TypeId};

use crate::{MapIndex, MapSpec, Program};

/// A global variable of the object: where it lies and what it is.
#[derive(Clone, Debug)]
pub struct Global {
    /// Its name in the source.
    pub name: String,
    /// The map that holds its section.
    pub map: MapIndex,
    /// Offset inside the map's value.
    pub offset: u32,
    /// Bytes.
    pub size: u32,
    /// Its BTF type in the set's BTF, if the object has any.
    pub type_id: Option<TypeId>,
}

/// Linked programs with their maps. Map indices of the programs count in `maps`.
#[derive(Clone, Debug, Default)]
pub struct ProgramSet {
    /// Loadable programs in the order of the file.
    pub programs: Vec<Program>,
    /// Maps, in the order libbpf would create them.
    pub maps: Vec<MapSpec>,
    /// Global variables by section and offset.
    pub globals: Vec<Global>,
    /// The object's BTF.
    pub btf: Option<Arc<Btf>>,
}

impl ProgramSet {
    /// The program of this name.
    pub fn program(&self, name: &str) -> Option<&Program> {
        self.programs.iter().find(|program| program.name == name)
    }

    /// The map of this name.
    pub fn map(&self, name: &str) -> Option<(MapIndex, &MapSpec)> {
        let position = self.maps.iter().position(|map| map.name == name)?;
        Some((MapIndex::from_usize(position), &self.maps[position]))
    }
}
