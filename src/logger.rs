//! `-v`: the program's own notes on stderr. Never a key: none reaches the log.

use log::{LevelFilter, Log, Metadata, Record};

use crate::render::filter::clean_line;
use crate::streams::stderr;

struct Notes;

/// Installs the log. Without `-v` it costs nothing.
pub fn install(verbose: bool) {
    if verbose && log::set_logger(&Notes).is_ok() {
        log::set_max_level(LevelFilter::Debug);
    }
}

impl Log for Notes {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // Libraries log headers and addresses; only this crate's notes are known to be harmless.
        metadata.target().starts_with("pollm")
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            stderr(&format!("pollm: {}\n", clean_line(&record.args().to_string())));
        }
    }

    fn flush(&self) {}
}
