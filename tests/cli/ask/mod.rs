//! `pollm ask` where all goes well: what is sent, and what is printed.

mod chains;
mod conversations;
mod dry_runs;
mod endings;
mod files;
mod formats;
mod protocols;
mod requests;
mod unnamed;
mod waiting;
