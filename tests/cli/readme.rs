//! The README and the pages it points to: every command in them is one that pollm
//! takes, every configuration one that it reads, and its picture looks like what
//! is printed.

use crate::support::{CommandOutput, Env};

const README: &str = include_str!("../../README.md");
/// The pages whose commands are tried.
const PAGES: [&str; 6] = [
    README,
    include_str!("../../docs/guide.md"),
    include_str!("../../docs/install.md"),
    include_str!("../../docs/configuration.md"),
    include_str!("../../docs/providers.md"),
    include_str!("../../docs/json.md"),
];

/// The fenced blocks of a page in a language.
fn blocks(page: &'static str, language: &str) -> Vec<&'static str> {
    let opening = format!("```{language}\n");
    page.split(opening.as_str()).skip(1).map(|rest| rest.split_once("```").unwrap().0).collect()
}

/// What stands behind the prompt of a shell, without its comment.
fn commands() -> Vec<&'static str> {
    let lines = PAGES.into_iter().flat_map(|page| blocks(page, "console")).flat_map(str::lines);
    let typed = lines.filter_map(|line| line.strip_prefix("$ "));
    typed.map(|line| line.split("  #").next().unwrap().trim_end()).collect()
}

/// An environment in which the README's models, sets and routes exist.
pub(crate) fn env() -> Env {
    let env = Env::new();
    let whole = blocks(README, "toml").into_iter().find(|block| block.contains("[sets]")).unwrap();
    env.configure(whole);
    env.write("questions.csv", "id,prompt\nsky,Why is the sky blue?\n");
    // The head of a picture of one pixel: its kind and its size are all that is looked at.
    env.write("chart.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0");
    env
}

/// Runs a line in a shell that knows keys, but none that is worth anything.
fn run(env: &Env, line: &str) -> CommandOutput {
    let folder = std::path::Path::new(env!("CARGO_BIN_EXE_pollm")).parent().unwrap().display();
    let line = format!("PATH='{folder}':$PATH; {line}");
    ["OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "GROQ_API_KEY"]
        .iter()
        .fold(env.command("bash", ["-c", &line]), |run, key| run.env(key, "none"))
        .run()
}

#[test]
fn every_configuration_is_right() {
    assert!(!blocks(README, "toml").is_empty());
    for block in blocks(README, "toml") {
        let env = Env::new();
        env.configure(block);
        assert_eq!(env.pollm(["config", "check"]).run().success().stdout, "ok\n");
    }
}

/// Tries a line without sending anything to anyone: prompts with `--dry-run`, the
/// past up to the message that there is none, the rest as it stands.
pub(crate) fn works(env: &Env, line: &str) {
    // What other programs write into a pipe or make of the output is not at issue.
    let line = line.replace("git diff |", "echo a difference |").replace("man -l -", "cat");
    let line = line.split(" | jq").next().unwrap().to_owned();
    if line.contains(" --last") {
        let output = run(env, &line).exited(2);
        assert!(output.stderr.contains("no comparison to show again"), "{line}: {output}");
    } else if line.contains("ask -c ") {
        let output = run(env, &line).exited(2);
        assert!(output.stderr.contains("no conversation to go on with"), "{line}: {output}");
    } else if line.contains("pollm ask ") || line.contains("pollm compare ") {
        let dry = if line.contains("--dry-run") { line.clone() } else { format!("{line} --dry-run") };
        let output = run(env, &dry).success();
        assert!(output.stderr.contains("nothing was sent"), "{line}: {output}");
    } else {
        let output = run(env, &line).success();
        assert!(!output.stdout.is_empty() || !output.stderr.is_empty(), "{line}: {output}");
    }
}

#[test]
fn every_line_works() {
    let env = env();
    // What asks over the network, opens an editor or is no command of pollm.
    let other =
        ["pollm models check", "pollm models refresh", "pollm config edit", "cargo ", "history export"];
    let (left, tried): (Vec<&str>, Vec<&str>) =
        commands().into_iter().partition(|line| other.iter().any(|other| line.contains(other)));
    assert!(tried.len() >= 30 && left.len() < 8, "{tried:?}, without {left:?}");
    for line in tried {
        works(&env, line);
    }
}

#[test]
fn every_link_leads_somewhere() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let names = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"].map(|name| folder.join(name));
    let docs = std::fs::read_dir(folder.join("docs")).unwrap().map(|file| file.unwrap().path());
    let pages = names.into_iter().chain(docs).filter(|path| path.extension().is_some_and(|end| end == "md"));
    let link = regex::Regex::new(r"\]\(([^)#:]*)(?:#([^)]*))?\)").unwrap();
    let anchor = |heading: &str| -> String {
        let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
    };
    let mut followed = 0;
    for page in pages {
        let text = std::fs::read_to_string(&page).unwrap();
        for found in link.captures_iter(&text) {
            let target = match &found[1] {
                "" => page.clone(),
                path => page.parent().unwrap().join(path),
            };
            assert!(target.exists(), "{}: {}", page.display(), &found[0]);
            if let Some(wanted) = found.get(2) {
                let text = std::fs::read_to_string(&target).unwrap();
                let headings = text.lines().filter(|line| line.starts_with('#'));
                let mut anchors = headings.map(|line| anchor(line.trim_start_matches('#')));
                assert!(anchors.any(|name| name == wanted.as_str()), "{}: {}", page.display(), &found[0]);
            }
            followed += 1;
        }
    }
    assert!(followed > 15, "{followed}");
}

