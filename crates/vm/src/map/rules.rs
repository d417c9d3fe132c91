//! What a map of each kind may be: one row a kind, checked in the kernel's order so that a
//! specification with several mistakes gets the errno Linux would give.
//!
//! Facts are those of Linux 6.18 (`htab_map_alloc_check`, `array_map_alloc_check` and relatives).

use osmia_btf::Body;
use osmia_program::{MapFlags, MapKind, MapSpec};

use super::error::{BrokenRule, MapError};
use crate::limits;
use crate::owner::OwnerKind;

/// Which sizes of a key or value a kind takes.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum SizeRule {
    /// None: it must be 0.
    Zero,
    /// Exactly 4.
    Four,
    /// 4, or 8 with a program, or with room for a cookie.
    FourOrEight,
    /// A prefix: its length and at most 256 bytes.
    Prefix,
    /// As many addresses, or build ids, as a stack may have.
    Frames,
    /// A control group's id, or that and the attach type.
    Group,
    /// Anything but 0.
    NonZero,
}

/// Which `max_entries` a kind takes.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum EntriesRule {
    /// Anything but 0.
    NonZero,
    /// Anything; 0 means one per CPU.
    ZeroIsCpus,
    /// None: it must be 0.
    Zero,
    /// A power of two and a multiple of the page size.
    Pages,
    /// Exactly 1.
    One,
}

/// The rules of one kind.
#[derive(Copy, Clone, Debug)]
pub(super) struct KindRules {
    pub(super) kind: MapKind,
    pub(super) key: SizeRule,
    pub(super) value: SizeRule,
    pub(super) entries: EntriesRule,
    pub(super) flags: u32,
}

const ACCESS: u32 =
    MapFlags::RDONLY | MapFlags::WRONLY | MapFlags::RDONLY_PROG | MapFlags::WRONLY_PROG;
const OUTSIDE: u32 = MapFlags::RDONLY | MapFlags::WRONLY;
const NUMA: u32 = MapFlags::NUMA_NODE;
const HASH: u32 = ACCESS | MapFlags::NO_PREALLOC | MapFlags::ZERO_SEED;
const STORAGE: u32 = MapFlags::NO_PREALLOC | MapFlags::CLONE;
const ARENA: u32 = MapFlags::MMAPABLE | MapFlags::SEGV_ON_FAULT | MapFlags::NO_USER_CONV;
const LRU: u32 = ACCESS | MapFlags::NO_COMMON_LRU | MapFlags::ZERO_SEED;

/// True if maps of this kind can be made.
pub fn has_kind(kind: MapKind) -> bool {
    RULES.iter().any(|rules| rules.kind == kind)
}

/// Declares the rows: kind, key, value, `max_entries`, flags.
macro_rules! rules {
    ($($kind:ident $key:ident $value:ident $entries:ident $flags:expr;)+) => {
        pub(super) const RULES: &[KindRules] = &[$(KindRules {
            kind: MapKind::$kind,
            key: SizeRule::$key,
            value: SizeRule::$value,
            entries: EntriesRule::$entries,
            flags: $flags,
        }),+];
    };
}

