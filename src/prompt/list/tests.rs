use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;

fn read(extension: &str, bytes: impl AsRef<[u8]>) -> Result<Vec<Item>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(format!("prompts.{extension}"));
    std::fs::write(&path, bytes).unwrap();
    load_list(&path).map_err(|error| {
        let place = format!("{}{}", folder.path().display(), std::path::MAIN_SEPARATOR);
        Error { message: error.message.replace(&place, ""), ..error }
    })
}

fn items(extension: &str, bytes: impl AsRef<[u8]>) -> Vec<(String, String, usize)> {
    read(extension, bytes).unwrap().into_iter().map(|item| (item.id, item.prompt, item.line)).collect()
}

fn item(id: &str, prompt: &str, line: usize) -> (String, String, usize) {
    (id.to_owned(), prompt.to_owned(), line)
}

fn refused(extension: &str, bytes: impl AsRef<[u8]>) -> String {
    read(extension, bytes).unwrap_err().to_string()
}

#[test]
fn lines_of_text() {
    let text = "\u{feff}one\r\n\r\n  two, \"2\" \n \t\nthree";
    assert_eq!(
        items("txt", text),
        [item("1", "one", 1), item("2", "  two, \"2\" ", 3), item("3", "three", 5)]
    );
    let utf16: Vec<u8> = "\u{feff}größe\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(items("TXT", utf16), [item("1", "größe", 1)]);
}

#[test]
fn lines_of_json() {
    let text = "{\"prompt\":\"a\\nb\",\"id\":\"x\",\"tags\":[1]}\r\n\n{\"id\":7,\"prompt\":\"c\"}\n{\"prompt\":\"d\",\"id\":null}\n{\"prompt\":\"e\",\"id\":\" \"}";
    let expected = [item("x", "a\nb", 1), item("7", "c", 3), item("3", "d", 4), item("4", "e", 5)];
    assert_eq!(items("jsonl", text), expected);
}

#[test]
fn rows_of_a_table() {
    let text = "\u{feff}Id,note, prompt \r\na,,\"one, \"\"1\"\"\r\nand more\"\r\n\r\n,x,two\r\n";
    assert_eq!(items("csv", text), [item("a", "one, \"1\"\r\nand more", 2), item("2", "two", 5)]);
    assert_eq!(items("csv", "prompt\nplain\n\"\"\"q\"\"\""), [item("1", "plain", 2), item("2", "\"q\"", 3)]);
    let lone = "prompt\rone\r\r\"two\r\nlines\"\r\nsix\n\reight";
    let expected =
        [item("1", "one", 2), item("2", "two\r\nlines", 4), item("3", "six", 6), item("4", "eight", 8)];
    assert_eq!(items("csv", lone), expected);
}

#[test]
fn faults_name_the_file_and_the_line() {
    let cases: &[(&str, &[u8], &str)] = &[
        ("txt", b"a\nb\n\xff", "prompts.txt:3: this is not UTF-8"),
        ("csv", b"prompt\n\xff", "prompts.csv:2: this is not UTF-8"),
        ("txt", b" \n\n", "`prompts.txt` holds no prompts"),
        ("jsonl", b"", "`prompts.jsonl` holds no prompts"),
        ("csv", b"", "`prompts.csv` holds no prompts"),
        ("csv", b"prompt,id\n", "`prompts.csv` holds no prompts"),
        (
            "jsonl",
            b"{\"prompt\":\"a\"}\n\n{\"prompt\":4}",
            "prompts.jsonl:3: invalid type: integer `4`, expected a string (column 11)",
        ),
        ("jsonl", b"why?", "prompts.jsonl:1: expected value (column 1)"),
        ("jsonl", b"{\"id\":\"a\"}", "prompts.jsonl:1: missing field `prompt` (column 10)"),
        ("jsonl", b"{\"prompt\":\"a\"", "prompts.jsonl:1: EOF while parsing an object (column 13)"),
        ("jsonl", b"{\"prompt\":\" \"}", "prompts.jsonl:1: the prompt is empty"),
        (
            "jsonl",
            b"{\"prompt\":\"a\",\"id\":1.5}",
            "prompts.jsonl:1: `id` is neither a text nor a whole number",
        ),
        (
            "jsonl",
            b"{\"prompt\":\"a\",\"id\":\"2\"}\n{\"prompt\":\"b\"}",
            "prompts.jsonl:2: the id `2` is that of line 1 too",
        ),
        ("csv", b"id,prompt\nx,a\ny,b\nx,c", "prompts.csv:4: the id `x` is that of line 2 too"),
        ("csv", b"id,text\n1,a", "prompts.csv:1: the header has no column `prompt`"),
        ("csv", b"prompt,Prompt\n1,a", "prompts.csv:1: two columns `prompt`"),
        ("csv", b"prompt\na\n\"\"\n", "prompts.csv:3: the prompt is empty"),
    ];
    for (extension, bytes, message) in cases {
        assert_eq!(read(extension, bytes).unwrap_err().message, *message);
    }
}

