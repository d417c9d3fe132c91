//! Benches, one per arrow of the pipeline, and the programs they run.
//!
//! `cargo bench -p osmia-benches` watches each arrow over time with criterion; `cargo xtask bench`
//! prints one table with the rivals beside us, everything measured in turns.

mod contents;
mod engines;
mod loading;
mod maps;
mod packet;
mod programs;
mod rbpf_jit;
mod turns;

pub use contents::{Entries, contents};
pub use engines::{Osmia, Rbpf, maps};
pub use loading::{CORE_CASE, kernel_btf, kernel_target};
pub use maps::{
    CPUS, MAP_CASES, MAP_OPS, MapCase, MapOps, Position, RUN_OPS, map_ops_contents, sized,
    sized_lookups,
};
pub use osmia_jit::Tiers;
pub use packet::packet;
pub use programs::{BenchProgram, WITH_MAPS, WITHOUT_MAPS};
pub use rbpf_jit::RbpfCompiled;
pub use turns::{Times, times};
