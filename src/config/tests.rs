use super::*;

mod hostile;
mod routes;

const BUILT_IN: &[&str] = &["openai", "anthropic", "groq", "azure"];

fn parse(text: &str) -> Config {
    Config::parse(text, Path::new("/home/ada/config.toml"), BUILT_IN).unwrap()
}

/// All errors of a text, one below the other.
fn errors(text: &str) -> String {
    match Config::parse(text, Path::new("/home/ada/config.toml"), BUILT_IN) {
        Ok(config) => panic!("no error in {config:?}"),
        Err(errors) => {
            assert!(errors.iter().all(|error| error.kind == crate::error::ErrorKind::Config));
            errors.iter().map(|error| format!("{error}\n")).collect()
        }
    }
}

#[test]
fn a_full_file_is_read_into_plain_values() {
    let config = parse(
        r#"
        default_model = "anthropic/claude-opus-5-5"
        log = false
        hide_reasoning = true

        [timeouts]
        connect = 2.5
        first_event = 300

        [aliases]
        fast = "groq/openai/gpt-oss-120b"

        [sets]
        daily = ["openai/gpt-6.1-sol", "fast"]

        [providers.work]
        protocol = "openai-chat"
        base_url = "http://127.0.0.1:8787/v1/"
        key_env = "WORK_KEY"
        headers = { "X-Team" = "a", "X-Area" = "b c" }

        [providers.work.models.house-7b]
        context = 32_768
        max_output = 0x1000
        input = "0.20"
        cache_read = "0"

        [providers.azure]
        auth = "Api-Key"
        key_env = ["AZURE_KEY", "AZURE_OPENAI_API_KEY"]
        models.mine.deployment = "gpt-6.1-sol"

        [providers.openai]
        key_command = ["op", "read", "op://vault/openai/key"]

        [providers.groq]
        auth = "none"
        "#,
    );
    assert_eq!(config.default_model.as_deref(), Some("anthropic/claude-opus-5-5"));
    assert_eq!((config.log, config.hide_reasoning), (Some(false), Some(true)));
    assert_eq!(config.timeouts.connect(), Duration::from_millis(2_500));
    assert_eq!(config.timeouts.first_event(), Duration::from_secs(300));
    assert_eq!(config.timeouts.idle(), Duration::from_secs(60));
    assert_eq!(config.aliases["fast"], "groq/openai/gpt-oss-120b");
    assert_eq!(config.set("daily").unwrap(), ["openai/gpt-6.1-sol", "fast"]);

    let work = &config.providers["work"];
    assert_eq!(work.protocol, Some(Protocol::OpenAiChat));
    assert_eq!(work.base_url.as_deref(), Some("http://127.0.0.1:8787/v1"));
    assert_eq!(work.key_env.as_deref(), Some(&["WORK_KEY".to_owned()][..]));
    let headers: Vec<_> = work.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(headers, [("x-area", "b c"), ("x-team", "a")]);
    let model = &work.models["house-7b"];
    assert_eq!((model.context, model.max_output), (Some(32_768), Some(4_096)));
    assert_eq!(model.prices.input, Some(Price::per_million("0.2").unwrap()));
    assert_eq!(model.prices.cache_read, Some(Price::ZERO));
    assert_eq!(model.prices.output, None);

    let azure = &config.providers["azure"];
    assert_eq!(azure.auth, Some(KeyPlacement::Sent(Auth::Header("api-key".to_owned()))));
    assert_eq!(azure.key_env.as_ref().map(Vec::len), Some(2));
    assert_eq!(azure.models["mine"].deployment.as_deref(), Some("gpt-6.1-sol"));
    assert_eq!(config.providers["openai"].key_command.as_ref().map(Vec::len), Some(3));
    assert_eq!(config.providers["groq"].auth, Some(KeyPlacement::None));
}

