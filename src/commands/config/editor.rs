//! Opens a file in the user's editor.

use std::path::Path;
use std::process::Command;

use crate::env::Env;
use crate::error::{Error, Result};

/// Opens a file and waits until the editor is closed.
///
/// # Errors
/// Where the editor can't be run or fails.
pub(super) fn open(path: &Path, env: &Env) -> Result<()> {
    let editor = choose(env);
    let failed = || {
        Error::failed(format!("the editor `{editor}` failed")).hint("set `VISUAL` or `EDITOR` to another one")
    };
    let status = command(&editor, path).status().map_err(|error| failed().because(&error))?;
    if status.success() {
        return Ok(());
    }
    let mut error = failed();
    error.causes.push(status.to_string());
    Err(error)
}

/// As git chooses: `VISUAL` needs a terminal that can move its cursor.
fn choose(env: &Env) -> String {
    let visual = env.visual.clone().filter(|_| !env.term_is_dumb);
    let fallback = if cfg!(windows) { "notepad" } else { "vi" };
    visual.or_else(|| env.editor.clone()).unwrap_or_else(|| fallback.to_owned())
}

/// The variables hold a command line, arguments and quotes included
/// (`code --wait`), so the shell reads it; the path is no part of what it reads.
#[cfg(not(windows))]
fn command(editor: &str, path: &Path) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("{editor} \"$@\"")).arg(editor).arg(path);
    command
}

/// `cmd /S` takes off the outer quotes and leaves the rest as it is.
#[cfg(windows)]
fn command(editor: &str, path: &Path) -> Command {
    use std::os::windows::process::CommandExt as _;
    let mut line = std::ffi::OsString::from(format!("\"{editor} \""));
    line.push(path);
    line.push("\"\"");
    let mut command = Command::new("cmd");
    command.args(["/D", "/S", "/C"]).raw_arg(line);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visual_comes_before_editor_unless_the_terminal_is_dumb() {
        let chosen = |variables: &[(&str, &str)]| choose(&Env::new(variables.iter().copied()));
        assert_eq!(chosen(&[("VISUAL", "code --wait"), ("EDITOR", "ed")]), "code --wait");
        assert_eq!(chosen(&[("VISUAL", "code"), ("EDITOR", "ed"), ("TERM", "dumb")]), "ed");
        assert_eq!(chosen(&[("EDITOR", "ed")]), "ed");
        assert_eq!(chosen(&[]), if cfg!(windows) { "notepad" } else { "vi" });
    }
}
