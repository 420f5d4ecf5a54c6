//! Tokens of attachments. Every provider counts them in its own way; what
//! stands here is in the middle of them, and never exact.

use crate::chat::{Media, MediaKind, MediaSource};

/// Pixels of an image a token: Anthropic's rule (width × height / 750).
/// `OpenAI` and Gemini count tiles, which comes to 1,000 to 2,000 pixels a token.
const PIXELS: u64 = 750;

/// Images are made smaller before they are looked at; above this size none
/// of the three counts more by its usual rule.
const MOST_OF_IMAGE: u64 = 1_600;

/// The least that an image is counted as (`OpenAI`, low detail).
const LEAST_OF_IMAGE: u64 = 85;

/// An image of unknown size.
const OF_IMAGE: u64 = 1_000;

/// A page of a document, as text and picture: 1,500 to 3,000 by Anthropic's guide.
const OF_PAGE: u64 = 2_000;

/// Bytes of a document a page, where its pages can't be counted.
const BYTES_A_PAGE: usize = 50_000;

/// A second of sound: Gemini's rule.
const OF_SECOND: u64 = 32;

/// Bytes of a second of compressed sound at 128 kbit/s.
const BYTES_A_SECOND: usize = 16_000;

/// Tokens of an attachment.
pub(super) fn tokens(media: &Media) -> u64 {
    let bytes = match &media.source {
        MediaSource::Bytes(bytes) => bytes,
        // What the provider fetches itself was never seen here.
        MediaSource::Url(_) => return OF_IMAGE,
    };
    match media.kind {
        MediaKind::Image => image(bytes),
        MediaKind::Pdf => pages(bytes) * OF_PAGE,
        MediaKind::Audio => seconds(bytes) * OF_SECOND,
    }
}

fn image(bytes: &[u8]) -> u64 {
    let Ok(size) = imagesize::blob_size(bytes) else { return OF_IMAGE };
    let side = |pixels: usize| u64::try_from(pixels).unwrap_or(u64::MAX);
    let pixels = side(size.width).saturating_mul(side(size.height));
    (pixels / PIXELS).clamp(LEAST_OF_IMAGE, MOST_OF_IMAGE)
}

/// The pages of a PDF that lists them in the open; newer files compress the
/// list, and their size has to do.
fn pages(bytes: &[u8]) -> u64 {
    let is_page = |at: usize| {
        let rest = bytes.get(at + b"/Type".len()..).unwrap_or_default().trim_ascii_start();
        rest.strip_prefix(b"/Page").is_some_and(|rest| !rest.starts_with(b"s"))
    };
    let listed = memchr::memmem::find_iter(bytes, b"/Type").filter(|at| is_page(*at)).count();
    let pages = if listed > 0 { listed } else { bytes.len().div_ceil(BYTES_A_PAGE) };
    u64::try_from(pages).unwrap_or(u64::MAX / OF_PAGE).max(1)
}

/// The length of a sound in seconds: a WAV file says how many bytes a second has.
fn seconds(bytes: &[u8]) -> u64 {
    let said = match bytes {
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E', ..] => {
            bytes.get(28..32).and_then(|rate| rate.try_into().ok()).map(u32::from_le_bytes)
        }
        _ => None,
    };
    let rate = said.and_then(|rate| usize::try_from(rate).ok()).filter(|rate| *rate > 0);
    u64::try_from(bytes.len().div_ceil(rate.unwrap_or(BYTES_A_SECOND))).unwrap_or(u64::MAX / OF_SECOND).max(1)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn counted(kind: MediaKind, bytes: &[u8]) -> u64 {
        let source = MediaSource::Bytes(Arc::from(bytes));
        tokens(&Media { kind, mime: String::new(), name: String::new(), source })
    }

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        bytes.extend(width.to_be_bytes().into_iter().chain(height.to_be_bytes()));
        bytes.extend([8, 6, 0, 0, 0, 0, 0, 0, 0]);
        bytes
    }

    #[test]
    fn images_are_counted_by_their_size() {
        assert_eq!(counted(MediaKind::Image, &png(750, 1_000)), 1_000);
        assert_eq!(counted(MediaKind::Image, &png(1, 1)), LEAST_OF_IMAGE);
        assert_eq!(counted(MediaKind::Image, &png(u32::MAX, u32::MAX)), MOST_OF_IMAGE);
        assert_eq!(counted(MediaKind::Image, b"\x89PNG"), OF_IMAGE);
    }

    #[test]
    fn documents_are_counted_by_their_pages() {
        let listed = b"%PDF-1.4 /Type /Pages /Count 2 /Type/Page /A 1 /Type /Page\n/B 2";
        assert_eq!(counted(MediaKind::Pdf, listed), 2 * OF_PAGE);
        assert_eq!(counted(MediaKind::Pdf, &vec![0; 120_000]), 3 * OF_PAGE);
        assert_eq!(counted(MediaKind::Pdf, b""), OF_PAGE);
    }

    #[test]
    fn sound_is_counted_by_its_length() {
        let mut wav = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0".to_vec();
        wav.resize(160_000, 0);
        assert_eq!(counted(MediaKind::Audio, &wav), 10 * OF_SECOND);
        assert_eq!(counted(MediaKind::Audio, &[0; 32_000]), 2 * OF_SECOND);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_fail(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            for kind in [MediaKind::Image, MediaKind::Pdf, MediaKind::Audio] {
                proptest::prop_assert!(counted(kind, &bytes) > 0);
            }
        }
    }
}
