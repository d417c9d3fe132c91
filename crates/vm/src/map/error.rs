//! Why a map cannot be made: which rule of its kind the specification breaks.

use osmia_diag::{Diagnostic, Place};
use osmia_program::{Errno, MapKind};

use crate::codes;

/// A map that cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("map {map} ({kind}) cannot be made: {broken}")]
pub struct MapError {
    /// Its name.
    pub map: String,
    /// Its kind.
    pub kind: MapKind,
    /// What is wrong with it.
    pub broken: BrokenRule,
}

/// The rule a map specification breaks. Errno values are those of Linux for the same mistake.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrokenRule {
    /// No kind of Linux's.
    #[error("there are no maps of this kind")]
    Unsupported,
    /// The key has another size than the kind takes.
    #[error("its key has {is} bytes; {wanted}")]
    KeySize {
        /// As specified.
        is: u32,
        /// What would be right.
        wanted: &'static str,
    },
    /// The value has another size than the kind takes.
    #[error("its value has {is} bytes; {wanted}")]
    ValueSize {
        /// As specified.
        is: u32,
        /// What would be right.
        wanted: &'static str,
    },
    /// A key and value, or a per-CPU value, beyond what the kernel allocates in one piece.
    #[error("its {what} {is} bytes, at most {limit} are possible")]
    ElementTooBig {
        /// "key and value have" or the like.
        what: &'static str,
        /// As specified.
        is: u64,
        /// The most that is possible.
        limit: u64,
    },
    /// Zero elements, or a number the kind does not take.
    #[error("max_entries is {is}; {wanted}")]
    MaxEntries {
        /// As specified.
        is: u32,
        /// What would be right.
        wanted: &'static str,
    },
    /// More elements than the kind can count.
    #[error("max_entries is {is}, at most {limit} are possible")]
    TooManyEntries {
        /// As specified.
        is: u32,
        /// The most that is possible.
        limit: u64,
    },
    /// Creation flags that the kind does not take.
    #[error("the flags {} do not apply to this kind", flag_names(*.flags))]
    Flags {
        /// Those that do not apply.
        flags: u32,
        /// Those that would.
        allowed: u32,
    },
    /// Flags that exclude each other.
    #[error("the flags {} exclude each other", flag_names(*.flags))]
    FlagsClash {
        /// Those.
        flags: u32,
    },
    /// LRU maps are always preallocated.
    #[error("an LRU map cannot do without preallocation")]
    LruNoPrealloc,
    /// LPM tries are never preallocated.
    #[error("an LPM trie cannot be preallocated")]
    LpmPrealloc,
    /// Local storages are never preallocated.
    #[error("a local storage cannot be preallocated")]
    StoragePrealloc,
    /// A structure that is not the value of a table of kernel operations known here.
    #[error("its value is of no type that this kernel has operations for")]
    NoOperations,
    /// A kind whose types must be known.
    #[error("the types of its key and value are not known, which this kind needs")]
    NoTypes,
    /// Types that do not fit the sizes.
    #[error("the types of its key and value are not an int and something of the value's size")]
    OtherTypes,
    /// Arenas are always mapped.
    #[error("an arena is there to be mapped by a process")]
    ArenaUnmapped,
    /// An arena begins somewhere in a page.
    #[error("map_extra is {is:#x}, the address of no page")]
    ArenaAddress {
        /// As specified.
        is: u64,
    },
    /// An arena's 32-bit pointers would not be unique.
    #[error("map_extra is {is:#x}, so that it reaches over a multiple of 4 GB")]
    ArenaCrosses {
        /// As specified.
        is: u64,
    },
    /// `map_extra` has a meaning for few kinds only.
    #[error("map_extra is {is:#x}, which has no meaning for this kind")]
    Extra {
        /// As specified.
        is: u64,
    },
    /// A map of maps does not say what its inner maps are.
    #[error("it does not say what its inner maps are")]
    NoInner,
    /// A kind that cannot be inside a map of maps.
    #[error("its inner maps are of kind {inner}, which cannot be inside another map")]
    InnerKind {
        /// As specified.
        inner: MapKind,
    },
    /// Its values have a special field that maps of the kind cannot have.
    #[error("its values have {field}, which maps of this kind cannot have")]
    Field {
        /// Which.
        field: &'static str,
    },
    /// Its values have special fields, and programs may only read or only write them.
    #[error("its values have special fields, which programs have to read and write")]
    FieldAccess,
    /// Contents that do not fit the map.
    #[error("its initial contents {why}")]
    Initial {
        /// What does not fit.
        why: &'static str,
    },
    /// More memory than a map may take.
    #[error("it needs {bytes} bytes, at most {limit} are possible")]
    TooMuchMemory {
        /// What it would take.
        bytes: u64,
        /// The most that is possible.
        limit: u64,
    },
    /// Memory is short.
    #[error("there is no memory for its {bytes} bytes")]
    OutOfMemory {
        /// What it would take.
        bytes: u64,
    },
}

