//! Text files: reading, decoding and fencing.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use super::attachment;
use crate::error::{Error, Result};

/// The most text that one file or stdin may hold, in bytes. Far more than any
/// model's context; it only keeps a mistake from filling memory.
pub(super) const LIMIT: usize = 64 * 1024 * 1024;

/// Reads a text file, as UTF-8 or, with a byte order mark, UTF-16.
///
/// # Errors
/// [`crate::error::ErrorKind::Usage`] where it can't be read, is no text, or
/// is larger than 64 MiB.
pub fn read_text(path: &Path) -> Result<String> {
    let name = path.display().to_string();
    let bytes = read(path, LIMIT)?;
    decode(&name, bytes)
}

/// A file as a section of the prompt.
pub(super) fn load(path: &OsStr) -> Result<String> {
    if let Some(url) = path.to_str().filter(|name| attachment::is_address(name)) {
        return Err(Error::usage(format!("`-f` takes files, and `{url}` is an address"))
            .hint("download it first; `-a` takes the addresses of images, PDFs and audio"));
    }
    let path = Path::new(path);
    Ok(fenced(&path.to_string_lossy(), path.extension(), &read_text(path)?))
}

/// Reads a whole file of at most `limit` bytes. It need not be a regular one:
/// shells hand over pipes (`<(command)`).
pub(super) fn read(path: &Path, limit: usize) -> Result<Vec<u8>> {
    let name = path.display();
    let failed = |error: std::io::Error| Error::usage(format!("could not read `{name}`")).because(&error);
    // Before it is opened, which Windows refuses without saying why.
    if path.is_dir() {
        return Err(Error::usage(format!("`{name}` is a folder, not a file")));
    }
    let mut file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.by_ref().take(limit as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > limit {
        return Err(too_large(&name.to_string(), limit));
    }
    Ok(bytes)
}

/// The error for too many bytes; `limit` is in bytes.
pub(super) fn too_large(name: &str, limit: usize) -> Error {
    Error::usage(format!("`{name}` is too large: the limit is {} MiB", limit / (1024 * 1024)))
}

/// The text in `bytes`, without a byte order mark.
pub(super) fn decode(name: &str, bytes: Vec<u8>) -> Result<String> {
    text(bytes).map_err(|bytes| not_text(name, &bytes))
}

/// Whether the bytes are text that a model can be given as it is.
pub(super) fn is_text(bytes: &[u8]) -> bool {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return text(bytes.to_vec()).is_ok();
    }
    is_utf8_text(bytes) && std::str::from_utf8(bytes).is_ok()
}

/// What sets text apart from other bytes, next to being UTF-8. A PDF is no
/// text even if all of it is ASCII.
fn is_utf8_text(bytes: &[u8]) -> bool {
    !bytes.starts_with(b"%PDF-") && memchr::memchr(0, bytes).is_none()
}

/// The text, or the bytes back where they are none.
fn text(bytes: Vec<u8>) -> Result<String, Vec<u8>> {
    let utf16 = match bytes.as_slice() {
        [0xff, 0xfe, rest @ ..] => Some((rest, u16::from_le_bytes as fn([u8; 2]) -> u16)),
        [0xfe, 0xff, rest @ ..] => Some((rest, u16::from_be_bytes as fn([u8; 2]) -> u16)),
        _ => None,
    };
    if let Some((rest, unit)) = utf16 {
        let (pairs, odd) = rest.as_chunks::<2>();
        let units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
        return match String::from_utf16(&units) {
            Ok(text) if odd.is_empty() && !text.contains('\0') => Ok(text),
            _ => Err(bytes),
        };
    }
    if !is_utf8_text(&bytes) {
        return Err(bytes);
    }
    let mut text = String::from_utf8(bytes).map_err(std::string::FromUtf8Error::into_bytes)?;
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    Ok(text)
}

/// The error for bytes where text was wanted.
fn not_text(name: &str, bytes: &[u8]) -> Error {
    let why = match attachment::looks_like(bytes) {
        Some(mime) => format!("it looks like `{mime}`"),
        None => match std::str::from_utf8(bytes) {
            Ok(_) => "it holds a NUL byte".to_owned(),
            Err(error) => format!("byte {} is not UTF-8", error.valid_up_to()),
        },
    };
    let error = Error::usage(format!("`{name}` is not text: {why}"));
    match attachment::sniff(bytes) {
        Some(_) if name == "stdin" => error.hint("`-a -` attaches it"),
        Some(_) => error.hint(format!("`-a {name}` attaches it")),
        None => error,
    }
}

