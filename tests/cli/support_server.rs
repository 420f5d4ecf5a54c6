//! The scripted server does what its scripts say, seen from a bare socket.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::streams::{
    INPUT_TOKENS, OPENAI_DONE, anthropic_chunks, gemini_chunks, openai_body, openai_chunks, responses_chunks,
};
use crate::support::{ClosedPort, DEADLINE, Script, Server};

fn connect(server: &Server) -> TcpStream {
    let client = TcpStream::connect(server.address()).unwrap();
    client.set_read_timeout(Some(DEADLINE)).unwrap();
    client
}

fn get(server: &Server) -> TcpStream {
    let mut client = connect(server);
    client.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    client
}

/// Reads until the text is there.
fn read_until(client: &mut TcpStream, text: &str) -> String {
    let mut all = Vec::new();
    while !all.ends_with(text.as_bytes()) {
        let mut byte = [0];
        assert_eq!(client.read(&mut byte).unwrap(), 1, "it ended after {:?}", String::from_utf8_lossy(&all));
        all.push(byte[0]);
    }
    String::from_utf8_lossy(&all).into_owned()
}

fn read_all(client: &mut TcpStream) -> String {
    let mut all = Vec::new();
    client.read_to_end(&mut all).unwrap();
    String::from_utf8_lossy(&all).into_owned()
}