rules! {
    Hash           NonZero NonZero NonZero    HASH | NUMA;
    Array          Four    NonZero NonZero    ACCESS | NUMA | MapFlags::MMAPABLE | MapFlags::INNER_MAP;
    ProgArray      Four    Four    NonZero    OUTSIDE | NUMA;
    PerfEventArray Four    Four    ZeroIsCpus OUTSIDE | NUMA | MapFlags::PRESERVE_ELEMS;
    PercpuHash     NonZero NonZero NonZero    HASH;
    PercpuArray    Four    NonZero NonZero    ACCESS;
    LruHash        NonZero NonZero NonZero    LRU | NUMA;
    LruPercpuHash  NonZero NonZero NonZero    LRU;
    ArrayOfMaps    Four    Four    NonZero    OUTSIDE | NUMA;
    HashOfMaps     NonZero Four    NonZero    HASH | NUMA;
    Queue          Zero    NonZero NonZero    ACCESS | NUMA;
    Stack          Zero    NonZero NonZero    ACCESS | NUMA;
    Ringbuf        Zero    Zero    Pages      NUMA;
    Devmap         Four    FourOrEight NonZero OUTSIDE | NUMA;
    DevmapHash     Four    FourOrEight NonZero OUTSIDE | NUMA;
    Cpumap         Four    FourOrEight NonZero NUMA;
    Xskmap         Four    Four    NonZero    OUTSIDE | NUMA;
    CgroupArray    Four    Four    NonZero    OUTSIDE | NUMA;
    LpmTrie        Prefix  NonZero NonZero    ACCESS | NUMA | MapFlags::NO_PREALLOC;
    BloomFilter    Zero    NonZero NonZero    ACCESS | NUMA | MapFlags::ZERO_SEED;
    SkStorage      Four    NonZero Zero       STORAGE;
    InodeStorage   Four    NonZero Zero       STORAGE;
    TaskStorage    Four    NonZero Zero       STORAGE;
    CgrpStorage    Four    NonZero Zero       STORAGE;
    CgroupStorage  Group   NonZero Zero       ACCESS | NUMA;
    PercpuCgroupStorage Group NonZero Zero    ACCESS | NUMA;
    Sockmap        Four    FourOrEight NonZero OUTSIDE | NUMA;
    Sockhash       NonZero FourOrEight NonZero OUTSIDE | NUMA;
    ReuseportSockarray Four FourOrEight NonZero ACCESS | NUMA;
    UserRingbuf    Zero    Zero    Pages      NUMA;
    StructOps      Four    NonZero One        MapFlags::LINK | MapFlags::VTYPE_BTF_OBJ_FD;
    Arena          Zero    Zero    NonZero    ARENA;
    StackTrace     Four    Frames  NonZero    OUTSIDE | NUMA | MapFlags::STACK_BUILD_ID;
}

/// Checks a specification against the rules of its kind and returns it as the map will have it:
/// `max_entries` is what the host chose where the specification left it open.
pub(super) fn check(spec: &MapSpec, cpus: u32) -> Result<MapSpec, MapError> {
    match broken_rule(spec, cpus) {
        Ok(max_entries) => Ok(MapSpec {
            max_entries,
            ..spec.clone()
        }),
        Err(broken) => Err(MapError {
            map: spec.name.clone(),
            kind: spec.kind,
            broken,
        }),
    }
}

fn broken_rule(spec: &MapSpec, cpus: u32) -> Result<u32, BrokenRule> {
    let rules =
        (RULES.iter().find(|rules| rules.kind == spec.kind)).ok_or(BrokenRule::Unsupported)?;
    let extra_max = match spec.kind {
        // The number of hash functions.
        MapKind::BloomFilter => 15,
        // The address in the process: see below.
        MapKind::Arena => u64::MAX,
        _ => 0,
    };
    if spec.extra > extra_max {
        return Err(BrokenRule::Extra { is: spec.extra });
    }
    check_flags(spec, rules)?;
    if let Some(wanted) = rules.key.wanted(spec.key_size, spec.flags) {
        let is = spec.key_size;
        return Err(BrokenRule::KeySize { is, wanted });
    }
    if let Some(wanted) = rules.value.wanted(spec.value_size, spec.flags) {
        let is = spec.value_size;
        return Err(BrokenRule::ValueSize { is, wanted });
    }
    let max_entries = check_entries(spec, rules, cpus)?;
    if OwnerKind::of(spec.kind).is_some() {
        check_types(spec)?;
    }
    if spec.kind == MapKind::Arena {
        check_arena(spec)?;
    }
    check_element_size(spec)?;
    if spec.kind.is_map_in_map() && spec.inner.is_none() {
        return Err(BrokenRule::NoInner);
    }
    Ok(max_entries)
}

fn check_flags(spec: &MapSpec, rules: &KindRules) -> Result<(), BrokenRule> {
    let flags = spec.flags.0;
    let is_lru = matches!(spec.kind, MapKind::LruHash | MapKind::LruPercpuHash);
    if is_lru && spec.flags.has(MapFlags::NO_PREALLOC) {
        return Err(BrokenRule::LruNoPrealloc);
    }
    if spec.kind == MapKind::LpmTrie && !spec.flags.has(MapFlags::NO_PREALLOC) {
        return Err(BrokenRule::LpmPrealloc);
    }
    if OwnerKind::of(spec.kind).is_some() && !spec.flags.has(MapFlags::NO_PREALLOC) {
        return Err(BrokenRule::StoragePrealloc);
    }
    if spec.kind == MapKind::Arena && !spec.flags.has(MapFlags::MMAPABLE) {
        return Err(BrokenRule::ArenaUnmapped);
    }
    if flags & !rules.flags != 0 {
        return Err(BrokenRule::Flags {
            flags: flags & !rules.flags,
            allowed: rules.flags,
        });
    }
    for pair in [
        MapFlags::RDONLY | MapFlags::WRONLY,
        MapFlags::RDONLY_PROG | MapFlags::WRONLY_PROG,
        MapFlags::NO_COMMON_LRU | MapFlags::NUMA_NODE,
    ] {
        if spec.flags.has(pair) {
            return Err(BrokenRule::FlagsClash { flags: pair });
        }
    }
    Ok(())
}

