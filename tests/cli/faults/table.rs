//! Every failure that a call can have, a line each: what happens, and all that
//! must come of it. The wording of the messages is in the tests beside this.
//!
//! A line reads: what happens; what makes it happen; the exit code; the requests
//! that reach the server, so that more than one is a retry; the ledger's row as
//! the status of the call, the kind of its error and the HTTP status of each
//! attempt, `-` for what is not there, and nothing where there is no row; and
//! what the call is taken to have cost.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::thread;

use serde_json::{Value, json};

use super::cause::{Address, Came, Cause, Here, When, answers};
use crate::support::Script;
use crate::support::process::Running;
use crate::support::streams::{
    OPENAI_DONE, event, openai_body, openai_chunks, openai_delta, openai_finish, openai_usage,
};

use Paid::{Counted, Estimated, Nothing, Perhaps};

/// What a call is taken to have cost.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Paid {
    /// Nothing: it was not served, or not written down.
    Nothing,
    /// What the provider counted.
    Counted,
    /// An estimate, where nobody counted.
    Estimated,
    /// An estimate, or a count, of what may have been billed and may not.
    Perhaps,
}

/// One failure, and what must come of it.
struct Fault(&'static str, Cause, i32, usize, &'static str, Paid);

/// Makes every failure of a table happen, some at a time, and compares.
#[track_caller]
fn check(table: impl IntoIterator<Item = Fault>) {
    let rest = Mutex::new(table.into_iter().collect::<Vec<_>>());
    let wrong = Mutex::new(Vec::new());
    let work = || {
        loop {
            let next = rest.lock().unwrap().pop();
            let Some(Fault(name, cause, exit, sent, row, paid)) = next else { break };
            let expected = told(Some(exit), sent, row, paid);
            let message = match catch_unwind(AssertUnwindSafe(|| cause.happen())) {
                Ok(came) if of(&came) == expected => continue,
                Ok(came) => format!("  expected: {expected}\n  found:    {}\n{}", of(&came), came.output),
                Err(_) => "  it did not come to an end; see above".to_owned(),
            };
            wrong.lock().unwrap().push(format!("{name}\n{message}"));
        }
    };
    thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(work))));
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} of the table's lines do not hold\n\n{}", wrong.len(), wrong.join("\n"));
}

fn told(exit: Option<i32>, sent: usize, row: &str, paid: Paid) -> String {
    format!("exit {exit:?}, {sent} sent, `{row}`, {paid:?}")
}

/// What came, in the words of the table.
fn of(came: &Came) -> String {
    let row = |row: &Value| {
        let attempts = row["requests"].as_array().unwrap().iter().map(|sent| match sent["status"].as_u64() {
            Some(status) => format!(" {status}"),
            None => " -".to_owned(),
        });
        let kind = row["error"]["kind"].as_str().unwrap_or("-");
        format!("{} {kind}{}", row["status"].as_str().unwrap(), attempts.collect::<String>())
    };
    let rows: Vec<String> = came.rows.iter().map(row).collect();
    let paid = came.rows.first().map_or(Nothing, paid);
    told(came.output.code, came.sent, &rows.join(", "), paid)
}

fn paid(row: &Value) -> Paid {
    let usd = row["cost"]["usd"].as_str().expect("the prices of this model are known");
    match row["cost"]["source"].as_str() {
        _ if row["possibly_billed"] == true => Perhaps,
        Some("computed") if usd == "0" => Nothing,
        Some("computed") => Counted,
        Some("estimated") => Estimated,
        other => panic!("a cost of {usd} that is {other:?}"),
    }
}

fn one(script: Script) -> Cause {
    answers([script])
}

fn text(text: &str) -> String {
    openai_delta(&json!({"content": text}))
}

fn good() -> Script {
    Script::sse(openai_chunks(&["Here"]))
}

/// A refusal that gives no reason but its status.
fn status(status: u16) -> Script {
    Script::json(status, &json!({"error": {"message": "No"}}))
}

