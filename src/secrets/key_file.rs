//! The key file: `keys.toml` in the configuration's folder, one line a
//! provider, for its owner's eyes only.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use secrecy::zeroize::Zeroizing;
use toml::de::{DeTable, DeValue};

use super::Key;
use crate::error::{Error, Result};
use crate::paths;

/// More than hundreds of keys need.
const LARGEST_FILE: u64 = 1 << 20;

const HEADER: &str = "# Keys of pollm, written by `pollm keys set`. Nobody else should read this file.\n";

/// The keys that the user stored.
#[derive(Clone, Debug, Default)]
pub struct KeyFile {
    keys: BTreeMap<String, Key>,
}

impl KeyFile {
    /// Reads the file; a missing one holds no keys.
    ///
    /// # Errors
    /// A file that can't be read or, as with ssh, one that other users can:
    /// keys in it may no longer be the user's alone.
    pub fn open(path: &Path) -> Result<Self> {
        let Some(file) = open(path)? else { return Ok(Self::default()) };
        if let Some(mode) = open_to_others(&file).map_err(|error| unreadable(path, &error))? {
            let path = path.display();
            let mut error = Error::config(format!("the key file {path} is open to other users"));
            error.causes.push(format!("its mode is {mode:04o}, not 0600"));
            return Err(
                error.hint(format!("run `chmod 600 {path}`, and replace keys that others may have read"))
            );
        }
        Self::read(path, file)
    }

    /// The key of a provider.
    pub fn get(&self, provider: &str) -> Option<&Key> {
        self.keys.get(provider)
    }

    /// The providers whose keys are stored, in the order of their names.
    pub fn providers(&self) -> impl Iterator<Item = &str> {
        self.keys.keys().map(String::as_str)
    }

    /// Stores a key; says whether it replaced one. Closes a file that was open
    /// to others.
    ///
    /// # Errors
    /// A file or folder that can't be read or written; it is then unchanged.
    pub fn set(path: &Path, provider: &str, key: &Key) -> Result<bool> {
        update(path, |keys| {
            let replaced = keys.insert(provider.to_owned(), key.clone()).is_some();
            (replaced, true)
        })
    }

    /// Removes a key; says whether there was one.
    ///
    /// # Errors
    /// As [`KeyFile::set`].
    pub fn remove(path: &Path, provider: &str) -> Result<bool> {
        if open(path)?.is_none() {
            return Ok(false);
        }
        update(path, |keys| {
            let removed = keys.remove(provider).is_some();
            (removed, removed)
        })
    }

    fn read(path: &Path, file: File) -> Result<Self> {
        let mut text = Zeroizing::new(String::new());
        file.take(LARGEST_FILE + 1).read_to_string(&mut text).map_err(|error| unreadable(path, &error))?;
        let wrong = |at: usize, why: &str| {
            let before = text.as_bytes().get(..at).unwrap_or_default();
            let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
            unreadable(path, &io::Error::other(format!("line {line}: {why}")))
        };
        if text.len() as u64 > LARGEST_FILE {
            return Err(unreadable(path, &io::Error::other("it is larger than 1 MiB")));
        }
        let table = DeTable::parse(&text)
            .map_err(|error| wrong(error.span().map_or(0, |span| span.start), error.message()))?;
        let mut keys = BTreeMap::new();
        for (provider, value) in table.get_ref() {
            let at = value.span().start;
            let DeValue::String(key) = value.get_ref() else {
                return Err(wrong(at, "expected a key in quotes"));
            };
            let key = Key::new(key).map_err(|why| wrong(at, &format!("no usable key: {why}")))?;
            keys.insert(provider.get_ref().to_string(), key);
        }
        Ok(Self { keys })
    }
}

fn open(path: &Path) -> Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(path, &error)),
    }
}

fn unreadable(path: &Path, cause: &io::Error) -> Error {
    Error::config(format!("the key file {} can't be read", path.display())).because(cause)
}

/// The mode of a file that anyone but its owner may read or write.
#[cfg(unix)]
fn open_to_others(file: &File) -> io::Result<Option<u32>> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = file.metadata()?.permissions().mode() & 0o7777;
    Ok(Some(mode).filter(|mode| mode & 0o077 != 0))
}

/// Elsewhere a user's folders are closed to others by inheritance.
#[cfg(not(unix))]
fn open_to_others(_: &File) -> io::Result<Option<u32>> {
    Ok(None)
}

/// Changes the file under a lock, so that two processes at once both have their
/// way; `change` gives its answer and whether anything is to be written.
fn update(path: &Path, change: impl FnOnce(&mut BTreeMap<String, Key>) -> (bool, bool)) -> Result<bool> {
    let failed = |error: io::Error| {
        Error::config(format!("the key file {} can't be written", path.display())).because(&error)
    };
    // The file itself is replaced by every write, so the lock is another one.
    let _lock = lock(&path.with_extension("lock")).map_err(failed)?;
    let mut file = match open(path)? {
        Some(file) => KeyFile::read(path, file)?,
        None => KeyFile::default(),
    };
    let (answer, is_changed) = change(&mut file.keys);
    if is_changed {
        paths::write_private(path, to_toml(&file.keys).as_bytes()).map_err(failed)?;
    }
    Ok(answer)
}

