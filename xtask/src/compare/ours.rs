//! The same objects through our own linker, for the kernel this machine runs.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use osmia_btf::Btf;
use osmia_isa::Endian;
use osmia_object::{LinkOptions, Object, ProgramType};
use osmia_program::{Kconfig, KernelVersion, MapSpec, Program, ProgramKind, ProgramSet, Target};

use super::Unit;
use crate::place::{self, Error};

/// One object as we link it.
pub(crate) struct Linked {
    pub(crate) programs: Vec<Program>,
    pub(crate) maps: Vec<MapSpec>,
    /// Programs we do not link, with what we say.
    pub(crate) refused: Vec<(String, String)>,
    /// Programs whose section name did not say their type.
    pub(super) guessed: Vec<String>,
}

pub(crate) struct Linker {
    target: Target,
}

impl Linker {
    pub(crate) fn for_this_kernel() -> Result<Linker, Error> {
        let btf = Arc::new(Btf::parse(std::fs::read("/sys/kernel/btf/vmlinux")?, None)?);
        let kconfig = Command::new("zcat").arg("/proc/config.gz").output().ok();
        let kconfig = kconfig.filter(|output| output.status.success());
        let kconfig = kconfig.and_then(|output| String::from_utf8(output.stdout).ok());
        let release = std::fs::read_to_string("/proc/sys/kernel/osrelease")?;
        Ok(Linker {
            target: Target {
                name: format!("linux {}", release.trim()),
                endian: Endian::NATIVE,
                kernel: version(&release),
                release: None,
                cpus: std::thread::available_parallelism()?.get() as u32,
                btf: Some(btf),
                module_btfs: Vec::new(),
                kconfig: kconfig.map(|text| Arc::new(Kconfig::from_text(&text))),
                ksyms: Some(Arc::new(kernel_symbols())),
                kfuncs: None,
            },
        })
    }

    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    /// Links every program of one object.
    pub(crate) fn link_file(&self, path: &Path) -> Result<Linked, String> {
        self.link(&Unit::one(path.to_owned()))
    }

    /// Links every program of an object, or of several linked statically; those that do not link, one by one with their reasons.
    pub(super) fn link(&self, unit: &Unit) -> Result<Linked, String> {
        let mut objects = Vec::new();
        for path in &unit.objects {
            let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            objects.push(Object::parse(&bytes, &name).map_err(|error| error.to_string())?);
        }
        let object = match objects.len() {
            1 => objects.remove(0),
            _ => Object::merge(objects, &unit.name()).map_err(|error| error.to_string())?,
        };
        let names = || object.programs().iter().map(|decl| decl.name.clone());
        let mut linked = Linked {
            programs: vec![],
            maps: vec![],
            refused: vec![],
            guessed: vec![],
        };
        for decl in object.programs() {
            if decl.certainty != osmia_object::section_name::Certainty::Defined {
                linked.guessed.push(decl.name.clone());
            }
        }
        match self.link_some(&object, names().collect()) {
            Ok(set) => (linked.programs, linked.maps) = (set.programs, set.maps),
            Err(all) => {
                for name in names() {
                    match self.link_some(&object, vec![name.clone()]) {
                        Ok(set) => {
                            linked.programs.extend(set.programs);
                            linked.maps = set.maps;
                        }
                        Err(why) => linked.refused.push((name, why)),
                    }
                }
                if object.programs().is_empty() {
                    return Err(all);
                }
            }
        }
        Ok(linked)
    }

    fn link_some(&self, object: &Object, programs: Vec<String>) -> Result<ProgramSet, String> {
        let any = ProgramType {
            kind: ProgramKind::SocketFilter,
            attach: None,
        };
        let options = LinkOptions {
            programs,
            types: vec![(None, any)],
            ..LinkOptions::default()
        };
        object.link(&self.target, &options).map_err(|error| {
            let told = error.to_diagnostics();
            told.first()
                .map_or_else(|| error.to_string(), |first| first.message.clone())
        })
    }
}

/// `6.18.44-something` → its three numbers.
fn version(release: &str) -> KernelVersion {
    let mut numbers = release
        .split(|c: char| !c.is_ascii_digit())
        .map(|digits| digits.parse::<u32>().unwrap_or_default());
    let mut next = || numbers.next().unwrap_or_default();
    let (major, minor, patch) = (next(), next(), next());
    KernelVersion::new(major as u8, minor as u8, patch)
}

/// Addresses of the running kernel; of two symbols of a name the first, as libbpf takes it.
fn kernel_symbols() -> BTreeMap<String, u64> {
    let text = std::fs::read_to_string("/proc/kallsyms").unwrap_or_default();
    let mut symbols = BTreeMap::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let address = words
            .next()
            .and_then(|digits| u64::from_str_radix(digits, 16).ok());
        if let (Some(address), Some(name)) = (address, words.nth(1)) {
            symbols.entry(name.to_owned()).or_insert(address);
        }
    }
    symbols
}

/// The object whose CO-RE relocations are timed.
pub(super) fn core_case() -> std::path::PathBuf {
    place::root().join("crates/benches/programs/core500.bpf.o")
}
