//! What the tests stand on: scripted servers, and processes in an environment
//! that nothing of the machine reaches.

pub(crate) mod capture;
pub(crate) mod connection;
pub(crate) mod environment;
pub(crate) mod lab;
pub(crate) mod output;
pub(crate) mod process;
pub(crate) mod schema;
pub(crate) mod script;
pub(crate) mod server;
pub(crate) mod signals;
pub(crate) mod streams;
pub(crate) mod tls;

pub(crate) use environment::Env;
pub(crate) use lab::Lab;
pub(crate) use output::CommandOutput;
pub(crate) use script::Script;
pub(crate) use server::{ClosedPort, Server, SilentPort};
pub(crate) use tls::TlsServer;

use std::time::Duration;

/// After this long a test is stuck and fails. No test waits for it to pass.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);