#[test]
fn the_exit_codes_are_those_of_the_help() {
    for (code, meaning) in pollm::cli::help::EXIT_CODES {
        let row = format!("| {code} | {meaning} |");
        assert!(README.lines().any(|line| line == row), "the README lacks {row}");
    }
}

#[test]
fn the_providers_on_the_front_page_have_those_keys() {
    let row = regex::Regex::new(r"(?m)^\| `([a-z]+)` \| `([A-Z_]+)` \|").unwrap();
    let page = PAGES[4];
    let mut checked = 0;
    for found in row.captures_iter(README) {
        let full = page.lines().find(|line| line.starts_with(&format!("| `{}` |", &found[1]))).unwrap();
        assert!(full.contains(&format!("| `{}`", &found[2])), "{full}");
        checked += 1;
    }
    assert!(checked >= 8, "{checked}");
    let all = page.lines().filter(|line| line.starts_with("| `") && line.matches(" | ").count() == 4).count();
    // The embedded model has a row too.
    assert!(README.contains(&format!("[All {}](docs/providers.md)", all - 1)), "{all}");
}

#[test]
fn the_catalog_is_as_large_as_the_readme_says() {
    let catalog: serde_json::Value =
        serde_json::from_str(include_str!("../../src/catalog/catalog.json")).unwrap();
    let providers = catalog["p"].as_object().unwrap();
    let models: usize = providers.values().map(|row| row["m"].as_object().unwrap().len()).sum();
    let models = format!("the {},{:03} models are in the executable", models / 1000, models % 1000);
    assert!(README.contains(&models), "{models}");
    assert!(README.contains(&format!("[All {}](docs/providers.md)", providers.len())), "{}", providers.len());
}

/// The picture is made by `docs/picture.py`: another run gives other answers and
/// figures in the same rows.
#[cfg(feature = "local")]
#[test]
fn the_picture_looks_like_what_is_printed() {
    let picture = include_str!("../../docs/compare.svg");
    let model = "local/smollm2-135m";
    let hot = format!("{model}@temperature=0.9");
    let env = Env::new();
    let output = env
        .pollm(["compare", "-m", model, "-m", &hot, "--max-tokens", "3", "Why is the sky blue?"])
        .env("POLLM_CACHE_DIR", crate::local::weights())
        .env("COLUMNS", "92")
        .run()
        .success();
    let named =
        |line: &&str| line.contains('│') && line.starts_with(|first: char| first.is_ascii_lowercase());
    let rows: Vec<&str> =
        output.stdout.lines().filter(named).map(|line| line.split('│').next().unwrap().trim()).collect();
    assert!(rows.len() >= 9, "{output}");
    // An SVG keeps blanks by writing them out.
    let text = picture.replace("&#160;", " ");
    for row in rows.iter().chain(&["$", "pollm compare", "* the best", "cost of all "]) {
        assert!(text.contains(row), "the picture has no `{row}`");
    }
    assert!(output.stdout.trim_end().ends_with("cost of both calls: $0.00"), "{output}");
    let addresses: Vec<&str> = picture.split("http").skip(1).collect();
    assert_eq!(addresses.len(), 1, "nothing but the name of the format may be an address");
}
