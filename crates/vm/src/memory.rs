//! Memory that programs touch.

mod block;
mod copy;
mod lines;
mod real;
mod space;
mod spin;
mod zeroed;

pub use block::Block;
pub use lines::{Line, Lines, Row};
pub use real::Real;
pub use space::{Cell, Rights, Shape, Space, Spot};
pub use spin::{Spin, Taken};
