//! Files that nobody would write on purpose.

use std::path::Path;

use super::BUILT_IN;
use crate::config::Config;

#[test]
fn no_value_in_any_place_reaches_a_message() {
    let keys = [
        "default_model",
        "log",
        "hide_reasoning",
        "timeouts",
        "timeouts.connect",
        "aliases",
        "sets",
        "sets.a",
        "providers",
        "providers.openai",
        "providers.openai.protocol",
        "providers.openai.base_url",
        "providers.openai.key_env",
        "providers.openai.key_command",
        "providers.openai.auth",
        "providers.openai.headers",
        "providers.openai.headers.x",
        "providers.openai.models",
        "providers.openai.models.m.input",
        "providers.openai.models.m.context",
        "other",
    ];
    let values = [
        "\"sk-canary-1\\u0000\"",
        "sk-canary-1",
        "'sk canary'",
        "\"sk-canary",
        "[\"sk-canary\", 1]",
        "[[\"canary\"]]",
    ];
    for key in keys {
        for value in values {
            let text = format!("{key} = {value}\n");
            if let Err(found) = Config::parse(&text, Path::new("c.toml"), BUILT_IN) {
                let shown = format!("{found:?}");
                assert!(!shown.contains("canary"), "{text}: {shown}");
            }
        }
    }
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC*") {
        let _ = Config::parse(&text, Path::new("c.toml"), BUILT_IN);
    }

    #[test]
    fn any_value_of_any_key_is_read_or_refused(
        key in "(default_model|log|timeouts\\.idle|sets\\.a|providers\\.openai\\.(base_url|auth|key_env|headers\\.x)|providers\\.openai\\.models\\.m\\.(input|context))",
        value in "(\"[ -!#-\\[\\]-~é]*\"|-?[0-9]{1,30}(\\.[0-9]{1,30})?|true|\\[\"a\", \"b\"\\]|nan|inf|-inf|1e999)",
    ) {
        let _ = Config::parse(&format!("{key} = {value}\n"), Path::new("c.toml"), BUILT_IN);
    }
}
