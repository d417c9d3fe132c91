//! What else a program may need: instructions, flags, fields of values, ways to be loaded.

use super::Release;

/// A feature with its first release and where that is known from.
#[derive(Debug)]
pub struct FeatureRow {
    /// The feature.
    pub feature: Feature,
    /// For people.
    pub name: &'static str,
    /// Its first mainline release.
    pub since: Release,
    /// Where that is known from.
    pub source: &'static str,
}

/// Declares the features: variant, release, words for people, source.
macro_rules! features {
    ($($(#[$meta:meta])* $variant:ident = $major:literal . $minor:literal, $name:literal, $source:literal;)+) => {
        /// Something of the kernel's that programs or maps use and that has no number of its own.
        #[derive(Copy, Clone, Debug, PartialEq, Eq)]
        pub enum Feature {
            $(#[doc = $name] $variant,)+
        }

        /// Every feature, by its place in [`Feature`].
        pub static FEATURES: &[FeatureRow] = &[
            $(FeatureRow {
                feature: Feature::$variant,
                name: $name,
                since: Release::new($major, $minor),
                source: $source,
            },)+
        ];
    };
}

features! {
    // Instructions.
    FetchAtomics = 5 . 12, "atomic operations with a result", "commits 5ca419f2864a, 5ffa25502b5a, 981f94c3e921";
    SignedDivision = 6 . 6, "signed division and modulo", "commit ec0e2da95f72";
    SignExtendingMoves = 6 . 6, "moves with sign extension", "commit 8100928c8814";
    SignExtendingLoads = 6 . 6, "loads with sign extension", "commit 1f9a1ea821ff";
    ByteSwaps = 6 . 6, "unconditional byte swaps", "commit 0845c3db7bf5";
    LongJumps = 6 . 6, "jumps with a 32-bit offset", "commit 4cd58e9af8b9";
    MayGoto = 6 . 9, "may_goto", "commit 011832b97b31";
    AddressSpaces = 6 . 9, "address space casts", "commit 6082b6c328b5";
    LoadAcquire = 6 . 15, "load-acquire and store-release", "commit 880442305a39";
    FunctionAddresses = 5 . 13, "addresses of functions, for callbacks", "commit 69c087ba6225";
    KernelVariables = 5 . 10, "addresses of typed kernel variables", "commit 4976b718c355";
    KernelFunctions = 5 . 13, "calls of kernel functions", "commit e6ac2450d6de";
    ModuleFunctions = 5 . 16, "calls of functions of kernel modules", "commit 2357672c54c3";
    MixedTailCalls = 5 . 10, "tail calls in programs with functions", "commit e411901c0b77 (x86-64)";
    // Ways to be loaded.
    Sleepable = 5 . 10, "programs that may sleep", "commit 1e6c62a88215";
    XdpFragments = 5 . 18, "XDP programs for packets in fragments", "commit c2f2cdbeffda";
    DeviceBound = 6 . 3, "XDP programs bound to a device that run on the host", "commit 2b3486bc2d23";
    RegisterInvariants = 6 . 8, "BPF_F_TEST_REG_INVARIANTS", "commit ff8867af01da";
    SleepableUprobes = 6 . 0, "uprobes that may sleep", "commit 8c7dcb84e3b7";
    // Rules of the verifier.
    UninitialisedStack = 6 . 3, "reads of stack bytes that were never written", "commit 6715df8d5d24";
    EqualNumbers = 5 . 10, "numbers that learn from their copies", "commit 75748837b7e5";
    BoundedSpills = 5 . 10, "bounds of numbers on the stack", "commit 5689d49b71ad";
    VariableStack = 5 . 12, "variable offsets into the stack", "commit 01f810ace9ed";
    NarrowSpills = 5 . 16, "bounds of short numbers on the stack", "commit 354e8f1970f8";
    ComparedPointers = 6 . 2, "pointers that comparing with others shows not to be null", "commit befae75856ab";
    DistantNumbers = 6 . 11, "numbers that learn from others at a distance", "commit 98d7ca374ba4";
    // Mainline's 7.0, and 6.18.33 of the reference.
    AnyDistance = 6 . 18, "numbers below others, and lower halves at a distance", "commit 7a433e519364";
    NullableEvents = 6 . 13, "arguments of tracepoints that may be null", "commit 838a10bd2ebf";
    ConstantKeys = 6 . 14, "lookups that cannot fail", "commit d2102f2f5d75";
    LsmReturns = 6 . 12, "limits on what programs of security hooks return", "commit 5d99e198be27";
    // Flags of maps.
    Mmapable = 5 . 5, "maps that can be mapped into memory", "commit fc9702273e2e";
    PreserveElements = 5 . 10, "perf event arrays that keep their entries", "commit 792caccc4526";
    InnerMap = 5 . 10, "inner arrays of any size", "commit 4a8f87e60f6d";
    MapLinks = 6 . 4, "maps of operations that links attach", "commit 68b04864ca42";
    ModuleValues = 6 . 9, "maps of operations that a module defines", "commit fcc2c1fb0651";
    Tokens = 6 . 9, "tokens that delegate rights", "commit a177fc2bf6fd";
    ArenaFlags = 6 . 9, "flags of arenas", "commit 317460317a02";
    // Fields of map values.
    Timers = 5 . 15, "timers in map values", "commit b00628b1c7d5";
    Kptrs = 5 . 19, "kernel pointers in map values", "commit 61df10c7799e";
    ListHeads = 6 . 2, "lists in map values", "commit f0c5941ff5b2";
    RedBlackTrees = 6 . 3, "red-black trees in map values", "commit 9c395c1b99bd";
    Refcounts = 6 . 4, "reference counts in values", "commit d54730b50bae";
    PerCpuKptrs = 6 . 7, "per-CPU kernel pointers in map values", "commit 55db92f42fe4";
    Workqueues = 6 . 10, "work queues in map values", "commit d56b63cf0c0f";
    UserPointers = 6 . 13, "user pointers in map values", "commit 1cb80d9e93f8";
    ResilientLocks = 6 . 15, "resilient spin locks in map values", "commit 0de2046137f9";
    TaskWork = 6 . 18, "task work in map values", "commit d2699bdb6ef9";
}

impl Feature {
    /// Its row.
    pub fn row(self) -> &'static FeatureRow {
        &FEATURES[self as usize]
    }
}
