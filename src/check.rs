//! `--check`: what an answer must be like. A check is read, and as far as can
//! be tried out, before anything is sent.

use std::sync::atomic::AtomicBool;

use regex::Regex;
use serde::de::IgnoredAny;

use crate::comparison::Checked;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::explain::phrase;
use crate::money::Cost;
use crate::nearest::nearest;
use crate::outcome::{Outcome, Status};
use crate::schema::{Schema, unfenced};
use crate::secrets;

mod command;

use command::Command;

/// The kinds of checks as they are typed, and what passes, for help texts.
pub const KINDS: &[(&str, &str)] = &[
    ("contains:TEXT", "the answer holds this text; upper and lower case differ"),
    ("not-contains:TEXT", "the answer does not hold this text"),
    ("regex:RE", "the regular expression matches somewhere in the answer; `(?i)` ignores case"),
    ("json", "the answer is JSON; one code fence around it is no fault"),
    ("schema:FILE", "the answer is JSON that meets this JSON Schema"),
    ("max-cost:USD", "the answer cost no more than this; an unknown cost fails"),
    ("max-latency:MS", "the answer was complete within so many milliseconds, without retries and waits"),
    (
        "cmd:COMMAND",
        "the shell command, given the answer on stdin, ends with 0 within 60 s; it does not see API keys",
    ),
];

/// A check was ended before it could say anything of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped;

/// One `--check`.
#[derive(Clone, Debug)]
pub struct Check {
    text: String,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Contains(String),
    NotContains(String),
    Regex(Regex),
    Json,
    Schema(Box<Schema>),
    MaxCost(Cost),
    /// In milliseconds.
    MaxLatency(f64),
    Command(Command),
}

