//! Where pollm keeps its files, and how it writes them: folders 0700, files
//! 0600, never half a file.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::env::Env;
use crate::error::{Error, Result};

/// The places of everything that pollm reads and writes for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// The configuration file.
    pub config_file: PathBuf,
    /// `POLLM_CONFIG` named the configuration file, so it must exist.
    pub config_is_named: bool,
    /// The keys that `pollm keys set` stored.
    pub key_file: PathBuf,
    /// The ledger of all outcomes.
    pub ledger: PathBuf,
    /// What can be fetched again: the refreshed catalog, weights, live lists.
    pub cache_dir: PathBuf,
}

/// The folders that a platform offers; `None` where it knows none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BaseDirs {
    /// For configuration: `~/.config`, or `%APPDATA%`.
    pub config: Option<PathBuf>,
    /// For data: `~/.local/share`, or `%LOCALAPPDATA%`.
    pub data: Option<PathBuf>,
    /// For caches: `~/.cache`, or `%LOCALAPPDATA%`.
    pub cache: Option<PathBuf>,
}

impl BaseDirs {
    /// This platform's folders. macOS gets the ones of Linux, as command-line
    /// tools there do; Windows keeps what can be large or is bound to one
    /// machine out of the roaming profile.
    pub fn of_platform() -> Self {
        if cfg!(windows) {
            return Self {
                config: dirs::config_dir(),
                data: dirs::data_local_dir(),
                cache: dirs::cache_dir(),
            };
        }
        let home = dirs::home_dir();
        let below = |path: &str| home.as_ref().map(|home| home.join(path));
        Self { config: below(".config"), data: below(".local/share"), cache: below(".cache") }
    }
}

impl Paths {
    /// Finds all places from the environment and the platform.
    ///
    /// # Errors
    /// Where neither says where the user's files are.
    pub fn find(env: &Env) -> Result<Self> {
        Self::resolve(env, &BaseDirs::of_platform())
    }

    /// The pure part of [`Paths::find`]: own variables first, then the XDG
    /// ones, then the platform.
    ///
    /// # Errors
    /// Where no folder is known for one of the places.
    pub fn resolve(env: &Env, base: &BaseDirs) -> Result<Self> {
        let config_dir = folder("POLLM_CONFIG_DIR", &env.config_dir, &env.xdg_config_home, &base.config)?;
        let data_dir = folder("POLLM_DATA_DIR", &env.data_dir, &env.xdg_data_home, &base.data)?;
        let cache_dir = match (&env.cache_dir, &env.xdg_cache_home) {
            // Data and caches share one folder on Windows.
            (None, None) if cfg!(windows) => {
                folder("POLLM_CACHE_DIR", &None, &None, &base.cache)?.join("cache")
            }
            (own, xdg) => folder("POLLM_CACHE_DIR", own, xdg, &base.cache)?,
        };
        Ok(Self {
            config_file: env.config.clone().unwrap_or_else(|| config_dir.join("config.toml")),
            config_is_named: env.config.is_some(),
            key_file: config_dir.join("keys.toml"),
            ledger: data_dir.join("ledger.db"),
            cache_dir,
        })
    }
}

fn folder(
    variable: &str,
    own: &Option<PathBuf>,
    xdg: &Option<PathBuf>,
    base: &Option<PathBuf>,
) -> Result<PathBuf> {
    if let Some(own) = own {
        return Ok(own.clone());
    }
    // The XDG specification: relative paths are invalid and to be ignored.
    let xdg = xdg.as_ref().filter(|path| path.is_absolute());
    xdg.or(base.as_ref()).map(|base| base.join("pollm")).ok_or_else(|| {
        Error::config("the home folder is not known").hint(format!("set HOME, or {variable} to a folder"))
    })
}

/// Creates a folder and its missing parents, closed to other users.
///
/// # Errors
/// As [`fs::create_dir_all`].
pub fn create_private_dir(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// How a file is opened that only its owner may read, if it comes to be made.
pub fn private_file() -> fs::OpenOptions {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "a user's folders are closed to others there"))]
    let mut options = fs::OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Writes a whole file or nothing, readable by its owner only, creating its
