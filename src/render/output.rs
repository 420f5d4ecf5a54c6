//! What the two output streams can show. It is decided once, at the start.

use std::borrow::Cow;

use super::filter;

/// When to use colour: the values of `--color`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ColorWhen {
    /// On a terminal, unless the environment says otherwise.
    #[default]
    Auto,
    /// In pipes and files too.
    Always,
    /// Not at all.
    Never,
}

/// What is known of the command line, the environment and the streams.
#[derive(Clone, Debug, Default)]
pub struct OutputInputs {
    /// stdout is a terminal.
    pub stdout_tty: bool,
    /// stderr is a terminal.
    pub stderr_tty: bool,
    /// `--color`.
    pub color: ColorWhen,
    /// `NO_COLOR` is set.
    pub no_color: bool,
    /// `CLICOLOR_FORCE` is set.
    pub clicolor_force: bool,
    /// `COLUMNS`.
    pub columns: Option<u16>,
    /// `ACCESSIBLE` is set.
    pub accessible: bool,
    /// `TERM` is `dumb`.
    pub dumb_term: bool,
    /// `--quiet`.
    pub quiet: bool,
    /// The width that the terminal itself reports, in columns.
    pub terminal_width: Option<u16>,
}

/// How to write to stdout and stderr.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// stdout is a terminal that knows control sequences.
    pub stdout_tty: bool,
    /// stderr is a terminal that knows control sequences.
    pub stderr_tty: bool,
    /// stdout may have colour.
    pub color_stdout: bool,
    /// stderr may have colour.
    pub color_stderr: bool,
    /// Columns to fill, at least [`LEAST_WIDTH`].
    pub width: usize,
    /// For screen readers: no boxes, no repaint, one `name: value` line a fact.
    pub accessible: bool,
    /// Nothing on stderr but errors.
    pub quiet: bool,
}

/// The width where neither `COLUMNS` nor the terminal says any.
pub const DEFAULT_WIDTH: usize = 80;

/// What is narrower is written as if it had this width; the terminal breaks it.
pub const LEAST_WIDTH: usize = 20;

/// How a piece of text is to look (ECMA-48, SGR). The colours are those of the
/// terminal's own palette.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    /// Less important than what is around it.
    Dim,
    /// More important.
    Bold,
    /// Failed.
    Red,
    /// Succeeded, or the best.
    Green,
    /// To be watched.
    Yellow,
    /// To be typed, or a name.
    Cyan,
}

impl Paint {
    const fn code(self) -> &'static str {
        match self {
            Self::Bold => "1",
            Self::Dim => "2",
            Self::Red => "31",
            Self::Green => "32",
            Self::Yellow => "33",
            Self::Cyan => "36",
        }
    }
}

impl Output {
    /// `--color` beats `NO_COLOR`, which beats `CLICOLOR_FORCE`, which beats
    /// what the stream is. A dumb terminal is written to as if it were a file.
    pub fn decide(inputs: &OutputInputs) -> Self {
        let (stdout_tty, stderr_tty) =
            (inputs.stdout_tty && !inputs.dumb_term, inputs.stderr_tty && !inputs.dumb_term);
        let color = |tty: bool| match inputs.color {
            ColorWhen::Always => true,
            ColorWhen::Never => false,
            ColorWhen::Auto => !inputs.no_color && (inputs.clicolor_force || tty),
        };
        // Some terminals report a width of zero, which means that they don't know.
        let width = [inputs.columns, inputs.terminal_width].into_iter().flatten().find(|width| *width > 0);
        Self {
            stdout_tty,
            stderr_tty,
            color_stdout: color(stdout_tty),
            color_stderr: color(stderr_tty),
            width: width.map_or(DEFAULT_WIDTH, usize::from).max(LEAST_WIDTH),
            accessible: inputs.accessible,
            quiet: inputs.quiet,
        }
    }

    /// Text for stdout, painted where stdout may have colour.
    pub fn paint_stdout(&self, text: &str, paint: Paint) -> String {
        sgr(self.color_stdout, text, paint.code())
    }

    /// Text for stderr, painted where stderr may have colour.
    pub fn paint_stderr(&self, text: &str, paint: Paint) -> String {
        sgr(self.color_stderr, text, paint.code())
    }

