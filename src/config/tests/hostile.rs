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

#[test]
fn a_key_does_not_drive_the_terminal() {
    let errors = Config::parse("\"\\u001b]52;c;x\\u0007\" = 1\n", Path::new("c.toml"), BUILT_IN).unwrap_err();
    assert_eq!(errors[0].message, "unknown key `\\u{1b}]52;c;x\\u{7}` in c.toml, line 1");
}

#[test]
fn a_file_of_errors_and_a_deep_one_are_refused() {
    let many: String = (0..20_000).map(|number| format!("k{number} = 1\n")).collect();
    let errors = Config::parse(&many, Path::new("c.toml"), BUILT_IN).unwrap_err();
    assert_eq!(errors.len(), 20_000);
    assert!(errors[19_999].message.ends_with("line 20000"));
    let deep = format!("sets.a = {}", "[".repeat(100_000));
    assert!(Config::parse(&deep, Path::new("c.toml"), BUILT_IN).is_err());
    let dotted = format!("{}a = 1", "a.".repeat(100_000));
    assert!(Config::parse(&dotted, Path::new("c.toml"), BUILT_IN).is_err());
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
