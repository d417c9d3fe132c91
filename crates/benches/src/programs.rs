//! The programs: what each measures and what its first run must return.

/// A program of `programs/`, entry point `bench`.
pub struct BenchProgram {
    /// Its file, without endings.
    pub name: &'static str,
    /// What it stresses.
    pub measures: &'static str,
    /// The object.
    pub object: &'static [u8],
    /// Instructions one run executes.
    pub insns: u64,
    /// What the first run returns.
    pub first: u32,
}

macro_rules! programs {
    ($($name:literal, $insns:literal, $first:literal, $measures:literal;)+) => {
        &[$(BenchProgram {
            name: $name,
            measures: $measures,
            object: include_bytes!(concat!("../programs/", $name, ".bpf.o")),
            insns: $insns,
            first: $first,
        }),+]
    };
}

/// Every program without maps.
pub const WITHOUT_MAPS: &[BenchProgram] = programs! {
    "empty", 2, 2, "entering and leaving a program";
    "parse_drop", 56, 2, "header parsing, a short program";
    "csum1500", 5_267, 26_003, "16-bit loads and a sum";
    "fnv1500", 10_509, 3_361_983_802, "byte loads and a serial multiplication";
    "state_machine", 6_717, 214_787, "a switch per byte";
    "strmatch", 7_494, 65_795, "string search";
    "alu_xorshift", 800_015, 2_917_647_173, "64-bit arithmetic, one serial chain";
    "alu_primes", 63_601, 303, "32-bit division";
    "alu_log2", 42_241, 14_522, "unpredictable branches";
    "helper_call", 6_006, 2, "calls of a trivial helper";
    "subprog_call", 14_012, 1_397_259_543, "calls of a subprogram";
};

/// Every program with maps, which start as [`crate::contents`] says.
pub const WITH_MAPS: &[BenchProgram] = programs! {
    "matmul", 51_086, 2_442_924, "nested loops over global data";
    "map_array", 1_609, 69, "array lookups";
    "map_percpu", 1_609, 69, "per-CPU array lookups";
    "map_hash", 2_443, 2_239_232, "lookups and updates in a full hash";
    "map_lru", 2_440, 64, "lookups and insertions in a full LRU hash";
    "map_lpm", 2_122, 2_661_452_313, "longest-prefix matches";
    "l4lb", 266, 3, "a load balancer: parsing, maps, hashing, rewriting";
};
