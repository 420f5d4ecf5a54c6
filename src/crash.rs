//! What happens when pollm itself fails: a panic, which is a fault of its code.
//!
//! Released executables unwind nothing, so no destructor can be relied on. What
//! matters is done here instead: the message is cleaned, since it may quote what
//! a model wrote; outcomes that were handed over get written; and the process
//! ends without a core file, which would hold keys.

use std::panic::PanicHookInfo;
use std::time::Duration;

use crate::keeper;
use crate::render::filter::clean_line;
use crate::streams;

/// The exit code, which is that of any Rust program that panics.
const EXIT_CODE: i32 = 101;

/// How long the ledger may take to write what it has.
const PATIENCE: Duration = Duration::from_secs(2);

/// Makes every panic of the process end it in that way.
pub fn install() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map(|place| format!("{}:{}", place.file(), place.line()));
        streams::last_words(&report(message(info), place.as_deref()));
        keeper::wait_for_all(PATIENCE);
        #[expect(clippy::exit, reason = "an abort would leave a core file with keys in it")]
        std::process::exit(EXIT_CODE);
    }));
}

fn message<'i>(info: &'i PanicHookInfo<'_>) -> &'i str {
    info.payload_as_str().unwrap_or("no message")
}

fn report(message: &str, place: Option<&str>) -> String {
    let place = place.map(|place| format!(" at {}", clean_line(place))).unwrap_or_default();
    format!(
        "error: pollm failed{place}: {}\n\n\
         hint: this is a fault of pollm's own: please report it, with the version and the command\n",
        clean_line(message)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_model_wrote_does_not_reach_the_terminal_by_way_of_a_panic() {
        let message = "byte index 1 is not a char boundary; it is inside '\u{1b}]0;owned\u{7}é'";
        let said = report(message, Some("src/chat.rs:7"));
        let first =
            "error: pollm failed at src/chat.rs:7: byte index 1 is not a char boundary; it is inside 'é'";
        assert_eq!(said.lines().next(), Some(first));
        assert!(said.contains("\n\nhint: "), "{said}");
    }
}
