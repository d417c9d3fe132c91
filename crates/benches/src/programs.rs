//! The programs that need no maps: what each measures and what its first run must return.

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
