//! The one result of a call. It exists whatever happened: success, failure, a
//! cut stream, Ctrl-C. Everything shown, stored or exported is a view of it.

use std::time::Duration;

use jiff::Timestamp;
use ulid::Ulid;

use crate::chat::Finish;
use crate::model::ModelRef;
use crate::money::{Bill, Usage, UsageSource};
use crate::wire::{ApiError, Dropped};

/// How a call went, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The answer is complete, as far as the provider says.
    Ok,
    /// Some of the answer came, then a failure.
    Partial,
    /// Nothing of an answer came.
    Error,
    /// The user, or the reader of the output, ended it.
    Cancelled,
    /// It was never sent.
    Skipped,
}

impl Status {
    /// The word used in JSON and in the ledger.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Partial => "partial",
            Self::Error => "error",
            Self::Cancelled => "cancelled",
            Self::Skipped => "skipped",
        }
    }

    /// Reads the word back.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Ok, Self::Partial, Self::Error, Self::Cancelled, Self::Skipped]
            .into_iter()
            .find(|status| status.as_str() == word)
    }
}

/// The clock points of the attempt that gave the answer, each counted from its
/// start. They are taken when bytes are read, before parsing and rendering.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    /// The connection was usable. Zero where an open one was used again.
    pub connected: Option<Duration>,
    /// The response headers were there.
    pub headers: Option<Duration>,
    /// The first generated token of any channel.
    pub first_token: Option<Duration>,
    /// The first visible text of the answer, or tool argument.
    pub first_visible: Option<Duration>,
    /// The last generated token.
    pub last_token: Option<Duration>,
    /// The end of the answer.
    pub end: Duration,
    /// Number of reads that brought generated tokens; one says nothing of speed.
    pub token_reads: u32,
    /// The longest wait between two reads that brought tokens.
    pub longest_gap: Option<Duration>,
    /// An open connection was used again.
    pub reused: bool,
}

/// Times and speeds as `numbers` defines them, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Timing {
    /// Until the connection was usable; 0 where an open one was used.
    pub connect_ms: Option<f64>,
    /// Until the first token of any channel.
    pub ttft_ms: Option<f64>,
    /// Until the first visible text.
    pub ttfv_ms: Option<f64>,
    /// Until the end of the successful attempt.
    pub e2e_ms: Option<f64>,
    /// From the first attempt to the end, waits included.
    pub wall_ms: Option<f64>,
    /// Time per output token after the first.
    pub tpot_ms: Option<f64>,
    /// Output tokens a second after the first, without waiting time.
    pub decode_tps: Option<f64>,
    /// The longest wait between two pieces of the answer.
    pub longest_gap_ms: Option<f64>,
    /// Whether an open connection was used again.
    pub reused: bool,
}

/// A duration in milliseconds.
pub fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

impl Timing {
    /// Derives the figures of one answer. Without streaming there is no first
    /// token to be seen, and the end is never passed off as one.
    pub fn derive(clock: &Clock, wall: Duration, streamed: bool, output_tokens: Option<u64>) -> Self {
        let seen = |point: Option<Duration>| point.filter(|_| streamed).map(ms);
        let decode = match (clock.first_token, clock.last_token, output_tokens) {
            (Some(first), Some(last), Some(tokens)) if streamed && tokens >= 2 && clock.token_reads >= 2 => {
                #[expect(clippy::cast_precision_loss, reason = "token counts are far below 2^52")]
                let gaps = (tokens - 1) as f64;
                Some(ms(last.saturating_sub(first)) / gaps).filter(|tpot| *tpot > 0.0)
            }
            _ => None,
        };
        Self {
            connect_ms: clock.connected.map(ms),
            ttft_ms: seen(clock.first_token),
            ttfv_ms: seen(clock.first_visible),
            e2e_ms: Some(ms(clock.end)),
            wall_ms: Some(ms(wall)),
            tpot_ms: decode,
            decode_tps: decode.map(|tpot| 1_000.0 / tpot),
            longest_gap_ms: seen(clock.longest_gap),
            reused: clock.reused,
        }
    }
}

/// One request that was sent, or tried to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// Counted from the first attempt's start.
    pub started: Duration,
    /// How long it took.
    pub took: Duration,
    /// The HTTP status, where one came.
    pub status: Option<u16>,
    /// Why it failed; `None` for the one that gave the answer.
    pub error: Option<ApiError>,
    /// The wait before the next attempt.
    pub waited: Option<Duration>,
}

/// Token counts and how they are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountedUsage {
    /// The counts.
    pub usage: Usage,
    /// Who counted.
    pub source: UsageSource,
}

