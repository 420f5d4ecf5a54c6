//! The command line's prompt, stdin and files, put together into one turn.
//!
//! The turn holds the attachments in the order given and then one text, which
//! is made of three sections joined by a blank line (`\n\n`):
//!
//! 1. **Files** (`-f`), in the order given, each as its name in backticks and a
//!    colon, a newline, an opening fence and the extension as the language, a
//!    newline, the file's text, a newline where the text does not end with one,
//!    and the closing fence. The fence is three backticks, or one more than the
//!    longest run of them inside. Stdin (`-f -`) is named `stdin`.
//! 2. **Stdin**, where it is a pipe or a regular file: its text without the
//!    newlines at its end.
//! 3. **The arguments**, joined by single spaces and otherwise unchanged.
//!
//! `{stdin}` in the arguments is replaced by the text of section 2, each time
//! it occurs, and there is no section 2 then. A section of white space alone
//! is left out. Material comes first and the question last, since that is the
//! order that models follow best. A byte order mark is no part of any text.
//!
//! Stdin that nothing asks for by name is read only if it is a pipe or a
//! regular file, so a cron job's `/dev/null` or a parent's socket is no prompt.
//! `-` as the first or the last argument, `-f -`, `-a -` and `-s @-` read it
//! whatever it is. It can be used for one of these only, and whoever asks for
//! it by name must find something there.

use std::ffi::OsString;

use crate::chat::Part;
use crate::error::{Error, Result};

mod attachment;
mod file;
mod list;
mod options;
mod stdin;

pub use file::read_text;
pub use list::{Item, ListKind, load_list, parse_list};
pub use options::{
    LANE_OPTIONS, lane_params, parse_between, parse_max_tokens, parse_number, parse_option, parse_seed,
    parse_stop, parse_temperature, parse_timeout, parse_top_p, parse_wait,
};
pub use stdin::{ProcessStdin, Stdin, StdinSource};

/// What to say when a pipe on stdin stays open and silent.
pub const STDIN_NOTICE: &str = "waiting for stdin (a pipe is open); `--no-stdin` ignores it";

/// The placeholder for the text of stdin.
const PLACEHOLDER: &str = "{stdin}";

/// What the command line says about the prompt, as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PromptArgs {
    /// The positional arguments.
    pub words: Vec<String>,
    /// `-s`: a text, `@FILE`, or `@@` for a text that begins with `@`.
    pub system: Option<String>,
    /// `-a`: files, addresses, or `-`.
    pub attach: Vec<OsString>,
    /// `-f`: text files, or `-`.
    pub files: Vec<OsString>,
    /// `--no-stdin`.
    pub no_stdin: bool,
}

/// What is to be asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Prompt {
    /// The system prompt; never white space alone.
    pub system: Option<String>,
    /// Attachments, then one text; never empty.
    pub parts: Vec<Part>,
}

/// Reads stdin and files and puts the prompt together. It blocks until stdin
/// ends, so call it before any signal handler is in place. `notice` is given
/// [`STDIN_NOTICE`] when a pipe that nothing asked for stays silent.
///
/// # Errors
/// [`crate::error::ErrorKind::Usage`] for an empty prompt, stdin asked for
/// twice or in vain, and files that can't be read or are of the wrong kind;
/// [`crate::error::ErrorKind::Failed`] where reading stdin fails.
pub fn assemble(
    args: &PromptArgs,
    stdin: &mut dyn StdinSource,
    notice: &mut dyn FnMut(&str),
) -> Result<Prompt> {
    let (words, dash) = without_dash(&args.words);
    let question = words.join(" ");
    let placed = question.contains(PLACEHOLDER);
    let named = claims(args, dash, placed);
    check_claims(&named, args.no_stdin, placed && !dash, stdin.kind())?;

    let by_option = !named.is_empty() && !dash && !placed;
    let mut supply = Supply { stdin, notice };
    let Frame { system, media: mut parts, mut sections } = frame(args, &mut supply)?;
    let piped = if dash || placed {
        Some(file::decode("stdin", supply.asked_for(file::LIMIT)?)?)
    } else if by_option || args.no_stdin {
        None
    } else {
        supply.unasked()?
    };
    sections.extend(questions(question, piped.as_deref(), placed));
    if !sections.is_empty() {
        parts.push(Part::Text(sections.join("\n\n")));
    }
    if parts.is_empty() {
        return Err(Error::usage("the prompt is empty")
            .hint("write it at the end of the command line, in quotes, or pipe it in"));
    }
    Ok(Prompt { system, parts })
}

/// What goes with each of many prompts.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// The system prompt; never white space alone.
    pub system: Option<String>,
    /// The attachments.
    pub media: Vec<Part>,
    /// The texts of files, each with its name and fenced.
    pub sections: Vec<String>,
}

impl Frame {
    /// The turn that asks one of the prompts, put together as [`assemble`] does.
    /// The prompt is taken as it is: no `-` and no `{stdin}` in it is special.
    pub fn around(&self, prompt: &str) -> Vec<Part> {
        let mut parts = self.media.clone();
        let sections: Vec<&str> = self.sections.iter().map(String::as_str).chain([prompt]).collect();
        parts.push(Part::Text(sections.join("\n\n")));
        parts
    }
}

