//! Benches, one per arrow of the pipeline, and the programs they run.