/// folder where it is missing. A symbolic link stays one: what it points to is
/// replaced.
///
/// # Errors
/// Any of the file system's; the old file then stands untouched.
pub fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let path = match fs::canonicalize(path) {
        Ok(target) => target,
        Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_owned(),
        Err(error) => return Err(error),
    };
    // An empty parent is that of a bare file name: the folder we are in.
    let dir = match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    };
    create_private_dir(dir)?;
    // Temporary files are created with mode 0600.
    let mut file = tempfile::Builder::new().prefix(".pollm-").tempfile_in(dir)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(&path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base() -> BaseDirs {
        let at = |path: &str| Some(PathBuf::from(path));
        BaseDirs {
            config: at("/home/ada/.config"),
            data: at("/home/ada/.local/share"),
            cache: at("/home/ada/.cache"),
        }
    }

    fn find(variables: &[(&str, &str)]) -> Paths {
        Paths::resolve(&Env::new(variables.iter().copied()), &base()).unwrap()
    }

    #[cfg(unix)]
    #[test]
    fn own_variables_come_before_xdg_and_xdg_before_the_platform() {
        let plain = find(&[]);
        assert_eq!(plain.config_file, Path::new("/home/ada/.config/pollm/config.toml"));
        assert_eq!(plain.key_file, Path::new("/home/ada/.config/pollm/keys.toml"));
        assert_eq!(plain.ledger, Path::new("/home/ada/.local/share/pollm/ledger.db"));
        assert_eq!(plain.cache_dir, Path::new("/home/ada/.cache/pollm"));
        let xdg = [("XDG_CONFIG_HOME", "/x/c"), ("XDG_DATA_HOME", "/x/d"), ("XDG_CACHE_HOME", "/x/k")];
        let paths = find(&xdg);
        assert_eq!(paths.config_file, Path::new("/x/c/pollm/config.toml"));
        assert_eq!(paths.ledger, Path::new("/x/d/pollm/ledger.db"));
        assert_eq!(paths.cache_dir, Path::new("/x/k/pollm"));
        let own = [("POLLM_CONFIG_DIR", "/o/c"), ("POLLM_DATA_DIR", "o/d"), ("POLLM_CACHE_DIR", "/o/k")];
        let paths = find(&[&xdg[..], &own[..]].concat());
        assert_eq!(paths.config_file, Path::new("/o/c/config.toml"));
        assert_eq!(paths.key_file, Path::new("/o/c/keys.toml"));
        assert_eq!(paths.ledger, Path::new("o/d/ledger.db"));
        assert_eq!(paths.cache_dir, Path::new("/o/k"));
    }

    #[test]
    fn a_named_file_moves_the_configuration_but_not_the_keys() {
        let paths = find(&[("POLLM_CONFIG", "/etc/pollm.toml")]);
        assert_eq!(paths.config_file, Path::new("/etc/pollm.toml"));
        assert!(paths.config_is_named);
        assert_eq!(paths.key_file, find(&[]).key_file);
        assert!(!find(&[]).config_is_named);
    }

    #[test]
    fn relative_xdg_folders_are_ignored() {
        assert_eq!(find(&[("XDG_CONFIG_HOME", "conf")]), find(&[]));
    }

    #[test]
    fn an_unknown_home_is_an_error_that_says_what_to_set() {
        let error = Paths::resolve(&Env::default(), &BaseDirs::default()).unwrap_err();
        insta::assert_snapshot!(error, @"
        error: the home folder is not known

        hint: set HOME, or POLLM_CONFIG_DIR to a folder
        ");
    }

    #[cfg(unix)]
    #[test]
    fn files_and_folders_are_closed_to_others() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a/b/config.toml");
        write_private(&file, b"one").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&file), 0o600);
        assert_eq!(mode(file.parent().unwrap()), 0o700);
        assert_eq!(mode(&dir.path().join("a")), 0o700);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        write_private(&file, b"two").unwrap();
        assert_eq!((mode(&file), fs::read(&file).unwrap()), (0o600, b"two".to_vec()));
        assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1, "no temporary file is left");
    }

    #[cfg(unix)]
    #[test]
    fn a_symbolic_link_is_written_through() {
        let dir = tempfile::tempdir().unwrap();
        let (target, link) = (dir.path().join("dotfiles.toml"), dir.path().join("config.toml"));
        fs::write(&target, "old").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        write_private(&link, b"new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&target).unwrap(), b"new");
    }
}
