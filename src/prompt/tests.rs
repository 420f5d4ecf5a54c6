use std::io;

use super::*;
use crate::chat::{Media, MediaSource};

struct Given {
    kind: Stdin,
    bytes: &'static [u8],
    /// Whether the pipe stays silent for long before the bytes come.
    silent: bool,
    reads: u32,
}

impl StdinSource for Given {
    fn kind(&self) -> Stdin {
        self.kind
    }

    fn read(&mut self, limit: usize, silent: &mut dyn FnMut()) -> io::Result<Vec<u8>> {
        self.reads += 1;
        if self.silent {
            silent();
        }
        assert!(limit >= 1024 * 1024);
        Ok(self.bytes.to_vec())
    }
}

fn pipe(text: &'static str) -> Given {
    Given { kind: Stdin::Readable, bytes: text.as_bytes(), silent: false, reads: 0 }
}

fn terminal(typed: &'static str) -> Given {
    Given { kind: Stdin::Terminal, ..pipe(typed) }
}

fn words(words: &[&str]) -> PromptArgs {
    PromptArgs { words: words.iter().map(|word| (*word).to_owned()).collect(), ..PromptArgs::default() }
}

fn no_notice(text: &str) {
    panic!("a notice was given: {text}");
}

fn text_of(args: &PromptArgs, stdin: &mut Given) -> Result<String> {
    let prompt = assemble(args, stdin, &mut no_notice)?;
    match prompt.parts.as_slice() {
        [Part::Text(text)] => Ok(text.clone()),
        other => panic!("more than a text: {other:?}"),
    }
}

fn error_of(args: &PromptArgs, stdin: &mut Given) -> String {
    text_of(args, stdin).unwrap_err().to_string()
}

#[test]
fn arguments_are_joined_by_spaces() {
    assert_eq!(text_of(&words(&["why", "is  the", "sky?"]), &mut terminal("")).unwrap(), "why is  the sky?");
}

#[test]
fn a_pipe_comes_first_without_its_last_newlines() {
    let text = text_of(&words(&["sum", "up"]), &mut pipe("\n a\n\nb\r\n\n")).unwrap();
    assert_eq!(text, "\n a\n\nb\n\nsum up");
}

#[test]
fn a_pipe_alone_is_a_prompt() {
    assert_eq!(text_of(&words(&[]), &mut pipe("hello\n")).unwrap(), "hello");
}

#[test]
fn an_empty_pipe_adds_nothing() {
    assert_eq!(text_of(&words(&["hi"]), &mut pipe(" \n")).unwrap(), "hi");
}

#[test]
fn the_placeholder_puts_stdin_anywhere_any_number_of_times() {
    let args = words(&["<a>{stdin}</a>", "{stdin}?"]);
    assert_eq!(text_of(&args, &mut pipe("x {stdin}\n")).unwrap(), "<a>x {stdin}</a> x {stdin}?");
}

