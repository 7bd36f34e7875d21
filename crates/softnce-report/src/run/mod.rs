//! The report of one training run: a page, a table in Markdown and for a terminal, and the figures as JSON.
//!
//! Everything is a pure function of a [`RunReport`](crate::results::RunReport).

mod caption;
mod classes;
mod confusion;
mod curves;
mod findings;
#[cfg(test)]
pub(crate) mod fixture;
mod history;
mod json;
mod metrics;
mod page;
mod pictures;
mod reliability;
mod rows;
mod table;
#[cfg(test)]
mod tests;

pub use self::caption::caption;
pub use self::history::{history, history_values};
pub use self::json::json;
pub use self::page::page;
pub use self::table::{markdown, terminal};
