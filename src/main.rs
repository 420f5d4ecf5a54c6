//! The `pollm` executable.

fn main() {}