#[test]
fn the_placeholder_needs_a_pipe_with_something_in_it() {
    insta::assert_snapshot!(error_of(&words(&["{stdin}"]), &mut terminal("typed")), @"
    error: `{stdin}` is in the prompt, but stdin is a terminal

    hint: pipe something in, or add `-` to read stdin all the same
    ");
    let mut null = Given { kind: Stdin::Ignored, ..pipe("") };
    assert!(error_of(&words(&["{stdin}"]), &mut null).contains("stdin is neither a pipe nor a file"));
    assert_eq!(
        error_of(&words(&["{stdin}"]), &mut pipe("\n")),
        "error: stdin is empty, but the command asks for it"
    );
}

#[test]
fn what_is_no_pipe_is_left_alone() {
    for kind in [Stdin::Terminal, Stdin::Ignored] {
        let mut stdin = Given { kind, ..pipe("not for pollm") };
        assert_eq!(text_of(&words(&["hi"]), &mut stdin).unwrap(), "hi");
        assert_eq!(stdin.reads, 0);
    }
}

#[test]
fn a_dash_at_either_end_reads_whatever_stdin_is() {
    for args in [words(&["-", "sum up"]), words(&["sum up", "-"])] {
        assert_eq!(text_of(&args, &mut terminal("typed\n")).unwrap(), "typed\n\nsum up");
    }
    assert_eq!(text_of(&words(&["-"]), &mut terminal("typed")).unwrap(), "typed");
    assert_eq!(text_of(&words(&["-", "<{stdin}>"]), &mut terminal("typed")).unwrap(), "<typed>");
    assert_eq!(text_of(&words(&["compute", "3", "-", "2"]), &mut terminal("")).unwrap(), "compute 3 - 2");
}

#[test]
fn no_stdin_ignores_a_pipe() {
    let mut stdin = pipe("ignored");
    let args = PromptArgs { no_stdin: true, ..words(&["hi"]) };
    assert_eq!(text_of(&args, &mut stdin).unwrap(), "hi");
    assert_eq!(stdin.reads, 0);
    let args = PromptArgs { no_stdin: true, ..words(&["-"]) };
    assert_eq!(error_of(&args, &mut stdin), "error: `-` asks for stdin, but `--no-stdin` ignores it");
}

#[test]
fn an_empty_prompt_is_a_usage_error() {
    for (args, mut stdin) in
        [(words(&[]), terminal("")), (words(&[" ", "\n"]), terminal("")), (words(&[]), pipe(" \n\t\n"))]
    {
        let error = text_of(&args, &mut stdin).unwrap_err();
        assert_eq!((error.message.as_str(), error.kind.exit_code()), ("the prompt is empty", 2));
    }
}

#[test]
fn stdin_can_be_used_once() {
    let dash = || vec!["-".into()];
    let cases = [
        (PromptArgs { files: dash(), ..words(&["-"]) }, "`-f -` and `-`"),
        (PromptArgs { files: dash(), ..words(&["{stdin}"]) }, "`-f -` and `{stdin}`"),
        (PromptArgs { files: dash(), attach: dash(), ..words(&["x"]) }, "`-a -` and `-f -`"),
        (PromptArgs { files: vec!["-".into(), "-".into()], ..words(&["x"]) }, "`-f -` and `-f -`"),
        (PromptArgs { system: Some("@-".into()), attach: dash(), ..words(&["x"]) }, "`-s @-` and `-a -`"),
    ];
    for (args, both) in cases {
        let mut stdin = pipe("x");
        let error = error_of(&args, &mut stdin);
        assert_eq!(error, format!("error: stdin can be read only once, but both {both} ask for it"));
        assert_eq!(stdin.reads, 0);
    }
}

#[test]
fn files_come_before_stdin_and_the_question_last() {
    let folder = tempfile::tempdir().unwrap();
    let (code, notes) = (folder.path().join("a.rs"), folder.path().join("notes"));
    std::fs::write(&code, "fn a() {}\n").unwrap();
    std::fs::write(&notes, "```").unwrap();
    let args = PromptArgs { files: vec![code.clone().into(), notes.clone().into()], ..words(&["why?"]) };
    let expected = format!(
        "`{}`:\n```rs\nfn a() {{}}\n```\n\n`{}`:\n````\n```\n````\n\npiped\n\nwhy?",
        code.display(),
        notes.display()
    );
    assert_eq!(text_of(&args, &mut pipe("piped\n")).unwrap(), expected);
}

#[test]
fn stdin_can_be_a_file_of_the_prompt() {
    let args = PromptArgs { files: vec!["-".into()], ..words(&["why?"]) };
    assert_eq!(text_of(&args, &mut terminal("x\n")).unwrap(), "`stdin`:\n```\nx\n```\n\nwhy?");
}

#[test]
fn attachments_come_before_the_text_and_can_stand_alone() {
    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    let mut stdin = Given { bytes: PNG, ..pipe("") };
    let args =
        PromptArgs { attach: vec!["-".into(), "https://example.com/b.pdf".into()], ..words(&["what?"]) };
    let prompt = assemble(&args, &mut stdin, &mut no_notice).unwrap();
    let [Part::Media(Media { mime, name, source, .. }), Part::Media(pdf), Part::Text(text)] =
        &prompt.parts[..]
    else {
        panic!("unexpected parts: {:?}", prompt.parts);
    };
    assert_eq!((mime.as_str(), name.as_str(), text.as_str()), ("image/png", "stdin", "what?"));
    assert_eq!(*source, MediaSource::Bytes(PNG.into()));
    assert_eq!(pdf.name, "b.pdf");

    let args = PromptArgs { words: vec![], ..args };
    assert_eq!(assemble(&args, &mut stdin, &mut no_notice).unwrap().parts.len(), 2);
}

#[test]
fn binary_stdin_is_an_error_and_not_a_prompt() {
    let mut stdin = Given { bytes: b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", ..pipe("") };
    insta::assert_snapshot!(error_of(&words(&["what is this?"]), &mut stdin), @"
    error: `stdin` is not text: it looks like `image/png`

    hint: `-a -` attaches it
    ");
}

#[test]
fn too_much_on_stdin_is_an_error() {
    let much: &'static [u8] = vec![b'x'; file::LIMIT + 1].leak();
    let mut stdin = Given { bytes: much, ..pipe("") };
    assert_eq!(error_of(&words(&[]), &mut stdin), "error: `stdin` is too large: the limit is 64 MiB");
}

#[test]
fn a_failing_stdin_is_no_usage_error() {
    struct Broken;
    impl StdinSource for Broken {
        fn kind(&self) -> Stdin {
            Stdin::Readable
        }
        fn read(&mut self, _: usize, _: &mut dyn FnMut()) -> io::Result<Vec<u8>> {
            Err(io::Error::other("gone"))
        }
    }
    let error = assemble(&words(&["hi"]), &mut Broken, &mut no_notice).unwrap_err();
    assert_eq!((error.kind.exit_code(), error.causes.as_slice()), (1, ["gone".to_owned()].as_slice()));
}

#[test]
fn a_silent_pipe_gets_a_notice_unless_it_was_asked_for() {
    let mut notices = Vec::new();
    let mut stdin = Given { silent: true, ..pipe("late") };
    let mut notice = |text: &str| notices.push(text.to_owned());
    assemble(&words(&["hi"]), &mut stdin, &mut notice).unwrap();
    assemble(&words(&["-", "hi"]), &mut stdin, &mut notice).unwrap();
    assert_eq!(notices, [STDIN_NOTICE]);
}

#[test]
fn a_system_prompt_is_a_text_or_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("system.txt");
    std::fs::write(&path, "be brief\n").unwrap();
    let system = |text: &str| {
        let args = PromptArgs { system: Some(text.to_owned()), ..words(&["hi"]) };
        assemble(&args, &mut terminal("typed\n"), &mut no_notice).map(|prompt| prompt.system)
    };
    assert_eq!(system("be kind").unwrap().as_deref(), Some("be kind"));
    assert_eq!(system("@@ann").unwrap().as_deref(), Some("@ann"));
    assert_eq!(system(&format!("@{}", path.display())).unwrap().as_deref(), Some("be brief"));
    assert_eq!(system("@-").unwrap().as_deref(), Some("typed"));
    assert_eq!(system(" \n").unwrap(), None);
    assert_eq!(system("@").unwrap_err().message, "`-s @` names no file");
    assert!(system("@missing-file").unwrap_err().message.contains("could not read `missing-file`"));
}

#[test]
fn an_address_is_no_file() {
    let args = PromptArgs { files: vec!["https://example.com/a.txt".into()], ..words(&["x"]) };
    assert!(error_of(&args, &mut terminal("")).starts_with("error: `-f` takes files"));
}