fn check_entries(spec: &MapSpec, rules: &KindRules, cpus: u32) -> Result<u32, BrokenRule> {
    let is = spec.max_entries;
    match rules.entries {
        EntriesRule::NonZero if is == 0 => Err(BrokenRule::MaxEntries {
            is,
            wanted: "at least 1 is needed",
        }),
        EntriesRule::Pages if !is.is_power_of_two() || !is.is_multiple_of(limits::PAGE_BYTES) => {
            Err(BrokenRule::MaxEntries {
                is,
                wanted: "a ring buffer's size is a power of two and a multiple of 4096",
            })
        }
        EntriesRule::One if is != 1 => Err(BrokenRule::MaxEntries {
            is,
            wanted: "this kind has one element",
        }),
        EntriesRule::Zero if is != 0 => Err(BrokenRule::MaxEntries {
            is,
            wanted: "this kind has a value an owner, it must be 0",
        }),
        EntriesRule::ZeroIsCpus if is == 0 => Ok(cpus),
        _ if spec.kind == MapKind::Sockhash && u64::from(is) > limits::SOCKHASH_ENTRIES_MAX => {
            Err(BrokenRule::MaxEntries {
                is,
                wanted: "at most 134217728 are possible",
            })
        }
        _ if is_hash(spec.kind) && u64::from(is) > limits::HASH_ENTRIES_MAX => {
            Err(BrokenRule::TooManyEntries {
                is,
                limit: limits::HASH_ENTRIES_MAX,
            })
        }
        _ if spec.kind == MapKind::DevmapHash && u64::from(is) > limits::HASH_ENTRIES_MAX => {
            Err(BrokenRule::MaxEntries {
                is,
                wanted: "at most 2147483648 are possible",
            })
        }
        _ if spec.kind == MapKind::StackTrace && u64::from(is) > limits::HASH_ENTRIES_MAX => {
            Err(BrokenRule::TooManyEntries {
                is,
                limit: limits::HASH_ENTRIES_MAX,
            })
        }
        _ if spec.kind == MapKind::Cpumap && is > limits::CPUMAP_ENTRIES_MAX => {
            Err(BrokenRule::TooManyEntries {
                is,
                limit: u64::from(limits::CPUMAP_ENTRIES_MAX),
            })
        }
        // Every CPU gets a list of its own, of equal length.
        _ if spec.flags.has(MapFlags::NO_COMMON_LRU) => Ok(is
            .checked_next_multiple_of(cpus)
            .unwrap_or(is / cpus * cpus)),
        _ => Ok(is),
    }
}

