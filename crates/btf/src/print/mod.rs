//! Types as text: the list of records as bpftool prints it, and a C header.

mod c;
mod raw;

pub use c::{DumpError, dump_c};
pub use raw::{dump_raw, dump_raw_json};