impl Check {
    /// Reads a check as it is typed: `contains:apple`. A schema's file is read,
    /// and a command's syntax and first word are tried. `keys` are names of
    /// variables that a command does not inherit: see [`key_variables`].
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Usage`] where it is no check that can be run.
    pub fn parse(text: &str, keys: &[String]) -> Result<Self> {
        let (name, argument) = match text.split_once(':') {
            Some((name, argument)) => (name, Some(argument)),
            None => (text, None),
        };
        let form = KINDS.iter().map(|(form, _)| *form).find(|form| name_of(form) == name);
        let Some(form) = form else {
            return Err(unknown(name));
        };
        let kind = match (form.contains(':'), argument) {
            (false, Some(_)) => return Err(Error::usage(format!("the check `{name}` takes no value"))),
            (true, None | Some("")) => {
                return Err(Error::usage(format!("the check `{name}` needs a value: `{form}`")));
            }
            (_, argument) => kind(name, argument.unwrap_or_default(), keys)?,
        };
        Ok(Self { text: text.to_owned(), kind })
    }

    /// The check as it was typed.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Checks an answer. Only a whole one can pass. A command blocks for up to
    /// 60 s, and is killed once `stop` is set.
    ///
    /// # Errors
    /// Where a command was killed so: nobody knows what it would have said.
    pub fn run(&self, outcome: &Outcome, stop: &AtomicBool) -> std::result::Result<Checked, Stopped> {
        let failure = match not_whole(outcome) {
            Some(why) => Some(why),
            None => self.failure(outcome, stop)?,
        };
        Ok(Checked { check: self.text.clone(), failure })
    }

    fn failure(&self, outcome: &Outcome, stop: &AtomicBool) -> std::result::Result<Option<String>, Stopped> {
        let answer = &outcome.text;
        Ok(match &self.kind {
            Kind::Contains(text) => {
                (!answer.contains(text)).then(|| format!("`{text}` is not in the answer"))
            }
            Kind::NotContains(text) => answer.contains(text).then(|| format!("`{text}` is in the answer")),
            Kind::Regex(regex) => {
                (!regex.is_match(answer)).then(|| "nothing in the answer matches".to_owned())
            }
            Kind::Json => serde_json::from_str::<IgnoredAny>(unfenced(answer).unwrap_or(answer))
                .err()
                .map(|error| format!("the answer is not JSON: {error}")),
            Kind::Schema(schema) => by_schema(schema, answer),
            Kind::MaxCost(most) => match outcome.bill.cost {
                None => Some("what it cost is unknown".to_owned()),
                Some(cost) if cost > *most => {
                    Some(format!("it cost {}, more than {}", cost.to_display(), most.to_display()))
                }
                Some(_) => None,
            },
            Kind::MaxLatency(most) => match outcome.timing().e2e_ms {
                None => Some("how long it took is unknown".to_owned()),
                Some(took) if took > *most => Some(format!("it took {took:.0} ms, more than {most} ms")),
                Some(_) => None,
            },
            Kind::Command(command) => command.failure(answer, stop)?,
        })
    }
}

/// Why an answer does not meet a schema.
pub fn by_schema(schema: &Schema, answer: &str) -> Option<String> {
    let error = Error::from(&schema.check(answer).err()?);
    Some(format!("{}: {}", error.message, error.causes.join("; ")))
}

/// The variables that hold keys of any provider known here, for [`Check::parse`].
pub fn key_variables(context: &Context) -> Vec<String> {
    let rows = context.key_variables().into_iter();
    let known = rows.flat_map(|(provider, env)| secrets::key_variables(&provider, &env));
    let own = context.config.providers.values().filter_map(|row| row.key_env.clone()).flatten();
    known.chain(own).collect()
}

/// `contains` of `contains:TEXT`.
fn name_of(form: &str) -> &str {
    form.split(':').next().unwrap_or(form)
}

fn unknown(name: &str) -> Error {
    let forms: Vec<String> = KINDS.iter().map(|(form, _)| format!("`{form}`")).collect();
    let error = Error::usage(format!("unknown check `{name}`"));
    let error = match nearest(name, KINDS.iter().map(|(form, _)| name_of(form))) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error,
    };
    error.hint(format!("checks are {}", forms.join(", ")))
}

fn kind(name: &str, argument: &str, keys: &[String]) -> Result<Kind> {
    let invalid = |why: &str| Error::usage(format!("invalid check `{name}:{argument}`: {why}"));
    Ok(match name {
        "contains" => Kind::Contains(argument.to_owned()),
        "not-contains" => Kind::NotContains(argument.to_owned()),
        "regex" => Kind::Regex(Regex::new(argument).map_err(|error| invalid(&regex_fault(&error)))?),
        "schema" => Kind::Schema(Box::new(Schema::load(argument)?)),
        "max-cost" => {
            let usd = argument.strip_prefix('$').unwrap_or(argument);
            let cost = Cost::parse_usd(usd);
            Kind::MaxCost(cost.map_err(|_| invalid("expected an amount in USD, such as `0.01`"))?)
        }
        "max-latency" => {
            let most = argument.parse().ok().filter(|most: &f64| most.is_finite() && *most > 0.0);
            Kind::MaxLatency(most.ok_or_else(|| invalid("expected milliseconds, such as `1500`"))?)
        }
        "cmd" => Kind::Command(Command::new(argument, keys)?),
        _ => Kind::Json,
    })
}

/// What is wrong with a regular expression, on one line: the library draws a
/// picture of it and says so below.
fn regex_fault(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}

/// Why there is no whole answer to check.
fn not_whole(outcome: &Outcome) -> Option<String> {
    let what = match outcome.status {
        Status::Ok => return None,
        Status::Partial => "the answer is not whole",
        Status::Error => "there is no answer",
        Status::Cancelled => "the call was interrupted",
        Status::Skipped => "the prompt was not sent",
    };
    Some(match &outcome.error {
        Some(error) if outcome.status != Status::Cancelled => format!("{what}: {}", phrase(error)),
        _ => what.to_owned(),
    })
}

#[cfg(test)]
mod tests;
