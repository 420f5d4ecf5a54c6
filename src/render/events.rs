//! The event stream of `--jsonl`: one JSON object a line, as things happen.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::chat::Event;
use crate::exchange::Update;
use crate::outcome::ms;

/// Whose event it is.
#[derive(Clone, Copy, Debug)]
pub struct Speaker<'s> {
    /// The lane's place, from 0.
    pub lane: usize,
    /// The model's or the lane's name.
    pub model: &'s str,
    /// The run, where a comparison asks more than once; below 1 for warm-ups.
    pub run: Option<i64>,
}

/// Writes the events of all lanes of one command, numbered in the order written.
pub struct EventWriter {
    started: Instant,
    seq: u64,
    /// Lanes whose first token was announced.
    spoke: Vec<usize>,
}

impl EventWriter {
    /// Begins a stream of events at `started`.
    pub fn new(started: Instant) -> Self {
        Self { started, seq: 0, spoke: Vec::new() }
    }

    /// The lines for one update of a lane; none for what is no event.
    pub fn update(&mut self, who: &Speaker<'_>, update: &Update<'_>) -> String {
        match update {
            Update::Attempt { number: 1 } => {
                self.spoke.retain(|lane| *lane != who.lane);
                self.line("start", who, json!({}))
            }
            Update::Attempt { .. } | Update::Flush => String::new(),
            Update::Retry { wait, error } => {
                let fields = json!({"wait_ms": round(ms(*wait)), "status": error.status,
                    "kind": error.kind.as_str(), "message": error.message});
                self.line("retry", who, fields)
            }
            Update::Event(Event::Text(text) | Event::Refusal(text)) => self.piece("delta", who, text),
            Update::Event(Event::Reasoning(text)) => self.piece("reasoning", who, text),
            Update::Event(_) => String::new(),
        }
    }

    /// The last line of a lane: `done` with its whole outcome, or `error`.
    pub fn end(&mut self, who: &Speaker<'_>, outcome: Value) -> String {
        let name = if outcome["error"].is_null() { "done" } else { "error" };
        self.line(name, who, json!({"outcome": outcome}))
    }

    /// The same of a call that ended so long after the beginning, earlier.
    pub fn end_at(&mut self, end: Duration, who: &Speaker<'_>, outcome: Value) -> String {
        let name = if outcome["error"].is_null() { "done" } else { "error" };
        self.line_at(end, name, who, json!({"outcome": outcome}))
    }

    /// The one line of a call of one of many prompts: `done` or `error`.
    pub fn end_of_prompt(&mut self, who: &Speaker<'_>, prompt_id: &str, outcome: Value) -> String {
        let name = if outcome["error"].is_null() { "done" } else { "error" };
        self.line(name, who, json!({"prompt_id": prompt_id, "outcome": outcome}))
    }

    /// The last line of many prompts.
    pub fn summary(&mut self, matrix: Value) -> String {
        let object = json!({"event": "summary", "seq": self.seq, "t_ms": round(ms(self.started.elapsed())),
            "summary": matrix});
        self.seq += 1;
        super::json::line(&object) + "\n"
    }

    fn piece(&mut self, name: &str, who: &Speaker<'_>, text: &str) -> String {
        if text.is_empty() {
            return String::new();
        }
        let mut lines = String::new();
        if !self.spoke.contains(&who.lane) {
            self.spoke.push(who.lane);
            lines = self.line("first_token", who, json!({}));
        }
        lines + &self.line(name, who, json!({"text": text}))
    }

    fn line(&mut self, event: &str, who: &Speaker<'_>, fields: Value) -> String {
        self.line_at(self.started.elapsed(), event, who, fields)
    }

    fn line_at(&mut self, at: Duration, event: &str, who: &Speaker<'_>, fields: Value) -> String {
        let mut object = json!({"event": event, "lane": who.lane, "model": who.model, "seq": self.seq,
            "t_ms": round(ms(at))});
        self.seq += 1;
        if let Some(run) = who.run {
            object["run"] = run.into();
        }
        if let (Value::Object(object), Value::Object(fields)) = (&mut object, fields) {
            object.extend(fields);
        }
        super::json::line(&object) + "\n"
    }
}

fn round(ms: f64) -> f64 {
    (ms * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_an_object_in_order() {
        let mut writer = EventWriter::new(Instant::now());
        let who = Speaker { lane: 0, model: "a/b", run: None };
        let mut text = writer.update(&who, &Update::Attempt { number: 1 });
        for event in
            [Event::Reasoning("hm".into()), Event::Text("x\u{2028}\n".into()), Event::Text(String::new())]
        {
            text += &writer.update(&who, &Update::Event(&event));
        }
        text += &writer.end(&who, json!({"error": null}));
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let names: Vec<&str> = lines.iter().filter_map(|line| line["event"].as_str()).collect();
        assert_eq!(names, ["start", "first_token", "reasoning", "delta", "done"]);
        assert_eq!(
            lines.iter().map(|line| line["seq"].as_u64().unwrap()).collect::<Vec<_>>(),
            [0, 1, 2, 3, 4]
        );
        assert!(lines.iter().all(|line| line["model"] == "a/b" && line["t_ms"].is_number()));
    }
}
