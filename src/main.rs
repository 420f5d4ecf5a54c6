//! The `pollm` executable.

use std::process::ExitCode;

fn main() -> ExitCode {
    pollm::crash::install();
    pollm::run(std::env::args_os())
}
