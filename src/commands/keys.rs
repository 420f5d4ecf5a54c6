//! `pollm keys`: stores, shows where, and removes providers' keys. No key, and
//! no part of one, is ever printed.

use std::io::{self, IsTerminal as _, Read as _, Write};

use secrecy::zeroize::Zeroizing;

use super::output_failed;
use crate::config::Config;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::nearest::nearest;
use crate::paths::Paths;
use crate::secrets::{Key, KeyFile, KeyQuery, KeySource};

/// Store and find API keys.
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
pub struct KeysArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: KeysCommand,
}

/// What `pollm keys` can do.
#[derive(Clone, Debug, PartialEq, Eq, clap::Subcommand)]
pub enum KeysCommand {
    /// Store a provider's key in the key file
    ///
    /// The key is read from the terminal without being shown, or from stdin:
    /// `pass show groq | pollm keys set groq`. It is never taken from the
    /// command line, where other users could see it.
    Set {
        /// The provider, such as `openai`
        provider: String,
    },
    /// List where each provider's key is found, never the key
    List {
        /// List providers without a key too, with the variable that would hold it
        #[arg(long)]
        all: bool,
    },
    /// Remove a provider's key from the key file
    Remove {
        /// The provider, such as `openai`
        #[arg(value_name = "PROVIDER")]
        stored: String,
    },
}

/// What `pollm keys` needs to know.
#[derive(Clone, Copy, Debug)]
pub struct KeysContext<'a> {
    /// Where the key file is.
    pub paths: &'a Paths,
    /// The environment.
    pub env: &'a Env,
    /// The configuration.
    pub config: &'a Config,
    /// The catalog's providers, each with the variables that the catalog names.
    pub providers: &'a [(String, Vec<String>)],
}

impl KeysContext<'_> {
    /// Everyone with a row in the catalog or in the configuration.
    fn names(&self) -> Vec<&str> {
        let built_in = self.providers.iter().map(|(id, _)| id.as_str());
        let is_new = |id: &&str| !self.providers.iter().any(|(known, _)| known == id);
        built_in.chain(self.config.providers.keys().map(String::as_str).filter(is_new)).collect()
    }

    /// Who may be meant by a name that no provider has: whose key's variable
    /// begins with it (`gemini`: `GEMINI_API_KEY` of google), or whose name is near.
    fn near(&self, name: &str) -> Option<&str> {
        let begins = |variable: &String| {
            variable.split('_').next().is_some_and(|word| word.eq_ignore_ascii_case(name))
        };
        let names = self.names();
        let by_variable = names.iter().find(|id| self.query(id).variables.iter().any(begins)).copied();
        by_variable.or_else(|| nearest(name, names))
    }

    fn query(&self, provider: &str) -> KeyQuery {
        let row = self.providers.iter().find(|(id, _)| id == provider);
        KeyQuery::new(provider, row.map(|(_, env)| env.as_slice()), self.config)
    }
}

/// Runs `pollm keys`. `read_key` asks for the key of the provider that it is
/// given: [`read_key`], but in tests.
///
/// # Errors
/// An unknown provider, an unusable key, a key file that can't be read or
/// written.
pub fn run(
    args: &KeysArgs,
    context: &KeysContext<'_>,
    read_key: &mut dyn FnMut(&str) -> io::Result<Zeroizing<String>>,
    stdout: &mut dyn Write,
    stderr: &mut dyn Write,
) -> Result<()> {
    match &args.command {
        KeysCommand::Set { provider } => set(provider, context, read_key, stderr),
        KeysCommand::List { all } => list(*all, context, stdout, stderr),
        KeysCommand::Remove { stored } => remove(stored, context, stderr),
    }
}

/// Reads a key: from the terminal without showing it, or all of stdin.
///
/// # Errors
/// Where neither can be read.
pub fn read_key(provider: &str) -> io::Result<Zeroizing<String>> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        let read = rpassword::prompt_password(format!("key of {provider}: ")).map(Zeroizing::new);
        // What ended without a line left the cursor behind the question.
        return read.inspect_err(|_| crate::streams::stderr("\n"));
    }
    let mut text = Zeroizing::new(String::with_capacity(4 * 1024));
    // Far more than a key may have, so that a longer one is seen as such.
    stdin.lock().take(1 << 20).read_to_string(&mut text)?;
    Ok(text)
}

