//! Lists of models as they were when their provider was last asked, for when
//! there is no network.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::LiveModel;
use crate::model::ProviderId;
use crate::paths;

/// A kept list.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// The format of this file.
    v: u32,
    /// The address that was asked: another one may have other models.
    url: String,
    models: Vec<LiveModel>,
}

const FORMAT: u32 = 1;

/// `None` where an id, which a user may choose freely, is no name of a file.
fn file(folder: &Path, provider: &ProviderId) -> Option<PathBuf> {
    let id = provider.as_str();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let fits = !id.starts_with('.') && id.len() <= 100 && id.chars().all(plain);
    fits.then(|| folder.join("live").join(format!("{id}.json")))
}

/// The list that an address gave last; `None` where none is kept.
pub fn read(folder: &Path, provider: &ProviderId, url: &str) -> Option<Vec<LiveModel>> {
    let text = std::fs::read(file(folder, provider)?).ok()?;
    let kept: Kept = serde_json::from_slice(&text).ok()?;
    (kept.v == FORMAT && kept.url == url).then_some(kept.models)
}

/// Keeps a list. That it can't be written costs the next run a request, no more.
pub fn write(folder: &Path, provider: &ProviderId, url: &str, models: &[LiveModel]) {
    let Some(path) = file(folder, provider) else { return };
    let kept = Kept { v: FORMAT, url: url.to_owned(), models: models.to_vec() };
    let written = serde_json::to_vec(&kept).map_err(std::io::Error::from);
    if let Err(error) = written.and_then(|json| paths::write_private(&path, &json)) {
        log::warn!("the list of {provider} could not be kept: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_kept_for_its_address() {
        let folder = tempfile::tempdir().unwrap();
        let (groq, model) = (
            ProviderId::new("groq"),
            LiveModel { id: "m".into(), name: None, context: Some(1), max_output: None },
        );
        assert_eq!(read(folder.path(), &groq, "http://a"), None);
        write(folder.path(), &groq, "http://a", std::slice::from_ref(&model));
        assert_eq!(read(folder.path(), &groq, "http://a"), Some(vec![model]));
        assert_eq!(read(folder.path(), &groq, "http://b"), None);
    }

    #[test]
    fn no_id_leads_out_of_the_folder() {
        for id in ["../x", "a/b", "", ".", "..", "a\\b", "c:d"] {
            let inside = file(Path::new("cache"), &ProviderId::new(id));
            assert!(inside.is_none_or(|path| path.parent() == Some(Path::new("cache/live"))), "{id}");
        }
    }
}
