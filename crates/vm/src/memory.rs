//! Memory that programs touch.

mod block;

pub use block::Block;
