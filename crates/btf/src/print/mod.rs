//! Types as text: the list of records as bpftool prints it, and a C header.

mod raw;

pub use raw::{dump_raw, dump_raw_json};
