//! What the user sees while an answer comes.

use std::time::Instant;

use unicode_width::UnicodeWidthStr as _;

use super::waiting::Waiting;
use crate::chat::Event;
use crate::exchange::{Cancel, Update};
use crate::outcome::Outcome;
use crate::render::events::{EventWriter, Speaker};
use crate::render::filter::{Filter, clean_line};
use crate::render::markdown::{Markdown, Style};
use crate::render::output::{Output, Paint};
use crate::render::receipt::fitted;
use crate::streams::{Stdout, Written, stderr};
use crate::wire::failure::Class;

/// Where the answer's text goes as it comes.
enum Sink {
    /// The very bytes, for pipes.
    Raw,
    /// The text as it is, made harmless for a terminal.
    Plain(Filter),
    /// Markdown, rendered for a terminal.
    Markdown(Box<Markdown>),
    /// Events, one JSON object a line.
    Events(EventWriter),
    /// Nowhere yet: what is printed depends on the whole.
    Held,
}

/// How an answer is to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// As it streams: rendered on a terminal, raw in a pipe.
    Stream {
        /// Markdown is not rendered.
        raw: bool,
    },
    /// As events.
    Events,
    /// At the end, by the caller.
    Held,
}

/// The live view of one `ask`.
pub(super) struct View<'o> {
    output: &'o Output,
    cancel: Cancel,
    stdout: Stdout,
    sink: Sink,
    pending: String,
    reasoning: Option<Filter>,
    waiting: Option<Waiting>,
    /// The candidates that are being asked, and their places in the chain.
    asked: Vec<(usize, String)>,
    /// Whether anything of the present answer is out, or kept for its end.
    has_shown: bool,
    /// Whether reasoning stands on the terminal's last line.
    in_reasoning: bool,
    /// What the last visible byte on stdout was.
    last: Option<char>,
    /// Why stdout can't be written any more.
    pub(super) fault: Option<std::io::Error>,
    /// The reader of stdout is gone.
    pub(super) closed: bool,
}

impl<'o> View<'o> {
    pub(super) fn new(output: &'o Output, shown: Shown, hide_reasoning: bool, cancel: Cancel) -> Self {
        let sink = match shown {
            Shown::Held => Sink::Held,
            Shown::Events => Sink::Events(EventWriter::new(Instant::now())),
            Shown::Stream { raw: true } if output.stdout_tty => Sink::Plain(Filter::new()),
            Shown::Stream { raw: false } if output.stdout_tty => {
                Sink::Markdown(Box::new(Markdown::new(style(output))))
            }
            Shown::Stream { .. } => Sink::Raw,
        };
        let streams_to_person = matches!(sink, Sink::Plain(_) | Sink::Markdown(_));
        let reasons = streams_to_person && output.stderr_tty && !hide_reasoning && !output.quiet;
        Self {
            output,
            cancel,
            stdout: Stdout::open(),
            sink,
            pending: String::new(),
            reasoning: reasons.then(Filter::new),
            waiting: None,
            asked: Vec::new(),
            has_shown: false,
            in_reasoning: false,
            last: None,
            fault: None,
            closed: false,
        }
    }

    /// A candidate is about to be asked.
    pub(super) fn begin(&mut self, lane: usize, model: &str) {
        self.asked = vec![(lane, model.to_owned())];
        self.has_shown = false;
        if self.output.stderr_tty && !self.output.quiet && !self.output.accessible {
            self.waiting = Some(Waiting::begin(model, self.output.width));
        }
    }

    /// Another candidate is asked as well.
    pub(super) fn begin_too(&mut self, lane: usize, model: &str) {
        self.asked.push((lane, model.to_owned()));
        if let Some(waiting) = &self.waiting {
            let names: Vec<&str> = self.asked.iter().map(|(_, name)| name.as_str()).collect();
            waiting.wait_for(names.join(" and "));
        }
    }

    /// Whether anything was shown of the answer that is coming, or kept for its
    /// end: then no other model may take over.
    pub(super) fn has_shown(&self) -> bool {
        self.has_shown
    }

    /// Shows one update of a candidate.
    pub(super) fn update(&mut self, lane: usize, update: &Update<'_>) {
        if let Sink::Events(writer) = &mut self.sink {
            let name = self.asked.iter().find(|(at, _)| *at == lane).map_or("", |(_, name)| name);
            self.pending += &writer.update(&Speaker { lane, model: name, run: None }, update);
            // Scripts follow events as they happen, not in bursts.
            if !matches!(update, Update::Event(_)) {
                self.flush();
            }
        }
        match update {
            Update::Event(Event::Text(text) | Event::Refusal(text)) => self.text(text),
            Update::Event(Event::Reasoning(text)) => self.reason(text),
            Update::Event(_) | Update::Attempt { .. } => {}
            Update::Retry { wait, error } => {
                let why = clean_line(&error.message);
                // Our own words for a body without any begin with the status.
                let status = error.status.map(|status| format!("HTTP {status}"));
                let status = status.filter(|status| !why.starts_with(status.as_str()));
                let status = status.map(|status| status + ": ").unwrap_or_default();
                let is_one_of_two = self.asked.len() > 1;
                let who = self.asked.iter().find(|(at, _)| is_one_of_two && *at == lane);
                let who = who.map(|(_, name)| format!("{name}: ")).unwrap_or_default();
                let lost = error.kind.class() == Class::Ambiguous;
                let lost = if lost { ", possibly billed" } else { "" };
                self.note(&format!("{who}{status}{why}{lost}; retrying in {:.1} s", wait.as_secs_f64()));
            }
            Update::Flush => self.flush(),
        }
    }

