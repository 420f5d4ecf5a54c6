use std::path::Path;

use clap::Parser;

use super::*;
use crate::error::ErrorKind;
use crate::paths::BaseDirs;

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    keys: KeysArgs,
}

/// A folder with a key file, an environment and two providers of a catalog.
struct Setting {
    _dir: tempfile::TempDir,
    paths: Paths,
    env: Env,
    config: Config,
}

impl Setting {
    fn new(variables: &[(&str, &str)], config: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let place = [
            ("POLLM_CONFIG_DIR", dir.path()),
            ("POLLM_DATA_DIR", dir.path()),
            ("POLLM_CACHE_DIR", dir.path()),
        ];
        let paths = Paths::resolve(&Env::new(place), &BaseDirs::default()).unwrap();
        Self {
            _dir: dir,
            paths,
            env: Env::new(variables.iter().copied()),
            config: Config::parse(config, Path::new("config.toml"), &["groq", "openai", "ollama"]).unwrap(),
        }
    }

    /// What a command wrote to stdout and stderr, or its error; paths are cut.
    fn run(&self, line: &str, typed: &str) -> (String, Result<()>) {
        let args = Cli::try_parse_from(line.split(' ')).unwrap().keys;
        let catalog = [("groq", "GROQ_API_KEY"), ("openai", "OPENAI_API_KEY"), ("ollama", "OLLAMA_HOST")]
            .map(|(id, name)| (id.to_owned(), vec![name.to_owned()]));
        let context =
            KeysContext { paths: &self.paths, env: &self.env, config: &self.config, providers: &catalog };
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let mut read = |_: &str| Ok(Zeroizing::new(typed.to_owned()));
        let result = run(&args, &context, &mut read, &mut stdout, &mut stderr);
        stdout.extend(stderr);
        let dir = self.paths.key_file.parent().unwrap();
        let dir = format!("{}{}", dir.display(), std::path::MAIN_SEPARATOR);
        let result = result.map_err(|mut error| {
            error.message = error.message.replace(&dir, "DIR/");
            error
        });
        (String::from_utf8(stdout).unwrap().replace(&dir, "DIR/"), result)
    }

    fn ok(&self, line: &str, typed: &str) -> String {
        let (shown, result) = self.run(line, typed);
        result.unwrap();
        shown
    }
}

const WORK: &str = "[providers.work]\nprotocol = \"openai-chat\"\nbase_url = \"http://127.0.0.1:1/v1\"\n";

#[test]
fn keys_are_stored_listed_and_removed() {
    let setting = Setting::new(&[], WORK);
    assert_eq!(setting.ok("keys set groq", "gsk_canary\n"), "stored the key of groq in DIR/keys.toml\n");
    assert_eq!(setting.ok("keys set groq", "gsk_canary2"), "replaced the key of groq in DIR/keys.toml\n");
    assert_eq!(setting.ok("keys set work", "canary-w"), "stored the key of work in DIR/keys.toml\n");
    assert_eq!(setting.ok("keys list", ""), "groq  key file\nwork  key file\n");
    assert_eq!(setting.ok("keys remove groq", ""), "removed the key of groq from DIR/keys.toml\n");
    assert_eq!(setting.ok("keys list", ""), "work  key file\n");
    let (shown, result) = setting.run("keys remove groq", "");
    assert_eq!(shown, "");
    insta::assert_snapshot!(result.unwrap_err(), @"
    error: no key of provider `groq` in DIR/keys.toml

    hint: `pollm keys list` shows the keys that there are
    ");
    let (_, result) = setting.run("keys remove grqo", "");
    assert_eq!(result.unwrap_err().hints, ["did you mean `groq`?"]);
}

#[test]
fn the_list_says_which_source_comes_first() {
    let config = format!("{WORK}key_command = [\"op\", \"read\", \"x\"]\n[providers.lab]\n{}", &WORK[17..]);
    let setting = Setting::new(&[("GROQ_API_KEY", "canary")], &config);
    let stored = setting.ok("keys set groq", "canary-3");
    assert!(stored.ends_with("note: `GROQ_API_KEY` is set and comes first\n"), "{stored}");
    let stored = setting.ok("keys set work", "canary-4");
    assert!(stored.ends_with("note: the provider's `key_command` comes first\n"), "{stored}");
    setting.ok("keys set openai", "canary-5");
    insta::assert_snapshot!(setting.ok("keys list --all", ""), @"
    groq    env GROQ_API_KEY (before the one in the key file)
    openai  key file
    ollama  none needed
    lab     none needed
    work    command op (before the one in the key file)
    ");
    setting.ok("keys remove groq", "");
    setting.ok("keys remove openai", "");
    let shown = setting.ok("keys list --all", "");
    assert!(shown.contains("groq    env GROQ_API_KEY\nopenai  not found (OPENAI_API_KEY)\n"), "{shown}");
    let (_, result) = setting.run("keys remove groq", "");
    assert_eq!(result.unwrap_err().hints, ["its key comes from elsewhere: env GROQ_API_KEY"]);
}

#[test]
fn a_key_whose_provider_is_gone_is_listed_and_can_be_removed() {
    Setting::new(&[], "");
    let setting = Setting::new(&[], "");
    KeyFile::set(&setting.paths.key_file, "old", &Key::new("canary").unwrap()).unwrap();
    assert_eq!(setting.ok("keys list", ""), "old  key file\n");
    setting.ok("keys remove old", "");
    insta::assert_snapshot!(setting.ok("keys list", ""), @"
    no keys found

    hint: run `pollm keys set PROVIDER`, or `pollm keys list --all`
    ");
}

#[test]
fn what_is_no_key_is_not_stored_and_not_shown() {
    let setting = Setting::new(&[], "");
    for typed in ["", "\n", "two words canary", "canary\ncanary", "canary\u{7}"] {
        let (shown, result) = setting.run("keys set groq", typed);
        let error = result.unwrap_err();
        assert_eq!((shown.as_str(), error.kind), ("", ErrorKind::Config));
        assert_eq!(error.message, "that can't be a key for provider groq");
        assert!(!format!("{error:?}").contains("canary"), "{error}");
    }
    assert!(!setting.paths.key_file.exists());
}

#[test]
fn unknown_providers_are_refused_before_a_key_is_read() {
    let setting = Setting::new(&[], "");
    let (_, result) = setting.run("keys set grok", "canary");
    insta::assert_snapshot!(result.unwrap_err(), @"
    error: unknown provider `grok`

    hint: did you mean `groq`?
    ");
    let house = Setting::new(&[], &WORK.replace("work]\n", "house]\nkey_env = \"VILLA_KEY\"\n"));
    let (_, result) = house.run("keys set villa", "canary");
    assert_eq!(result.unwrap_err().hints, ["did you mean `house`?"]);
    let (_, result) = setting.run("keys set elsewhere", "canary");
    insta::assert_snapshot!(result.unwrap_err(), @"
    error: unknown provider `elsewhere`

    hint: `pollm keys list --all` lists them; a new one needs a `[providers.elsewhere]` table in the configuration
    ");
    assert!(Cli::try_parse_from(["keys", "set", "groq", "sk-canary"]).is_err(), "no key on the command line");
}
