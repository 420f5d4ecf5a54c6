//! The executable as its users meet it: run in an environment of its own,
//! against servers that answer by script. One binary for all topics, since
//! each would link the same libraries again; Windows has its own.

// Terminals, signals and reset connections are made with Unix means.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails where something is not as it must be"
)]

mod support;

mod ask;
mod budget;
mod compare;
mod completion;
mod configuration;
mod costs;
mod failover;
mod faults;
mod help;
mod history;
mod house;
mod input;
mod json;
mod live;
#[cfg(feature = "local")]
mod local;
mod models;
mod price;
mod readme;
mod reference;
mod refresh;
mod routes;
mod shown;
mod spending;
mod stdin;
mod surroundings;
mod tables;

mod support_processes;
mod support_server;
mod terminal;
mod timing;
