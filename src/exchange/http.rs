//! One attempt over HTTP: send, find out what kind of body comes, decode it.

use std::time::{Duration, Instant};

use super::hearing::Hearing;
use super::{Call, HttpBackend, Update, seconds};
use crate::chat::{Ending, Event};
use crate::secrets::redact;
use crate::transport::{HttpRequest, Response};
use crate::wire::sse::{Item, LineTooLong, Parser};
use crate::wire::{ApiError, Auth, Decode, FailureKind, StreamError, failure, is_from_cache};

/// The most that is read of an answer that does not stream.
const MAX_BODY: usize = 64 * 1024 * 1024;
/// The most that is read of an error's body.
const MAX_ERROR_BODY: usize = 1024 * 1024;
/// The most that is kept of lines outside the event format.
const MAX_STRAY: usize = 64 * 1024;
/// How long events are gathered while more of them are at hand. Half of what a
/// fast screen takes for one picture, so nobody sees it.
const GATHER: Duration = Duration::from_millis(8);

pub(super) async fn attempt(
    call: &Call,
    http: &HttpBackend,
    hearing: &mut Hearing,
    on: &mut dyn FnMut(Update<'_>),
) -> Result<Ending, ApiError> {
    let ended = send_and_read(call, http, hearing, on).await;
    // Servers are known to repeat a wrong key in their complaint about it.
    ended.map_err(|error| match &http.key {
        Some((key, _)) => ApiError { message: redact(&error.message, &[key]).into_owned(), ..error },
        None => error,
    })
}

async fn send_and_read(
    call: &Call,
    http: &HttpBackend,
    hearing: &mut Hearing,
    on: &mut dyn FnMut(Update<'_>),
) -> Result<Ending, ApiError> {
    let body = serde_json::to_vec(&http.wire.body)
        .map_err(|error| ApiError::new(FailureKind::BadRequest, error.to_string()))?;
    let key = http.key.as_ref().map(|(key, auth)| match auth {
        Auth::Bearer => ("authorization", key.header_value("Bearer ")),
        Auth::Header(name) => (name.as_str(), key.header_value("")),
    });
    let secret = key.as_ref().map(|(name, value)| (*name, value));
    let request = HttpRequest { url: &http.url, headers: &http.wire.headers, secret, body: Some(body) };
    let wait = call.limits.first_event;
    let sent = tokio::time::timeout(wait, http.client.send(request)).await;
    // Whatever came of it, the request may have left; refused connections are told apart by kind.
    hearing.sent = match &sent {
        Ok(Err(error)) => !matches!(error.kind, FailureKind::Connect | FailureKind::Tls),
        Ok(Ok(_)) => true,
        Err(_) => http.client.has_connected(),
    };
    let mut response = sent.map_err(|_| match hearing.sent {
        true => ApiError::new(FailureKind::Timeout, format!("no response within {}", seconds(wait))),
        false => ApiError::new(FailureKind::Connect, format!("no connection within {}", seconds(wait))),
    })??;
    hearing.connected(response.dialled, response.at);
    hearing.http_status = Some(response.status());
    let headers = response.headers();
    hearing.request_id = failure::request_id(&headers).map(str::to_owned);
    let wire = http.protocol.wire();
    if !(200..300).contains(&response.status()) {
        let body = refusal(call, &mut response).await;
        return Err(wire.error(response.status(), &headers, &body));
    }
    if is_from_cache(&headers) {
        hear(hearing, on, &Event::Cached, response.at);
    }
    let reader = Reader {
        call,
        response: &mut response,
        hearing,
        decoder: wire.decoder(),
        stray: Vec::new(),
        has_frames: false,
        last_event: Instant::now(),
        on: &mut *on,
    };
    let ended = reader.read().await;
    on(Update::Flush);
    if ended.is_ok() {
        response.let_go();
    }
    ended
}

/// The body of a refusal. The status is known by then, so one that breaks off or
/// takes too long counts as far as it came.
async fn refusal(call: &Call, response: &mut Response) -> Vec<u8> {
    let mut body = Vec::new();
    let read = async {
        while let (true, Ok(Some(chunk))) = (body.len() < MAX_ERROR_BODY, response.chunk().await) {
            body.extend_from_slice(chunk.as_ref());
        }
    };
    let _ = tokio::time::timeout(call.limits.idle, read).await;
    body
}

fn stalled(limit: Duration) -> ApiError {
    ApiError::new(FailureKind::Timeout, format!("nothing came for {}", seconds(limit)))
}

/// What the first bytes of an answer say that it is.
enum Shape {
    Unknown,
    Events,
    Json,
    Html,
}

/// The first bytes decide, not the content type: proxies and compatible
/// servers mislabel both ways.
fn shape_of(bytes: &[u8]) -> Shape {
    match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
        None => Shape::Unknown,
        Some(b'{' | b'[') => Shape::Json,
        Some(b'<') => Shape::Html,
        Some(_) => Shape::Events,
    }
}

struct Reader<'r> {
    call: &'r Call,
    response: &'r mut Response,
    hearing: &'r mut Hearing,
    decoder: Box<dyn Decode>,
    /// Lines outside the event format, which together may be a bare JSON error.
    stray: Vec<u8>,
    /// An event came.
    has_frames: bool,
    /// When the last event came, or the head before there was any.
    last_event: Instant,
    on: &'r mut dyn FnMut(Update<'_>),
}

