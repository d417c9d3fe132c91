//! What can be known about a number, and how instructions change it.

mod arith;
mod compare;
#[cfg(test)]
mod exhaustive;
mod interval;
mod join;
mod scalar;
#[cfg(test)]
mod tests;
mod tnum;
mod width;

pub use arith::{Op, on_numbers};
pub use compare::{holds, mirrored, opposite};
pub use interval::{Signed, Unsigned};
pub use scalar::Scalar;
pub use tnum::Tnum;
