//! The flags that say which object files are meant and how they are linked.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use osmia::{Error, LinkOptions, Linked, Object, ProgramType, Target, UserOptions};

use crate::console::Console;

/// Object files and how to link them.
#[derive(Args)]
pub(crate) struct ObjectFlags {
    /// eBPF object files; several are linked statically.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Give a global variable the value it starts with: `limit=3`, `config.port=0x50`, `mode=FAST`.
    #[arg(long, value_name = "NAME=VALUE", help_heading = "Program")]
    set: Vec<Setting>,
    /// Give a map this many entries.
    #[arg(long, value_name = "NAME=N", help_heading = "Program")]
    map_size: Vec<MapSize>,
    /// Give a program its type where its section name does not: `parse=xdp`, or `xdp` for all such.
    #[arg(long = "type", value_name = "[NAME=]KIND", help_heading = "Program")]
    types: Vec<TypeSetting>,
    /// Load a program or leave it out, whatever its section says: a slot of a program array that
    /// names it stays empty.
    #[arg(long, value_name = "NAME=yes|no", help_heading = "Program")]
    autoload: Vec<Autoload>,
    /// Show the records of a ring buffer or perf event array by a type of the object: `events=event`.
    #[arg(long, value_name = "MAP=TYPE", help_heading = "Program")]
    record: Vec<Setting>,
    /// Kernel types for CO-RE: raw BTF, an ELF file with it, or `reference` for those that are shipped.
    /// [default: the running kernel's, or those]
    #[arg(long, value_name = "FILE", help_heading = "Machine")]
    btf: Option<PathBuf>,
    /// The kernel's configuration for `.kconfig` variables: a `.config` file.
    #[arg(long, value_name = "FILE", help_heading = "Machine")]
    kconfig: Option<PathBuf>,
}

impl ObjectFlags {
    /// The files.
    pub(crate) fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// A flag that was given and describes another kernel than the running one.
    pub(crate) fn only_elsewhere(&self) -> Option<&'static str> {
        let btf = self.btf.as_ref().map(|_| "--btf");
        btf.or(self.kconfig.as_ref().map(|_| "--kconfig"))
    }

    /// Reads the files; several become one object.
    pub(crate) fn open(&self, console: &mut Console) -> Result<Object, Error> {
        let object = Object::open_all(&self.files)?;
        for note in object.notes() {
            console.diagnostic(note);
        }
        Ok(object)
    }

    /// The machine, with kernel types if the object asks for any, or a description may.
    pub(crate) fn user_options(
        &self,
        object: &Object,
        described: bool,
        console: &mut Console,
    ) -> Result<UserOptions, Error> {
        let (btf, kconfig) = (self.btf.as_deref(), self.kconfig.as_deref());
        let options = osmia::user_options(object, btf, kconfig, described)?;
        if let Some(note) = osmia::reference_note(&options) {
            console.diagnostic(&note);
        }
        Ok(options)
    }

    /// The settings made; `wanted` is loaded even if its section says not to.
    pub(crate) fn link_options(&self, wanted: Option<&str>) -> LinkOptions {
        LinkOptions {
            types: self.types.iter().map(|given| given.0.clone()).collect(),
            globals: self.set.iter().map(|given| given.0.clone()).collect(),
            max_entries: self.map_size.iter().map(|given| given.0.clone()).collect(),
            autoload: wanted
                .map(|name| (name.to_owned(), true))
                .into_iter()
                .chain(self.autoload.iter().map(|given| given.0.clone()))
                .collect(),
            ..LinkOptions::default()
        }
    }

    /// Links for a target with the settings made; `wanted` is loaded even if its section says not to.
    pub(crate) fn link(
        &self,
        object: &Object,
        target: &Target,
        wanted: Option<&str>,
        console: &mut Console,
    ) -> Result<Linked, Error> {
        let mut linked = object.link(target, &self.link_options(wanted))?;
        for Setting((map, type_name)) in &self.record {
            linked.type_records(map, type_name)?;
        }
        for note in linked.notes() {
            console.diagnostic(note);
        }
        Ok(linked)
    }
}

/// `NAME=VALUE`
#[derive(Clone, Debug)]
struct Setting((String, String));

impl FromStr for Setting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        split(text).map(|(name, value)| Self((name.to_owned(), value.to_owned())))
    }
}

/// `NAME=N`
#[derive(Clone, Debug)]
struct MapSize((String, u32));

impl FromStr for MapSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = split(text)?;
        let entries = value
            .parse()
            .map_err(|_| format!("`{value}` is not a number of entries"))?;
        Ok(Self((name.to_owned(), entries)))
    }
}

/// `NAME=yes` or `NAME=no`
#[derive(Clone, Debug)]
struct Autoload((String, bool));

impl FromStr for Autoload {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match split(text)? {
            (name, "yes") => Ok(Self((name.to_owned(), true))),
            (name, "no") => Ok(Self((name.to_owned(), false))),
            (_, other) => Err(format!("`{other}` is neither yes nor no")),
        }
    }
}

/// `KIND` or `NAME=KIND`
#[derive(Clone, Debug)]
struct TypeSetting((Option<String>, ProgramType));

impl FromStr for TypeSetting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, kind) = match text.split_once('=') {
            Some((name, kind)) => (Some(name.to_owned()), kind),
            None => (None, text),
        };
        let kind = ProgramType::from_name(kind).ok_or_else(|| {
            format!("`{kind}` is no program type (xdp, sched_cls) or section name (tc, xdp.frags)")
        })?;
        Ok(Self((name, kind)))
    }
}

fn split(text: &str) -> Result<(&str, &str), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim(), value.trim())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}