/// A refusal with a code that says more than its status.
fn code(status: u16, code: &str) -> Script {
    Script::json(status, &json!({"error": {"message": "No", "code": code}}))
}

/// A stream from these frames, then whatever follows.
fn sse(frames: &[&str]) -> Script {
    Script::sse(frames.iter().copied())
}

#[test]
#[rustfmt::skip]
fn connections() {
    // Longer than a client needs to read what came before a reset, which would be lost else.
    const READ: u64 = 300;
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n";
    check([
        Fault("a host that nobody knows", one(good()).at(Address::Unknown),                1, 0, "error connect - - -", Nothing),
        Fault("a port that refuses",      one(good()).at(Address::Refusing),               1, 0, "error connect - - -", Nothing),
        #[cfg(target_os = "linux")]
        Fault("a port that never answers", one(good()).at(Address::Silent).under("[timeouts]\nconnect = 0.3"), 1, 0, "error connect - - -", Nothing),
        #[cfg(target_os = "linux")]
        Fault("one, and an earlier limit", one(good()).at(Address::Silent).under("[timeouts]\nfirst_event = 0.3"), 1, 0, "error connect - - -", Nothing),
        Fault("no TLS where it is asked for", one(good()).at(Address::ServerWithTls),      1, 0, "error tls -", Nothing),
        Fault("a certificate that nobody trusts", one(good()).at(Address::Untrusted),      1, 0, "error tls -", Nothing),
        Fault("closed before the head",   one(Script::raw("")),                            1, 1, "error broken -", Perhaps),
        Fault("reset before the head",    one(Script::raw("").reset()),                    1, 1, "error broken -", Perhaps),
        Fault("closed before the head of a retry", answers([status(500), Script::raw("")]), 1, 2, "error broken 500 -", Perhaps),
        Fault("closed within the head",   one(Script::raw(head)),                          1, 1, "error broken -", Perhaps),
        Fault("reset within the head",    one(Script::raw(head).sleep(READ).reset()),      1, 1, "error broken -", Perhaps),
        Fault("a head without an end",    one(Script::raw(head).forever("x-a: b\r\n")),    1, 1, "error broken -", Perhaps),
        Fault("something else than HTTP", one(Script::raw("SSH-2.0-OpenSSH_9.9\r\n")),     1, 1, "error broken -", Perhaps),
        Fault("closed behind the head",   one(sse(&[]).head().close()),                    1, 1, "error broken 200", Perhaps),
        Fault("reset behind the head",    one(sse(&[]).head().sleep(READ).reset()),        1, 1, "error broken 200", Perhaps),
        Fault("reset behind the end",     one(good().sleep(READ).reset()),                 0, 1, "ok - 200", Counted),
        Fault("reset behind the reason to stop", one(sse(&[&text("Half"), &openai_finish("stop"), &openai_usage(1)]).sleep(READ).reset()), 0, 1, "ok - 200", Counted),
        Fault("sent to another host",     one(Script::redirect(307, "http://pollm-test.invalid/")), 1, 1, "error bad_request 307", Nothing),
        Fault("sent elsewhere on the host", one(Script::redirect(302, "/v2")),             1, 1, "error bad_request 302", Nothing),
        Fault("a redirect to nowhere",    one(Script::new(301)),                           1, 1, "error bad_request 301", Nothing),
    ]);
}

