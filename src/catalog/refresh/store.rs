//! The refreshed catalog in the cache folder: the file, the one before it, and
//! the tags by which servers tell whether they have anything newer.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::LARGEST_SOURCE;
use crate::catalog::Catalog;
use crate::paths::write_private;

/// The refreshed catalog.
const FILE: &str = "catalog.json";
/// The one before.
const BACKUP: &str = "catalog.json.1";
/// The tags.
const ETAGS: &str = "catalog.etags.json";

/// `ETag`s by the address of the source.
pub type Etags = BTreeMap<String, String>;

/// The catalog in use.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The refreshed catalog, or the embedded one.
    pub catalog: Catalog,
    /// It is the refreshed one.
    pub refreshed: bool,
    /// Why a refreshed file is there and not used, where it can't be read.
    pub note: Option<String>,
}

/// Where the refreshed catalog lies.
pub fn refreshed_path(cache_dir: &Path) -> PathBuf {
    cache_dir.join(FILE)
}

/// The refreshed catalog where there is one that is not older than the embedded
/// one. Only the frame of the file is checked, since every start comes here.
///
/// A refresh on the very day of the embedded file counts: it was made from that
/// file or from one of that day, and the user asked for it.
pub fn load(cache_dir: &Path, embedded: Catalog) -> Loaded {
    let path = refreshed_path(cache_dir);
    let unusable = |embedded: Catalog, reason: String| Loaded {
        catalog: embedded,
        refreshed: false,
        note: Some(format!("`{}` is not used: {reason}", path.display())),
    };
    let text = match read_bounded(&path) {
        Ok(Some(text)) => text,
        Ok(None) => return Loaded { catalog: embedded, refreshed: false, note: None },
        Err(error) => return unusable(embedded, error.to_string()),
    };
    match Catalog::with_text(text) {
        // Providers come from the build alone, so a file that another build made
        // would hide those that are new or mended in this one.
        Ok(catalog) if catalog.base() != embedded.base() => unusable(
            embedded,
            "another version of pollm made it; `pollm models refresh` makes it anew".to_owned(),
        ),
        // Both are `YYYY-MM-DD`, so texts compare as days do.
        Ok(catalog) if catalog.date() >= embedded.date() => Loaded { catalog, refreshed: true, note: None },
        Ok(_) => Loaded { catalog: embedded, refreshed: false, note: None },
        Err(error) => unusable(embedded, error.to_string()),
    }
}