#[test]
fn faults_of_tables_say_what_helps() {
    insta::assert_snapshot!(refused("csv", "id,prompt\n1,why, oh why\n"), @"
    error: prompts.csv:2: 3 fields where the header has 2

    hint: a prompt with commas stands in quotes
    ");
    insta::assert_snapshot!(refused("csv", "id;prompt\n1;a\n"), @"
    error: prompts.csv:1: the header has no column `prompt`

    hint: columns are separated by commas
    ");
    insta::assert_snapshot!(refused("csv", "prompt\none\n\"two\nthree\nfour\n"), @r#"
    error: prompts.csv:3: a quote is opened and never closed

    hint: a field that holds quotes stands in quotes, and those inside are doubled: "so ""called"""
    "#);
}

#[test]
fn other_files_are_refused() {
    insta::assert_snapshot!(load_list(Path::new("prompts.md")).unwrap_err(), @"
    error: unknown kind of prompts file: `prompts.md`

    hint: `.txt` has one prompt a line, `.jsonl` objects with `prompt` and `id`, `.csv` such columns
    ");
    insta::assert_snapshot!(load_list(Path::new("-")).unwrap_err(), @"
    error: `--prompts` does not read stdin

    hint: `.txt` has one prompt a line, `.jsonl` objects with `prompt` and `id`, `.csv` such columns
    ");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.txt");
    std::fs::create_dir(&path).unwrap();
    assert!(load_list(&path).unwrap_err().message.ends_with("is a folder, not a file"));
    assert!(load_list(&folder.path().join("b.txt")).unwrap_err().message.starts_with("could not read"));
}

#[test]
fn a_hundred_thousand_prompts_are_read() {
    let mut text = String::new();
    for number in 0..100_000 {
        writeln!(text, "{{\"id\":\"p{number}\",\"prompt\":\"what is {number} squared?\"}}").unwrap();
    }
    let items = read("jsonl", text).unwrap();
    assert_eq!((items.len(), items[99_999].line, items[99_999].id.as_str()), (100_000, 100_000, "p99999"));
}

proptest! {
    #[test]
    fn what_is_written_is_read(prompts in prop::collection::vec("[a-z,;\"\n\r\t é漢{}]{0,8}x", 1..6)) {
        let mut json = String::new();
        let mut csv = csv::Writer::from_writer(Vec::new());
        csv.write_record(["note", "prompt"]).unwrap();
        for prompt in &prompts {
            writeln!(json, "{}", serde_json::json!({ "prompt": prompt })).unwrap();
            csv.write_record(["n", prompt]).unwrap();
        }
        let read = |extension: &str, bytes: &[u8]| -> Vec<String> {
            read(extension, bytes).unwrap().into_iter().map(|item| item.prompt).collect()
        };
        prop_assert_eq!(&read("jsonl", json.as_bytes()), &prompts);
        prop_assert_eq!(&read("csv", &csv.into_inner().unwrap()), &prompts);
    }

    #[test]
    fn any_bytes_are_borne(
        extension in prop::sample::select(vec!["txt", "jsonl", "csv"]),
        text in "(prompt,id\n|prompt\r|\u{feff})?[\"a,\\{\\}:\r\n\\\\é]{0,24}",
        tail in prop::collection::vec(any::<u8>(), 0..4),
    ) {
        let bytes = [text.as_bytes(), &tail].concat();
        if let Ok(items) = read(extension, &bytes) {
            prop_assert!(items.iter().all(|item| !item.prompt.trim().is_empty() && item.line >= 1));
            prop_assert!(items.is_sorted_by(|a, b| a.line < b.line));
        }
    }
}
