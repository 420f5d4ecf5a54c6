//! `config.toml`: read, or refused with reasons that give none of its values away.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use pollm::config::Config;

/// A key in the wrong place, as the seeds have it.
const SECRET: &str = "sk-5up3rs3cr3t";

fuzz_target!(|text: &str| {
    if let Err(errors) = Config::parse(text, Path::new("config.toml"), &["openai", "ollama"]) {
        assert!(!errors.is_empty(), "refused without a reason");
        for error in errors {
            let shown = error.render(&|word| word.to_owned());
            assert!(!shown.contains(SECRET), "{shown}");
            assert!(!shown.contains('\x1b'), "{shown:?}");
        }
    }
});
