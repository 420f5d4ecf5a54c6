//! Answers that are a failure: any head, any body, every protocol.
//!
//! The input is lines `name: value`, a blank line, and the body.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pollm::wire::{FailureKind, Headers, Protocol, failure};

const STATUSES: [u16; 16] = [301, 400, 401, 402, 403, 404, 408, 409, 413, 422, 429, 498, 500, 503, 529, 999];

fuzz_target!(|input: &[u8]| {
    let head = input.windows(2).position(|pair| pair == b"\n\n");
    let (head, body) = head.map_or((&b""[..], input), |end| (&input[..end], &input[end + 2..]));
    let head = String::from_utf8_lossy(head);
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    let headers = Headers(lines.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect());
    for status in STATUSES {
        for protocol in Protocol::ALL {
            let error = protocol.wire().error(status, &headers, body);
            assert!(error.status.is_some(), "a failed answer has a status");
            assert!(error.message.len() <= 4 * body.len() + 256, "{} bytes", error.message.len());
            // What may cost money twice is never sent again unasked.
            let ambiguous = [FailureKind::Timeout, FailureKind::Broken, FailureKind::Truncated];
            assert!(!ambiguous.contains(&error.kind) || !error.is_retryable());
        }
    }
    failure::fault(body);
});
