//! What libbpf would hand to the kernel, from the driver in `drivers/libbpf_insns.c`.

use std::path::{Path, PathBuf};
use std::process::Command;

use osmia_isa::{Endian, Slot};
use serde_json::Value;

use super::Unit;
use crate::libbpf_driver;
use crate::place::{self, Error};

/// One object as libbpf loads it.
pub(super) struct Loaded {
    pub(super) programs: Vec<LoadedProgram>,
    pub(super) maps: Vec<LoadedMap>,
    /// Programs it does not load, with what it says; without a name, the whole object.
    pub(super) refused: Vec<(Option<String>, String)>,
}

pub(super) struct LoadedProgram {
    pub(super) name: String,
    pub(super) kind: u32,
    pub(super) attach: u32,
    pub(super) flags: u32,
    pub(super) license: String,
    /// False if the type was not in the section's name and something was chosen.
    pub(super) known_section: bool,
    pub(super) func_infos: u64,
    pub(super) line_infos: u64,
    pub(super) insns: Vec<Slot>,
    /// Maps by the descriptors that stand in the instructions.
    pub(super) map_fds: Vec<(i64, String)>,
}

#[derive(PartialEq, Eq)]
pub(super) struct LoadedMap {
    pub(super) name: String,
    pub(super) shape: Shape,
    pub(super) inner: Option<Shape>,
    pub(super) frozen: bool,
    /// The value of the only element, for data sections.
    pub(super) value: Option<Vec<u8>>,
    /// Filled slots: index and the map or program in it, if it has a name.
    pub(super) slots: Vec<(u64, Option<String>)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) kind: u64,
    pub(super) key_size: u64,
    pub(super) value_size: u64,
    pub(super) max_entries: u64,
    pub(super) flags: u64,
    pub(super) extra: u64,
}

/// The compiled driver.
pub(super) struct Driver {
    path: PathBuf,
}

impl Driver {
    pub(super) fn build() -> Result<Driver, Error> {
        let path = libbpf_driver::build("libbpf_insns")?;
        Ok(Driver { path })
    }

    /// One object, everything it would load. Several are linked by bpftool, which is libbpf's linker.
    pub(super) fn load(&self, unit: &Unit) -> Result<Loaded, Error> {
        let object = match unit.objects.as_slice() {
            [only] => only.clone(),
            several => {
                let linked = self.path.with_file_name(unit.name());
                let bpftool = ["gen", "object"];
                let mut command = Command::new("bpftool");
                place::run(command.args(bpftool).arg(&linked).args(several))?;
                linked
            }
        };
        let output = Command::new(&self.path).arg(object).output()?;
        if !output.status.success() {
            // libbpf of that age aborts on some objects; that is an answer too.
            let why = format!("libbpf ended with {}", output.status);
            return Ok(Loaded {
                programs: vec![],
                maps: vec![],
                refused: vec![(None, why)],
            });
        }
        loaded(&serde_json::from_slice(&output.stdout)?)
    }

    /// Milliseconds of opening, loading and reading the kernel's BTF.
    pub(super) fn measure(&self, object: &Path, rounds: usize) -> Result<Value, Error> {
        let output = place::run(Command::new(&self.path).arg(object).arg(rounds.to_string()))?;
        Ok(serde_json::from_slice(&output)?)
    }
}

fn loaded(value: &Value) -> Result<Loaded, Error> {
    let mut loaded = Loaded {
        programs: vec![],
        maps: vec![],
        refused: vec![],
    };
    if value["error"] == 0 {
        add(value, &mut loaded)?;
        return Ok(loaded);
    }
    let alone = list(&value["alone"]);
    if alone.is_empty() {
        loaded.refused.push((None, message(value)));
    }
    for value in alone {
        add(value, &mut loaded)?;
        // A program array that wants the other programs fails after the load: not a refusal.
        if list(&value["programs"]).is_empty() {
            let name = value["name"].as_str().map(str::to_owned);
            loaded.refused.push((name, message(value)));
        }
    }
    Ok(loaded)
}

fn message(value: &Value) -> String {
    let text = value["message"]
        .as_str()
        .unwrap_or_default()
        .trim_start_matches("libbpf: ");
    if text.is_empty() {
        format!("error {}", value["error"])
    } else {
        text.to_owned()
    }
}

/// The programs and maps of one load.
fn add(value: &Value, loaded: &mut Loaded) -> Result<(), Error> {
    let maps = list(&value["maps"]);
    let fds = || {
        maps.iter()
            .filter_map(|map| Some((map["fd"].as_i64()?, text(&map["name"]))))
    };
    for program in list(&value["programs"]) {
        let bytes = place::from_hex(program["insns"].as_str().unwrap_or_default());
        loaded.programs.push(LoadedProgram {
            name: text(&program["name"]),
            kind: number(&program["type"]) as u32,
            attach: number(&program["expected_attach_type"]) as u32,
            flags: number(&program["flags"]) as u32,
            license: text(&program["license"]),
            known_section: program["known_section"] == 1,
            func_infos: number(&program["func_infos"]),
            line_infos: number(&program["line_infos"]),
            insns: osmia_isa::read_slots(&bytes.ok_or("not hexadecimal")?, Endian::Little)
                .map_err(|error| error.to_string())?,
            map_fds: fds().collect(),
        });
    }
    for map in maps {
        let updates = list(&map["updates"]);
        let value = updates.iter().find_map(|update| update["bytes"].as_str());
        let slots = updates
            .iter()
            .filter(|update| update["bytes"].is_null())
            .map(|update| {
                let program = update["program"].as_str().map(str::to_owned);
                let inner = || {
                    fds()
                        .find(|(fd, _)| update["value"] == *fd)
                        .map(|(_, name)| name)
                };
                (number(&update["key"]), program.or_else(inner))
            });
        let map = LoadedMap {
            name: text(&map["name"]),
            shape: shape(map),
            inner: map["inner"].is_object().then(|| shape(&map["inner"])),
            frozen: map["frozen"] == 1,
            value: value.and_then(place::from_hex),
            slots: slots.collect(),
        };
        if !loaded.maps.iter().any(|known| known.name == map.name) {
            loaded.maps.push(map);
        }
    }
    Ok(())
}

fn shape(map: &Value) -> Shape {
    Shape {
        kind: number(&map["type"]),
        key_size: number(&map["key_size"]),
        value_size: number(&map["value_size"]),
        max_entries: number(&map["max_entries"]),
        flags: number(&map["flags"]),
        extra: number(&map["extra"]),
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
