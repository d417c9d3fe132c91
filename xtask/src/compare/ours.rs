//! The same objects through our own linker, for the kernel this machine runs.

use std::path::Path;

use osmia_object::{LinkOptions, Object, ProgramType};
use osmia_program::{MapSpec, Program, ProgramKind, ProgramSet, Target};

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
        let target = osmia_linux::running_kernel()?;
        Ok(Linker { target })
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

/// The object whose CO-RE relocations are timed.
pub(super) fn core_case() -> std::path::PathBuf {
    place::root().join("crates/benches/programs/core500.bpf.o")
}
