//! The `pollm` executable.

use std::process::ExitCode;

fn main() -> ExitCode {
    pollm::run(std::env::args_os())
}
