use super::*;
use crate::error::ErrorKind;

fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

fn query(provider: &str, catalog_env: Option<&[&str]>, config: &str) -> KeyQuery {
    let config =
        Config::parse(config, Path::new("config.toml"), &["openai", "groq", "google-vertex"]).unwrap();
    let names = catalog_env.map(|names| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
    KeyQuery::new(provider, names.as_deref(), &config)
}

const GROQ: Option<&[&str]> = Some(&["GROQ_API_KEY"]);

#[test]
fn what_can_be_no_key_is_refused_without_being_shown() {
    assert_eq!(key(" sk-a\r\n").text(), "sk-a");
    let long = "k".repeat(LONGEST_KEY + 1);
    let cases = [
        ("", InvalidKey::Empty),
        (" \n", InvalidKey::Empty),
        ("canary\nX-Admin: 1", InvalidKey::Control),
        ("canary\0", InvalidKey::Control),
        ("canary\u{1b}[0m", InvalidKey::Control),
        ("canary two", InvalidKey::Character),
        ("canary\u{fffd}", InvalidKey::Character),
        ("“canary”", InvalidKey::Character),
        (&long, InvalidKey::Long),
    ];
    for (text, expected) in cases {
        let error = Key::new(text).unwrap_err();
        assert_eq!(error, expected, "{text:?}");
        assert!(!format!("{error} {error:?}").contains("canary"));
    }
}

#[test]
fn the_environment_comes_before_the_command_and_the_command_before_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keys.toml");
    KeyFile::set(&path, "groq", &key("from-file")).unwrap();
    let find = |query: &KeyQuery, variables: &[(&str, &str)]| {
        let env = Env::new(variables.iter().copied());
        let found = query.find(&env, &path).unwrap().unwrap();
        assert_eq!(query.locate(&env, &KeyFile::open(&path).unwrap()).as_ref(), Some(&found.source));
        (found.key.text().to_owned(), found.source.to_string())
    };
    let found = |key: &str, source: &str| (key.to_owned(), source.to_owned());
    let plain = query("groq", GROQ, "");
    assert_eq!(find(&plain, &[("GROQ_API_KEY", "from-env\n")]), found("from-env", "env GROQ_API_KEY"));
    assert_eq!(find(&plain, &[]), found("from-file", "key file"));
    assert_eq!(find(&plain, &[("GROQ_API_KEY", " ")]), found("from-file", "key file"));
    let config = "[providers.groq]\nkey_env = [\"A\", \"B\"]\nkey_command = [\"echo\", \"from-command\"]\n";
    let configured = query("groq", GROQ, config);
    assert_eq!(find(&configured, &[("B", "b"), ("GROQ_API_KEY", "g")]), found("b", "env B"));
    assert_eq!(find(&configured, &[("B", "b"), ("A", "a")]), found("a", "env A"));
    if cfg!(unix) {
        assert_eq!(find(&configured, &[("GROQ_API_KEY", "g")]), found("from-command", "command echo"));
    }
}

#[test]
fn a_key_that_is_nowhere_is_an_error_only_where_one_is_needed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keys.toml");
    let find = |query: KeyQuery, env: &Env| query.find(env, &path);
    let none = Env::default();
    let work = "[providers.work]\nprotocol = \"openai-chat\"\nbase_url = \"http://127.0.0.1:1/v1\"\n";
    assert!(find(query("work", None, work), &none).unwrap().is_none());
    assert!(find(query("ollama", Some(&["OLLAMA_HOST"]), ""), &none).unwrap().is_none());
    let unused = query("groq", GROQ, "[providers.groq]\nauth = \"none\"\n");
    assert!(find(unused, &Env::new([("GROQ_API_KEY", "gsk_1")])).unwrap().is_none());

    insta::assert_snapshot!(find(query("groq", GROQ, ""), &none).unwrap_err(), @"
    error: no API key for provider groq

    hint: set `GROQ_API_KEY`, or run `pollm keys set groq`
    ");
    let named = format!("{work}key_env = \"WORK_KEY\"\n");
    insta::assert_snapshot!(find(query("work", None, &named), &none).unwrap_err(), @"
    error: no API key for provider work

    hint: set `WORK_KEY`, or run `pollm keys set work`
    ");
    insta::assert_snapshot!(find(query("google-vertex", Some(&["GOOGLE_VERTEX_PROJECT"]), ""), &none).unwrap_err(), @r#"
    error: no API key for provider google-vertex

    hint: put `key_command = ["gcloud", "auth", "print-access-token"]` below `[providers.google-vertex]`, or run `pollm keys set google-vertex`
    "#);
    let broken = find(query("groq", GROQ, ""), &Env::new([("GROQ_API_KEY", "canary\ncanary")])).unwrap_err();
    assert_eq!(broken.kind, ErrorKind::Config);
    insta::assert_snapshot!(broken, @"
    error: the key in `GROQ_API_KEY` can't be used
      because: it holds a line break or a control character
    ");
}

#[test]
fn headers_carry_the_key_behind_its_prefix() {
    assert_eq!(key("sk-a").header_value("Bearer ").as_bytes(), b"Bearer sk-a");
    assert_eq!(key("sk-a").header_value("").as_bytes(), b"sk-a");
}

#[test]
fn messages_lose_every_key() {
    let (short, long, dummy) = (key("sk-abcdef"), key("sk-abcdef-123"), key("x"));
    let keys = [&short, &long, &dummy];
    let text =
        "Incorrect API key provided: sk-abcdef-123. Not sk-abcdef, nor sk-a***def; expired, sk-abcdef-123!";
    assert_eq!(
        redact(text, &keys),
        "Incorrect API key provided: [key]. Not [key], nor sk-a***def; expired, [key]!"
    );
    assert!(matches!(redact("nothing to hide", &keys), Cow::Borrowed("nothing to hide")));
    assert_eq!(redact(text, &[]), text);
}

#[test]
fn debug_shows_no_key_of_any_type() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keys.toml");
    KeyFile::set(&path, "groq", &key("canary-1")).unwrap();
    let found = query("groq", GROQ, "").find(&Env::default(), &path).unwrap().unwrap();
    let header = found.key.header_value("Bearer ");
    let shown =
        format!("{found:?} {found:#?} {header:?} {:?} {:?}", found.key, KeyFile::open(&path).unwrap());
    assert!(shown.contains("groq") && !shown.contains("canary"), "{shown}");
}