    /// Text from a model, a server or a file without what drives a terminal:
    /// [`filter::clean`]. What is painted is cleaned first.
    pub fn clean<'t>(&self, text: &'t str) -> Cow<'t, str> {
        filter::clean(text)
    }

    /// The word before a message on stderr (`error`, `warning`, `hint`), painted
    /// in its colour; other words are bold. For [`crate::error::Error::render`].
    pub fn label(&self, word: &str) -> String {
        let codes = match word {
            "error" => "1;31",
            "warning" => "1;33",
            "hint" => "1;36",
            _ => "1",
        };
        sgr(self.color_stderr, word, codes)
    }
}

/// SGR: the codes, the text, and back to normal.
fn sgr(color: bool, text: &str, codes: &str) -> String {
    if color && !text.is_empty() { format!("\x1b[{codes}m{text}\x1b[0m") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn colors(inputs: OutputInputs) -> (bool, bool) {
        let output = Output::decide(&inputs);
        (output.color_stdout, output.color_stderr)
    }

    #[test]
    fn each_stream_has_colour_where_it_is_a_terminal() {
        let inputs = OutputInputs { stderr_tty: true, ..OutputInputs::default() };
        assert_eq!(colors(inputs.clone()), (false, true));
        let output = Output::decide(&inputs);
        assert_eq!(output.paint_stdout("x", Paint::Red), "x");
        assert_eq!(output.paint_stderr("x", Paint::Red), "\x1b[31mx\x1b[0m");
        assert_eq!(output.paint_stderr("", Paint::Red), "");
    }

    #[test]
    fn the_flag_beats_the_variables_and_they_beat_the_terminal() {
        use ColorWhen as W;
        // Flag, NO_COLOR, CLICOLOR_FORCE, terminal.
        for (color, no_color, clicolor_force, tty, expected) in [
            (W::Auto, false, false, false, false),
            (W::Auto, false, false, true, true),
            (W::Auto, false, true, false, true),
            (W::Auto, true, false, true, false),
            (W::Auto, true, true, true, false),
            (W::Always, true, false, false, true),
            (W::Never, false, true, true, false),
        ] {
            let inputs = OutputInputs {
                stdout_tty: tty,
                stderr_tty: tty,
                color,
                no_color,
                clicolor_force,
                ..OutputInputs::default()
            };
            assert_eq!(colors(inputs.clone()), (expected, expected), "{inputs:?}");
        }
    }

    #[test]
    fn a_dumb_terminal_is_like_a_file() {
        let inputs =
            OutputInputs { stdout_tty: true, stderr_tty: true, dumb_term: true, ..OutputInputs::default() };
        let output = Output::decide(&inputs);
        assert_eq!((output.stdout_tty, output.stderr_tty), (false, false));
        assert_eq!(colors(inputs.clone()), (false, false));
        assert_eq!(colors(OutputInputs { color: ColorWhen::Always, ..inputs }), (true, true));
    }

    #[test]
    fn the_width_is_the_users_then_the_terminals_then_eighty() {
        for (columns, terminal_width, width) in [
            (None, None, 80),
            (None, Some(120), 120),
            (Some(100), Some(120), 100),
            (Some(5), Some(120), 20),
            (Some(0), Some(0), 80),
            (Some(u16::MAX), None, 65_535),
        ] {
            let inputs = OutputInputs { columns, terminal_width, ..OutputInputs::default() };
            assert_eq!(Output::decide(&inputs).width, width);
        }
    }

    #[test]
    fn labels_are_painted_for_stderr() {
        let plain = Output::decide(&OutputInputs::default());
        let painted = Output { color_stderr: true, ..plain.clone() };
        assert_eq!(plain.label("error"), "error");
        let labels = ["error", "warning", "hint", "note"].map(|word| painted.label(word));
        assert_eq!(
            labels,
            [
                "\x1b[1;31merror\x1b[0m",
                "\x1b[1;33mwarning\x1b[0m",
                "\x1b[1;36mhint\x1b[0m",
                "\x1b[1mnote\x1b[0m"
            ]
        );
        assert_eq!(painted.clean("a\x1b[2Jb\nc"), "ab\nc");
    }
}
