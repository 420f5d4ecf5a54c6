//! What the user got wrong: one clear error each, and nothing is sent.

use insta::assert_snapshot;

use crate::support::lab::row;
use crate::support::streams::openai_chunks;
use crate::support::{CommandOutput, Env, Lab, Script, Server};

/// Runs `ask` where any request would be answered, and asserts that none came.
#[track_caller]
fn refused(args: &[&str]) -> CommandOutput {
    let lab = Lab::always(Script::sse(openai_chunks(&["never"])));
    lab.env.write("picture.txt", "just text");
    lab.env.write("program", b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\xb7\0");
    let output = lab.ask(args).run();
    assert_eq!((lab.server.connections(), lab.ledger().len()), (0, 0), "{output}");
    assert_eq!(output.stdout, "", "{output}");
    output
}

#[test]
fn an_unknown_model() {
    let env = Env::new();
    let output = env.pollm(["ask", "-m", "claud-opus-5-5", "hello"]).run();
    assert_snapshot!(output, @r"
        ------- stderr -------
        error: unknown model `claud-opus-5-5`

        hint: did you mean `anthropic/claude-opus-5-5`, `azure/claude-opus-5-5`, `venice/claude-opus-5-5`, `opencode/claude-opus-5-5`?
        [exit status: 2]
    ");
    let output = env.pollm(["ask", "-m", "antropic/claude-opus-5-5", "hello"]).run();
    assert_snapshot!(output, @r"
        ------- stderr -------
        error: unknown provider `antropic` in `antropic/claude-opus-5-5`

        hint: did you mean `anthropic/claude-opus-5-5`, `anthropic/claude-opus-4-5`, `perplexity/anthropic/claude-opus-4-5`, `amazon-bedrock/anthropic.claude-opus-5-5`?
        [exit status: 2]
    ");
}

#[test]
fn an_unknown_provider_with_a_model_that_nobody_knows() {
    let output = Env::new().pollm(["ask", "-m", "opnai/our-own-model", "hello"]).run().exited(2);
    assert!(output.stderr.ends_with("\nhint: did you mean `openai/our-own-model`?\n"), "{output}");
}

#[test]
fn aliases_that_go_round_in_a_circle() {
    let env = Env::new();
    env.configure("[aliases]\nfirst = \"second\"\nsecond = \"first\"\n");
    let output = env.pollm(["ask", "-m", "first", "hello"]).run().exited(2);
    assert_eq!(output.stderr, "error: the alias `first` leads back to itself\n");
}

#[test]
fn an_ambiguous_id() {
    let (env, server) = (Env::new(), Server::always(Script::sse(openai_chunks(&["never"]))));
    let rows = ["first", "second"].map(|name| row(name, "openai-chat", &server.url()));
    env.configure(&rows.concat());
    let output = env.pollm(["ask", "-m", "one", "hello"]).env("LAB_KEY", "k").run();
    assert_snapshot!(output, @r"
        ------- stderr -------
        error: `one` is offered by several providers

        hint: name the provider: `first/one`, `second/one`
        [exit status: 2]
    ");
    assert_eq!(server.connections(), 0);
}

#[test]
fn no_key() {
    let lab = Lab::always(Script::sse(openai_chunks(&["never"])));
    assert_snapshot!(lab.env.pollm(["ask", "-m", "lab/one", "hello"]).run(), @r"
        ------- stderr -------
        error: no API key for provider lab

        hint: set `LAB_KEY`, or run `pollm keys set lab`
        [exit status: 5]
    ");
    assert_snapshot!(lab.env.pollm(["ask", "-m", "openai/gpt-6.1-sol", "hello"]).run(), @r"
        ------- stderr -------
        error: no API key for provider openai

        hint: set `OPENAI_API_KEY`, or run `pollm keys set openai`
        [exit status: 5]
    ");
    assert_eq!(lab.server.connections(), 0);
}

#[test]
fn an_unknown_key_of_the_configuration() {
    let lab = Lab::always(Script::sse(openai_chunks(&["never"])));
    lab.configure("# A comment.\ndefault_modle = \"lab/one\"");
    assert_snapshot!(lab.ask(&["hello"]).run(), @r"
        ------- stderr -------
        error: unknown key `default_modle` in $ENV/config/pollm/config.toml, line 2

        hint: did you mean `default_model`?
        [exit status: 5]
    ");
    lab.env.configure("default_model = \"lab/one");
    assert_snapshot!(lab.ask(&["hello"]).run(), @r#"
        ------- stderr -------
        error: invalid TOML in $ENV/config/pollm/config.toml, line 1
          because: invalid basic string, expected `"`
        [exit status: 5]
    "#);
    assert_eq!(lab.server.connections(), 0);
}

#[test]
fn attachments_that_are_none() {
    assert_snapshot!(refused(&["-a", "absent.png", "hello"]), @r"
        ------- stderr -------
        error: could not read `absent.png`
          because: No such file or directory (os error N)
        [exit status: 2]
    ");
    assert_snapshot!(refused(&["-a", "picture.txt", "hello"]), @r"
        ------- stderr -------
        error: `picture.txt` is text, which is not attached

        hint: `-f picture.txt` puts it into the prompt
        [exit status: 2]
    ");
    assert_snapshot!(refused(&["-a", "program", "hello"]), @r"
        ------- stderr -------
        error: `program` can't be attached: it is of an unknown kind

        hint: attachments are images (PNG, JPEG, GIF, WebP), PDFs and audio (WAV, MP3, FLAC, Ogg, M4A, AAC, AIFF)
        [exit status: 2]
    ");
    assert_snapshot!(refused(&["-f", "program", "hello"]), @r"
        ------- stderr -------
        error: `program` is not text: byte 18 is not UTF-8
        [exit status: 2]
    ");
    assert_snapshot!(refused(&["-s", "@absent.txt", "hello"]), @r"
        ------- stderr -------
        error: could not read `absent.txt`
          because: No such file or directory (os error N)
        [exit status: 2]
    ");
}

#[test]
fn binary_on_stdin() {
    let lab = Lab::always(Script::sse(openai_chunks(&["never"])));
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01";
    assert_snapshot!(lab.ask(&["what is it?"]).stdin(png.as_slice()).run(), @r"
        ------- stderr -------
        error: `stdin` is not text: it looks like `image/png`

        hint: `-a -` attaches it
        [exit status: 2]
    ");
    assert_eq!(lab.server.connections(), 0);
}

#[test]
fn an_empty_prompt() {
    assert_snapshot!(refused(&[]), @r#"
        ------- stderr -------
        error: the prompt is empty

        hint: write it at the end of the command line, in quotes, or pipe it in
        [exit status: 2]
    "#);
    assert_snapshot!(refused(&["  "]), @r#"
        ------- stderr -------
        error: the prompt is empty

        hint: write it at the end of the command line, in quotes, or pipe it in
        [exit status: 2]
    "#);
    let lab = Lab::always(Script::sse(openai_chunks(&["never"])));
    assert_eq!(lab.ask(&[]).stdin("\n\n").run().code, Some(2));
    assert_eq!(lab.server.connections(), 0);
}

#[test]
fn options_that_are_none() {
    assert_snapshot!(refused(&["-o", "top_k", "hello"]), @r"
        ------- stderr -------
        error: invalid value 'top_k' for '--option <KEY=VALUE>': expected KEY=VALUE

        For more information, try '--help'.
        [exit status: 2]
    ");
    assert_snapshot!(refused(&["-o", "a={\"b\":", "hello"]), @r#"
        ------- stderr -------
        error: invalid value 'a={"b":' for '--option <KEY=VALUE>': invalid JSON: EOF while parsing a value at line 1 column 5

        For more information, try '--help'.
        [exit status: 2]
    "#);
    assert_snapshot!(refused(&["--temperature", "warm", "hello"]), @r"
        ------- stderr -------
        error: invalid value 'warm' for '--temperature <N>': expected a number of 0 or more

        For more information, try '--help'.
        [exit status: 2]
    ");
    assert_snapshot!(refused(&["--effort", "huge", "hello"]), @r"
        ------- stderr -------
        error: invalid value 'huge' for '--effort <LEVEL>': expected none, minimal, low, medium, high, xhigh, max or a number of tokens

        For more information, try '--help'.
        [exit status: 2]
    ");
    assert_snapshot!(refused(&["-m", "lab/one@temperature=warm", "hello"]), @r"
        ------- stderr -------
        error: `lab/one@temperature=warm`: invalid `@temperature=warm`: expected a number of 0 or more
        [exit status: 2]
    ");
    assert_snapshot!(refused(&["--timeout", "0", "hello"]), @r#"
        ------- stderr -------
        error: invalid value '0' for '--timeout <SECONDS>': expected more than 0

        For more information, try '--help'.
        [exit status: 2]
    "#);
}

#[test]
fn schemas_that_are_none() {
    assert_snapshot!(refused(&["--schema", "{\"type\":", "hello"]), @r"
        ------- stderr -------
        error: invalid JSON Schema
          because: EOF while parsing a value at line 1 column 8
        [exit status: 2]
    ");
    assert_snapshot!(refused(&["--schema", "{\"type\":\"strnig\"}", "hello"]), @r#"
        ------- stderr -------
        error: invalid JSON Schema
          because: at `/type`: none of the alternatives fits: expected one of ["array","boolean","integer","null","number","object","string"]; expected array, found "strnig"
        [exit status: 2]
    "#);
    assert_snapshot!(refused(&["--schema", "absent.json", "hello"]), @r"
        ------- stderr -------
        error: could not read `absent.json`
          because: No such file or directory (os error N)
        [exit status: 2]
    ");
}

#[test]
fn conversations_that_are_none() {
    assert_snapshot!(refused(&["-c", "hello"]), @r"
        ------- stderr -------
        error: there is no conversation to go on with

        hint: ask something first; calls with `--no-log` are not kept
        [exit status: 2]
    ");
    assert_snapshot!(refused(&["--conversation", "01ABCDEF", "hello"]), @r"
        ------- stderr -------
        error: there is no conversation `01ABCDEF` in the history

        hint: `pollm history` lists the calls and their conversations
        [exit status: 2]
    ");
}

#[test]
fn a_name_that_is_no_model() {
    let env = Env::new();
    env.configure("[sets]\ndaily = [\"openai/gpt-6.1-sol\", \"anthropic/claude-opus-5-5\"]\n");
    for (name, message, hint) in [
        ("openai", "`openai` names no model", "`openai` is a provider: name a model of it"),
        ("openai/", "`openai` names no model", "`pollm models --provider openai` lists them"),
        ("nobody/", "unknown provider `nobody` in `nobody/`", "`pollm models providers` lists them"),
        ("daily", "`daily` is a set, not a model", "`pollm compare --set daily` asks all of its models"),
        ("openai/gpt-6.1-sol,", "the name of a model is empty", ""),
    ] {
        let output = env.pollm(["ask", "-m", name, "hello"]).run().exited(2);
        assert!(output.stderr.contains(message) && output.stderr.contains(hint), "{output}");
    }
}

#[test]
fn a_number_that_is_out_of_range() {
    for (args, said) in [
        (["--temperature", "-1"], "expected a number of 0 or more"),
        (["--max-tokens", "-5"], "expected a whole number of 1 or more"),
        (["--max-cost", "-1"], "expected a plain amount of USD"),
        (["--timeout", "0"], "expected more than 0"),
        (["--timeout", "-2"], "expected seconds, such as `90`"),
        (["--max-wait", "soon"], "expected seconds, such as `90`"),
        (["--retries", "-1"], "expected a whole number of 0 or more"),
        (["--retries", "two"], "expected a whole number of 0 or more"),
        (["--stop", ""], "expected a text that is not empty"),
    ] {
        let output = refused(&[args[0], args[1], "hello"]);
        assert!(output.stderr.contains("invalid value") && output.stderr.contains(said), "{output}");
    }
}

#[test]
fn a_command_that_was_left_out() {
    let env = Env::new();
    let word = env.pollm(["hello"]).run().exited(2);
    assert!(word.stderr.contains("hint: a prompt of one word needs the command: `pollm ask WORD`"), "{word}");
    let option = env.pollm(["-m", "openai/gpt-6.1-sol", "hello"]).run().exited(2);
    assert!(option.stderr.contains("hint: options of a command stand behind it"), "{option}");
    let letters = env.pollm(["aks", "hello"]).run().exited(2);
    assert!(letters.stderr.contains("a similar subcommand exists: 'ask'"), "{letters}");
    let below = env.pollm(["-q", "cost", "budget", "ste"]).run().exited(2);
    assert!(below.stderr.contains("a similar subcommand exists: 'set'"), "{below}");
    let other = env.pollm(["keys", "lst"]).run().exited(2);
    assert!(!other.stderr.contains("hint"), "{other}");
}
