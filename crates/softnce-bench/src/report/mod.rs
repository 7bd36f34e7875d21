//! What a measurement shows: tables for terminals and README files, figures and a page.
//!
//! Everything here is a pure function of [`Results`](crate::Results).

mod block;
mod figures;
#[cfg(test)]
pub(crate) mod fixture;
mod html;
mod look;
mod markdown;
mod row;
mod terminal;

pub use figures::{Figure, figures};
pub use html::page;
pub use markdown::markdown;
pub use terminal::terminal;
