//! Reads Python pickles as plain data, without running anything.
//!
//! A pickle is a program for a stack machine that may import and call any function. This reader carries out the stack
//! operations, but keeps each call as data: an [`Object`] with the name of the function and its arguments. It reads all
//! protocols, 0 to 5. Values lie in an [`Arena`] and refer to each other by index, so neither deeply nested nor cyclic
//! values need recursion. Memory is limited, and every length in the file is checked before memory is allocated for it.
//!
//! ```
//! use softnce_pickle::{Arena, Input, Value, load};
//!
//! // pickle.dumps({"epoch": 3}, 2)
//! let bytes: &[u8] = b"\x80\x02}q\x00X\x05\x00\x00\x00epochq\x01K\x03s.";
//! let mut arena = Arena::default();
//! let value = load(&mut Input::new(bytes), &mut arena)?;
//! let items = &arena.object(value).ok_or("not a dictionary")?.items;
//! assert_eq!(arena.text(items[0].0), Some("epoch"));
//! assert_eq!(items[0].1, Value::Int(3));
//! # Ok::<(), String>(())
//! ```

mod arena;
mod input;
mod machine;
mod operations;
#[cfg(test)]
mod tests;

pub use arena::{Arena, Node, Object, Value};
pub use input::Input;
pub use operations::load;