fn set(
    provider: &str,
    context: &KeysContext<'_>,
    read_key: &mut dyn FnMut(&str) -> io::Result<Zeroizing<String>>,
    stderr: &mut dyn Write,
) -> Result<()> {
    if !context.names().contains(&provider) {
        let error = Error::usage(format!("unknown provider `{provider}`"));
        return Err(match context.near(provider) {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error.hint(format!(
                "`pollm keys list --all` lists them; a new one needs a `[providers.{provider}]` table in the \
                 configuration"
            )),
        });
    }
    let text = read_key(provider).map_err(|error| Error::failed("the key can't be read").because(&error))?;
    let key = Key::new(&text)
        .map_err(|why| Error::config(format!("that can't be a key for provider {provider}")).because(&why))?;
    let path = &context.paths.key_file;
    let replaced = KeyFile::set(path, provider, &key)?;
    let verb = if replaced { "replaced" } else { "stored" };
    writeln!(stderr, "{verb} the key of {provider} in {}", path.display()).map_err(output_failed)?;
    note_stronger_source(provider, context, stderr)
}

/// Says where the key comes from if it is not the key file.
fn note_stronger_source(provider: &str, context: &KeysContext<'_>, stderr: &mut dyn Write) -> Result<()> {
    match context.query(provider).locate(context.env, &KeyFile::default()) {
        Some(KeySource::Env(name)) => writeln!(stderr, "note: `{name}` is set and comes first"),
        Some(KeySource::Command(_)) => writeln!(stderr, "note: the provider's `key_command` comes first"),
        Some(KeySource::File) | None => Ok(()),
    }
    .map_err(output_failed)
}

fn list(all: bool, context: &KeysContext<'_>, stdout: &mut dyn Write, stderr: &mut dyn Write) -> Result<()> {
    let stored = KeyFile::open(&context.paths.key_file)?;
    let mut names = context.names();
    // A key may outlive the row that it was stored for.
    let orphans: Vec<&str> = stored.providers().filter(|id| !names.contains(id)).collect();
    names.extend(orphans);
    let mut rows = Vec::new();
    for name in names {
        let query = context.query(name);
        let place = match query.locate(context.env, &stored) {
            Some(KeySource::File) => KeySource::File.to_string(),
            Some(source) if stored.get(name).is_some() => {
                format!("{source} (before the one in the key file)")
            }
            Some(source) => source.to_string(),
            None if !all => continue,
            None if query.unused => "not sent".to_owned(),
            None if !query.required => "none needed".to_owned(),
            None if query.variables.is_empty() => "not found".to_owned(),
            None => format!("not found ({})", query.variables.join(", ")),
        };
        rows.push((name, place));
    }
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, place) in &rows {
        writeln!(stdout, "{name:width$}  {place}").map_err(output_failed)?;
    }
    if rows.is_empty() {
        writeln!(stderr, "no keys found\n\nhint: run `pollm keys set PROVIDER`, or `pollm keys list --all`")
            .map_err(output_failed)?;
    }
    Ok(())
}

fn remove(provider: &str, context: &KeysContext<'_>, stderr: &mut dyn Write) -> Result<()> {
    let path = &context.paths.key_file;
    if !KeyFile::remove(path, provider)? {
        let error = Error::config(format!("no key of provider `{provider}` in {}", path.display()));
        return Err(match context.query(provider).locate(context.env, &KeyFile::default()) {
            Some(source) => error.hint(format!("its key comes from elsewhere: {source}")),
            None => match context.near(provider) {
                Some(near) if near != provider => error.hint(format!("did you mean `{near}`?")),
                _ => error.hint("`pollm keys list` shows the keys that there are"),
            },
        });
    }
    writeln!(stderr, "removed the key of {provider} from {}", path.display()).map_err(output_failed)?;
    note_stronger_source(provider, context, stderr)
}

#[cfg(test)]
mod tests;
