//! What `CONTRIBUTING.md` says of the house and no lint knows.

use std::fs;
use std::path::{Path, PathBuf};

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            sources(&entry, found);
        } else if entry.extension().is_some_and(|end| end == "rs") {
            found.push(entry);
        }
    }
}

#[test]
fn libraries_stay_in_their_rooms_and_files_stay_short() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    sources(&root.join("src"), &mut files);
    sources(&root.join("engine/src"), &mut files);
    assert!(files.len() > 200, "{}", files.len());
    let mut kept = 0;
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let name = file.strip_prefix(root).unwrap().display().to_string();
        for (word, room) in
            [("reqwest::", "src/transport"), ("rusqlite::", "src/ledger"), ("io::stdout()", "src/streams.rs")]
        {
            let is_used =
                text.lines().any(|line| line.contains(word) && !line.trim_start().starts_with("//"));
            assert!(!is_used || name.starts_with(room), "{name} uses {word}, which is for {room}");
            kept += usize::from(is_used);
        }
        let lines = text.split("#[cfg(test)]\nmod tests {").next().unwrap().lines().count();
        assert!(lines <= 400, "{name} has {lines} lines");
    }
    assert!(kept >= 10, "{kept}");
}