fn lock(path: &Path) -> io::Result<File> {
    if let Some(dir) = path.parent() {
        paths::create_private_dir(dir)?;
    }
    let file = paths::private_file().create(true).truncate(false).write(true).open(path)?;
    match file.lock() {
        // Some network file systems have no locks; the write is whole anyway.
        Err(error) if error.kind() != io::ErrorKind::Unsupported => Err(error),
        _ => Ok(file),
    }
}

fn to_toml(keys: &BTreeMap<String, Key>) -> Zeroizing<String> {
    // Sized for every character escaped: growing would leave copies behind.
    let size = keys.iter().map(|(provider, key)| 2 * (provider.len() + key.text().len()) + 8).sum::<usize>();
    let mut text = Zeroizing::new(String::with_capacity(HEADER.len() + size));
    text.push_str(HEADER);
    for (provider, key) in keys {
        for (part, end) in [(provider.as_str(), " = "), (key.text(), "\n")] {
            text.push('"');
            for c in part.chars() {
                if matches!(c, '"' | '\\') {
                    text.push('\\');
                }
                text.push(c);
            }
            text.push('"');
            text.push_str(end);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    #[cfg(unix)]
    use std::fs;

    use super::*;

    fn key(text: &str) -> Key {
        Key::new(text).unwrap()
    }

    #[test]
    fn keys_are_stored_replaced_and_removed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pollm/keys.toml");
        assert!(KeyFile::open(&path).unwrap().get("groq").is_none());
        assert!(!KeyFile::remove(&path, "groq").unwrap());
        assert!(!path.parent().unwrap().exists(), "removing nothing creates nothing");
        assert!(!KeyFile::set(&path, "groq", &key("gsk_one")).unwrap());
        assert!(!KeyFile::set(&path, "my.own", &key("a\"b\\c'#=")).unwrap());
        assert!(KeyFile::set(&path, "groq", &key("gsk_two")).unwrap());
        let file = KeyFile::open(&path).unwrap();
        assert_eq!(file.providers().collect::<Vec<_>>(), ["groq", "my.own"]);
        assert_eq!(file.get("groq").unwrap().text(), "gsk_two");
        assert_eq!(file.get("my.own").unwrap().text(), "a\"b\\c'#=");
        assert!(KeyFile::remove(&path, "groq").unwrap());
        assert!(KeyFile::open(&path).unwrap().get("groq").is_none());
        assert!(KeyFile::open(&path).unwrap().get("my.own").is_some());
    }

    #[test]
    fn writers_at_once_all_have_their_way() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys.toml");
        std::thread::scope(|scope| {
            for writer in 0..8 {
                let path = &path;
                scope.spawn(move || {
                    for number in 0..5 {
                        KeyFile::set(path, &format!("p{writer}-{number}"), &key("some-key")).unwrap();
                    }
                });
            }
        });
        assert_eq!(KeyFile::open(&path).unwrap().providers().count(), 40);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_can_read_is_refused_until_it_is_closed() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys.toml");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        KeyFile::set(&path, "groq", &key("gsk_canary")).unwrap();
        assert_eq!((mode(&path), mode(&path.with_extension("lock"))), (0o600, 0o600));
        for others in [0o644, 0o640, 0o602] {
            fs::set_permissions(&path, fs::Permissions::from_mode(others)).unwrap();
            let error = KeyFile::open(&path).unwrap_err();
            assert_eq!(error.causes, [format!("its mode is {others:04o}, not 0600")]);
            assert!(error.message.ends_with("keys.toml is open to other users"), "{error}");
            assert!(error.hints[0].starts_with("run `chmod 600 "), "{error}");
        }
        KeyFile::set(&path, "xai", &key("xai-1")).unwrap();
        assert_eq!(mode(&path), 0o600);
        assert_eq!(KeyFile::open(&path).unwrap().providers().count(), 2);
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_key_file_is_refused_by_line_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys.toml");
        let cases = [
            ("a = \"ok\"\nb = sk-canary\n", "line 2: "),
            ("a = \"sk canary\"\n", "line 1: no usable key: it holds a blank"),
            ("\na = [\"sk-canary\"]\n", "line 2: expected a key in quotes"),
            ("a = \"sk-canary\n", "line 1: "),
            ("a = \"\"\n", "line 1: no usable key: it is empty"),
        ];
        for (text, expected) in cases {
            paths::write_private(&path, text.as_bytes()).unwrap();
            let error = KeyFile::open(&path).unwrap_err();
            assert!(error.causes[0].starts_with(expected), "{text}: {error}");
            assert!(!format!("{error:?}").contains("canary"), "{error}");
            assert!(KeyFile::set(&path, "x", &key("x-key")).is_err(), "a broken file is not overwritten");
        }
    }
}
