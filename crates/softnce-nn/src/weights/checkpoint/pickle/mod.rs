//! Reads pickles into plain values, without running anything.
//!
//! Python's pickles are programs for a stack machine that may call any function. This reader keeps such calls as data:
//! a call becomes an [`Object`] with the name of the function and its arguments. All protocols (0 to 5) are read.
//! Values lie in an arena and refer to each other by index, so neither deep nor cyclic values need recursion.

mod arena;
mod input;
mod machine;
mod stack;
#[cfg(test)]
mod tests;

pub(super) use arena::{Arena, Node, Object, Value};
pub(super) use input::Input;
pub(super) use machine::load;