#[test]
fn requests_are_seen_as_they_came() {
    let server =
        Server::start(|request, n| Script::json(200, &json!({"n": n, "you": request.json()["name"]})));
    let mut client = connect(&server);
    client
        .write_all(
            b"POST /v1/chat?beta=1 HTTP/1.1\r\nX-Team: A b\r\nContent-Length: 14\r\n\r\n{\"name\":\"Ada\"}",
        )
        .unwrap();
    assert!(
        read_until(&mut client, "}").ends_with(
            r#"content-length: 19

{"n":0,"you":"Ada"}"#
                .replace('\n', "\r\n")
                .as_str()
        )
    );
    client
        .write_all(
            b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n7\r\n{\"name\"\r\n4\r\n:42}\r\n0\r\n\r\n",
        )
        .unwrap();
    assert!(read_until(&mut client, "}").ends_with(r#"{"n":1,"you":42}"#));

    let requests = server.requests();
    assert_eq!((requests[0].method.as_str(), requests[0].target.as_str()), ("POST", "/v1/chat?beta=1"));
    assert_eq!(requests[0].header("x-team"), Some("A b"));
    assert_eq!(requests[1].json(), json!({"name": 42}));
    assert_eq!((requests.len(), requests[1].connection, server.connections()), (2, 0, 1));
    assert!(requests[1].at > requests[0].at);
}

#[test]
fn connections_are_served_at_once() {
    let server = Server::start(|_, n| if n == 0 { Script::new(200).hang() } else { Script::new(204) });
    let _hanging = get(&server);
    server.wait_until_hanging(0);
    let mut second = get(&server);
    assert!(read_until(&mut second, "\r\n\r\n").starts_with("HTTP/1.1 204 "));
    server.wait_for_requests(2);
    assert_eq!(server.requests()[1].connection, 1);
}

#[test]
fn a_pause_is_between_the_bytes_that_it_stands_between() {
    // A character is cut in two, and only its first half is there at first.
    let server = Server::always(Script::new(200).until_close().body(*b"gr\xc3").hang());
    let mut client = get(&server);
    read_until(&mut client, "\r\n\r\n");
    let mut half = [0; 3];
    client.read_exact(&mut half).unwrap();
    assert_eq!(&half, b"gr\xc3");
    server.wait_until_hanging(0);
    client.set_nonblocking(true).unwrap();
    assert_eq!(client.read(&mut half).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn waits_last_as_long_as_they_say() {
    let server = Server::always(Script::new(200).chunked().head().sleep(30).body("a").at(90).body("b"));
    let start = Instant::now();
    let mut client = get(&server);
    read_until(&mut client, "1\r\na\r\n");
    assert!(start.elapsed() >= Duration::from_millis(30));
    read_until(&mut client, "1\r\nb\r\n0\r\n\r\n");
    assert!(start.elapsed() >= Duration::from_millis(90));
}

#[test]
fn a_chunked_answer_says_where_it_ends_and_a_closed_one_does_not() {
    let server = Server::start(|_, n| match n {
        0 => Script::sse(["data: a\n\n", "data: b\n\n"]),
        1 => Script::sse(["data: a\n\n"]).close(),
        _ => Script::new(200).header("content-length", "100").until_close().body("short"),
    });
    let mut client = get(&server);
    let head = read_until(&mut client, "\r\n\r\n");
    assert!(head.contains("content-type: text/event-stream\r\n") && !head.contains("content-length"));
    assert_eq!(read_until(&mut client, "0\r\n\r\n"), "9\r\ndata: a\n\n\r\n9\r\ndata: b\n\n\r\n0\r\n\r\n");
    assert!(read_all(&mut get(&server)).ends_with("9\r\ndata: a\n\n\r\n"));
    assert!(read_all(&mut get(&server)).ends_with("\r\n\r\nshort"));
}

#[test]
fn a_reset_is_an_error_and_not_an_end() {
    let server = Server::always(Script::new(200).until_close().body("a").sleep(50).reset());
    let mut client = get(&server);
    read_until(&mut client, "\r\n\r\na");
    let error = client.read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[test]
fn a_client_that_leaves_is_noticed() {
    let server = Server::start(|_, n| match n {
        0 => Script::new(200).hang(),
        1 => Script::new(200).chunked().body("a").sleep(3_600_000),
        _ => Script::new(200).chunked().forever("again"),
    });
    for n in 0..3 {
        let mut client = get(&server);
        server.wait_for_requests(n + 1);
        if n > 0 {
            read_until(&mut client, "a");
        }
        drop(client);
        assert!(server.wait_for_departure(n) < DEADLINE);
    }
}

#[test]
fn a_dropped_server_ends_what_hangs() {
    let server = Server::always(Script::new(200).head().hang());
    let mut client = get(&server);
    server.wait_until_hanging(0);
    drop(server);
    assert!(read_all(&mut client).ends_with("\r\n\r\n"));
}

#[test]
fn a_failed_assertion_on_a_request_fails_the_test() {
    let server = Server::start(|request, _| {
        assert_eq!(request.method, "POST");
        Script::new(200)
    });
    assert!(read_all(&mut get(&server)).starts_with("HTTP/1.1 500 "));
    let panic = catch_unwind(AssertUnwindSafe(|| drop(server))).unwrap_err();
    assert!(panic.downcast_ref::<String>().unwrap().starts_with("the handler panicked: assertion"));
}

#[test]
fn what_is_no_request_is_refused_and_counted() {
    let server = Server::always(Script::new(200));
    let mut client = connect(&server);
    // How a TLS handshake begins.
    client.write_all(b"\x16\x03\x01\x02\0\x01\0").unwrap();
    assert!(read_all(&mut client).starts_with("HTTP/1.1 400 "));
    assert_eq!((server.malformed(), server.requests().len()), (1, 0));
}

#[test]
fn answers_can_be_compressed_redirected_or_rubbish() {
    let server = Server::start(|_, n| match n {
        0 => Script::new(200).until_close().body("first ").body("second").gzip(),
        1 => Script::redirect(307, "http://example.com/").header("connection", "close"),
        _ => Script::raw("SSH-2.0-rubbish\r\n"),
    });
    let mut client = get(&server);
    assert!(read_until(&mut client, "\r\n\r\n").contains("content-encoding: gzip\r\n"));
    let mut text = String::new();
    flate2::read::GzDecoder::new(client).read_to_string(&mut text).unwrap();
    assert_eq!(text, "first second");

    let mut client = get(&server);
    client.shutdown(Shutdown::Write).unwrap();
    assert!(read_all(&mut client).contains("location: http://example.com/\r\n"));
    assert_eq!(read_all(&mut get(&server)), "SSH-2.0-rubbish\r\n");
}

#[test]
fn an_address_is_where_the_server_listens() {
    let server = Server::always(Script::new(200));
    assert_eq!(server.url(), format!("http://127.0.0.1:{}", server.address().port()));
}

#[test]
fn a_closed_port_refuses() {
    let closed = ClosedPort::new();
    let error = TcpStream::connect(closed.url().trim_start_matches("http://")).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
}

/// The JSON of the frames, and that each is one event.
fn payloads(frames: &[String]) -> Vec<Value> {
    frames
        .iter()
        .map(|frame| {
            let data: Vec<_> = frame.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
            assert!(frame.ends_with("\n\n") && data.len() == 1, "{frame}");
            serde_json::from_str(data[0]).unwrap()
        })
        .collect()
}

#[test]
fn streams_carry_their_texts_and_end_as_their_protocols_do() {
    let texts = ["Hel", "lo"];
    let joined = |values: &[Value], pointer: &str| -> String {
        values.iter().filter_map(|value| value.pointer(pointer)?.as_str()).collect()
    };

    let mut openai = openai_chunks(&texts);
    assert_eq!(openai.pop().as_deref(), Some(OPENAI_DONE));
    let openai = payloads(&openai);
    assert_eq!(joined(&openai, "/choices/0/delta/content"), "Hello");
    assert_eq!(openai.last().unwrap()["usage"]["prompt_tokens"], INPUT_TOKENS);
    assert_eq!(openai_body("Hello")["choices"][0]["message"]["content"], "Hello");

    let responses = payloads(&responses_chunks(&texts));
    assert_eq!(joined(&responses, "/delta"), "Hello");
    let last = responses.last().unwrap();
    assert_eq!(last["response"]["output"][0]["content"][0]["text"], "Hello");
    assert_eq!(
        (last["type"].as_str(), last["sequence_number"].as_u64()),
        (Some("response.completed"), Some(9))
    );

    let anthropic = payloads(&anthropic_chunks(&texts));
    assert_eq!(joined(&anthropic, "/delta/text"), "Hello");
    assert_eq!(anthropic.last().unwrap()["type"], "message_stop");

    let gemini = payloads(&gemini_chunks(&texts));
    assert_eq!(joined(&gemini, "/candidates/0/content/parts/0/text"), "Hello");
    assert_eq!(joined(&gemini, "/candidates/0/finishReason"), "STOP");
}
