//! Types and values as text: the list of records as bpftool prints it, a C header, and values as the
//! kernel shows them.

mod c;
mod raw;
mod show;

pub use c::{DumpError, dump_c};
pub use raw::{dump_raw, dump_raw_json};
pub use show::{ReadMemory, ShowFlags, ShowStop, Shown, show};
