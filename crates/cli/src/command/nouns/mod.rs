//! bpftool's nouns: what is live on a host, in bpftool's words, with its keys in JSON.
//!
//! A command finds objects, makes rows of them and shows the rows; `flags` says on which host and how.

mod flags;
mod hex;
pub(super) mod link;
pub(super) mod map;
mod map_change;
mod pretty;
pub(super) mod prog;
mod prog_dump;
mod prog_run;
mod show;

pub(super) use flags::NounFlags;
pub(super) use show::{Shower, asked, only, row_json};