/// A file's text under its name and between fences that it can't close.
pub(super) fn fenced(name: &str, extension: Option<&OsStr>, text: &str) -> String {
    // A name that holds a newline or a backtick must not pass for structure.
    let name: String = name
        .chars()
        .map(|c| if c.is_control() || c == '`' { char::REPLACEMENT_CHARACTER } else { c })
        .collect();
    let language = extension
        .and_then(OsStr::to_str)
        .filter(|extension| extension.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        .unwrap_or_default();
    let fence = "`".repeat(longest_run(text, b'`').max(2) + 1);
    let newline = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    format!("`{name}`:\n{fence}{language}\n{text}{newline}{fence}")
}

fn longest_run(text: &str, wanted: u8) -> usize {
    text.as_bytes().split(|byte| *byte != wanted).map(<[u8]>::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn extension(text: &str) -> Option<&OsStr> {
        Some(OsStr::new(text))
    }

    #[test]
    fn a_file_stands_under_its_name_between_fences() {
        assert_eq!(fenced("src/a.rs", extension("rs"), "fn a() {}\n"), "`src/a.rs`:\n```rs\nfn a() {}\n```");
        assert_eq!(fenced("notes", None, "no newline"), "`notes`:\n```\nno newline\n```");
        assert_eq!(fenced("empty", None, ""), "`empty`:\n```\n```");
        assert_eq!(fenced("odd.c++", extension("c++"), "x"), "`odd.c++`:\n```\nx\n```");
    }

    #[test]
    fn a_name_can_not_pass_for_structure() {
        assert_eq!(fenced("a\n```", None, "x"), "`a\u{fffd}\u{fffd}\u{fffd}\u{fffd}`:\n```\nx\n```");
    }

    #[test]
    fn a_fence_inside_gets_a_longer_one_around() {
        let inside = "```sh\nls\n```\n`````\n";
        assert_eq!(fenced("a.md", extension("md"), inside), format!("`a.md`:\n``````md\n{inside}``````"));
    }

    #[test]
    fn text_is_utf_8_or_marked_utf_16() {
        assert_eq!(text("grüß\n".into()).unwrap(), "grüß\n");
        assert_eq!(text(b"\xef\xbb\xbfwith a mark".to_vec()).unwrap(), "with a mark");
        assert_eq!(text(b"\xff\xfeh\0i\0".to_vec()).unwrap(), "hi");
        assert_eq!(text(b"\xfe\xff\0h\0i".to_vec()).unwrap(), "hi");
        assert_eq!(text(b"a text about %PDF-1.7".to_vec()).unwrap(), "a text about %PDF-1.7");
        assert!(text(b"\xff\xfeh\0i".to_vec()).is_err());
        assert!(text(b"a\0b".to_vec()).is_err());
        assert!(text(b"caf\xe9".to_vec()).is_err());
        assert!(text(b"%PDF-1.7\nall of it ASCII".to_vec()).is_err());
    }

    #[test]
    fn what_is_no_text_says_what_it_looks_like() {
        let said = |name: &str, bytes: &[u8]| decode(name, bytes.to_vec()).unwrap_err().to_string();
        insta::assert_snapshot!(said("stdin", b"\x89PNG\r\n\x1a\n\0"), @"
        error: `stdin` is not text: it looks like `image/png`

        hint: `-a -` attaches it
        ");
        insta::assert_snapshot!(said("a.pdf", b"%PDF-1.7\n"), @"
        error: `a.pdf` is not text: it looks like `application/pdf`

        hint: `-a a.pdf` attaches it
        ");
        insta::assert_snapshot!(said("a.gz", b"\x1f\x8b\x08\0\0"), @"error: `a.gz` is not text: it looks like `application/gzip`");
        insta::assert_snapshot!(said("a.txt", b"caf\xe9!"), @"error: `a.txt` is not text: byte 3 is not UTF-8");
        insta::assert_snapshot!(said("a.txt", b"a\0b"), @"error: `a.txt` is not text: it holds a NUL byte");
    }

    #[test]
    fn unreadable_files_say_why() {
        let folder = tempfile::tempdir().unwrap();
        let error = read_text(folder.path()).unwrap_err();
        assert_eq!(error.message, format!("`{}` is a folder, not a file", folder.path().display()));
        let missing = folder.path().join("missing");
        let error = read_text(&missing).unwrap_err();
        assert_eq!(error.message, format!("could not read `{}`", missing.display()));
        assert_eq!(error.kind.exit_code(), 2);
        assert_eq!(error.causes.len(), 1);
    }

    #[test]
    fn a_file_may_have_as_many_bytes_as_the_limit_and_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "12345").unwrap();
        assert_eq!(read(&path, 5).unwrap(), b"12345");
        assert!(read(&path, 4).unwrap_err().message.contains("too large"));
    }

    proptest! {
        #[test]
        fn no_text_can_close_its_fence(text in "[`a\n]{0,60}") {
            let section = fenced("x", None, &text);
            let fence = section.lines().nth(1).unwrap();
            prop_assert!(!text.contains(fence));
            prop_assert!(section.ends_with(fence));
        }

        #[test]
        fn any_bytes_are_text_or_come_back(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            prop_assert_eq!(is_text(&bytes), text(bytes.clone()).is_ok());
            match text(bytes.clone()) {
                Ok(text) => prop_assert!(!text.contains('\0')),
                Err(back) => prop_assert_eq!(back, bytes),
            }
        }
    }
}