fn check_element_size(spec: &MapSpec) -> Result<(), BrokenRule> {
    let (key, value) = (u64::from(spec.key_size), u64::from(spec.value_size));
    let too_big = |what, is, limit| Err(BrokenRule::ElementTooBig { what, is, limit });
    if is_hash(spec.kind) {
        let limit = limits::ALLOCATION_BYTES_MAX - limits::HASH_ELEMENT_OVERHEAD - 1;
        if key + value > limit {
            return too_big("key and value have", key + value, limit);
        }
    }
    if matches!(spec.kind, MapKind::Queue | MapKind::Stack) && value > limits::ALLOCATION_BYTES_MAX
    {
        return too_big("value has", value, limits::ALLOCATION_BYTES_MAX);
    }
    let is_group_storage = matches!(
        spec.kind,
        MapKind::CgroupStorage | MapKind::PercpuCgroupStorage
    );
    if (is_group_storage || OwnerKind::of(spec.kind).is_some())
        && value > limits::STORAGE_VALUE_BYTES_MAX
    {
        return too_big("value has", value, limits::STORAGE_VALUE_BYTES_MAX);
    }
    if spec.kind == MapKind::Sockhash && key > limits::SOCKHASH_KEY_BYTES_MAX {
        return too_big("key has", key, limits::SOCKHASH_KEY_BYTES_MAX);
    }
    if spec.kind == MapKind::LpmTrie && value > limits::LPM_VALUE_BYTES_MAX {
        return Err(BrokenRule::ValueSize {
            is: spec.value_size,
            wanted: "at most some 4 MB are possible",
        });
    }
    if spec.kind == MapKind::BloomFilter && value > limits::ALLOCATION_BYTES_MAX {
        return too_big("value has", value, limits::ALLOCATION_BYTES_MAX);
    }
    if spec.kind == MapKind::Array && value > limits::ARRAY_VALUE_BYTES_MAX {
        return too_big("value has", value, limits::ARRAY_VALUE_BYTES_MAX);
    }
    if spec.kind.is_per_cpu() && value.next_multiple_of(8) > limits::PERCPU_VALUE_BYTES_MAX {
        return too_big("per-CPU value has", value, limits::PERCPU_VALUE_BYTES_MAX);
    }
    Ok(())
}

/// An arena lies between two multiples of 4 GB, so that the lower half of a pointer tells where.
fn check_arena(spec: &MapSpec) -> Result<(), BrokenRule> {
    let (is, pages) = (spec.extra, u64::from(spec.max_entries));
    if !is.is_multiple_of(limits::PAGE_BYTES.into()) {
        return Err(BrokenRule::ArenaAddress { is });
    }
    if pages > limits::ARENA_PAGES_MAX {
        return Err(BrokenRule::TooManyEntries {
            is: spec.max_entries,
            limit: limits::ARENA_PAGES_MAX,
        });
    }
    let last = is.wrapping_add(pages * u64::from(limits::PAGE_BYTES) - 1);
    if is >> 32 != last >> 32 {
        return Err(BrokenRule::ArenaCrosses { is });
    }
    Ok(())
}

/// Local storages are shown to the world by their types, so the types must be known: a key that is an
/// `int`, a value of the map's size.
fn check_types(spec: &MapSpec) -> Result<(), BrokenRule> {
    let types = spec.btf.as_ref().ok_or(BrokenRule::NoTypes)?;
    let (key, value) = types.key.zip(types.value).ok_or(BrokenRule::NoTypes)?;
    let btf = &types.btf;
    if btf.ty(key).is_none() || btf.ty(value).is_none() {
        return Err(BrokenRule::OtherTypes);
    }
    let key_is_int = match btf.resolve(key).body() {
        Body::Int(int) => int.bits == 32 && int.offset == 0,
        _ => false,
    };
    if !key_is_int || btf.size_of(value) != Some(spec.value_size.into()) {
        return Err(BrokenRule::OtherTypes);
    }
    Ok(())
}

fn is_hash(kind: MapKind) -> bool {
    matches!(
        kind,
        MapKind::Hash
            | MapKind::PercpuHash
            | MapKind::LruHash
            | MapKind::LruPercpuHash
            | MapKind::HashOfMaps
    )
}

impl SizeRule {
    /// What this kind wants instead of this size; `None` if it is right.
    fn wanted(self, size: u32, flags: MapFlags) -> Option<&'static str> {
        let frame_bytes = match flags.has(MapFlags::STACK_BUILD_ID) {
            true => 32,
            false => 8,
        };
        match self {
            Self::FourOrEight if size != 4 && size != 8 => Some("it must be 4 or 8"),
            Self::Prefix if !(5..=260).contains(&size) => {
                Some("4 for the prefix' length and 1 to 256 for its bits are needed")
            }
            Self::Frames
                if size == 0
                    || !size.is_multiple_of(frame_bytes)
                    || size / frame_bytes > limits::STACK_FRAMES_MAX =>
            {
                Some("it must be 8 (with build ids 32) for each of 1 to 127 frames")
            }
            Self::Zero if size != 0 => Some("this kind has none, it must be 0"),
            Self::Group if size != 8 && size != 16 => {
                Some("it must be 8, or 16 with the attach type")
            }
            Self::Four if size != 4 => Some("it must be 4"),
            Self::NonZero if size == 0 => Some("at least 1 is needed"),
            _ => None,
        }
    }
}
