#[cfg(unix)]
use std::fs;

use clap::Parser;

use super::*;
use crate::error::ErrorKind;
use crate::paths::BaseDirs;

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    config: ConfigArgs,
}

const BUILT_IN: &[&str] = &["openai", "anthropic", "groq", "azure", "ollama"];

/// A folder with a configuration, or without.
struct Setting {
    dir: tempfile::TempDir,
    paths: Paths,
    env: Env,
}

impl Setting {
    fn new(variables: &[(&str, &str)], config: Option<&str>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let place = [("POLLM_CONFIG_DIR", "c"), ("POLLM_DATA_DIR", "d"), ("POLLM_CACHE_DIR", "k")]
            .map(|(name, folder)| (name, dir.path().join(folder)));
        let paths = Paths::resolve(&Env::new(place), &BaseDirs::default()).unwrap();
        if let Some(config) = config {
            paths::write_private(&paths.config_file, config.as_bytes()).unwrap();
        }
        Self { dir, paths, env: Env::new(variables.iter().copied()) }
    }

    /// What a command wrote to stdout and to stderr with the error that ended
    /// it; the folder's name is cut.
    fn run(&self, line: &str) -> (String, String, Option<ErrorKind>) {
        let args = Cli::try_parse_from(line.split(' ')).unwrap().config;
        let find = |_: Named<'_>| Ok(());
        let context = ConfigContext { paths: &self.paths, env: &self.env, built_in: BUILT_IN, find: &find };
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let error = run(&args, &context, &mut stdout, &mut stderr).err();
        if let Some(error) = &error {
            stderr.extend(error.to_string().into_bytes());
        }
        let shown =
            |bytes| String::from_utf8(bytes).unwrap().replace(&self.dir.path().display().to_string(), "DIR");
        (shown(stdout), shown(stderr), error.map(|error| error.kind))
    }
}

#[cfg(unix)]
#[test]
fn path_prints_one_place() {
    let setting = Setting::new(&[], None);
    for (line, place) in [
        ("config path", "DIR/c/config.toml\n"),
        ("config path config", "DIR/c/config.toml\n"),
        ("config path keys", "DIR/c/keys.toml\n"),
        ("config path ledger", "DIR/d/ledger.db\n"),
        ("config path cache", "DIR/k\n"),
    ] {
        assert_eq!(setting.run(line), (place.to_owned(), String::new(), None));
    }
}

#[test]
fn check_says_ok() {
    let setting = Setting::new(&[], Some("log = true\n"));
    assert_eq!(setting.run("config check"), ("ok\n".to_owned(), String::new(), None));
    let (stdout, stderr, error) = Setting::new(&[], None).run("config check");
    assert_eq!((stdout.as_str(), error), ("ok\n", None));
    assert!(stderr.starts_with("note: there is no DIR"), "{stderr}");
}