#[test]
#[rustfmt::skip]
fn refusals() {
    let once = |refusal: Script| answers([refusal, good()]);
    check([
        Fault("HTTP 400",                   one(status(400)),                              1, 1, "error bad_request 400", Nothing),
        Fault("HTTP 400, too long a prompt", one(code(400, "context_length_exceeded")),    1, 1, "error context_length 400", Nothing),
        Fault("HTTP 400, filtered",         one(code(400, "content_filter")),              1, 1, "error content_filter 400", Nothing),
        Fault("HTTP 401",                   one(status(401)),                              5, 1, "error auth 401", Nothing),
        Fault("HTTP 402",                   one(status(402)),                              1, 1, "error money 402", Nothing),
        Fault("HTTP 403",                   one(status(403)),                              5, 1, "error permission 403", Nothing),
        Fault("HTTP 404",                   one(status(404)),                              1, 1, "error not_found 404", Nothing),
        Fault("HTTP 405",                   one(status(405)),                              1, 1, "error bad_request 405", Nothing),
        Fault("HTTP 408",                   one(status(408)),                              1, 3, "error server 408 408 408", Nothing),
        Fault("HTTP 409",                   one(status(409)),                              1, 2, "error server 409 409", Nothing),
        Fault("HTTP 425",                   one(status(425)),                              1, 2, "error server 425 425", Nothing),
        Fault("HTTP 413",                   one(status(413)),                              1, 1, "error too_large 413", Nothing),
        Fault("HTTP 422",                   one(status(422)),                              1, 1, "error bad_request 422", Nothing),
        Fault("HTTP 429",                   one(status(429)),                              1, 3, "error rate_limit 429 429 429", Nothing),
        Fault("HTTP 429 once",              once(status(429)),                             0, 2, "ok - 429 200", Counted),
        Fault("HTTP 429, wait 50 ms",       once(status(429).header("retry-after-ms", "50")), 0, 2, "ok - 429 200", Counted),
        Fault("HTTP 429, wait an hour",     one(status(429).header("retry-after", "3600")), 1, 1, "error rate_limit 429", Nothing),
        Fault("HTTP 429, no money",         one(code(429, "insufficient_quota")),          1, 1, "error money 429", Nothing),
        Fault("HTTP 429, `x-should-retry: false`", one(status(429).header("x-should-retry", "false")), 1, 1, "error rate_limit 429", Nothing),
        Fault("HTTP 500",                   one(status(500)),                              1, 3, "error server 500 500 500", Nothing),
        Fault("HTTP 500 once",              once(status(500)),                             0, 2, "ok - 500 200", Counted),
        Fault("HTTP 501",                   one(status(501)),                              1, 1, "error server 501", Nothing),
        Fault("HTTP 501, `x-should-retry: true`", once(status(501).header("x-should-retry", "true")), 0, 2, "ok - 501 200", Counted),
        Fault("HTTP 502, a page",           one(Script::new(502).header("content-type", "text/html").body("<html><title>Bad gateway</title>")), 1, 3, "error server 502 502 502", Nothing),
        Fault("HTTP 503",                   one(status(503)),                              1, 3, "error overloaded 503 503 503", Nothing),
        Fault("HTTP 504",                   one(status(504)),                              1, 3, "error server 504 504 504", Nothing),
        Fault("HTTP 505",                   one(status(505)),                              1, 1, "error server 505", Nothing),
        Fault("HTTP 507",                   one(status(507)),                              1, 1, "error server 507", Nothing),
        Fault("HTTP 511",                   one(status(511)),                              1, 1, "error server 511", Nothing),
        Fault("HTTP 520",                   one(status(520)),                              1, 3, "error server 520 520 520", Nothing),
        Fault("HTTP 524",                   one(status(524)),                              1, 3, "error server 524 524 524", Nothing),
        Fault("HTTP 525",                   one(status(525)),                              1, 1, "error server 525", Nothing),
        Fault("HTTP 529",                   one(status(529)),                              1, 3, "error overloaded 529 529 529", Nothing),
        Fault("HTTP 599",                   one(status(599)),                              1, 1, "error server 599", Nothing),
        Fault("HTTP 999",                   one(status(999)),                              1, 1, "error bad_request 999", Nothing),
        Fault("HTTP 500 without a body",    one(Script::new(500)),                         1, 3, "error server 500 500 500", Nothing),
        Fault("HTTP 400 without an end",    one(Script::new(400).chunked().forever("x".repeat(65_536))), 1, 1, "error bad_request 400", Nothing),
        Fault("HTTP 500 that breaks off",   one(Script::new(500).chunked().body("{").close()), 1, 3, "error server 500 500 500", Nothing),
        Fault("HTTP 500 without retries",   one(status(500)).with(&["--retries", "0"]),    1, 1, "error server 500", Nothing),
    ]);
}

