//! An environment of a test's own: a fresh home, and nothing of the machine's.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::process::Run;

/// Folders that only this test knows. They are gone when it is dropped.
pub(crate) struct Env {
    root: TempDir,
}

impl Env {
    pub(crate) fn new() -> Self {
        let root = tempfile::Builder::new().prefix("pollm-test-").tempdir().unwrap();
        for folder in ["home", "config", "data", "cache", "state", "run", "tmp", "work"] {
            fs::create_dir(root.path().join(folder)).unwrap();
        }
        Self { root }
    }

    /// The folder that holds all others: `home`, `config`, `data`, `cache`,
    /// `state`, `run`, `tmp` and `work`, the working directory.
    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    /// Writes a file into the working directory.
    pub(crate) fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.root().join("work").join(name);
        fs::write(&path, contents).unwrap();
        path
    }

    /// Writes the configuration.
    pub(crate) fn configure(&self, toml: &str) {
        let folder = self.root().join("config/pollm");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("config.toml"), toml).unwrap();
    }

    /// The executable under test, ready to run.
    pub(crate) fn pollm(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Run {
        self.command(env!("CARGO_BIN_EXE_pollm"), args)
    }

    /// Another program in the same environment.
    pub(crate) fn command(&self, program: &str, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Run {
        let mut command = Command::new(program);
        command.args(args).current_dir(self.root().join("work")).env_clear();
        for (name, folder) in [
            ("HOME", "home"),
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_DATA_HOME", "data"),
            ("XDG_CACHE_HOME", "cache"),
            ("XDG_STATE_HOME", "state"),
            ("XDG_RUNTIME_DIR", "run"),
            ("TMPDIR", "tmp"),
        ] {
            command.env(name, self.root().join(folder));
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "shells and their tools are where the machine has them, and so goes what an \
                      executable built to measure coverage writes at its end"
        )]
        let machine = ["PATH", "LLVM_PROFILE_FILE"].map(|name| (name, std::env::var_os(name)));
        command.envs(machine.into_iter().filter_map(|(name, value)| Some((name, value?))));
        command.env("COLUMNS", "100").env("LANG", "C.UTF-8").env("TZ", "UTC");
        Run::new(command, self.root().to_owned())
    }
}
