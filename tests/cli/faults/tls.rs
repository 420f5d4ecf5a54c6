//! Connections that are to be secure.

use insta::assert_snapshot;
use serde_json::json;

use crate::support::lab::{KEY, ledger, row};
use crate::support::process::Run;
use crate::support::streams::{openai_body, openai_delta};
use crate::support::tls::Then;
use crate::support::{CommandOutput, Env, TlsServer};

/// A question to a server with TLS.
fn question(server: &TlsServer) -> (Env, Run) {
    let env = Env::new();
    env.configure(&row("lab", "openai-chat", &format!("{}/v1", server.url())));
    let run = env.pollm(["ask", "-m", "lab/one", "hello"]).env("LAB_KEY", KEY);
    (env, run)
}

/// The same from someone who trusts the server's certificate.
fn trusting(server: &TlsServer) -> (Env, Run) {
    let (env, run) = question(server);
    let certificate = env.write("trusted.pem", TlsServer::certificate());
    (env, run.env("SSL_CERT_FILE", certificate))
}

/// What came of it, in which the key must not be.
fn keyless(output: CommandOutput) -> CommandOutput {
    assert!(!output.stderr.contains(KEY), "the key is shown\n{output}");
    output
}

#[cfg_attr(not(target_os = "linux"), ignore = "other systems judge certificates in words of their own")]
#[test]
fn a_certificate_that_nobody_trusts() {
    let server = TlsServer::start("HTTP/1.1 200 OK\r\n\r\n", Then::Close);
    let (env, run) = question(&server);
    let output = keyless(run.run());
    assert_snapshot!(output, @r#"
        ------- stderr -------
        error: lab/one: no secure connection
          because: invalid peer certificate: UnknownIssuer

        hint: where a company's proxy inspects traffic, add its certificate to the system's, or name it in SSL_CERT_FILE
        [exit status: 1]
    "#);
    assert_eq!(server.requests(), 0);
    let row = &ledger(&env)[0];
    assert_eq!((&row["error"]["kind"], &row["error"]["retryable"]), (&json!("tls"), &json!(false)));
}

/// As many servers end a connection. The first of the two shows that it is the
/// certificate that the test above is about, too.
#[cfg_attr(not(target_os = "linux"), ignore = "other systems read no SSL_CERT_FILE")]
#[test]
fn an_answer_without_the_farewell_of_tls() {
    let body = openai_body("In one piece").to_string();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n";
    let server = TlsServer::start(format!("{head}{body}"), Then::Close);
    let (_env, run) = trusting(&server);
    assert_eq!(keyless(run.run()).success().stdout, "In one piece\n");
    let half = format!("{head}{}", &body[..body.len() / 2]);
    let server = TlsServer::start(half, Then::Close);
    let (env, run) = trusting(&server);
    let output = keyless(run.run()).exited(1);
    assert!(output.stderr.contains("it may have been served, and billed"), "{output}");
    assert_eq!(ledger(&env)[0]["error"]["kind"], "broken");
}

/// Behind the handshake the request is on its way, whatever breaks then.
#[cfg_attr(not(target_os = "linux"), ignore = "other systems read no SSL_CERT_FILE")]
#[test]
fn a_record_that_is_damaged() {
    let server = TlsServer::start("", Then::Junk);
    server.send_junk();
    let (env, run) = trusting(&server);
    let output = keyless(run.run());
    assert_snapshot!(output, @r#"
        ------- stderr -------
        error: lab/one: the connection broke
          because: cannot decrypt peer's message
          because: it may have been served, and billed: ~$0.000002

        hint: `--retry-ambiguous` asks again all the same
        [exit status: 1]
    "#);
    let row = &ledger(&env)[0];
    assert_eq!((&row["error"]["kind"], &row["possibly_billed"]), (&json!("broken"), &json!(true)));

    let text = openai_delta(&json!({"content": "Half"}));
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
    let server = TlsServer::start(format!("{head}{text}"), Then::Junk);
    let (env, run) = trusting(&server);
    let mut running = run.spawn();
    running.wait_for_stdout("Half");
    server.send_junk();
    assert_eq!(keyless(running.finish()).exited(1).stdout, "Half\n");
    let row = &ledger(&env)[0];
    assert_eq!((&row["status"], &row["error"]["kind"]), (&json!("partial"), &json!("broken")));
}