#[test]
#[rustfmt::skip]
fn streams() {
    const READ: u64 = 300;
    let broken = event(&json!({"error": {"message": "The engine went away", "code": "server_error"}}));
    let (half, stop, usage) = (text("Half"), openai_finish("stop"), openai_usage(1));
    let whole = openai_body("In one piece").to_string();
    let not_utf8 = [b"data: {\"choices\":[{\"delta\":{\"content\":\"\xff\"}}]}\n\n", stop.as_bytes(), usage.as_bytes()].concat();
    check([
        Fault("an empty body",              one(sse(&[])),                                 1, 1, "error protocol 200", Nothing),
        Fault("a page",                     one(Script::new(200).body("<!doctype html><title>Sign in</title>")), 1, 1, "error protocol 200", Nothing),
        Fault("words",                      one(Script::new(200).body("All is well")),     1, 1, "error protocol 200", Perhaps),
        Fault("JSON of another kind",       one(Script::json(200, &json!({"a": 1}))),      1, 1, "error protocol 200", Perhaps),
        Fault("JSON without an end",        one(Script::new(200).body(&whole[..whole.len() / 2])), 1, 1, "error truncated 200", Perhaps),
        Fault("JSON, then a reset",         one(Script::new(200).until_close().body(whole.clone()).sleep(READ).reset()), 0, 1, "ok - 200", Counted),
        Fault("half of it, then a reset",   one(Script::new(200).until_close().body(&whole[..whole.len() / 2]).sleep(READ).reset()), 1, 1, "error broken 200", Perhaps),
        Fault("JSON under the wrong type",  one(Script::new(200).header("content-type", "text/plain").body(whole.clone())), 0, 1, "ok - 200", Counted),
        Fault("events under the wrong type", one(Script::new(200).header("content-type", "application/json").bodies(openai_chunks(&["Here"]))), 0, 1, "ok - 200", Counted),
        Fault("an error instead of events", one(Script::json(200, &json!({"error": {"message": "No", "code": "model_not_found"}}))), 1, 1, "error not_found 200", Nothing),
        Fault("an error event at first",    answers([sse(&[&broken]), good()]),            0, 2, "ok - 200 200", Counted),
        Fault("an error event each time",   one(sse(&[&broken])),                          1, 3, "error server 200 200 200", Nothing),
        Fault("an error event behind text", one(sse(&[&half, &broken])),                   1, 1, "partial server 200", Perhaps),
        Fault("a bare error behind text",   one(sse(&[&half, "note\n", "{\"error\": {\n", "\"code\": \"server_error\"}}\n"])), 1, 1, "partial server 200", Perhaps),
        Fault("an event that is no JSON",   one(sse(&[&half, "data: {\n\n", &stop, &usage, OPENAI_DONE])), 0, 1, "ok - 200", Counted),
        Fault("events that are no JSON",    one(sse(&["data: {\n\n", "data: }\n\n"])),     1, 1, "error protocol 200", Perhaps),
        Fault("text that is not UTF-8",     one(Script::sse([not_utf8])),                  0, 1, "ok - 200", Counted),
        Fault("comments alone",             one(sse(&[": ping\n\n", OPENAI_DONE])),        1, 1, "error protocol 200", Perhaps),
        Fault("cut before the first token", one(sse(&[": ping\n\n"]).close()),             1, 1, "error broken 200", Perhaps),
        Fault("cut behind it",              one(sse(&[&half]).close()),                    1, 1, "partial broken 200", Perhaps),
        Fault("reset behind it",            one(sse(&[&half]).sleep(READ).reset()),        1, 1, "partial broken 200", Perhaps),
        Fault("no end",                     one(sse(&[&half])),                            1, 1, "partial truncated 200", Perhaps),
        Fault("no end, but a reason",       one(sse(&[&half, &stop, &usage])),             0, 1, "ok - 200", Counted),
        Fault("an end, but no reason",      one(sse(&[&half, &usage, OPENAI_DONE])),       0, 1, "ok - 200", Counted),
        Fault("an end, and then silence",   one(good().hang()),                            0, 1, "ok - 200", Counted),
        Fault("an end, and then comments",  one(good().forever(": ping\n\n")),             0, 1, "ok - 200", Counted),
        Fault("a reason, and then silence", one(sse(&[&half, &stop, &usage]).hang()).under("[timeouts]\nidle = 0.5"), 0, 1, "ok - 200", Counted),
        Fault("JSON, and then silence",     one(Script::new(200).chunked().body(whole.clone()).hang()).under("[timeouts]\nfirst_event = 0.5"), 0, 1, "ok - 200", Counted),
        Fault("no usage",                   one(sse(&[&half, &stop, OPENAI_DONE])),        0, 1, "ok - 200", Estimated),
        Fault("the token limit",            one(sse(&[&half, &openai_finish("length"), &usage, OPENAI_DONE])), 0, 1, "ok - 200", Counted),
        Fault("the token limit, strictly",  one(sse(&[&half, &openai_finish("length"), &usage, OPENAI_DONE])).with(&["--strict"]), 8, 1, "partial - 200", Counted),
        Fault("the filter, strictly",       one(sse(&[&half, &openai_finish("content_filter"), &usage, OPENAI_DONE])).with(&["--strict"]), 8, 1, "partial - 200", Counted),
        Fault("gzip that is none",          one(good().header("content-encoding", "gzip")), 1, 1, "error broken 200", Perhaps),
        Fault("gzip that is cut",           one(sse(&[&half]).gzip().body("oops")),        1, 1, "partial broken 200", Perhaps),
        Fault("a line without an end",      one(sse(&[&half, "data: "]).forever(vec![b'x'; 1 << 20])), 1, 1, "partial protocol 200", Perhaps),
        Fault("silence before the head",    one(Script::new(200).hang()).under("[timeouts]\nfirst_event = 0.5"), 6, 1, "error timeout -", Perhaps),
        Fault("silence before an event",    one(sse(&[]).head().hang()).under("[timeouts]\nfirst_event = 0.5"), 6, 1, "error timeout 200", Perhaps),
        Fault("comments and no event",      one(sse(&[]).forever(": ping\n\n")).under("[timeouts]\nfirst_event = 0.5"), 6, 1, "error timeout 200", Perhaps),
        Fault("letters before an event",    one(sse(&["data: "]).dribble(50, "x")).under("[timeouts]\nfirst_event = 0.5"), 6, 1, "error timeout 200", Perhaps),
        Fault("letters within the head",    one(Script::raw("HTTP/1.1 200 OK\r\n").dribble(50, "x")).under("[timeouts]\nfirst_event = 0.5"), 6, 1, "error timeout -", Perhaps),
        Fault("letters in a refusal",       one(Script::new(400).chunked().dribble(50, "x")).under("[timeouts]\nidle = 0.5"), 1, 1, "error bad_request 400", Nothing),
        // Bytes are life behind the first word, and in an answer of one piece: only the user ends it.
        Fault("letters behind text",        one(sse(&[&half, "data: "]).dribble(50, "x")).with(&["--timeout", "2"]), 6, 1, "partial timeout 200", Perhaps),
        Fault("letters in JSON",            one(Script::new(200).chunked().body("{").dribble(50, " ")).with(&["--timeout", "2"]), 6, 1, "error timeout 200", Perhaps),
        Fault("silence behind text",        one(sse(&[&half]).hang()).under("[timeouts]\nidle = 0.5"), 6, 1, "partial timeout 200", Perhaps),
        Fault("silence in a refusal",       one(Script::new(400).chunked().body("{").hang()).under("[timeouts]\nidle = 0.5"), 1, 1, "error bad_request 400", Nothing),
        Fault("text without an end",        one(sse(&[]).forever(half.clone())).with(&["--timeout", "2"]), 6, 1, "partial timeout 200", Perhaps),
        Fault("a retry later than the end", one(status(503).header("retry-after", "30")).with(&["--timeout", "2"]), 1, 1, "error overloaded 503", Nothing),
    ]);
}

