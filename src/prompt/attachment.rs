//! Attachments: images, PDFs and audio, told apart by their content.

use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;

use super::file;
use crate::chat::{Media, MediaKind, MediaSource};
use crate::error::{Error, Result};

/// The most bytes that one attachment may have. No provider takes more inside
/// a request, and base64 makes a third more of it.
pub(super) const LIMIT: usize = 50 * 1024 * 1024;

/// What can be attached: MIME type, kind, and extensions that addresses use.
/// The types are those registered at IANA, or the usual one where there is none.
const TYPES: [(&str, MediaKind, &[&str]); 12] = [
    ("image/png", MediaKind::Image, &["png"]),
    ("image/jpeg", MediaKind::Image, &["jpg", "jpeg"]),
    ("image/gif", MediaKind::Image, &["gif"]),
    ("image/webp", MediaKind::Image, &["webp"]),
    ("application/pdf", MediaKind::Pdf, &["pdf"]),
    ("audio/wav", MediaKind::Audio, &["wav"]),
    ("audio/mpeg", MediaKind::Audio, &["mp3"]),
    ("audio/flac", MediaKind::Audio, &["flac"]),
    ("audio/ogg", MediaKind::Audio, &["ogg", "oga", "opus"]),
    ("audio/mp4", MediaKind::Audio, &["m4a"]),
    ("audio/aac", MediaKind::Audio, &["aac"]),
    ("audio/aiff", MediaKind::Audio, &["aif", "aiff"]),
];

/// What `-a` takes, for messages.
const TAKEN: &str = "attachments are images (PNG, JPEG, GIF, WebP), PDFs and audio \
                     (WAV, MP3, FLAC, Ogg, M4A, AAC, AIFF)";

/// Reads an attachment, or takes an address as it is.
pub(super) fn load(name: &OsStr) -> Result<Media> {
    if let Some(url) = name.to_str().filter(|name| is_address(name)) {
        return from_url(url);
    }
    let path = Path::new(name);
    let shown = path.display().to_string();
    let bytes = file::read(path, LIMIT)?;
    let base = path.file_name().map_or_else(|| shown.clone(), |base| base.to_string_lossy().into_owned());
    Ok(Media { name: base, ..from_bytes(&shown, bytes.into())? })
}

/// An attachment of these bytes; `name` is what the user knows them by.
pub(super) fn from_bytes(name: &str, bytes: Arc<[u8]>) -> Result<Media> {
    if bytes.is_empty() {
        return Err(Error::usage(format!("`{name}` is empty")));
    }
    let Some((mime, kind)) = sniff(&bytes) else {
        return Err(not_taken(name, &bytes));
    };
    Ok(Media { kind, mime: mime.to_owned(), name: name.to_owned(), source: MediaSource::Bytes(bytes) })
}

/// The MIME type and kind of bytes that can be attached. What reads as text is
/// text, even if its first letters are some format's mark (`ID3 tags are …`).
pub(super) fn sniff(bytes: &[u8]) -> Option<(&'static str, MediaKind)> {
    if file::is_text(bytes) {
        return None;
    }
    let mime = looks_like(bytes)?;
    TYPES.iter().find(|(known, ..)| *known == mime).map(|(mime, kind, _)| (*mime, *kind))
}

/// The MIME type that binary bytes look like.
pub(super) fn looks_like(bytes: &[u8]) -> Option<&'static str> {
    if let Some(kind) = infer::get(bytes) {
        return Some(match kind.mime_type() {
            "audio/x-wav" => "audio/wav",
            "audio/x-flac" => "audio/flac",
            "audio/x-aiff" => "audio/aiff",
            "audio/m4a" => "audio/mp4",
            "audio/opus" => "audio/ogg",
            "audio/ogg" if is_ogg_video(bytes) => "video/ogg",
            other => other,
        });
    }
    if is_mpeg_audio(bytes) {
        return Some("audio/mpeg");
    }
    (bytes.get(4..8) == Some(b"ftyp") && bytes.get(8..11) == Some(b"M4B")).then_some("audio/mp4")
}

/// An MPEG layer III frame header of any version, with or without a checksum
/// (ISO/IEC 11172-3, 2.4.1.3): 11 bits of sync, layer `01`, no reserved rates.
fn is_mpeg_audio(bytes: &[u8]) -> bool {
    matches!(bytes, [0xff, second, third, ..]
        if second & 0xe6 == 0xe2 && third & 0xf0 != 0xf0 && third & 0x0c != 0x0c)
}

/// Whether an Ogg file's first page opens a Theora stream (Theora I, 6.1).
fn is_ogg_video(bytes: &[u8]) -> bool {
    bytes.get(28..35) == Some(b"\x80theora")
}

fn not_taken(name: &str, bytes: &[u8]) -> Error {
    if file::is_text(bytes) {
        let shown = if name == "stdin" { "-" } else { name };
        return Error::usage(format!("`{name}` is text, which is not attached"))
            .hint(format!("`-f {shown}` puts it into the prompt"));
    }
    let what = looks_like(bytes).map_or("of an unknown kind".to_owned(), |mime| format!("`{mime}`"));
    Error::usage(format!("`{name}` can't be attached: it is {what}")).hint(TAKEN)
}

/// Whether a name is an `http(s)` address.
pub(super) fn is_address(name: &str) -> bool {
    let starts =
        |scheme: &str| name.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    starts("http://") || starts("https://")
}

