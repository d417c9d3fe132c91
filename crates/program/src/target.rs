//! A place programs can be loaded, as data.

use std::collections::BTreeMap;
use std::sync::Arc;

use osmia_btf::Btf;
use osmia_isa::Endian;

use crate::helper::{self, Helper};
use crate::{Release, Rules};

/// A kernel version as `KERNEL_VERSION(a, b, c)` packs it.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KernelVersion(pub u32);

impl KernelVersion {
    /// `major.minor.patch`; a patch above 255 counts as 255, as in the kernel.
    pub const fn new(major: u8, minor: u8, patch: u32) -> Self {
        let patch = if patch > 255 { 255 } else { patch };
        Self((major as u32) << 16 | (minor as u32) << 8 | patch)
    }
}

impl std::fmt::Display for KernelVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}.{}.{}",
            self.0 >> 16,
            self.0 >> 8 & 0xff,
            self.0 & 0xff
        )
    }
}

/// A kernel's build configuration: `CONFIG_HZ` → `250`, `CONFIG_BPF` → `y`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kconfig(pub BTreeMap<String, String>);

impl Kconfig {
    /// Reads the text of a `.config`; lines that are not `CONFIG_X=value` are passed over.
    pub fn from_text(text: &str) -> Self {
        let entries = text.lines().filter_map(|line| {
            let (name, value) = line.split_once('=')?;
            let name = name.trim();
            name.starts_with("CONFIG_")
                .then(|| (name.to_owned(), value.trim().to_owned()))
        });
        Self(entries.collect())
    }
}

/// A type in a BTF that does not tell of everything its kernel has, such as the one that Osmia ships.
pub const PARTIAL_TYPES: &str = "osmia_partial_types";

/// Describes a place programs can be loaded. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Target {
    /// Its name for people: `user`, `linux 6.18.44`.
    pub name: String,
    /// Byte order of its memory.
    pub endian: Endian,
    /// Version reported to programs (`LINUX_KERNEL_VERSION`).
    pub kernel: KernelVersion,
    /// The release of Linux whose features it has; if none is named, everything known here.
    pub release: Option<Release>,
    /// How far its verifier looks.
    pub rules: Rules,
    /// CPUs: the slots of per-CPU maps.
    pub cpus: u32,
    /// BTF of its kernel.
    pub btf: Option<Arc<Btf>>,
    /// Split BTF of its modules, by name.
    pub module_btfs: Vec<(String, Arc<Btf>)>,
    /// Its build configuration, if known.
    pub kconfig: Option<Arc<Kconfig>>,
    /// Addresses of kernel symbols, if known.
    pub ksyms: Option<Arc<BTreeMap<String, u64>>>,
    /// Which kernel functions it has, if it has functions of its own instead of a kernel's; else the
    /// BTFs tell.
    pub kfuncs: Option<fn(&str) -> bool>,
    /// Helpers it has besides Linux's.
    pub own_helpers: Arc<[Helper]>,
}

impl Target {
    /// The helper of this number.
    pub fn helper(&self, id: u32) -> Option<&Helper> {
        let own = || self.own_helpers.iter().find(|helper| helper.id == id);
        helper::by_id(id).or_else(own)
    }
}