#[test]
fn every_unknown_key_is_found_with_its_line_and_the_nearest_name() {
    insta::assert_snapshot!(errors(r#"
default_modle = "a/b"
nonsense = 1

[timeout]
idle = 3

[timeouts]
iddle = 3

[providers.openai]
base-url = "https://x/v1"
models.m = { inputs = "1" }

[budget]
dya = "5.00"
"#), @"
    error: unknown key `default_modle` in /home/ada/config.toml, line 2

    hint: did you mean `default_model`?
    error: unknown key `nonsense` in /home/ada/config.toml, line 3
    error: unknown key `timeout` in /home/ada/config.toml, line 5

    hint: did you mean `timeouts`?
    error: unknown key `timeouts.iddle` in /home/ada/config.toml, line 9

    hint: did you mean `idle`?
    error: unknown key `providers.openai.base-url` in /home/ada/config.toml, line 12

    hint: did you mean `base_url`?
    error: unknown key `providers.openai.models.m.inputs` in /home/ada/config.toml, line 13

    hint: did you mean `input`?
    error: unknown key `budget.dya` in /home/ada/config.toml, line 16

    hint: did you mean `day`?
    ");
}

#[test]
fn wrong_types_say_what_was_expected() {
    insta::assert_snapshot!(errors(r#"
default_model = 3
log = "no"
timeouts.connect = "fast"
timeouts.idle = 0
aliases.fast = ["a/b"]
sets.daily = "a/b"
sets.empty = []
sets.mixed = ["a/b", 4, ""]
providers.openai = "x"
providers.groq.models.m = { context = 1.5, max_output = -1 }
"#), @"
    error: invalid `default_model` in /home/ada/config.toml, line 2
      because: expected text in quotes, found a whole number
    error: invalid `log` in /home/ada/config.toml, line 3
      because: expected `true` or `false`, found text
    error: invalid `timeouts.connect` in /home/ada/config.toml, line 4
      because: expected a number, found text
    error: invalid `timeouts.idle` in /home/ada/config.toml, line 5
      because: expected seconds, from 0.001 to 86400
    error: invalid `aliases.fast` in /home/ada/config.toml, line 6
      because: expected text in quotes, found a list
    error: invalid `sets.daily` in /home/ada/config.toml, line 7
      because: expected a list of texts, found text
    error: invalid `sets.empty` in /home/ada/config.toml, line 8
      because: the list is empty
    error: invalid `sets.mixed[1]` in /home/ada/config.toml, line 9
      because: expected text in quotes, found a whole number
    error: invalid `sets.mixed[2]` in /home/ada/config.toml, line 9
      because: it is empty
    error: invalid `providers.openai` in /home/ada/config.toml, line 10
      because: expected a table, found text
    error: invalid `providers.groq.models.m.context` in /home/ada/config.toml, line 11
      because: expected a whole number, found a number with decimals
    error: invalid `providers.groq.models.m.max_output` in /home/ada/config.toml, line 11
      because: expected a whole number above zero
    ");
}

#[test]
fn bad_values_of_a_provider_say_what_would_do() {
    insta::assert_snapshot!(errors(r#"
[providers.openai]
protocol = "openai-chats"
base_url = "api.openai.com/v1"
key_command = "op read x"
auth = "two words"
[providers.openai.headers]
"X-Team" = "a\r\nX-Admin: yes"
"no name" = "a"
Host = "elsewhere"
[providers.openai.models.m]
input = "1,50"
output = 0.8
[providers.Work]
[providers.local]
"#), @r#"
    error: invalid `providers.openai.protocol` in /home/ada/config.toml, line 3
      because: expected one of `openai-chat`, `openai-responses`, `anthropic`, `gemini`

    hint: did you mean `openai-chat`?
    error: invalid `providers.openai.base_url` in /home/ada/config.toml, line 4
      because: expected an address that begins with `http://` or `https://`
    error: invalid `providers.openai.key_command` in /home/ada/config.toml, line 5
      because: expected a program and its arguments as a list

    hint: for example `key_command = ["op", "read", "op://vault/item/key"]`
    error: invalid `providers.openai.auth` in /home/ada/config.toml, line 6
      because: expected `bearer`, `none` or the name of a header

    hint: keys are stored with `pollm keys set openai`
    error: invalid `providers.openai.headers.X-Team` in /home/ada/config.toml, line 8
      because: a header's value holds visible ASCII only, and no line break
    error: invalid `providers.openai.headers.no name` in /home/ada/config.toml, line 9
      because: a header's name holds letters, digits and `-` only
    error: invalid `providers.openai.headers.Host` in /home/ada/config.toml, line 10
      because: this header is set by the request itself
    error: invalid `providers.openai.models.m.input` in /home/ada/config.toml, line 12
      because: expected a decimal with at most nine digits behind the point

    hint: for example `input = "0.20"`: USD per million tokens
    error: invalid `providers.openai.models.m.output` in /home/ada/config.toml, line 13
      because: expected text in quotes, which keeps a price exact

    hint: for example `output = "0.20"`: USD per million tokens
    error: invalid `providers.Work` in /home/ada/config.toml, line 14
      because: a provider's name holds lower-case letters, digits, `-`, `_` and `.` only
    error: invalid `providers.local` in /home/ada/config.toml, line 15
      because: `local` is the embedded model, which has no settings
    "#);
}

#[test]
fn a_new_provider_is_complete() {
    insta::assert_snapshot!(errors("[providers.grok]\nkey_env = \"X\"\n[providers.work]\n"), @r#"
    error: the new provider `grok` has no `protocol` in /home/ada/config.toml, line 1

    hint: to change the built-in provider, name it `groq`
    error: the new provider `grok` has no `base_url` in /home/ada/config.toml, line 1

    hint: to change the built-in provider, name it `groq`
    error: the new provider `work` has no `protocol` in /home/ada/config.toml, line 3

    hint: it is one of `openai-chat`, `openai-responses`, `anthropic`, `gemini`
    error: the new provider `work` has no `base_url` in /home/ada/config.toml, line 3

    hint: for example `base_url = "http://127.0.0.1:8080/v1"`
    "#);
}

#[test]
fn names_that_would_not_be_understood_are_refused() {
    insta::assert_snapshot!(errors("[aliases]\n\"a/b\" = \"c/d\"\n[sets]\n\"two words\" = [\"c/d\"]\n"), @"
    error: invalid `aliases.a/b` in /home/ada/config.toml, line 2
      because: a name may not be empty or hold `/`, `@`, `,` or blanks
    error: invalid `sets.two words` in /home/ada/config.toml, line 4
      because: a name may not be empty or hold `/`, `@`, `,` or blanks
    ");
}

#[test]
fn keys_are_refused_and_never_shown() {
    insta::assert_snapshot!(errors(r#"
openai_api_key = "sk-canary"
[providers.openai]
key = "sk-canary"
api-key = "sk-canary"
[providers.groq]
key_env = "gsk_canary4f9a0c1bd2e83c7"
[providers.anthropic]
key_env = ["ANTHROPIC_API_KEY", "sk-canary"]
auth = "sk-canary"
"#), @"
    error: a key may not stand in the configuration: `openai_api_key` in /home/ada/config.toml, line 2

    hint: store it with `pollm keys set PROVIDER`, or name its variable in `key_env`
    error: a key may not stand in the configuration: `providers.openai.key` in /home/ada/config.toml, line 4

    hint: store it with `pollm keys set openai`, or name its variable in `key_env`
    error: a key may not stand in the configuration: `providers.openai.api-key` in /home/ada/config.toml, line 5

    hint: store it with `pollm keys set openai`, or name its variable in `key_env`
    error: invalid `providers.groq.key_env` in /home/ada/config.toml, line 7
      because: expected the name of an environment variable

    hint: if it is the key itself, take it out and run `pollm keys set groq`
    error: invalid `providers.anthropic.key_env` in /home/ada/config.toml, line 9
      because: expected the name of an environment variable

    hint: if it is the key itself, take it out and run `pollm keys set anthropic`
    error: invalid `providers.anthropic.auth` in /home/ada/config.toml, line 10
      because: expected `bearer`, `none` or the name of a header

    hint: keys are stored with `pollm keys set anthropic`
    ");
}

#[test]
fn debug_does_not_show_headers() {
    let config = parse("[providers.openai.headers]\nx-gateway-auth = \"canary-77\"\n");
    assert_eq!(config.providers["openai"].headers[0].1.as_str(), "canary-77");
    let shown = format!("{config:?} {config:#?}");
    assert!(shown.contains("x-gateway-auth") && !shown.contains("canary"), "{shown}");
}

#[test]
fn broken_toml_is_reported_by_line_only() {
    insta::assert_snapshot!(errors("log = true\nlog = false\n"), @"
    error: invalid TOML in /home/ada/config.toml, line 2
      because: duplicate key
    ");
    let shown = errors("default_model = canary\n\n[sets\nx = 1\n");
    assert!(shown.contains("line 1\n") && shown.contains("line 3\n"), "{shown}");
    assert!(!shown.contains("canary") && !shown.contains("unknown key"), "{shown}");
}

#[test]
fn sets_that_are_not_there_get_a_suggestion() {
    let config = parse("[sets]\ndaily = [\"a/b\"]\n");
    insta::assert_snapshot!(config.set("dialy").unwrap_err(), @"
    error: no set `dialy` in the configuration

    hint: did you mean `daily`?
    ");
    insta::assert_snapshot!(config.set("cheap").unwrap_err(), @r#"
    error: no set `cheap` in the configuration

    hint: add `cheap = ["provider/model", …]` below `[sets]`
    "#);
}

#[test]
fn a_missing_file_is_empty_unless_it_was_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.toml");
    assert_eq!(Config::load(&path, false, BUILT_IN), Ok(Config::default()));
    assert_eq!(Config::check(&path, false, BUILT_IN, &|_| Ok(())), Ok(()));
    let error = Config::load(&path, true, BUILT_IN).unwrap_err();
    assert_eq!(error.kind, crate::error::ErrorKind::Config);
    assert!(error.message.contains("config.toml can't be read"), "{error}");
    assert_eq!(error.hints, ["`POLLM_CONFIG` names it; unset that, or create it with `pollm config edit`"]);
}

#[test]
fn files_that_are_no_configuration_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.toml");
    assert!(Config::load(dir.path(), false, BUILT_IN).is_err(), "a folder");
    std::fs::write(&path, b"log = true # \xff").unwrap();
    assert!(Config::load(&path, false, BUILT_IN).unwrap_err().causes[0].contains("UTF-8"));
    std::fs::write(&path, vec![b'#'; (1 << 20) + 1]).unwrap();
    assert_eq!(Config::load(&path, false, BUILT_IN).unwrap_err().causes, ["it is larger than 1 MiB"]);
    std::fs::write(&path, "\u{feff}log = true\r\n").unwrap();
    assert_eq!(Config::load(&path, false, BUILT_IN).unwrap().log, Some(true));
}

#[test]
fn the_first_error_says_that_there_are_more() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.toml");
    std::fs::write(&path, "a = 1\nb = 2\nc = 3\n").unwrap();
    let error = Config::load(&path, false, BUILT_IN).unwrap_err();
    assert!(error.message.ends_with("line 1"), "{error}");
    assert_eq!(error.hints, ["`pollm config check` lists 2 more"]);
    assert_eq!(Config::check(&path, false, BUILT_IN, &|_| Ok(())).unwrap_err().len(), 3);
}