/// The tags that came with the refreshed catalog; none where that one is not in
/// use, since "not modified" would then be said of something that is not there.
pub fn etags(cache_dir: &Path, in_use: &Loaded) -> Etags {
    if !in_use.refreshed {
        return Etags::new();
    }
    let text = read_bounded(&cache_dir.join(ETAGS)).ok().flatten().unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

/// Writes a refreshed catalog, keeps the one before it, and notes the tags.
/// Readers see the old file or the new one, never a part of one.
///
/// # Errors
/// Any of the file system's. Where the catalog can't be written, the old one
/// stands untouched.
pub fn save(cache_dir: &Path, text: &str, etags: &Etags) -> io::Result<()> {
    let path = refreshed_path(cache_dir);
    match fs::read(&path) {
        // The one before is still that.
        Ok(old) if old == text.as_bytes() => {}
        Ok(old) => write_private(&cache_dir.join(BACKUP), &old)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    // Tags of a file that was not written would hide what it lacks.
    match fs::remove_file(cache_dir.join(ETAGS)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    write_private(&path, text.as_bytes())?;
    write_private(&cache_dir.join(ETAGS), serde_json::to_string(etags)?.as_bytes())
}

/// A file's text; `None` where there is none.
fn read_bounded(path: &Path) -> io::Result<Option<String>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut text = String::new();
    file.take(LARGEST_SOURCE as u64).read_to_string(&mut text)?;
    Ok(Some(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A catalog of a day.
    fn text(day: &str) -> String {
        format!(
            "{{\n\"v\":1,\n\"gen\":\"{day}\",\n\"cur\":\"USD\",\n\"per\":1000000,\n\"p\":{{\n\
             \"a\":{{\"n\":\"A\",\"k\":\"api\",\"w\":\"openai\",\"m\":{{\n\"x\":{{\"n\":\"X\"}}\n}}}}\n}}}}\n"
        )
    }

    fn catalog(day: &str) -> Catalog {
        Catalog::with_text(text(day)).unwrap()
    }

    fn tags() -> Etags {
        Etags::from([("https://models.dev/api.json".to_owned(), "\"abc\"".to_owned())])
    }

    /// A catalog of a day, refreshed over the embedded one of another.
    fn over(base: &str, day: &str) -> String {
        text(day).replace("\"cur\"", &format!("\"base\":\"{base}\",\n\"cur\""))
    }

    #[test]
    fn a_refreshed_catalog_is_used_by_the_build_that_made_it() {
        let dir = tempfile::tempdir().unwrap();
        let cache = dir.path().join("cache");
        let nothing = load(&cache, catalog("2026-11-22"));
        assert_eq!((nothing.refreshed, nothing.note.as_deref()), (false, None));
        for day in ["2026-11-24", "2026-11-22"] {
            save(&cache, &over("2026-11-22", day), &tags()).unwrap();
            let loaded = load(&cache, catalog("2026-11-22"));
            assert_eq!((loaded.refreshed, loaded.catalog.date(), loaded.note.as_deref()), (true, day, None));
            assert_eq!(etags(&cache, &loaded), tags());
        }
        // Providers that are new in this build would be hidden by the file of another.
        for embedded in ["2026-11-21", "2026-11-23", "2027-01-01"] {
            let loaded = load(&cache, catalog(embedded));
            assert_eq!((loaded.refreshed, loaded.catalog.date()), (false, embedded));
            assert!(loaded.note.as_deref().unwrap().contains("another version"), "{:?}", loaded.note);
            assert_eq!(etags(&cache, &loaded), Etags::new());
        }
        // A clock that was set back.
        save(&cache, &over("2026-11-22", "2026-11-20"), &tags()).unwrap();
        assert!(!load(&cache, catalog("2026-11-22")).refreshed);
    }

    #[test]
    fn a_file_that_cannot_be_read_is_passed_over_with_a_note() {
        let dir = tempfile::tempdir().unwrap();
        let whole = text("2026-11-24");
        for bytes in [&whole.as_bytes()[..whole.len() - 4], b"", b"<html>", b"\xff\xfe"] {
            fs::write(refreshed_path(dir.path()), bytes).unwrap();
            let loaded = load(dir.path(), catalog("2026-11-22"));
            assert_eq!((loaded.refreshed, loaded.catalog.date()), (false, "2026-11-22"));
            let note = loaded.note.unwrap();
            assert!(note.contains("catalog.json` is not used: "), "{note}");
        }
        fs::remove_file(refreshed_path(dir.path())).unwrap();
        fs::create_dir(refreshed_path(dir.path())).unwrap();
        assert!(load(dir.path(), catalog("2026-11-22")).note.is_some());
        assert!(save(dir.path(), &whole, &tags()).is_err());
    }

    #[test]
    fn one_backup_is_kept_and_the_tags_go_with_their_file() {
        let dir = tempfile::tempdir().unwrap();
        for day in ["2026-11-22", "2026-11-23", "2026-11-24", "2026-11-24"] {
            save(dir.path(), &text(day), &tags()).unwrap();
        }
        let read = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap();
        assert_eq!(read("catalog.json"), text("2026-11-24"));
        assert_eq!(read("catalog.json.1"), text("2026-11-23"));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3);
        fs::write(dir.path().join("catalog.etags.json"), "{oops").unwrap();
        assert!(etags(dir.path(), &load(dir.path(), catalog("2026-11-22"))).is_empty());
        fs::remove_file(dir.path().join("catalog.json")).unwrap();
        save(dir.path(), &text("2026-11-25"), &Etags::new()).unwrap();
        assert!(etags(dir.path(), &load(dir.path(), catalog("2026-11-22"))).is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn the_files_are_closed_to_others() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        for day in ["2026-11-22", "2026-11-23"] {
            save(dir.path(), &text(day), &tags()).unwrap();
        }
        for entry in fs::read_dir(dir.path()).unwrap() {
            assert_eq!(entry.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}
