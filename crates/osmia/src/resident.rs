//! Programs with the maps they use, alive on a host: what is loaded, whoever owns the host.

use std::collections::BTreeMap;

use osmia_program::{Host, Initial, MapIndex, Program, ProgramSet, SlotContent, Slotted};

use crate::Error;
use crate::loaded::Needed;

/// Programs of a set with the maps they use.
pub(crate) struct Resident<H: Host> {
    pub(crate) set: ProgramSet,
    pub(crate) maps: BTreeMap<MapIndex, H::Map>,
    pub(crate) programs: BTreeMap<String, H::Program>,
}

impl<H: Host> Resident<H> {
    /// Makes these programs resident, with every map they use and every program those maps name; `load`
    /// loads one with its maps.
    pub(crate) fn new(
        host: &H,
        set: ProgramSet,
        names: &[&str],
        mut load: impl FnMut(&Program, &[H::Map]) -> Result<H::Program, Error>,
    ) -> Result<Self, Error> {
        let needed = Needed::of(&set, names)?;
        let mut resident = Self {
            set,
            maps: BTreeMap::new(),
            programs: BTreeMap::new(),
        };
        for index in needed.maps {
            let map = host.create_map(&resident.set.maps[index.index()])?;
            resident.maps.insert(index, map);
        }
        for position in needed.programs {
            let program = &resident.set.programs[position];
            let maps = program.maps.iter();
            let maps: Vec<H::Map> = maps.map(|index| resident.maps[index].clone()).collect();
            let loaded = load(program, &maps)?;
            resident.programs.insert(program.name.clone(), loaded);
        }
        resident.fill_slots(host)?;
        Ok(resident)
    }

    fn fill_slots(&self, host: &H) -> Result<(), Error> {
        for (index, map) in &self.maps {
            let slots = match &self.set.maps[index.index()].initial {
                Initial::Slots(slots) => slots,
                Initial::Operations { programs, .. } => {
                    for (offset, name) in programs {
                        if let Some(program) = self.programs.get(name) {
                            host.set_slot(map, *offset, Slotted::Program(program))?;
                        }
                    }
                    continue;
                }
                _ => continue,
            };
            for (slot, content) in slots {
                let content = match content {
                    SlotContent::Map(inner) => Slotted::Map(&self.maps[inner]),
                    SlotContent::Program(name) => match self.programs.get(name) {
                        Some(program) => Slotted::Program(program),
                        // Left out on request: a tail call to it goes on behind the call.
                        None => continue,
                    },
                };
                host.set_slot(map, *slot, content)?;
            }
        }
        Ok(())
    }

    /// A live map by name.
    pub(crate) fn map(&self, name: &str) -> Option<&H::Map> {
        let (index, _) = self.set.map(name)?;
        self.maps.get(&index)
    }
}
