//! One manual page: what clap knows of a command, and what its help says
//! behind the options.

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use crate::catalog::Catalog;
use crate::cli::help::{self, Entries};
use crate::env;

/// The file of a command's page: `pollm-cost-budget.1`.
pub(super) fn file_name(path: &[&str]) -> String {
    format!("{}.1", name(path))
}

/// The name of a command's page: `pollm-cost-budget`.
fn name(path: &[&str]) -> String {
    std::iter::once("pollm").chain(path.iter().copied()).collect::<Vec<_>>().join("-")
}

/// The page of the command at `path`, in roff. Commands below `path` must have
/// been built.
pub(super) fn page(command: &Command, path: &[&str]) -> String {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").to_owned();
    let man = Man::new(command.clone().override_usage(usage).subcommand_help_heading("COMMANDS"))
        .title(name(path).to_uppercase())
        // The one date that the executable knows of itself.
        .date(Catalog::embedded().date())
        .source(format!("pollm {}", env!("CARGO_PKG_VERSION")))
        .manual("pollm manual");
    let mut page = Page::default();
    page.part(|out| man.render_title(out));
    // Names of models and command lines are neither hyphenated nor stretched.
    page.control("nh");
    page.control("ad l");
    page.part(|out| man.render_name_section(out));
    page.part(|out| man.render_synopsis_section(out));
    page.part(|out| man.render_description_section(out));
    if let Some(notes) = notes(command) {
        page.control("PP");
        page.add(&Roff::from(roman(notes)));
    }
    if command.has_subcommands() {
        page.part(|out| man.render_subcommands_section(out));
    }
    page.options(&man);
    let codes = help::exit_codes(&path.join(" "));
    if codes.is_empty() {
        page.add(Roff::new().control("SH", ["EXIT STATUS"]).text([roman("As of all commands: pollm(1).")]));
    }
    page.entries("EXIT STATUS", codes);
    if path.is_empty() || path == ["config"] {
        page.entries("ENVIRONMENT", env::VARIABLES);
        page.control("PP");
        page.add(&Roff::from(roman(help::KEY_VARIABLES)));
        page.entries("FILES", help::FILES);
    }
    page.entries("EXAMPLES", help::examples(&path.join(" ")));
    page.see_also(command, path);
    page.text
}

/// What the help says in plain sentences behind the options. Lists are other
/// sections of a page.
fn notes(command: &Command) -> Option<String> {
    let text = command.get_after_help()?.to_string();
    (!text.starts_with("Exit codes:")).then_some(text)
}

/// A page in the making.
#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    /// Adds a section of clap_mangen's.
    fn part(&mut self, render: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()>) {
        let mut bytes = Vec::new();
        // Writing into memory does not fail.
        let _ = render(&mut bytes);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        self.lines(&text);
    }

    fn add(&mut self, roff: &Roff) {
        let text = roff.render();
        self.lines(&text);
    }

    /// Adds a request, once where it is repeated.
    fn control(&mut self, request: &str) {
        let line = format!(".{request}\n");
        if !self.text.ends_with(&line) {
            self.text.push_str(&line);
        }
    }

    /// Takes lines over, but for the definition of the apostrophe, which each
    /// part begins with and one page needs once.
    fn lines(&mut self, text: &str) {
        for line in text.lines() {
            let defines = line.starts_with(".ie \\n(.g") || line.starts_with(".el .ds Aq");
            if defines && self.text.contains(line) {
                continue;
            }
            // Empty lines are no way to end a paragraph; within an option's
            // text, `.PP` would lose its indentation.
            if line.trim().is_empty() || line == ".br" {
                self.control("sp");
            } else {
                self.text.push_str(&literals(line));
                self.text.push('\n');
            }
        }
    }

    /// Options below one heading; clap's headings become ones of second order.
    fn options(&mut self, man: &Man) {
        let from = self.text.len();
        self.part(|out| man.render_options_section(out));
        let options = self.text.split_off(from);
        for line in options.lines() {
            match line.strip_prefix(".SH ") {
                Some("OPTIONS") | None => self.text.push_str(line),
                Some(heading) => {
                    let heading = heading.trim_matches('"').to_lowercase();
                    let mut letters = heading.chars();
                    let first = letters.next().map(|first| first.to_ascii_uppercase());
                    self.text.push_str(&format!(
                        ".SS \"{}{}\"",
                        first.map(String::from).unwrap_or_default(),
                        letters.as_str()
                    ));
                }
            }
            self.text.push('\n');
        }
    }

    fn entries(&mut self, heading: &str, entries: Entries) {
        if entries.is_empty() {
            return;
        }
        let mut roff = Roff::new();
        roff.control("SH", [heading]);
        for (term, meaning) in entries {
            roff.control("TP", []).text([bold(*term)]).text([roman(*meaning)]);
        }
        self.add(&roff);
    }

    /// The pages above and those below.
    fn see_also(&mut self, command: &Command, path: &[&str]) {
        let above = (0..path.len()).map(|depth| name(&path[..depth]));
        let below = command.get_subcommands().map(|below| name(&[path, &[below.get_name()]].concat()));
        let names: Vec<String> = above.chain(below).collect();
        let mut roff = Roff::new();
        roff.control("SH", ["SEE ALSO"]);
        for (index, name) in names.iter().enumerate() {
            let end = if index + 1 == names.len() { "(1)" } else { "(1)," };
            roff.text([bold(name.as_str()), roman(end)]);
        }
        self.add(&roff);
    }
}

/// Sets what stands in backticks bold, and writes as glyphs the characters
/// that roff would print as accents, or only in an encoding that it was told of.
fn literals(line: &str) -> String {
    if line.starts_with('.') {
        return line.to_owned();
    }
    let pieces: Vec<&str> = line.split('`').collect();
    let mut text = String::new();
    for (index, piece) in pieces.iter().enumerate() {
        let closed = index + 1 < pieces.len();
        match (index % 2 == 1, closed) {
            (true, true) => text.push_str(&format!("\\fB{piece}\\fR")),
            (true, false) => text.push_str(&format!("\\(ga{piece}")),
            (false, _) => text.push_str(piece),
        }
    }
    text.replace('~', "\\(ti").replace('^', "\\(ha").replace('≥', "\\(>=")
}