#[cfg(unix)]
#[test]
fn check_lists_every_error() {
    let one = Setting::new(&[], Some("default_modle = \"a/b\"\n"));
    let (stdout, stderr, error) = one.run("config check");
    assert_eq!((stdout.as_str(), error), ("", Some(ErrorKind::Config)));
    insta::assert_snapshot!(stderr, @"
    error: unknown key `default_modle` in DIR/c/config.toml, line 1

    hint: did you mean `default_model`?
    ");
    let two = Setting::new(&[], Some("log = 1\n[providers.openai]\nauth = \"\"\n"));
    let (stdout, stderr, error) = two.run("config check");
    assert_eq!((stdout.as_str(), error), ("", Some(ErrorKind::Config)));
    insta::assert_snapshot!(stderr, @"
    error: invalid `log` in DIR/c/config.toml, line 1
      because: expected `true` or `false`, found a whole number

    error: invalid `providers.openai.auth` in DIR/c/config.toml, line 3
      because: it is empty

    error: 2 errors in DIR/c/config.toml
    ");
}

#[cfg(unix)]
const FULL: &str = r#"
default_model = "groq/file"
log = false
timeouts.idle = 2.5
aliases.fast = "groq/x"
sets."a.b" = ["fast", "openai/y"]
budget.day = "5.00"
budget.models."work/house/7b".month = "20"
[providers.work]
protocol = "anthropic"
base_url = "https://${HOST}/v1"
key_env = "WORK_KEY"
key_command = ["sh", "-c", "echo canary"]
auth = "X-Work-Key"
headers = { X-Team = "a \"b\"", CF-Access-Client-Secret = "canary" }
models."house/7b" = { context = 100, input = "0.20", cache_write_1h = "1" }
models.mine.deployment = "gpt-6.1-sol"
"#;

#[cfg(unix)]
#[test]
fn show_prints_what_holds_and_why_but_no_secrets() {
    let variables = [
        ("POLLM_MODEL", "groq/env"),
        ("HOST", "work.example"),
        ("WORK_KEY", "canary"),
        ("OLLAMA_HOST", "0.0.0.0"),
        ("OPENAI_BASE_URL", "canary"),
    ];
    let setting = Setting::new(&variables, Some(FULL));
    let (stdout, stderr, error) = setting.run("config show");
    assert_eq!((stderr.as_str(), error), ("", None));
    insta::assert_snapshot!(stdout, @r#"
    # file: DIR/c/config.toml
    default_model = "groq/env"  # POLLM_MODEL
    log = false  # file
    hide_reasoning = false  # built-in

    [timeouts]
    connect = 10  # built-in
    first_event = 120  # built-in
    idle = 2.5  # file

    [aliases]
    fast = "groq/x"  # file

    [sets]
    "a.b" = ["fast", "openai/y"]  # file

    [budget]
    day = "5"  # file

    [budget.models."work/house/7b"]
    month = "20"  # file

    [providers.ollama]
    base_url = "http://127.0.0.1:11434/v1"  # OLLAMA_HOST

    [providers.openai]
    # base_url: `OPENAI_BASE_URL` is not a usable address

    [providers.work]
    protocol = "anthropic"  # file
    base_url = "https://work.example/v1"  # file
    key_env = ["WORK_KEY"]  # file
    key_command = ["sh"]  # file; 2 arguments not shown
    auth = "x-work-key"  # file

    [providers.work.headers]
    cf-access-client-secret = "[hidden]"  # file
    x-team = 'a "b"'  # file

    [providers.work.models."house/7b"]
    context = 100  # file
    input = "0.2"  # file
    cache_write_1h = "1"  # file

    [providers.work.models.mine]
    deployment = "gpt-6.1-sol"  # file
    "#);
    assert!(Config::parse(&stdout, Path::new("shown.toml"), BUILT_IN).is_ok(), "it can be read again");
}

#[test]
fn show_of_nothing_is_what_is_built_in() {
    let (stdout, stderr, error) = Setting::new(&[], None).run("config show");
    assert_eq!((stderr.as_str(), error), ("", None));
    assert!(stdout.lines().next().unwrap().ends_with("config.toml (missing)"), "{stdout}");
    assert!(stdout.contains("\nlog = true  # built-in\n"), "{stdout}");
}

#[test]
fn the_template_says_nothing_until_its_lines_are_used() {
    let path = Path::new("template.toml");
    assert_eq!(Config::parse(TEMPLATE, path, BUILT_IN), Ok(Config::default()));
    // Sentences have a blank behind the `#`, settings have none.
    let used: String = TEMPLATE
        .lines()
        .map(|line| line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line))
        .map(|line| format!("{line}\n"))
        .collect();
    let config = Config::parse(&used, path, BUILT_IN).unwrap();
    let model = &config.providers["work"].models["house-7b"];
    assert!(model.prices.fields().iter().all(|(_, price)| price.is_some()), "every price is in the template");
    assert_eq!(config.timeouts.idle, Some(crate::config::Timeouts::default().idle()));
    assert_eq!(config.providers["azure"].models["my-deployment"].deployment.as_deref(), Some("gpt-6.1-sol"));
}

#[cfg(unix)]
#[test]
fn edit_begins_with_the_template_and_checks_what_was_saved() {
    // Reads the template, then saves what the test wants, as an editor would.
    let editor = |add: &str| format!("sh -c 'printf \"{add}\" >> \"$1\"' 'an editor'");
    let good = editor("log = false\\n");
    let setting = Setting::new(&[("VISUAL", &good)], None);
    assert_eq!(setting.run("config edit"), (String::new(), String::new(), None));
    let saved = fs::read_to_string(&setting.paths.config_file).unwrap();
    assert_eq!(saved, format!("{TEMPLATE}log = false\n"));
    assert_eq!(setting.run("config edit").2, Some(ErrorKind::Config), "now it is there twice");

    let bad = editor("lgo = false\\n");
    let setting = Setting::new(&[("EDITOR", &bad)], Some(""));
    let (stdout, stderr, error) = setting.run("config edit");
    assert_eq!((stdout.as_str(), error), ("", Some(ErrorKind::Config)));
    insta::assert_snapshot!(stderr, @"
    error: unknown key `lgo` in DIR/c/config.toml, line 1

    hint: did you mean `log`?
    hint: the file is saved; run `pollm config edit` to mend it
    ");
}

#[cfg(unix)]
#[test]
fn an_editor_that_fails_is_named() {
    let (_, stderr, error) = Setting::new(&[("EDITOR", "false")], Some("")).run("config edit");
    assert_eq!(error, Some(ErrorKind::Failed));
    insta::assert_snapshot!(stderr, @"
    error: the editor `false` failed
      because: exit status: 1

    hint: set `VISUAL` or `EDITOR` to another one
    ");
}

#[test]
fn help_names_the_environment() {
    let error = Cli::try_parse_from(["config", "--help"]).err().unwrap();
    let help = error.to_string();
    assert!(help.contains("POLLM_CONFIG_DIR") && help.contains("config.toml"), "{help}");
}
