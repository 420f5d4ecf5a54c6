//! `pollm man`: the manual pages, made from the command line's own definition.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, Command};

use super::output_failed;
use crate::cli;
use crate::error::{Error, Result};
use crate::nearest::nearest;
use crate::whole_file;

mod page;

/// Print the manual pages, or write them into a folder.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// The command whose page is printed, such as `cost budget`; without one, that of pollm itself
    #[arg(value_name = "COMMAND", conflicts_with = "dir")]
    command: Vec<String>,
    /// Write all pages into this folder: pollm.1, pollm-ask.1 and so on
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// A command that there is none of, a folder that can't be written.
pub fn run(args: &ManArgs, stdout: &mut dyn Write) -> Result<()> {
    let root = cli::built();
    if let Some(dir) = &args.dir {
        fs::create_dir_all(dir)
            .map_err(|error| Error::failed(format!("{} can't be made", dir.display())).because(&error))?;
        return write_all(&root, &mut Vec::new(), dir);
    }
    let mut command = &root;
    for name in &args.command {
        command = command.find_subcommand(name).ok_or_else(|| unknown(command, name))?;
    }
    let path: Vec<&str> = args.command.iter().map(String::as_str).collect();
    stdout.write_all(page::page(command, &path).as_bytes()).map_err(output_failed)
}

fn unknown(command: &Command, name: &str) -> Error {
    let names = command.get_subcommands().map(Command::get_name);
    let above = command.get_bin_name().unwrap_or("pollm");
    let error = Error::usage(format!("`{above}` has no command `{name}`"));
    match nearest(name, names) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error.hint(format!("`{above} --help` lists its commands")),
    }
}

/// Writes the page of a command and those below it.
fn write_all<'a>(command: &'a Command, path: &mut Vec<&'a str>, dir: &Path) -> Result<()> {
    whole_file::save(&dir.join(page::file_name(path)), &page::page(command, path))?;
    for below in command.get_subcommands() {
        path.push(below.get_name());
        write_all(below, path, dir)?;
        path.pop();
    }
    Ok(())
}
