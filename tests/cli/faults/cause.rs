//! What makes a call fail, and what is seen of it from outside.

use std::fs;
use std::path::Path;

use rusqlite::Connection;
use serde_json::Value;

use crate::support::lab::{KEY, row};
use crate::support::process::Running;
use crate::support::tls::Then;
use crate::support::{ClosedPort, CommandOutput, Lab, Script, SilentPort, TlsServer};

/// What makes a call fail: what the server answers, and what else is not as it
/// should be.
pub(super) struct Cause {
    answers: Vec<Script>,
    configuration: &'static str,
    arguments: &'static [&'static str],
    address: Address,
    here: Here,
}

/// What is at the address of the provider.
#[derive(Clone, Copy, Debug)]
pub(super) enum Address {
    /// The server.
    Server,
    /// The server, which is said to speak TLS and does not.
    ServerWithTls,
    /// A host that no resolver knows (RFC 6761).
    Unknown,
    /// A server with TLS, whose certificate nobody trusts.
    Untrusted,
    /// A port that refuses.
    Refusing,
    /// A port that never answers, not even with a refusal.
    Silent,
}

/// What happens on this side.
#[derive(Clone, Copy, Debug)]
pub(super) enum Here {
    /// Nothing.
    Nothing,
    /// A signal reaches the process as soon as something is so.
    Signal(fn(&Running), When),
    /// The same where whoever began it ignores the signal, by its name in a shell.
    #[cfg(target_os = "linux")]
    InVain(&'static str, fn(&Running), When),
    /// Whoever reads stdout leaves after so many bytes.
    ReaderLeaves(usize),
    /// stdout is a file on a full disk.
    FullStdout,
    /// The disk below the ledger is full.
    FullDisk,
    /// The ledger's folder is a file.
    NoFolder,
    /// The ledger is no database.
    DamagedLedger,
    /// The ledger is that of a later version.
    NewerLedger,
    /// Another process never stops writing to the ledger.
    LockedLedger,
    /// The clock is years behind the calls in the ledger.
    ClockSetBack,
}

/// When a signal is sent.
#[derive(Clone, Copy, Debug)]
pub(super) enum When {
    /// As soon as this is on stdout.
    Stdout(&'static str),
    /// As soon as this is on stderr.
    Stderr(&'static str),
    /// While the server says nothing at all.
    Silence,
}

/// What came of a call.
pub(super) struct Came {
    pub(super) output: CommandOutput,
    pub(super) sent: usize,
    /// The rows of the ledger that this call added, as far as it can be read.
    pub(super) rows: Vec<Value>,
}

/// Answers of the server in turn, the last one again.
pub(super) fn answers(answers: impl IntoIterator<Item = Script>) -> Cause {
    Cause {
        answers: answers.into_iter().collect(),
        configuration: "",
        arguments: &[],
        address: Address::Server,
        here: Here::Nothing,
    }
}

impl Cause {
    /// Under further lines of the configuration.
    pub(super) fn under(self, configuration: &'static str) -> Self {
        Self { configuration, ..self }
    }

    /// With further arguments.
    pub(super) fn with(self, arguments: &'static [&'static str]) -> Self {
        Self { arguments, ..self }
    }

    /// At another address than the server's.
    pub(super) fn at(self, address: Address) -> Self {
        Self { address, ..self }
    }

    /// While this happens on this side.
    pub(super) fn and(self, here: Here) -> Self {
        Self { here, ..self }
    }

    /// Makes it happen.
    pub(super) fn happen(self) -> Came {
        let lab = Lab::in_turn(self.answers);
        let (refusing, silent) = (ClosedPort::new(), SilentPort::new());
        let untrusted = TlsServer::start("HTTP/1.1 200 OK\r\n\r\n", Then::Close);
        let url = match self.address {
            Address::Server => lab.server.url(),
            Address::ServerWithTls => lab.server.url().replace("http:", "https:"),
            Address::Untrusted => untrusted.url(),
            Address::Unknown => "http://pollm-test.invalid".to_owned(),
            Address::Refusing => refusing.url(),
            Address::Silent => silent.url(),
        };
        let provider = row("lab", "openai-chat", &format!("{url}/v1"));
        lab.env.configure(&format!("{}\n{provider}", self.configuration));
        let ledger = lab.env.root().join("data/pollm/ledger.db");
        let (output, before) = self.here.call(&lab, self.arguments, &ledger);
        let rows = match self.here {
            Here::DamagedLedger | Here::NewerLedger => Vec::new(),
            _ => lab.ledger().split_off(before),
        };
        let everything = format!("{}{}{rows:?}", output.stdout, output.stderr);
        assert!(!everything.contains(KEY), "the key is shown\n{everything}");
        Came { sent: lab.server.requests().len() + untrusted.requests() - before, output, rows }
    }
}

impl When {
    /// Waits, sends the signal, and waits for the end.
    fn signal(self, mut running: Running, send: fn(&Running), lab: &Lab) -> CommandOutput {
        match self {
            Self::Stdout(shown) => running.wait_for_stdout(shown),
            Self::Stderr(shown) => running.wait_for_stderr(shown),
            Self::Silence => lab.server.wait_until_hanging(0),
        }
        send(&running);
        running.finish()
    }
}

impl Here {
    /// Makes the call; what came of it, and how many calls there were before.
    fn call(self, lab: &Lab, arguments: &[&str], ledger: &Path) -> (CommandOutput, usize) {
        let ask = || lab.ask(arguments).arg("hello");
        let in_shell = |script: &str| {
            let script = script.replace("POLLM", env!("CARGO_BIN_EXE_pollm"));
            lab.env.command("/bin/sh", ["-c", &script]).env("LAB_KEY", KEY).run()
        };
        let output = match self {
            Self::Nothing => ask().run(),
            Self::Signal(send, when) => when.signal(ask().spawn(), send, lab),
            #[cfg(target_os = "linux")]
            Self::InVain(name, send, when) => when.signal(ask().ignoring(name).spawn(), send, lab),
            Self::ReaderLeaves(bytes) => ask().stdout_limit(bytes).run(),
            Self::FullStdout => in_shell("exec POLLM ask -m lab/one hello > /dev/full"),
            // No file can grow, and the signal that would end the process is ignored.
            Self::FullDisk => in_shell("trap '' XFSZ; ulimit -f 0; exec POLLM ask -m lab/one hello"),
            Self::NoFolder => ask().env("XDG_DATA_HOME", lab.env.write("blocked", "")).run(),
            Self::DamagedLedger => {
                fs::create_dir(ledger.parent().unwrap()).unwrap();
                fs::write(ledger, "no database, but more than a hundred bytes of text ".repeat(9)).unwrap();
                ask().run()
            }
            Self::NewerLedger => {
                drop(ask().run().success());
                Connection::open(ledger).unwrap().pragma_update(None, "user_version", 9_999).unwrap();
                return (ask().run(), 1);
            }
            Self::LockedLedger => {
                drop(ask().run().success());
                let other = Connection::open(ledger).unwrap();
                other.execute_batch("BEGIN IMMEDIATE").unwrap();
                return (ask().run(), 1);
            }
            Self::ClockSetBack => {
                drop(ask().run().success());
                set_clock_back(ledger);
                return (ask().run(), 1);
            }
        };
        (output, 0)
    }
}

/// Moves all that the ledger knows a year ahead, as if the clock had been wrong
/// until now.
fn set_clock_back(ledger: &Path) {
    let year = "365 * 86400 * 1000000000";
    let connection = Connection::open(ledger).unwrap();
    connection.execute_batch(&format!("UPDATE calls SET started_ns = started_ns + {year}")).unwrap();
}
