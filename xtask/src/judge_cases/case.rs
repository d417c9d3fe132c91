//! Verifier tests as values: one JSON object a line.

use std::path::Path;
use std::sync::Arc;

use osmia_btf::{Btf, TypeId};
use osmia_isa::{Endian, Slot, read_slots};
use osmia_program::{
    AttachKind, MapBtf, MapFlags, MapIndex, MapKind, MapSpec, Privilege, Program, ProgramFlags,
    ProgramKind, ProgramParts,
};
use serde_json::Value;

use super::Mode;
use crate::place::{self, Error};

/// One test.
pub(super) struct Case {
    pub(super) id: u64,
    pub(super) name: String,
    /// The rights the kernel was asked with.
    pub(super) privilege: Privilege,
    parts: Result<ProgramParts, String>,
    /// Those the instructions name by position.
    pub(super) maps: Vec<MapSpec>,
    /// Whether the kernel took it, if it was asked.
    pub(super) accepted: Option<bool>,
    /// What the kernel said last.
    pub(super) message: String,
    /// Instructions the kernel visited.
    pub(super) processed: Option<u64>,
}

/// Every test of a case file, with what the kernel said to somebody with the mode's rights.
pub(super) fn read(path: &Path, mode: Mode) -> Result<Vec<Case>, Error> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut cases = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let value: Value = serde_json::from_str(line)?;
        let case = Case::from_json(&value, folder, mode)
            .map_err(|error| format!("{}:{}: {error}", path.display(), number + 1))?;
        cases.push(case);
    }
    Ok(cases)
}

impl Case {
    fn from_json(value: &Value, folder: &Path, mode: Mode) -> Result<Case, Error> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let name = text(&value["name"]);
        let host = &value[mode.field()];
        let privilege = match (mode, value["unpriv_mode"].as_str()) {
            (Mode::Privileged, _) => Privilege::All,
            (Mode::Unprivileged, Some("CAP_BPF without CAP_PERFMON")) => Privilege::Bpf,
            (Mode::Unprivileged, _) => Privilege::None,
        };
        let accepted = match host["verdict"].as_str() {
            Some("accept") => Some(true),
            Some("reject") => Some(false),
            _ => None,
        };
        let maps = value["maps"].as_array().map_or(&[][..], Vec::as_slice);
        let maps = maps.iter().map(map).collect::<Result<Vec<_>, Error>>()?;
        let parts = match value["insns_file"].as_str() {
            Some(_) if accepted.is_none() => Err("not read".to_owned()),
            _ => parts(value, &name, maps.len(), folder).map_err(|error| error.to_string()),
        };
        Ok(Case {
            id: value["id"].as_u64().unwrap_or_default(),
            name,
            privilege,
            parts,
            maps,
            accepted,
            message: text(&host["last"]),
            processed: host["processed"].as_u64(),
        })
    }

    /// The program, if its layout is right.
    pub(super) fn program(&self) -> Result<Program, String> {
        let parts = self.parts.clone()?;
        Program::new(parts).map_err(|error| error.to_string())
    }
}

fn parts(value: &Value, name: &str, maps: usize, folder: &Path) -> Result<ProgramParts, Error> {
    let bytes = match value["insns_file"].as_str() {
        Some(file) => {
            let base = Path::new(file).file_name().ok_or("no file name")?;
            let found = [folder.join(file), folder.join("big/6.1").join(base)];
            let path = found.iter().find(|path| path.exists());
            std::fs::read(path.ok_or("the instructions' file is missing")?)?
        }
        None => place::from_hex(value["insns"].as_str().unwrap_or_default())
            .ok_or("the instructions are not hexadecimal")?,
    };
    let mut insns: Vec<Slot> = read_slots(&bytes, Endian::Little)?;
    for reference in value["map_refs"].as_array().into_iter().flatten() {
        let (at, map) = (reference[0].as_u64(), reference[1].as_u64());
        let slot = at.and_then(|at| insns.get_mut(at as usize));
        let (slot, map) = slot.zip(map).ok_or("a map reference is out of place")?;
        /// By descriptor becomes by position.
        const BY_POSITION: u8 = 4;
        slot.src = (slot.src & 3) + BY_POSITION;
        slot.imm = map as i32;
    }
    let kind = value["prog_type_id"].as_u64().unwrap_or_default() as u32;
    let kind = ProgramKind::from_number(kind).ok_or("an unknown program type")?;
    let mut parts = ProgramParts::bare(name, kind, insns);
    let attach = value["expected_attach_type"].as_u64().unwrap_or_default() as u32;
    parts.hook.attach = AttachKind::from_number(attach).filter(|_| attach != 0);
    parts.hook.target = value["attach_func"].as_str().map(str::to_owned);
    parts.flags = ProgramFlags(value["prog_flags"].as_u64().unwrap_or_default() as u32);
    parts.maps = (0..maps).map(MapIndex::from_usize).collect();
    Ok(parts)
}

fn map(value: &Value) -> Result<MapSpec, Error> {
    let number = |name: &str| value[name].as_u64().unwrap_or_default() as u32;
    let name = value["kind"].as_str().unwrap_or_default();
    let kind = value["type"].as_str().and_then(MapKind::from_name);
    let mut spec = MapSpec::new(
        name,
        kind.ok_or("an unknown map type")?,
        number("key"),
        number("value"),
        number("max"),
    );
    spec.flags = MapFlags(number("flags"));
    if matches!(spec.kind, MapKind::ArrayOfMaps | MapKind::HashOfMaps) {
        // The tests' maps of maps hold one kind of map.
        spec.inner = Some(Box::new(MapSpec::new("inner", MapKind::Array, 4, 4, 1)));
    }
    // What the tests freeze, they fill first.
    spec.frozen = spec.flags.has(MapFlags::RDONLY_PROG);
    if let Some(hex) = value["btf"].as_str() {
        let bytes = place::from_hex(hex).ok_or("the BTF is not hexadecimal")?;
        spec.btf = Some(MapBtf {
            btf: Arc::new(Btf::parse(bytes, None)?),
            key: Some(TypeId(number("btf_key"))),
            value: Some(TypeId(number("btf_value"))),
        });
    }
    Ok(spec)
}
