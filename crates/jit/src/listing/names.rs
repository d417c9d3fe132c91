//! Names of what addresses in listings stand for.

use osmia_vm::layout;

use crate::lower::Lowered;
use crate::symbols::Symbol;

/// Above all addresses of processes, in the 48 bits that addresses have.
const MARK: u64 = 0x70;

/// Where symbols would be if they were anywhere: kind, position and offset as digits.
pub(super) fn stand_in(symbol: Symbol) -> u64 {
    let (kind, position, offset) = match symbol {
        Symbol::Map(map) => (1, 0, map),
        Symbol::Value(map, offset) => (2, map, offset),
        Symbol::Helper(id) => (3, 0, id),
        Symbol::CallHelper => (4, 0, 0),
        Symbol::TailCall => (5, 0, 0),
        Symbol::MapItself(map) => (6, 0, map),
        Symbol::CallMap(operation, map) => (7, map, operation as u32),
        Symbol::Kfunc(kfunc) => (8, 0, kfunc),
        Symbol::Function(slot) => (9, 0, slot),
        Symbol::Far => (10, 0, 0),
        Symbol::Leaf(helper) => (11, 0, helper),
    };
    (MARK | kind) << 40 | u64::from(position & 0xff) << 32 | u64::from(offset)
}

/// What the names are made of.
pub(super) struct Names {
    maps: Vec<String>,
    kfuncs: Vec<&'static str>,
}

impl Names {
    pub(super) fn of(lowered: &Lowered) -> Self {
        let maps = lowered.maps.iter();
        Self {
            maps: maps.map(|map| map.spec().name.clone()).collect(),
            kfuncs: lowered.kfuncs.clone(),
        }
    }

    /// What a number is called that may be an address.
    pub(super) fn symbol(&self, address: u64) -> Option<String> {
        let map = |position: u64| self.maps.get(position as usize);
        let (position, offset) = (address >> 32 & 0xff, address & 0xffff_ffff);
        let kind = (address >> 40).checked_sub(MARK)?;
        Some(match kind {
            1 => format!("map {}", map(offset)?),
            2 => format!("&{}[0] + {offset}", map(position)?),
            3 => osmia_program::helper::by_id(offset as u32)?.name.to_owned(),
            4 => "call_helper".to_owned(),
            5 => "tail_call".to_owned(),
            6 => format!("&{}", map(offset)?),
            7 => "call_map".to_owned(),
            8 => (*self.kfuncs.get(offset as usize)?).to_owned(),
            9 => format!("function at {offset}"),
            10 => "far".to_owned(),
            _ => return None,
        })
    }

    /// What the machine keeps of a run at a distance.
    pub(super) fn field(offset: u64) -> Option<String> {
        let mut names = layout::NAMES.iter();
        let found = names.find(|(known, _)| *known as u64 == offset)?;
        Some(format!("run.{}", found.1))
    }
}
