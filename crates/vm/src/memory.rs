//! Memory that programs touch.

mod block;
mod copy;
mod space;

pub use block::Block;
pub use space::{Cell, Rights, Shape, Space, Spot};