impl Reader<'_> {
    async fn read(mut self) -> Result<Ending, ApiError> {
        let mut parser = Parser::default();
        let (mut shape, mut body) = (Shape::Unknown, Vec::new());
        let received = self.receive(&mut parser, &mut shape, &mut body).await;
        match received {
            Ok(()) => {
                self.hearing.end(Instant::now());
                self.finish(parser, shape, &body)
            }
            // Some servers close without the farewell that TLS asks for, and some do
            // not close: an answer whose end came before is whole all the same.
            Err(error) if matches!(error.kind, FailureKind::Broken | FailureKind::Timeout) => {
                // What is not whole ends with its failure.
                let end = if error.kind == FailureKind::Timeout { self.last_event } else { Instant::now() };
                match shape {
                    Shape::Events => {
                        let ending = self.decoder.finish().map_err(|_| error)?;
                        self.hearing.end(end);
                        Ok(ending)
                    }
                    Shape::Json if !is_cut(&body) => {
                        self.hearing.end(end);
                        self.finish(parser, shape, &body)
                    }
                    _ => Err(error),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Takes all that comes, to the end of the body.
    async fn receive(
        &mut self,
        parser: &mut Parser,
        shape: &mut Shape,
        body: &mut Vec<u8>,
    ) -> Result<(), ApiError> {
        let mut gathering_since = None;
        loop {
            // Servers send every event as a piece of its own, and one read of the
            // socket brings many. The yield gives the connection the turn that it
            // needs to hand out the next piece.
            let at_hand = tokio::select! {
                biased;
                chunk = self.response.chunk() => Some(chunk?),
                () = tokio::task::yield_now() => None,
            };
            let chunk = if let Some(chunk) = at_hand {
                chunk
            } else {
                if gathering_since.take().is_some() {
                    (self.on)(Update::Flush);
                }
                if self.decoder.is_over() {
                    return Ok(());
                }
                let (limit, deadline) = self.patience();
                let chunk = tokio::time::timeout_at(deadline.into(), self.response.chunk());
                chunk.await.map_err(|_| stalled(limit))??
            };
            let at = Instant::now();
            let Some(chunk) = chunk else { return Ok(()) };
            let bytes = chunk.as_ref();
            if matches!(shape, Shape::Unknown) {
                *shape = shape_of(bytes);
                self.hearing.streamed = matches!(shape, Shape::Events);
                self.hearing.answered = matches!(shape, Shape::Events | Shape::Json);
            }
            match shape {
                Shape::Unknown => {}
                // Behind the end there is nothing to read.
                Shape::Events if self.decoder.is_over() => {}
                Shape::Events => {
                    self.events(parser, bytes, at)?;
                    if at.duration_since(*gathering_since.get_or_insert(at)) >= GATHER {
                        gathering_since = None;
                        (self.on)(Update::Flush);
                    }
                }
                Shape::Json | Shape::Html => {
                    body.extend_from_slice(bytes);
                    // A body that does not stream is one long event.
                    self.last_event = at;
                    if body.len() > MAX_BODY {
                        return Err(protocol("the answer is larger than 64 MiB".into()));
                    }
                }
            }
            // Bytes that are no event may be at hand for ever, and so may those behind the end.
            if self.decoder.is_over() && at >= self.last_event + GATHER {
                return Ok(());
            }
            let (limit, deadline) = self.patience();
            if at >= deadline {
                return Err(stalled(limit));
            }
        }
    }

    /// How long the next bytes may take, and until when that is.
    fn patience(&self) -> (Duration, Instant) {
        let limits = &self.call.limits;
        if self.hearing.has_token() {
            (limits.idle, Instant::now() + limits.idle)
        } else {
            (limits.first_event, self.last_event + limits.first_event)
        }
    }

    /// Takes the events of one read.
    fn events(&mut self, parser: &mut Parser, bytes: &[u8], at: Instant) -> Result<(), ApiError> {
        let (mut fault, mut alive) = (None, false);
        let pushed = parser.push(bytes, |item| alive |= self.item(item, at, &mut fault));
        if alive {
            self.last_event = at;
        }
        if self.decoder.is_over() {
            self.hearing.end(at);
        }
        if let Some(fault) = fault {
            return Err(fault);
        }
        pushed.map_err(|LineTooLong| protocol("an event of the answer is longer than 32 MiB".into()))
    }

    /// Takes one item of the stream; nothing counts behind a fault.
    fn item(&mut self, item: Item<'_>, at: Instant, fault: &mut Option<ApiError>) -> bool {
        if fault.is_some() {
            return false;
        }
        match item {
            Item::Comment => false,
            Item::Frame(frame) => {
                self.has_frames = true;
                let (hearing, on) = (&mut *self.hearing, &mut *self.on);
                let taken = self.decoder.frame(frame, &mut |event| hear(hearing, on, &event, at));
                *fault = self.judge(taken);
                true
            }
            Item::Stray(line) => {
                *fault = self.stray(line);
                true
            }
        }
    }

    /// Takes a line outside the event format: some servers write a bare JSON
    /// error into the stream, over several lines, and proxies write words.
    fn stray(&mut self, line: &[u8]) -> Option<ApiError> {
        let line = line.trim_ascii();
        let opens = matches!(line.first(), Some(b'{' | b'['));
        if opens && !is_cut(&self.stray) {
            self.stray.clear();
        }
        if self.stray.len() + line.len() < MAX_STRAY {
            self.stray.extend_from_slice(line);
            self.stray.push(b'\n');
        }
        let closes = matches!(line.last(), Some(b'}' | b']'));
        let json = closes.then(|| serde_json::from_slice(&self.stray).ok()).flatten()?;
        failure::in_stream(&json)
    }

    /// A malformed event is counted and passed over; one bad line must not cost
    /// the good ones around it.
    fn judge(&mut self, taken: Result<(), StreamError>) -> Option<ApiError> {
        match taken {
            Ok(()) => None,
            Err(StreamError::Malformed(why)) => {
                log::debug!("skipped an event that could not be read: {why}");
                self.hearing.malformed += 1;
                None
            }
            Err(StreamError::Api(error)) => Some(error),
            Err(StreamError::Truncated) => Some(truncated()),
        }
    }

    fn finish(mut self, mut parser: Parser, shape: Shape, body: &[u8]) -> Result<Ending, ApiError> {
        let at = Instant::now();
        match shape {
            Shape::Unknown => return Err(protocol("the server answered with nothing".into())),
            Shape::Html => {
                let page = failure::read(
                    self.hearing.http_status.unwrap_or(200),
                    &failure::Headers::default(),
                    body,
                );
                return Err(protocol(page.message));
            }
            Shape::Json => {
                let (hearing, on) = (&mut *self.hearing, &mut *self.on);
                let taken = self.decoder.body(body, &mut |event| hear(hearing, on, &event, at));
                match taken {
                    Ok(()) => {}
                    // What ends within its JSON was being served, and may be billed.
                    Err(StreamError::Malformed(_)) if is_cut(body) => return Err(truncated()),
                    Err(StreamError::Malformed(why)) => {
                        return Err(protocol(format!("the answer can't be read: {why}")));
                    }
                    Err(StreamError::Api(error)) => return Err(error),
                    Err(StreamError::Truncated) => return Err(truncated()),
                }
            }
            Shape::Events => {
                let mut fault = None;
                parser.end(|item| {
                    self.item(item, at, &mut fault);
                });
                if let Some(fault) = fault {
                    return Err(fault);
                }
                if !self.has_frames && !self.stray.is_empty() {
                    return Err(protocol(failure::words(&self.stray)));
                }
            }
        }
        let malformed = self.hearing.malformed;
        self.decoder.finish().map_err(|error| match error {
            StreamError::Api(error) => error,
            _ if malformed > 0 && !self.hearing.has_token() => {
                protocol(format!("none of the answer's {malformed} events can be read"))
            }
            _ => truncated(),
        })
    }
}

/// Whether JSON ends before its end.
fn is_cut(json: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(json).is_err_and(|error| error.is_eof())
}

fn hear(hearing: &mut Hearing, on: &mut dyn FnMut(Update<'_>), event: &Event, at: Instant) {
    hearing.take(event, at);
    on(Update::Event(event));
}

fn protocol(message: String) -> ApiError {
    ApiError::new(FailureKind::Protocol, message)
}

fn truncated() -> ApiError {
    ApiError::new(FailureKind::Truncated, "the answer was cut off before its end")
}