    fn text(&mut self, text: &str) {
        self.has_shown |= !text.is_empty();
        if text.is_empty() || matches!(self.sink, Sink::Events(_) | Sink::Held) {
            return;
        }
        self.leave_reasoning();
        match &mut self.sink {
            Sink::Raw => self.pending.push_str(text),
            Sink::Plain(filter) => filter.push(text, &mut self.pending),
            Sink::Markdown(markdown) => self.pending += &markdown.push(text),
            Sink::Events(_) | Sink::Held => {}
        }
    }

    fn reason(&mut self, text: &str) {
        self.has_shown |= matches!(self.sink, Sink::Events(_)) && !text.is_empty();
        let Some(filter) = &mut self.reasoning else { return };
        let mut shown = String::new();
        filter.push(text, &mut shown);
        if shown.is_empty() {
            return;
        }
        self.stop_waiting();
        self.has_shown = true;
        self.in_reasoning = true;
        stderr(&self.output.paint_stderr(&shown, Paint::Dim));
    }

    /// Ends the reasoning's paragraph before something else is printed.
    fn leave_reasoning(&mut self) {
        self.stop_waiting();
        if std::mem::take(&mut self.in_reasoning) {
            stderr("\n\n");
        }
    }

    fn stop_waiting(&mut self) {
        self.waiting = None;
    }

    /// Says something on stderr, on a line of its own.
    pub(super) fn note(&mut self, text: &str) {
        if self.output.quiet {
            return;
        }
        stderr(&format!("{}\n", self.output.paint_stderr(text, Paint::Dim)));
    }

    /// Says what the answer lacks: also where the user wants no notes, since an
    /// answer that is not whole must not pass for one.
    pub(super) fn warn(&mut self, text: &str) {
        stderr(&format!("{}\n", self.output.paint_stderr(text, Paint::Dim)));
    }

    /// Shows an answer on stderr that has no place on stdout.
    pub(super) fn set_apart(&mut self, text: &str) {
        let text = if self.output.stderr_tty { self.output.clean(text) } else { text.into() };
        stderr(&format!("{}\n", text.trim_end()));
    }

    /// Parts what stands above from what follows, so that no two answers are
    /// read as one.
    pub(super) fn part(&mut self, text: &str) {
        let room = self.output.width.saturating_sub(text.width() + 4).min(40);
        let drawn = self.output.stderr_tty && !self.output.accessible;
        self.note(&if drawn { format!("── {text} {}", "─".repeat(room)) } else { text.to_owned() });
    }

    /// The receipt, after the answer.
    pub(super) fn receipt(&mut self, line: &str) {
        let line = if self.output.stderr_tty { fitted(line, self.output.width) } else { line.to_owned() };
        stderr(&format!("{}\n", self.output.paint_stderr(&line, Paint::Dim)));
    }

    /// This model failed and another one goes on: takes the waiting line away.
    pub(super) fn interrupt(&mut self) {
        self.leave_reasoning();
    }

    /// Writes what is pending, in one piece.
    fn flush(&mut self) {
        if self.pending.is_empty() || self.closed || self.fault.is_some() {
            self.pending.clear();
            return;
        }
        match self.stdout.write(self.pending.as_bytes()) {
            Ok(Written::Ok) => self.last = self.pending.chars().next_back(),
            Ok(Written::Closed) => self.closed = true,
            Err(error) => self.fault = Some(error),
        }
        self.pending.clear();
        if self.closed || self.fault.is_some() {
            self.cancel.cancel();
        }
    }

    /// The answer of a candidate is over.
    pub(super) fn end(
        &mut self,
        lane: usize,
        outcome: &Outcome,
        as_json: impl FnOnce() -> serde_json::Value,
    ) {
        self.leave_reasoning();
        match &mut self.sink {
            Sink::Markdown(markdown) => self.pending += &markdown.finish(),
            Sink::Events(writer) => {
                self.pending += &writer.end(&Speaker { lane, model: &outcome.lane, run: None }, as_json())
            }
            Sink::Raw | Sink::Plain(_) | Sink::Held => {}
        }
        let last = self.pending.chars().next_back().or(self.last);
        if matches!(self.sink, Sink::Raw | Sink::Plain(_)) && !outcome.text.is_empty() && last != Some('\n') {
            self.pending.push('\n');
        }
        self.flush();
    }

    /// Prints data at the end.
    pub(super) fn print(&mut self, text: &str) {
        self.pending.push_str(text);
        self.flush();
    }

    /// Prints text at the end: in a pipe as it is, made harmless for a terminal.
    pub(super) fn print_plain(&mut self, text: &str) {
        if self.output.stdout_tty {
            let clean = self.output.clean(text);
            self.pending.push_str(&clean);
            self.flush();
        } else {
            self.print(text);
        }
    }

    /// Prints Markdown at the end, rendered for a terminal.
    pub(super) fn print_markdown(&mut self, text: &str) {
        let mut markdown = Markdown::new(style(self.output));
        let rendered = markdown.push(text) + &markdown.finish();
        self.print(&rendered);
    }
}

fn style(output: &Output) -> Style {
    Style { width: output.width, color: output.color_stdout, accessible: output.accessible }
}
