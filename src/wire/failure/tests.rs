use super::*;

fn failed(status: u16, headers: &[(&str, &str)], body: &str) -> ApiError {
    let headers = headers.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    read(status, &Headers(headers), body.as_bytes())
}

#[test]
fn every_error_shape_gives_its_message_and_code() {
    for (body, message, code) in [
        (r#"{"error":{"message":"no","type":"t","code":"c"}}"#, "no", Some("c")),
        (r#"{"error":{"message":"no","type":"t","code":null}}"#, "no", Some("t")),
        (r#"{"error":{"message":"no","code":429}}"#, "no", None),
        (r#"{"error":{"message":"no","code":"429","type":"tokens"}}"#, "no", Some("tokens")),
        (r#"{"error":"no"}"#, "no", None),
        (r#"{"code":"c","error":"no"}"#, "no", Some("c")),
        (r#"{"object":"error","message":"no","type":"t","code":400}"#, "no", Some("t")),
        (r#"{"detail":"no"}"#, "no", None),
        (r#"{"detail":[{"loc":["body"],"msg":"a","type":"x"},{"msg":"b"}]}"#, "a; b", None),
        (r#"{"message":"no","type":"t"}"#, "no", Some("t")),
        (r#"[{"error":{"code":404,"message":"no","status":"NOT_FOUND"}}]"#, "no", Some("NOT_FOUND")),
        (r#"{"errors":[{"message":"no"}]}"#, "no", None),
        (
            r#"{"type":"error","error":{"type":"overloaded_error","message":"no"}}"#,
            "no",
            Some("overloaded_error"),
        ),
        (
            r#"{"error":{"code":429,"message":"up","metadata":{"raw":"{\"error\":{\"message\":\"no\"}}","provider_name":"P"}}}"#,
            "up (P: no)",
            None,
        ),
    ] {
        let error = failed(500, &[], body);
        assert_eq!((error.message.as_str(), error.code.as_deref()), (message, code), "{body}");
    }
}

#[test]
fn a_body_without_json_still_says_something() {
    assert_eq!(failed(502, &[], "").message, "HTTP 502 with an empty body");
    assert_eq!(
        failed(502, &[], "<html><head><TITLE>Bad gateway</TITLE></head>").message,
        "HTTP 502 with an HTML page instead of JSON: Bad gateway"
    );
    assert_eq!(failed(413, &[], "too big\n").message, "too big");
}

#[test]
fn money_is_told_from_rate_limits() {
    let quota = r#"{"error":{"message":"x","type":"insufficient_quota","code":"credit_balance_exhausted"}}"#;
    assert_eq!(failed(429, &[], quota).kind, FailureKind::Money);
    assert_eq!(
        failed(429, &[], r#"{"error":{"message":"x","code":"rate_limit_exceeded"}}"#).kind,
        FailureKind::RateLimit
    );
    assert_eq!(failed(402, &[], r#"{"error":{"message":"x"}}"#).kind, FailureKind::Money);
    let day = r#"{"error":{"code":429,"message":"x","status":"RESOURCE_EXHAUSTED","details":[{"violations":[{"quotaId":"GenerateRequestsPerDayPerProject"}]}]}}"#;
    assert_eq!(failed(429, &[], day).kind, FailureKind::Money);
    // Google's words for its limits by the minute are those of OpenAI for no money.
    let minute = r#"{"error":{"code":429,"message":"You exceeded your current quota, please check your plan and billing details.","status":"RESOURCE_EXHAUSTED","details":[{"violations":[{"quotaId":"GenerateContentInputTokensPerModelPerMinute-FreeTier"}]},{"retryDelay":"26s"}]}}"#;
    let minute = failed(429, &[], minute);
    assert_eq!((minute.kind, minute.retry_after), (FailureKind::RateLimit, Some(Duration::from_secs(26))));
    let openai = r#"{"error":{"message":"You exceeded your current quota, please check your plan and billing details.","code":null}}"#;
    assert_eq!(failed(429, &[], openai).kind, FailureKind::Money);
    let spend = r#"{"type":"error","error":{"type":"rate_limit_error","message":"x","details":{"error_code":"enforced_spend_limit_reached"}}}"#;
    assert_eq!(failed(429, &[], spend).kind, FailureKind::Money);
    let flight = r#"{"error":{"code":402,"message":"x","metadata":{"reason":"in_flight_budget_exhausted"}}}"#;
    assert_eq!(failed(402, &[], flight).kind, FailureKind::RateLimit);
}

#[test]
fn statuses_that_mean_something_else() {
    let key = r#"{"error":{"code":400,"message":"API key not valid","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}"#;
    assert_eq!(failed(400, &[], key).kind, FailureKind::Auth);
    let context = r#"{"error":{"message":"x","code":"context_length_exceeded"}}"#;
    assert_eq!(failed(400, &[], context).kind, FailureKind::ContextLength);
    let filter = r#"{"error":{"message":"x","code":"content_filter"}}"#;
    assert_eq!(failed(400, &[], filter).kind, FailureKind::ContentFilter);
    assert_eq!(
        failed(400, &[], r#"{"error":{"message":"x","code":"model_not_found"}}"#).kind,
        FailureKind::NotFound
    );
    assert_eq!(failed(529, &[], "").kind, FailureKind::Overloaded);
    assert_eq!(failed(418, &[], "").kind, FailureKind::BadRequest);
}

#[test]
fn every_form_of_a_wait_is_read() {
    let now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
    let wait =
        |name: &str, value: &str| retry_after(&Headers(vec![(name.to_owned(), value.to_owned())]), now);
    let ms = |n| Some(Duration::from_millis(n));
    assert_eq!(wait("retry-after-ms", "1500"), ms(1500));
    assert_eq!(wait("x-ms-retry-after-ms", "20"), ms(20));
    assert_eq!(wait("retry-after", "2"), ms(2000));
    assert_eq!(wait("retry-after", "0.25"), ms(250));
    assert_eq!(wait("retry-after", "Sun, 22 Nov 2026 12:00:30 GMT"), ms(30_000));
    assert_eq!(wait("retry-after", "Sun, 22 Nov 2026 11:00:00 GMT"), ms(0));
    assert_eq!(wait("retry-after", "2026-11-22T12:00:05Z"), ms(5000));
    assert_eq!(wait("retry-after", "6m0s"), ms(360_000));
    for nonsense in ["-1", "soon", "", "1e400", "5x"] {
        assert_eq!(wait("retry-after", nonsense), None, "{nonsense}");
    }
}

#[test]
fn waits_in_the_body_are_read() {
    let google = r#"{"error":{"code":429,"message":"x","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"37s"}]}}"#;
    assert_eq!(failed(429, &[], google).retry_after, Some(Duration::from_secs(37)));
    let words = r#"{"error":{"message":"Limit reached. Please try again in 5.289s. Visit us.","code":"rate_limit_exceeded"}}"#;
    assert_eq!(failed(429, &[], words).retry_after, Some(Duration::from_millis(5289)));
    let google = r#"{"error":{"code":429,"message":"Quota exceeded. Please retry in 20.5s."}}"#;
    assert_eq!(failed(429, &[], google).retry_after, Some(Duration::from_millis(20_500)));
    let available = r#"{"error":{"code":503,"message":"x","availability":{"retry_after":4}}}"#;
    assert_eq!(failed(503, &[], available).retry_after, Some(Duration::from_secs(4)));
    assert_eq!(failed(429, &[("retry-after", "1")], words).retry_after, Some(Duration::from_secs(1)));
}

#[test]
fn faults_inside_a_stream_are_found() {
    let json = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    assert_eq!(in_stream(&json(r#"{"choices":[],"error":null}"#)), None);
    let overloaded =
        in_stream(&json(r#"{"type":"error","error":{"type":"overloaded_error","message":"busy"}}"#)).unwrap();
    assert_eq!((overloaded.kind, overloaded.status), (FailureKind::Overloaded, None));
    let coded = in_stream(&json(r#"{"error":{"code":502,"message":"down"}}"#)).unwrap();
    assert_eq!((coded.kind, coded.status), (FailureKind::Server, Some(502)));
    let refused = in_stream(&json(r#"{"error":{"code":400,"message":"Token limit reached"}}"#)).unwrap();
    assert!(!refused.is_retryable());
    let flat = in_stream(&json(r#"{"type":"error","code":"rate_limit_exceeded","message":"slow"}"#)).unwrap();
    assert_eq!(flat.kind, FailureKind::RateLimit);
    let bare = in_stream(&json(r#"{"error":{"message":"boom"}}"#)).unwrap();
    assert_eq!(bare.kind, FailureKind::Server);
}

#[test]
fn the_provider_may_forbid_a_retry_but_not_force_a_paid_one() {
    assert!(!failed(500, &[("x-should-retry", "false")], "").is_retryable());
    assert!(failed(500, &[], "").is_retryable());
    assert!(!failed(402, &[("x-should-retry", "true")], "").is_retryable());
    assert!(failed(422, &[("x-should-retry", "true")], "").is_retryable());
}

#[test]
fn only_some_statuses_may_pass() {
    let retried: Vec<u16> = (300..=999).filter(|status| failed(*status, &[], "").is_retryable()).collect();
    assert_eq!(retried, [408, 409, 425, 429, 498, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529]);
    // The provider's own word counts, and a fault inside of a 200 has no status.
    assert!(failed(501, &[("x-should-retry", "true")], "").is_retryable());
    assert!(ApiError::new(FailureKind::Server, "").is_retryable());
    let flight = r#"{"error":{"code":402,"message":"x","metadata":{"reason":"in_flight_budget_exhausted"}}}"#;
    assert!(failed(402, &[], flight).is_retryable());
}

#[test]
fn kinds_read_as_they_are_written() {
    for kind in FailureKind::ALL {
        assert_eq!(FailureKind::parse(kind.as_str()), Some(kind));
    }
}
