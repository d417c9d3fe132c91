//! Calls: helpers, functions of the program, and the way back.

mod arguments;
mod compatible;
mod function;
mod helper;
mod kfunc;
mod results;

pub(crate) use arguments::Arguments;