/// Reads what goes with each of many prompts: system prompt, attachments and
/// files. Stdin is read only where one of them names it.
///
/// # Errors
/// As [`assemble`].
pub fn assemble_frame(args: &PromptArgs, stdin: &mut dyn StdinSource) -> Result<Frame> {
    check_claims(&claims(args, false, false), args.no_stdin, false, stdin.kind())?;
    frame(args, &mut Supply { stdin, notice: &mut |_| {} })
}

fn frame(args: &PromptArgs, supply: &mut Supply<'_>) -> Result<Frame> {
    let system = match &args.system {
        Some(text) => system_prompt(text, supply)?,
        None => None,
    };
    let mut media = Vec::new();
    for name in &args.attach {
        let attached = if name == "-" {
            attachment::from_bytes("stdin", supply.asked_for(attachment::LIMIT)?.into())?
        } else {
            attachment::load(name)?
        };
        media.push(Part::Media(attached));
    }
    let mut sections = Vec::new();
    for name in &args.files {
        sections.push(if name == "-" {
            file::fenced("stdin", None, &file::decode("stdin", supply.asked_for(file::LIMIT)?)?)
        } else {
            file::load(name)?
        });
    }
    Ok(Frame { system, media, sections })
}

/// The words but for a `-` at either end, and whether there was one. Between
/// other words it is a minus sign (`pollm ask compute 3 - 2`).
fn without_dash(words: &[String]) -> (&[String], bool) {
    match words {
        [dash, rest @ ..] | [rest @ .., dash] if dash == "-" => (rest, true),
        _ => (words, false),
    }
}

/// The sections of stdin and of the arguments.
fn questions(question: String, piped: Option<&str>, placed: bool) -> Vec<String> {
    let piped = piped.map(|text| text.trim_end_matches(['\n', '\r']));
    let sections = match piped {
        Some(text) if placed => vec![question.replace(PLACEHOLDER, text)],
        Some(text) => vec![text.to_owned(), question],
        None => vec![question],
    };
    sections.into_iter().filter(|section| !section.trim().is_empty()).collect()
}

/// Every use of stdin by name, as the user wrote it.
fn claims(args: &PromptArgs, dash: bool, placed: bool) -> Vec<&'static str> {
    let mut named = Vec::new();
    if args.system.as_deref() == Some("@-") {
        named.push("-s @-");
    }
    named.extend(args.attach.iter().filter(|name| *name == "-").map(|_| "-a -"));
    named.extend(args.files.iter().filter(|name| *name == "-").map(|_| "-f -"));
    if placed {
        named.push(PLACEHOLDER);
    } else if dash {
        named.push("-");
    }
    named
}

/// Refuses uses of stdin that can't all be met. `only_placed`: the placeholder
/// is there, and no `-` that would read whatever stdin is.
fn check_claims(named: &[&str], no_stdin: bool, only_placed: bool, kind: Stdin) -> Result<()> {
    match named {
        [first, second, ..] => Err(Error::usage(format!(
            "stdin can be read only once, but both `{first}` and `{second}` ask for it"
        ))),
        [first] if no_stdin => {
            Err(Error::usage(format!("`{first}` asks for stdin, but `--no-stdin` ignores it")))
        }
        [_] if only_placed && kind != Stdin::Readable => {
            let what = match kind {
                Stdin::Terminal => "a terminal",
                _ => "neither a pipe nor a file",
            };
            Err(Error::usage(format!("`{PLACEHOLDER}` is in the prompt, but stdin is {what}"))
                .hint("pipe something in, or add `-` to read stdin all the same"))
        }
        _ => Ok(()),
    }
}

/// Stdin, and the way to say that it is being waited for.
struct Supply<'a> {
    stdin: &'a mut dyn StdinSource,
    notice: &'a mut dyn FnMut(&str),
}

impl Supply<'_> {
    /// Reads stdin for something that names it, so silence needs no notice.
    fn asked_for(&mut self, limit: usize) -> Result<Vec<u8>> {
        let bytes = self.read(limit, false)?;
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Err(Error::usage("stdin is empty, but the command asks for it"));
        }
        Ok(bytes)
    }

    /// Reads stdin where it is a pipe or a file; what is there becomes text.
    fn unasked(&mut self) -> Result<Option<String>> {
        if self.stdin.kind() != Stdin::Readable {
            return Ok(None);
        }
        let bytes = self.read(file::LIMIT, true)?;
        file::decode("stdin", bytes).map(Some)
    }

    fn read(&mut self, limit: usize, notice: bool) -> Result<Vec<u8>> {
        let mut silent = || {
            if notice {
                (self.notice)(STDIN_NOTICE);
            }
        };
        let bytes = self
            .stdin
            .read(limit, &mut silent)
            .map_err(|error| Error::failed("could not read stdin").because(&error))?;
        if bytes.len() > limit {
            return Err(file::too_large("stdin", limit));
        }
        Ok(bytes)
    }
}

/// The text of `-s`, or of the file that it names.
fn system_prompt(text: &str, supply: &mut Supply<'_>) -> Result<Option<String>> {
    let text = match text.strip_prefix('@') {
        None => text.to_owned(),
        Some("") => {
            return Err(Error::usage("`-s @` names no file").hint("`@@` stands for a literal `@`"));
        }
        Some("-") => file::decode("stdin", supply.asked_for(file::LIMIT)?)?,
        Some(literal) if literal.starts_with('@') => literal.to_owned(),
        Some(path) => file::read_text(path.as_ref())?,
    };
    let text = text.trim_end_matches(['\n', '\r']);
    Ok((!text.trim().is_empty()).then(|| text.to_owned()))
}

#[cfg(test)]
mod tests;
