//! A comparison as text: what `pollm compare` shows, prints and exports.
//!
//! - [`sheet`](mod@sheet): the figures as plain data, for every view and format.

mod cells;
pub mod sheet;
mod total;
