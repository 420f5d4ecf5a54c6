//! The executable on Windows: what works in another way there. All else is tried
//! by `tests/cli`, whose terminals, signals and shells are those of Unix.

#![cfg(windows)]
#![expect(clippy::unwrap_used, reason = "a test fails where something is not as it must be")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;

use tempfile::TempDir;

/// A folder for the user's files, with a provider that answers `words` to everyone.
fn lab(words: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let words = words.to_owned();
    thread::spawn(move || {
        for connection in listener.incoming() {
            answer(connection.unwrap(), &words);
        }
    });
    let config = format!(
        "default_model = \"lab/one\"\n[providers.lab]\nprotocol = \"openai-chat\"\n\
         base_url = \"http://{address}/v1\"\nkey_env = \"LAB_KEY\"\n\
         [providers.lab.models.one]\ninput = \"1\"\noutput = \"2\"\n"
    );
    std::fs::write(folder.path().join("config.toml"), config).unwrap();
    folder
}

fn answer(mut connection: TcpStream, words: &str) {
    let mut request = BufReader::new(connection.try_clone().unwrap());
    let mut length = 0;
    loop {
        let mut line = String::new();
        request.read_line(&mut line).unwrap();
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    request.take(length).read_to_end(&mut Vec::new()).unwrap();
    let chunk = |json: serde_json::Value| format!("data: {json}\n\n");
    let body = chunk(serde_json::json!({"choices": [{"index": 0, "delta": {"content": words}}]}))
        + &chunk(serde_json::json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 5, "completion_tokens": 7}}))
        + "data: [DONE]\n\n";
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    // A client that was told to stop is gone by now.
    let _ = connection.write_all((head.to_owned() + &body).as_bytes());
}

fn pollm(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pollm"));
    command.args(args).current_dir(folder).env_clear().env("LAB_KEY", "key-of-the-lab");
    for name in ["POLLM_CONFIG_DIR", "POLLM_DATA_DIR", "POLLM_CACHE_DIR"] {
        command.env(name, folder);
    }
    #[expect(clippy::disallowed_methods, reason = "without these, Windows has neither sockets nor commands")]
    let system =
        ["SystemRoot", "PATH", "PATHEXT", "ComSpec", "TEMP"].map(|name| (name, std::env::var_os(name)));
    command.envs(system.into_iter().filter_map(|(name, value)| Some((name, value?))));
    command.stdin(Stdio::null());
    command
}

fn run(folder: &Path, args: &[&str]) -> Output {
    pollm(folder, args).output().unwrap()
}

#[track_caller]
fn stdout(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn an_answer_is_printed_kept_and_counted() {
    let lab = lab("Good day, größe 漢.");
    assert_eq!(stdout(&run(lab.path(), &["ask", "hello there"])), "Good day, größe 漢.\n");
    let kept: serde_json::Value =
        serde_json::from_str(&stdout(&run(lab.path(), &["history", "export"]))).unwrap();
    assert_eq!(kept["text"], "Good day, größe 漢.");
    assert_eq!(kept["cost"]["usd"], "0.000019");
    assert!(stdout(&run(lab.path(), &["cost"])).contains("$0.000019"));
    let path = stdout(&run(lab.path(), &["config", "path"]));
    assert_eq!(Path::new(path.trim_end()), lab.path().join("config.toml"));
}

#[test]
fn a_prompt_comes_by_a_pipe_and_a_key_from_its_file() {
    let lab = lab("Hi.");
    let fed = |command: &mut Command, text: &str| {
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    let mut keyless = pollm(lab.path(), &["ask", "hello"]);
    assert_eq!(keyless.env_remove("LAB_KEY").output().unwrap().status.code(), Some(5));
    stdout(&fed(&mut pollm(lab.path(), &["keys", "set", "lab"]), "key-of-the-lab\r\n"));
    let mut stored = pollm(lab.path(), &["ask", "--json", "about {stdin}"]);
    let answered: serde_json::Value =
        serde_json::from_str(&stdout(&fed(stored.env_remove("LAB_KEY"), "a text\r\n"))).unwrap();
    assert_eq!((&answered["text"], &answered["status"]), (&"Hi.".into(), &"ok".into()));
}

#[test]
fn a_file_that_stands_is_replaced_as_a_whole() {
    let lab = lab("new");
    let file = lab.path().join("answer.txt");
    std::fs::write(&file, "an old and longer text").unwrap();
    for _ in 0..2 {
        stdout(&run(lab.path(), &["ask", "hello", "--output", "answer.txt"]));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "new\n");
    }
    let refused = run(lab.path(), &["ask", "-f", ".", "hello"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("`.` is a folder, not a file"));
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let lab = lab(&"many words ".repeat(100_000));
    for args in [["ask", "hello"].as_slice(), &["models", "--all"]] {
        let mut child =
            pollm(lab.path(), args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut begin = [0; 16];
        child.stdout.take().unwrap().read_exact(&mut begin).unwrap();
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(0) && !said.contains("error:"), "{args:?}: {said}");
    }
}

#[test]
fn checks_run_in_the_shell_of_windows() {
    let lab = lab("an apple");
    for (check, code) in
        [("cmd:exit 0", 0), ("cmd:exit 3", 7), ("cmd:find \"apple\"", 0), ("cmd:find \"pear\"", 7)]
    {
        let output = run(lab.path(), &["compare", "-m", "lab/one,lab/two", "--check", check, "hello"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{check}: {said}");
    }
}
