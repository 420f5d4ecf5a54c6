//! The formats of commands that print a table, and where it goes.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::file_named;
use crate::commands::output_failed;
use crate::error::{Error, Result};
use crate::render::output::Output;
use crate::whole_file;

/// The shape of a table. What a command's table has no format for is an error
/// of one wording.
#[derive(Clone, Debug, Default, Args)]
pub struct TableOptions {
    /// What to print: text, json, jsonl, csv or markdown [default: text, or what the extension of --output
    /// says]
    #[arg(long, value_name = "FORMAT", value_enum, hide_possible_values = true, help_heading = "Output")]
    format: Option<TableFormat>,
    /// Short for --format json: one object
    #[arg(long, conflicts_with_all = ["format", "jsonl"], help_heading = "Output")]
    json: bool,
    /// Short for --format jsonl: one object a line
    #[arg(long, conflicts_with = "format", help_heading = "Output")]
    jsonl: bool,
    /// Write to a file, or - for stdout; its extension (.txt, .json, .jsonl, .csv, .md) picks the format
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    output: Option<PathBuf>,
}

/// Formats of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TableFormat {
    /// Aligned columns, or a line a fact for screen readers
    Text,
    /// One JSON object
    Json,
    /// One JSON object a row
    Jsonl,
    /// Comma-separated values with a header
    Csv,
    /// A table in Markdown
    Markdown,
    /// A page with a chart that needs nothing else
    Html,
}

impl TableFormat {
    /// What every table has; a page makes sense only where there is something
    /// to draw.
    pub const USUAL: [Self; 5] = [Self::Text, Self::Json, Self::Jsonl, Self::Csv, Self::Markdown];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
            Self::Markdown => "markdown",
            Self::Html => "html",
        }
    }

    fn of_extension(extension: &str) -> Option<Self> {
        Some(match extension.to_ascii_lowercase().as_str() {
            "txt" => Self::Text,
            "json" => Self::Json,
            "jsonl" | "ndjson" => Self::Jsonl,
            "csv" => Self::Csv,
            "md" | "markdown" => Self::Markdown,
            "html" | "htm" => Self::Html,
            _ => return None,
        })
    }
}

impl TableOptions {
    /// The file to write to; `None` for stdout.
    fn file(&self) -> Option<&Path> {
        file_named(self.output.as_deref())
    }

    /// Whether it goes to a file, of which there is never half.
    pub fn is_for_file(&self) -> bool {
        self.file().is_some()
    }

    /// The format that is asked for. `command` has those of `formats` only.
    ///
    /// # Errors
    /// Another format, or a file whose name says none.
    pub fn format(&self, command: &str, formats: &[TableFormat]) -> Result<TableFormat> {
        let names: Vec<&str> = formats.iter().map(|format| format.as_str()).collect();
        let format = match (self.json, self.jsonl, self.format, self.file()) {
            (true, ..) => TableFormat::Json,
            (_, true, ..) => TableFormat::Jsonl,
            (.., Some(format), _) => format,
            (.., None) => TableFormat::Text,
            (.., Some(path)) => {
                let extension = path.extension().and_then(OsStr::to_str);
                extension.and_then(TableFormat::of_extension).ok_or_else(|| {
                    Error::usage(format!("the name `{}` does not say which format", path.display()))
                        .hint(format!("say `--format`: {}", names.join(", ")))
                })?
            }
        };
        if !formats.contains(&format) {
            let what = format!("`pollm {command}` has no format `{}`", format.as_str());
            return Err(Error::usage(what).hint(format!("it has {}", names.join(", "))));
        }
        Ok(format)
    }

    /// How text is laid out there: in a file as in a pipe without colour.
    pub fn laid_out_for<'o>(&self, output: &'o Output) -> Cow<'o, Output> {
        match self.file() {
            None => Cow::Borrowed(output),
            Some(_) => Cow::Owned(Output { stdout_tty: false, color_stdout: false, ..output.clone() }),
        }
    }

    /// Writes the whole table.
    ///
    /// # Errors
    /// Where that can't be done; of a file nothing is left then.
    pub fn write(&self, text: &str, stdout: &mut dyn Write) -> Result<()> {
        match self.file() {
            Some(path) => whole_file::save(path, text),
            None => stdout.write_all(text.as_bytes()).map_err(output_failed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Result<TableFormat> {
        let options = TableOptions { output: Some(name.into()), ..TableOptions::default() };
        options.format("models list", &TableFormat::USUAL)
    }

    #[test]
    fn a_file_s_name_says_the_format_and_a_flag_says_it_first() {
        let known = [
            ("a.txt", TableFormat::Text),
            ("a.JSON", TableFormat::Json),
            ("a.ndjson", TableFormat::Jsonl),
            ("a.csv", TableFormat::Csv),
            ("a.md", TableFormat::Markdown),
            ("-", TableFormat::Text),
        ];
        for (name, format) in known {
            assert_eq!(named(name).unwrap(), format, "{name}");
        }
        let flag = TableOptions { jsonl: true, output: Some("a.csv".into()), ..TableOptions::default() };
        assert_eq!(flag.format("x", &TableFormat::USUAL).unwrap(), TableFormat::Jsonl);
    }

    #[test]
    fn a_format_that_a_table_has_not_is_an_error_of_one_wording() {
        insta::assert_snapshot!(named("a.html").unwrap_err(), @"
        error: `pollm models list` has no format `html`

        hint: it has text, json, jsonl, csv, markdown
        ");
        insta::assert_snapshot!(named("a.pdf").unwrap_err(), @"
        error: the name `a.pdf` does not say which format

        hint: say `--format`: text, json, jsonl, csv, markdown
        ");
        assert_eq!(TableFormat::value_variants().len(), TableFormat::USUAL.len() + 1);
        for format in TableFormat::value_variants() {
            assert_eq!(format.to_possible_value().unwrap().get_name(), format.as_str());
        }
    }
}