/// The result of one call.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Sortable by time, unique on this machine and any other.
    pub id: Ulid,
    /// When the first attempt began.
    pub started_at: Timestamp,
    /// The model that was asked.
    pub model: ModelRef,
    /// The lane's name where it has options of its own: `openai/gpt@effort=low`.
    pub lane: String,
    /// The model that answered, as the provider names it.
    pub served_model: Option<String>,
    /// Who served the model behind a gateway.
    pub served_by: Option<String>,
    /// How it went.
    pub status: Status,
    /// The answer, or as much of it as came.
    pub text: String,
    /// The reasoning that was shown, where any was.
    pub reasoning: Option<String>,
    /// Why the answer ended; `None` where none began.
    pub finish: Option<Finish>,
    /// The provider's own word for it.
    pub native_finish: Option<String>,
    /// Parameters that were left out.
    pub dropped: Vec<Dropped>,
    /// Token counts; `None` where nothing is known, which is not zero.
    pub usage: Option<CountedUsage>,
    /// What it costs.
    pub bill: Bill,
    /// The call may have been billed although its end is unknown.
    pub possibly_billed: bool,
    /// The provider answered from a cache: no figure is a measurement.
    pub cached: bool,
    /// The clock points.
    pub clock: Clock,
    /// From the first attempt to the end, waits included.
    pub wall: Duration,
    /// Whether the answer streamed.
    pub streamed: bool,
    /// Every request sent, in order.
    pub attempts: Vec<Attempt>,
    /// Events that could not be read and were skipped.
    pub malformed_events: u32,
    /// The provider's id of the request.
    pub request_id: Option<String>,
    /// What went wrong.
    pub error: Option<ApiError>,
}

impl Outcome {
    /// An outcome of which nothing is known yet.
    pub fn new(model: ModelRef, lane: String, started_at: Timestamp) -> Self {
        Self {
            id: Ulid::generate(),
            started_at,
            model,
            lane,
            served_model: None,
            served_by: None,
            status: Status::Skipped,
            text: String::new(),
            reasoning: None,
            finish: None,
            native_finish: None,
            dropped: Vec::new(),
            usage: None,
            bill: Bill::UNKNOWN,
            possibly_billed: false,
            cached: false,
            clock: Clock::default(),
            wall: Duration::ZERO,
            streamed: true,
            attempts: Vec::new(),
            malformed_events: 0,
            request_id: None,
            error: None,
        }
    }

    /// Times and speeds; all `None` where no attempt was made.
    pub fn timing(&self) -> Timing {
        if self.attempts.is_empty() {
            return Timing::default();
        }
        let output = self.usage.map(|counted| counted.usage.output.0);
        Timing::derive(&self.clock, self.wall, self.streamed, output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(first: u64, visible: Option<u64>, last: u64, reads: u32) -> Clock {
        let at = Duration::from_millis;
        Clock {
            first_token: Some(at(first)),
            first_visible: visible.map(at),
            last_token: Some(at(last)),
            end: at(last + 5),
            token_reads: reads,
            ..Clock::default()
        }
    }

    #[test]
    fn speed_comes_from_gaps_between_tokens_not_from_the_whole_time() {
        let timing =
            Timing::derive(&clock(200, Some(800), 1_000, 40), Duration::from_millis(1_200), true, Some(41));
        assert_eq!((timing.ttft_ms, timing.ttfv_ms), (Some(200.0), Some(800.0)));
        assert_eq!(timing.tpot_ms.map(f64::round), Some(20.0));
        assert_eq!(timing.decode_tps.map(f64::round), Some(50.0));
        assert_eq!((timing.e2e_ms.map(f64::round), timing.wall_ms), (Some(1_005.0), Some(1_200.0)));
    }

    #[test]
    fn what_cannot_be_known_is_none() {
        let wall = Duration::from_secs(1);
        assert_eq!(Timing::derive(&clock(1, Some(1), 9, 1), wall, true, Some(50)).tpot_ms, None);
        assert_eq!(Timing::derive(&clock(1, Some(1), 9, 5), wall, true, Some(1)).tpot_ms, None);
        assert_eq!(Timing::derive(&clock(1, Some(1), 9, 5), wall, true, None).tpot_ms, None);
        let whole = Timing::derive(&clock(1, Some(1), 9, 5), wall, false, Some(50));
        assert_eq!((whole.ttft_ms, whole.ttfv_ms, whole.tpot_ms), (None, None, None));
        assert_eq!(whole.e2e_ms.map(f64::round), Some(14.0));
        assert_eq!(Timing::derive(&clock(1, None, 9, 5), wall, true, Some(5)).ttfv_ms, None);
    }
}
