//! What has been heard of an answer so far, and when.

use std::time::{Duration, Instant};

use crate::chat::Event;
use crate::money::{Cost, Usage};
use crate::outcome::Clock;
use crate::wire::Dropped;

/// Gathers events; times are those of the reads that brought them.
#[derive(Default)]
pub(super) struct Hearing {
    pub(super) text: String,
    pub(super) reasoning: String,
    pub(super) usage: Option<Usage>,
    pub(super) billed: Option<Cost>,
    pub(super) served_model: Option<String>,
    pub(super) served_by: Option<String>,
    pub(super) request_id: Option<String>,
    pub(super) dropped: Vec<Dropped>,
    pub(super) cached: bool,
    pub(super) streamed: bool,
    pub(super) malformed: u32,
    pub(super) http_status: Option<u16>,
    /// The request left this machine.
    pub(super) sent: bool,
    /// Something that is neither nothing nor an HTML page began to come with a
    /// good status: someone may have worked for it.
    pub(super) answered: bool,
    started: Option<Instant>,
    connected: Option<Instant>,
    reused: bool,
    headers: Option<Instant>,
    first_token: Option<Instant>,
    first_visible: Option<Instant>,
    last_token: Option<Instant>,
    ended: Option<Instant>,
    token_reads: u32,
    longest_gap: Option<Duration>,
}

impl Hearing {
    /// Forgets a failed attempt, of which nothing was shown, and starts the clock.
    pub(super) fn restart(&mut self) {
        *self = Self { started: Some(Instant::now()), ..Self::default() };
    }

    /// The connection is usable since `dialled`, or was so before.
    pub(super) fn connected(&mut self, dialled: Option<Instant>, headers: Instant) {
        self.sent = true;
        self.reused = dialled.is_none();
        self.connected = dialled.or(self.started);
        self.headers = Some(headers);
    }

    /// Whether the model has generated anything yet.
    pub(super) fn has_token(&self) -> bool {
        self.first_token.is_some()
    }

    /// Takes one event of a read at `at`.
    pub(super) fn take(&mut self, event: &Event, at: Instant) {
        match event {
            Event::Text(text) | Event::Refusal(text) => {
                self.token(text, at);
                if self.first_visible.is_none() && text.contains(|c: char| !c.is_whitespace()) {
                    self.first_visible = Some(at);
                }
                self.text.push_str(text);
            }
            Event::Reasoning(text) => {
                self.token(text, at);
                self.reasoning.push_str(text);
            }
            Event::ToolArguments(text) => {
                self.token(text, at);
                self.first_visible.get_or_insert(at);
            }
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::Billed(cost) => self.billed = Some(*cost),
            Event::ServedModel(name) => self.served_model = Some(name.clone()),
            Event::ServedBy(name) => self.served_by = Some(name.clone()),
            Event::RequestId(id) => self.request_id = Some(id.clone()),
            Event::Cached => self.cached = true,
        }
    }

    fn token(&mut self, text: &str, at: Instant) {
        if text.is_empty() {
            return;
        }
        self.first_token.get_or_insert(at);
        match self.last_token {
            Some(last) if last == at => {}
            last => {
                self.token_reads += 1;
                if let Some(last) = last {
                    let gap = at.saturating_duration_since(last);
                    self.longest_gap = Some(self.longest_gap.map_or(gap, |longest| longest.max(gap)));
                }
            }
        }
        self.last_token = Some(at);
    }

    /// The answer ended then, unless that was noted before.
    pub(super) fn end(&mut self, at: Instant) {
        self.ended.get_or_insert(at);
    }

    /// The clock points, counted from the start of the attempt.
    pub(super) fn clock(&self) -> Clock {
        let since = |at: Option<Instant>| Some(at?.saturating_duration_since(self.started?));
        Clock {
            connected: since(self.connected),
            headers: since(self.headers),
            first_token: since(self.first_token),
            first_visible: since(self.first_visible),
            last_token: since(self.last_token),
            end: since(self.ended).unwrap_or_default(),
            token_reads: self.token_reads,
            longest_gap: self.longest_gap,
            reused: self.reused,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(events: &[(u64, Event)]) -> Hearing {
        let mut hearing = Hearing::default();
        hearing.restart();
        let start = hearing.started.unwrap();
        for (ms, event) in events {
            hearing.take(event, start + Duration::from_millis(*ms));
        }
        hearing
    }

    #[test]
    fn blank_text_is_a_token_but_not_visible() {
        let hearing = heard(&[
            (10, Event::Text(String::new())),
            (20, Event::Text("\n\n".into())),
            (30, Event::Text("Hi".into())),
        ]);
        let clock = hearing.clock();
        assert_eq!(clock.first_token, Some(Duration::from_millis(20)));
        assert_eq!(clock.first_visible, Some(Duration::from_millis(30)));
        assert_eq!(clock.token_reads, 2);
    }

    #[test]
    fn reasoning_is_a_first_token_and_gaps_are_between_reads() {
        let hearing = heard(&[
            (200, Event::Reasoning("a".into())),
            (200, Event::Reasoning("b".into())),
            (500, Event::Reasoning("c".into())),
            (600, Event::Text("x".into())),
        ]);
        let clock = hearing.clock();
        assert_eq!(
            (clock.first_token, clock.first_visible),
            (Some(Duration::from_millis(200)), Some(Duration::from_millis(600)))
        );
        assert_eq!((clock.token_reads, clock.longest_gap), (3, Some(Duration::from_millis(300))));
    }

    #[test]
    fn the_last_usage_counts() {
        use crate::money::Tokens;
        let usage = |n| Usage { output: Tokens(n), ..Usage::default() };
        let hearing = heard(&[(1, Event::Usage(usage(3))), (2, Event::Usage(usage(5)))]);
        assert_eq!(hearing.usage, Some(usage(5)));
    }
}
