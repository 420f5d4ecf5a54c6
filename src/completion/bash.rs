//! bash, which needs a script of its own: clap's takes the words as bash splits
//! them, so that nothing behind a `=` or a `:` is completed.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;

use clap::Command;
use clap_complete::env::{Bash as Claps, EnvCompleter};

/// The function and its registration, with NAME, BIN, VAR and COMPLETER to be
/// filled in; for bash from 3.2, which macOS has.
const SCRIPT: &str = include_str!("bash.sh");

pub(super) struct Bash;

impl EnvCompleter for Bash {
    fn name(&self) -> &'static str {
        Claps.name()
    }

    fn is(&self, name: &str) -> bool {
        Claps.is(name)
    }

    fn write_registration(
        &self,
        var: &str,
        name: &str,
        bin: &str,
        completer: &str,
        buf: &mut dyn Write,
    ) -> io::Result<()> {
        let completer = format!("'{}'", completer.replace('\'', r"'\''"));
        let script = SCRIPT
            .replace("NAME", &name.replace('-', "_"))
            .replace("BIN", bin)
            .replace("VAR", var)
            .replace("COMPLETER", &completer);
        buf.write_all(script.as_bytes())
    }

    fn write_complete(
        &self,
        command: &mut Command,
        args: Vec<OsString>,
        folder: Option<&Path>,
        buf: &mut dyn Write,
    ) -> io::Result<()> {
        Claps.write_complete(command, args, folder, buf)
    }
}
