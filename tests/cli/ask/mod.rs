//! `pollm ask` where all goes well: what is sent, and what is printed.

mod chains;
mod conversations;
mod files;
mod formats;
mod protocols;
mod requests;
mod waiting;
