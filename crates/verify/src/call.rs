//! Calls: helpers, functions of the program, and the way back.

mod arguments;
mod compatible;
mod dynptr;
mod format;
mod function;
mod helper;
mod kfunc;
mod lock;
mod results;

pub(crate) use arguments::Arguments;
pub(crate) use function::Later;
