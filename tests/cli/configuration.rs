//! `config check`: names that mean nothing are found before they are needed.

use insta::assert_snapshot;

use crate::support::Env;

#[test]
fn every_name_is_looked_up_as_a_call_would() {
    let env = Env::new();
    env.configure(
        "default_model = \"openai/gpt-6.1-sol\"\n\
         [aliases]\nfast = \"claud-opus-5-5\"\nmine = \"openai/any-id-at-all\"\nround = \"round\"\n\
         [sets]\ndaily = [\n  \"fast-route\",\n  \"mine@effort=high\",\n  \"mine@temperature=hot\",\n]\n\
         [routes.fast-route]\npolicy = \"cheapest\"\nmodels = [\"opnai/gpt-6.1-sol\"]\nexcept = [\"grok\"]\n",
    );
    let output = env.pollm(["config", "check"]).run();
    assert_snapshot!(output, @r#"
        ------- stderr -------
        error: invalid `aliases.fast` in $ENV/config/pollm/config.toml, line 3
          because: unknown model `claud-opus-5-5`

        hint: did you mean `anthropic/claude-opus-5-5`, `azure/claude-opus-5-5`, `venice/claude-opus-5-5`, `opencode/claude-opus-5-5`?

        error: invalid `aliases.round` in $ENV/config/pollm/config.toml, line 5
          because: the alias `round` leads back to itself

        error: invalid `sets.daily[0]` in $ENV/config/pollm/config.toml, line 8
          because: route `fast-route`: unknown provider `opnai` in `opnai/gpt-6.1-sol`

        hint: did you mean `openai/gpt-6.1-sol`, `openrouter/openai/gpt-6.1-sol`, `vercel/openai/gpt-6.1-sol`, `openai/gpt-6.2-sol`?

        error: invalid `sets.daily[2]` in $ENV/config/pollm/config.toml, line 10
          because: `mine@temperature=hot`: invalid `@temperature=hot`: expected a number of 0 or more

        error: invalid `routes.fast-route.models[0]` in $ENV/config/pollm/config.toml, line 14
          because: unknown provider `opnai` in `opnai/gpt-6.1-sol`

        hint: did you mean `openai/gpt-6.1-sol`, `openrouter/openai/gpt-6.1-sol`, `vercel/openai/gpt-6.1-sol`, `openai/gpt-6.2-sol`?

        error: 5 errors in $ENV/config/pollm/config.toml
        [exit status: 5]
    "#);
    // What is broken there does not keep anyone from asking something else.
    let _ = env.pollm(["ask", "-m", "mine", "--dry-run", "hello"]).run().success();
}

#[test]
fn what_the_environment_or_the_file_names_is_told() {
    let env = Env::new();
    env.configure("default_model = \"nonsense\"\n");
    let output = env.pollm(["ask", "hello"]).run();
    assert_snapshot!(output, @r#"
        ------- stderr -------
        error: unknown model `nonsense`
          because: `default_model` of the configuration names it

        hint: `pollm models` lists what can be asked now, `pollm models --all TERM` looks through all
        [exit status: 2]
    "#);
    let output = env.pollm(["ask", "hello"]).env("POLLM_MODEL", "gpt-6.1-slo").run().exited(2);
    assert!(output.stderr.contains("because: `POLLM_MODEL` names it\n"), "{output}");
    let output = env.pollm(["ask", "-m", "nonsense", "hello"]).run().exited(2);
    assert!(!output.stderr.contains("names it"), "{output}");
}

#[test]
fn a_key_is_stored_without_a_word_where_none_is_wanted() {
    let env = Env::new();
    let output = env.pollm(["-q", "keys", "set", "groq"]).stdin("gsk_never_seen").run().success();
    assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("", ""));
    assert_eq!(env.pollm(["keys", "list"]).run().success().stdout, "groq  key file\n");
}

#[test]
fn a_configuration_is_shown_with_where_each_value_is_from() {
    let env = Env::new();
    env.configure(
        "[providers.lab]\nprotocol = \"openai-chat\"\nbase_url = \"http://127.0.0.1:1/v1\"\nauth = \"none\"\n\
         [providers.bear]\nprotocol = \"openai-chat\"\nbase_url = \"http://127.0.0.1:2/v1\"\nauth = \"bearer\"\n\
         [budget.providers.lab]\nday = \"5\"\n\
         [routes.r]\npolicy = \"cheapest\"\nmax_price = \"3.50\"\nproviders = [\"lab\"]\nexcept = [\"openai\", \"groq\"]\n",
    );
    let shown = env.pollm(["config", "show"]).env("OPENAI_BASE_URL", "nonsense").run().success().stdout;
    assert_snapshot!(shown[shown.find("[budget").unwrap()..], @r#"
    [budget.providers.lab]
    day = "5"  # file

    [routes.r]
    policy = "cheapest"  # file
    max_price = "3.5"  # file
    providers = ["lab"]  # file
    except = ["openai", "groq"]  # file
    explore = 0.05  # built-in
    half_life_hours = 72  # built-in
    weights = { cost = 1, speed = 1, best = 1 }  # built-in

    [providers.bear]
    protocol = "openai-chat"  # file
    base_url = "http://127.0.0.1:2/v1"  # file
    auth = "bearer"  # file

    [providers.lab]
    protocol = "openai-chat"  # file
    base_url = "http://127.0.0.1:1/v1"  # file
    auth = "none"  # file

    [providers.openai]
    # base_url: `OPENAI_BASE_URL` is not a usable address
    "#);
}

/// A bare name is a file of the folder one is in.
#[test]
fn a_cap_is_written_into_the_file_that_is_named() {
    let env = Env::new();
    env.write("mine.toml", "log = false # no\n");
    let set = env.pollm(["cost", "budget", "set", "day", "5"]).env("POLLM_CONFIG", "mine.toml").run();
    assert_eq!(set.success().stderr, "set `budget.day` to $5.00 in mine.toml\n");
    let text = std::fs::read_to_string(env.root().join("work/mine.toml")).unwrap();
    assert_eq!(text, "log = false # no\n\n[budget]\nday = \"5.00\"\n");
}

#[test]
fn a_key_file_that_is_none_is_named() {
    let env = Env::new();
    env.configure("");
    let file = env.root().join("config/pollm/keys.toml");
    std::fs::write(&file, format!("# {}\n", "x".repeat(1 << 20))).unwrap();
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    assert_snapshot!(env.pollm(["keys", "list"]).run(), @"
    ------- stderr -------
    error: the key file $ENV/config/pollm/keys.toml can't be read
      because: it is larger than 1 MiB
    [exit status: 5]
    ");
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    assert_snapshot!(env.pollm(["keys", "set", "groq"]).stdin("gsk_never_seen").run(), @"
    ------- stderr -------
    error: the key file $ENV/config/pollm/keys.toml can't be read
      because: Is a directory (os error N)
    [exit status: 5]
    ");
}