/// An address that the provider fetches itself. Nothing is fetched here, so
/// the extension of its path is all there is to tell the kind by.
fn from_url(url: &str) -> Result<Media> {
    let place = url.split_once("//").map_or("", |(_, place)| place);
    let path = place.split(['?', '#']).next().unwrap_or_default();
    let base = path.split_once('/').map_or("", |(_, path)| path).rsplit('/').next().unwrap_or_default();
    let extension = base.rsplit_once('.').map_or("", |(_, extension)| extension).to_ascii_lowercase();
    let Some((mime, kind, _)) =
        TYPES.iter().find(|(_, _, extensions)| extensions.contains(&extension.as_str()))
    else {
        return Err(Error::usage(format!("can't tell what `{url}` is: its path has no known extension"))
            .hint("download it and attach the file, whose content tells")
            .hint(TAKEN));
    };
    let source = MediaSource::Url(url.to_owned());
    Ok(Media { kind: *kind, mime: (*mime).to_owned(), name: base.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mp4(brand: &[u8; 4]) -> Vec<u8> {
        [b"\0\0\0\x14ftyp", brand.as_slice(), b"\0\0\0\0isom"].concat()
    }

    #[test]
    fn kinds_are_told_by_content() {
        let cases: [(&[u8], &str, MediaKind); 14] = [
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "image/png", MediaKind::Image),
            (b"\xff\xd8\xff\xe0\0\x10JFIF\0", "image/jpeg", MediaKind::Image),
            (b"GIF89a\x01\0\x01\0\x80\0\0", "image/gif", MediaKind::Image),
            (b"RIFF\x24\0\0\0WEBPVP8 \x18\0\0\0", "image/webp", MediaKind::Image),
            (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "application/pdf", MediaKind::Pdf),
            (b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0", "audio/wav", MediaKind::Audio),
            (b"ID3\x04\0\0\0\0\0\x23TSSE", "audio/mpeg", MediaKind::Audio),
            (b"\xff\xfb\x90\x44\0\0", "audio/mpeg", MediaKind::Audio),
            (b"\xff\xfa\x90\x44\0\0", "audio/mpeg", MediaKind::Audio),
            (b"fLaC\0\0\0\x22\x10\0", "audio/flac", MediaKind::Audio),
            (b"OggS\0\x02\0\0\0\0\0\0\0\0", "audio/ogg", MediaKind::Audio),
            (&mp4(b"M4A "), "audio/mp4", MediaKind::Audio),
            (b"\xff\xf1\x50\x80\x02\x1f\xfc", "audio/aac", MediaKind::Audio),
            (b"FORM\0\0\0\x2eAIFFCOMM", "audio/aiff", MediaKind::Audio),
        ];
        for (bytes, mime, kind) in cases {
            assert_eq!(sniff(bytes), Some((mime, kind)), "{mime}");
        }
        assert_eq!(sniff(&mp4(b"M4B ")), Some(("audio/mp4", MediaKind::Audio)));
    }

    #[test]
    fn a_name_does_not_make_a_kind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("photo.txt");
        std::fs::write(&path, b"\x89PNG\r\n\x1a\n\0").unwrap();
        let media = load(path.as_os_str()).unwrap();
        assert_eq!((media.mime.as_str(), media.name.as_str()), ("image/png", "photo.txt"));
        assert_eq!(media.source, MediaSource::Bytes(b"\x89PNG\r\n\x1a\n\0".as_slice().into()));
    }

    #[test]
    fn what_can_not_be_attached_says_why() {
        let said = |name: &str, bytes: &[u8]| from_bytes(name, bytes.into()).unwrap_err().to_string();
        insta::assert_snapshot!(said("a.png", b"ID3 tags are text here"), @"
        error: `a.png` is text, which is not attached

        hint: `-f a.png` puts it into the prompt
        ");
        insta::assert_snapshot!(said("stdin", b"words"), @"
        error: `stdin` is text, which is not attached

        hint: `-f -` puts it into the prompt
        ");
        insta::assert_snapshot!(said("film.pdf", &mp4(b"isom")), @"
        error: `film.pdf` can't be attached: it is `video/mp4`

        hint: attachments are images (PNG, JPEG, GIF, WebP), PDFs and audio (WAV, MP3, FLAC, Ogg, M4A, AAC, AIFF)
        ");
        assert!(said("a", &mp4(b"heic")).contains("`image/heif`"));
        let theora = [b"OggS\0\x02".as_slice(), &[0; 22], b"\x80theora\x03\x02\x01"].concat();
        assert!(said("a", &theora).contains("`video/ogg`"));
        assert!(said("a", b"\0\x01\x02\x03").contains("it is of an unknown kind"));
        assert_eq!(said("a", b""), "error: `a` is empty");
    }

    #[test]
    fn an_address_stays_one_and_its_extension_tells() {
        let media = load(OsStr::new("HTTPS://example.com/a/Cat.JPG?size=2#top")).unwrap();
        assert_eq!((media.mime.as_str(), media.name.as_str()), ("image/jpeg", "Cat.JPG"));
        assert_eq!(media.source, MediaSource::Url("HTTPS://example.com/a/Cat.JPG?size=2#top".into()));
        for unknown in
            ["https://example.com/a.tiff", "https://example.png", "https://example.com/a?b=c.png", "http://"]
        {
            let error = load(OsStr::new(unknown)).unwrap_err();
            assert!(error.message.starts_with(&format!("can't tell what `{unknown}` is")), "{error}");
        }
    }
}