#[test]
#[rustfmt::skip]
fn this_side() {
    const CAP: &str = "[budget]\nday = \"5\"";
    let half = || sse(&[&text("Half")]).hang();
    // Long enough for a signal to be noticed, if it were.
    #[cfg(target_os = "linux")]
    let on_time = || sse(&[&text("Half")]).sleep(700).bodies(openai_chunks(&[" of it"]));
    check([
        Fault("Ctrl-C before the head",     one(Script::new(200).hang()).and(Here::Signal(Running::interrupt, When::Silence)), 130, 1, "cancelled cancelled -", Perhaps),
        Fault("Ctrl-C behind text",         one(half()).and(Here::Signal(Running::interrupt, When::Stdout("Half"))), 130, 1, "cancelled cancelled 200", Perhaps),
        Fault("Ctrl-C before a retry",      one(status(503).header("retry-after", "50")).and(Here::Signal(Running::interrupt, When::Stderr("retrying in "))), 130, 1, "cancelled cancelled 503", Nothing),
        Fault("SIGTERM before the head",    one(Script::new(200).hang()).and(Here::Signal(Running::terminate, When::Silence)), 130, 1, "cancelled cancelled -", Perhaps),
        Fault("SIGTERM behind text",        one(half()).and(Here::Signal(Running::terminate, When::Stdout("Half"))), 130, 1, "cancelled cancelled 200", Perhaps),
        #[cfg(target_os = "linux")]
        Fault("a terminal that goes",       one(half()).and(Here::Signal(Running::hang_up, When::Stdout("Half"))), 130, 1, "cancelled cancelled 200", Perhaps),
        #[cfg(target_os = "linux")]
        Fault("Ctrl-C where it is ignored", one(on_time()).and(Here::InVain("INT", Running::interrupt, When::Stdout("Half"))), 0, 1, "ok - 200", Counted),
        #[cfg(target_os = "linux")]
        Fault("a terminal that goes under `nohup`", one(on_time()).and(Here::InVain("HUP", Running::hang_up, When::Stdout("Half"))), 0, 1, "ok - 200", Counted),
        Fault("a reader that leaves",       one(half()).and(Here::ReaderLeaves(3)),        0, 1, "cancelled cancelled 200", Perhaps),
        Fault("stdout on a full disk",      one(half()).and(Here::FullStdout),             1, 1, "cancelled cancelled 200", Perhaps),
        Fault("the ledger on a full disk",  one(good()).and(Here::FullDisk),               0, 1, "", Nothing),
        Fault("a data folder that is a file", one(good()).and(Here::NoFolder),             0, 1, "", Nothing),
        Fault("a damaged ledger",           one(good()).and(Here::DamagedLedger),          0, 1, "", Nothing),
        Fault("a later version's ledger",   one(good()).and(Here::NewerLedger),            0, 1, "", Nothing),
        Fault("a ledger that stays locked", one(good()).and(Here::LockedLedger),           0, 1, "", Nothing),
        Fault("a full disk under a cap",    one(good()).and(Here::FullDisk).under(CAP),    3, 0, "", Nothing),
        Fault("no data folder under a cap", one(good()).and(Here::NoFolder).under(CAP),    3, 0, "", Nothing),
        Fault("damage under a cap",         one(good()).and(Here::DamagedLedger).under(CAP), 3, 0, "", Nothing),
        Fault("a later version under a cap", one(good()).and(Here::NewerLedger).under(CAP), 3, 0, "", Nothing),
        Fault("a locked ledger under a cap", one(good()).and(Here::LockedLedger).under(CAP), 3, 0, "", Nothing),
        Fault("a clock that is set back",   one(good()).and(Here::ClockSetBack),           0, 1, "ok - 200", Counted),
    ]);
}