impl MapError {
    /// What Linux's `BPF_MAP_CREATE` returns for it.
    pub fn errno(&self) -> Errno {
        match self.broken {
            BrokenRule::LruNoPrealloc | BrokenRule::NoOperations => Errno::ENOTSUPP,
            BrokenRule::ElementTooBig { .. } | BrokenRule::TooManyEntries { .. } => Errno::E2BIG,
            BrokenRule::TooMuchMemory { .. } | BrokenRule::OutOfMemory { .. } => Errno::ENOMEM,
            BrokenRule::ArenaCrosses { .. } => Errno::ERANGE,
            BrokenRule::Field { .. } => Errno::EOPNOTSUPP,
            BrokenRule::FieldAccess => Errno::EACCES,
            BrokenRule::InnerKind { inner } if !inner.is_map_in_map() => Errno::ENOTSUPP,
            _ => Errno::EINVAL,
        }
    }

    /// What people are told.
    pub fn to_diagnostic(&self) -> Diagnostic {
        let code = match self.broken {
            BrokenRule::Unsupported | BrokenRule::NoOperations => codes::MAP_UNSUPPORTED,
            BrokenRule::ElementTooBig { .. }
            | BrokenRule::TooManyEntries { .. }
            | BrokenRule::TooMuchMemory { .. }
            | BrokenRule::OutOfMemory { .. } => codes::MAP_TOO_BIG,
            _ => codes::MAP_RULE,
        };
        let diagnostic = Diagnostic::error(code, self.to_string())
            .at(Place::none())
            .note(format!("Linux answers {} here", self.errno()));
        match self.broken {
            BrokenRule::Unsupported | BrokenRule::NoOperations => diagnostic
                .help("leave the map out (autocreate off) if the programs you run do not need it"),
            BrokenRule::Flags { allowed: 0, .. } => diagnostic.help("this kind takes no flags"),
            BrokenRule::Flags { allowed, .. } => {
                diagnostic.help(format!("this kind takes {}", flag_names(allowed)))
            }
            BrokenRule::FlagsClash { .. } => diagnostic.help("keep one of them"),
            BrokenRule::LpmPrealloc | BrokenRule::StoragePrealloc => {
                diagnostic.help("add BPF_F_NO_PREALLOC")
            }
            BrokenRule::NoTypes => {
                diagnostic.help("declare key and value with __type and compile with -g")
            }
            BrokenRule::ArenaUnmapped => diagnostic.help("add BPF_F_MMAPABLE"),
            BrokenRule::LruNoPrealloc => diagnostic.help("remove BPF_F_NO_PREALLOC"),
            BrokenRule::TooManyEntries { .. }
            | BrokenRule::TooMuchMemory { .. }
            | BrokenRule::OutOfMemory { .. } => diagnostic.help("set a smaller max_entries"),
            BrokenRule::NoInner => {
                diagnostic.help("declare the inner map with __array(values, struct { … })")
            }
            _ => diagnostic,
        }
    }
}

const FLAG_NAMES: &[&str] = &[
    "NO_PREALLOC",
    "NO_COMMON_LRU",
    "NUMA_NODE",
    "RDONLY",
    "WRONLY",
    "STACK_BUILD_ID",
    "ZERO_SEED",
    "RDONLY_PROG",
    "WRONLY_PROG",
    "CLONE",
    "MMAPABLE",
    "PRESERVE_ELEMS",
    "INNER_MAP",
    "LINK",
    "PATH_FD",
    "VTYPE_BTF_OBJ_FD",
    "TOKEN_FD",
    "SEGV_ON_FAULT",
    "NO_USER_CONV",
];

/// Map creation flags as the header spells them, joined by `|`; unknown bits in hex.
pub(crate) fn flag_names(flags: u32) -> String {
    let mut names: Vec<String> = (FLAG_NAMES.iter().enumerate())
        .filter(|(bit, _)| flags & (1 << bit) != 0)
        .map(|(_, name)| format!("BPF_F_{name}"))
        .collect();
    let unknown = flags & !((1 << FLAG_NAMES.len()) - 1);
    if unknown != 0 || names.is_empty() {
        names.push(format!("{unknown:#x}"));
    }
    names.join("|")
}
