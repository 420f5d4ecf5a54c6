//! Which keys a configuration has and what each may hold.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use toml::de::DeTable;

use super::reader::{Item, Problems, Table};
use super::routes::routes;
use super::{
    Config, HeaderText, KeyPlacement, ModelConfig, PriceConfig, ProviderConfig, Timeouts, base_url, budget,
};
use crate::error::Error;
use crate::money::Price;
use crate::nearest::nearest;
use crate::wire::{Auth, Protocol};

/// Reads a whole document; see [`Config::parse`].
pub(super) fn parse(text: &str, path: &Path, built_in: &[&str]) -> Result<Config, Vec<Error>> {
    let mut problems = Problems::new(path, text);
    let (document, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        // What a broken document seems to hold says nothing about its keys.
        for error in errors {
            problems.add(error.span().map_or(0, |span| span.start), |place| {
                let mut shown = Error::config(format!("invalid TOML in {place}"));
                shown.causes.push(error.message().to_owned());
                shown
            });
        }
        return problems.or(Config::default());
    }
    let mut table = Table::new(String::new(), 0, document.get_ref());
    let providers = providers(&mut table, built_in, &mut problems);
    let known: Vec<&str> = built_in.iter().copied().chain(providers.keys().map(String::as_str)).collect();
    let aliases =
        named(&mut table, "aliases", &mut problems, |item, problems| item.text(problems).map(str::to_owned));
    let config = Config {
        default_model: text_of(&mut table, "default_model", &mut problems),
        log: table.get("log").and_then(|item| item.boolean(&mut problems)),
        hide_reasoning: table.get("hide_reasoning").and_then(|item| item.boolean(&mut problems)),
        timeouts: timeouts(&mut table, &mut problems),
        routes: routes(&mut table, &aliases, &mut problems),
        aliases,
        sets: named(&mut table, "sets", &mut problems, |item, problems| item.texts(problems)),
        budget: budget::read(&mut table, &known, &mut problems),
        providers,
    };
    table.finish(&mut problems);
    problems.or(config)
}

fn text_of(table: &mut Table<'_>, key: &'static str, problems: &mut Problems<'_>) -> Option<String> {
    table.get(key)?.text(problems).map(str::to_owned)
}

fn timeouts(document: &mut Table<'_>, problems: &mut Problems<'_>) -> Timeouts {
    let Some(mut table) = document.get("timeouts").and_then(|item| item.table(problems)) else {
        return Timeouts::default();
    };
    let timeouts = Timeouts {
        connect: seconds(&mut table, "connect", problems),
        first_event: seconds(&mut table, "first_event", problems),
        idle: seconds(&mut table, "idle", problems),
    };
    table.finish(problems);
    timeouts
}

fn seconds(table: &mut Table<'_>, key: &'static str, problems: &mut Problems<'_>) -> Option<Duration> {
    let item = table.get(key)?;
    let seconds = item.number(problems)?;
    let duration = Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|duration| (Duration::from_millis(1)..=Duration::from_hours(24)).contains(duration));
    if duration.is_none() {
        item.invalid(problems, "expected seconds, from 0.001 to 86400");
    }
    duration
}

/// Why a name of the user's can't be typed where a model is named: slashes,
/// `@` and commas have a meaning there.
pub(super) fn unusable_name(name: &str) -> Option<&'static str> {
    let wrong = |c: char| "/@,".contains(c) || c.is_whitespace() || c.is_control();
    (name.is_empty() || name.contains(wrong))
        .then_some("a name may not be empty or hold `/`, `@`, `,` or blanks")
}

/// Reads a table whose keys are names of the user's: of aliases, of sets.
fn named<T>(
    document: &mut Table<'_>,
    key: &'static str,
    problems: &mut Problems<'_>,
    mut read: impl FnMut(&Item<'_>, &mut Problems<'_>) -> Option<T>,
) -> BTreeMap<String, T> {
    let Some(table) = document.get(key).and_then(|item| item.table(problems)) else {
        return BTreeMap::new();
    };
    let mut entries = BTreeMap::new();
    for (name, item) in table.items() {
        if let Some(why) = unusable_name(name) {
            item.invalid(problems, why);
        } else if let Some(value) = read(&item, problems) {
            entries.insert(name.to_owned(), value);
        }
    }
    entries
}

fn providers(
    document: &mut Table<'_>,
    built_in: &[&str],
    problems: &mut Problems<'_>,
) -> BTreeMap<String, ProviderConfig> {
    let Some(table) = document.get("providers").and_then(|item| item.table(problems)) else {
        return BTreeMap::new();
    };
    let mut rows = BTreeMap::new();
    for (id, item) in table.items() {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
        if id.is_empty() || !id.chars().all(plain) {
            item.invalid(
                problems,
                "a provider's name holds lower-case letters, digits, `-`, `_` and `.` only",
            );
        } else if id == "local" {
            item.invalid(problems, "`local` is the embedded model, which has no settings");
        } else if let Some(row) = item.table(problems) {
            rows.insert(id.to_owned(), provider(id, row, built_in, problems));
        }
    }
    rows
}

fn provider(
    id: &str,
    mut table: Table<'_>,
    built_in: &[&str],
    problems: &mut Problems<'_>,
) -> ProviderConfig {
    let protocol_item = table.get("protocol");
    let url_item = table.get("base_url");
    if !built_in.contains(&id) {
        let missing = [("protocol", protocol_item.is_none()), ("base_url", url_item.is_none())];
        for (key, _) in missing.into_iter().filter(|(_, missing)| *missing) {
            problems.add(table.at, |place| incomplete(id, key, built_in, place));
        }
    }
    let row = ProviderConfig {
        protocol: protocol_item.and_then(|item| protocol(&item, problems)),
        base_url: url_item.and_then(|item| {
            let text = item.text(problems)?;
            base_url::checked(text).map_err(|why| item.invalid(problems, &why)).ok()
        }),
        key_env: table.get("key_env").and_then(|item| key_env(id, &item, problems)),
        key_command: table.get("key_command").and_then(|item| key_command(&item, problems)),
        auth: table.get("auth").and_then(|item| auth(id, &item, problems)),
        headers: headers(&mut table, problems),
        models: models(&mut table, problems),
    };
    table.finish(problems);
    row
}

fn incomplete(id: &str, key: &str, built_in: &[&str], place: &str) -> Error {
    let error = Error::config(format!("the new provider `{id}` has no `{key}` in {place}"));
    match nearest(id, built_in.iter().copied()) {
        Some(near) => error.hint(format!("to change the built-in provider, name it `{near}`")),
        None if key == "protocol" => error.hint(format!("it is one of {}", protocol_names())),
        None => error.hint("for example `base_url = \"http://127.0.0.1:8080/v1\"`"),
    }
}

fn protocol_names() -> String {
    Protocol::ALL.map(|protocol| format!("`{}`", protocol.as_str())).join(", ")
}

fn protocol(item: &Item<'_>, problems: &mut Problems<'_>) -> Option<Protocol> {
    let text = item.text(problems)?;
    let found = Protocol::ALL.into_iter().find(|protocol| protocol.as_str() == text);
    if found.is_none() {
        let near = nearest(text, Protocol::ALL.map(Protocol::as_str));
        let hint = near.map(|near| format!("did you mean `{near}`?"));
        item.invalid_with_hint(problems, &format!("expected one of {}", protocol_names()), hint);
    }
    found
}

/// One variable's name, or several with the preferred one first.
fn key_env(id: &str, item: &Item<'_>, problems: &mut Problems<'_>) -> Option<Vec<String>> {
    let names = if item.is_text() { vec![item.text(problems)?.to_owned()] } else { item.texts(problems)? };
    if names.iter().all(|name| is_variable_name(name)) {
        return Some(names);
    }
    let hint = format!("if it is the key itself, take it out and run `pollm keys set {id}`");
    item.invalid_with_hint(problems, "expected the name of an environment variable", Some(hint));
    None
}

/// Whether text can be a variable's name and does not look like a key: some
/// vendors' keys (`gsk_…`, `hf_…`) are made of letters, digits and `_` only, but
/// have a long run that mixes digits and lower-case letters.
fn is_variable_name(name: &str) -> bool {
    let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let random = |run: &str| {
        run.len() >= 16
            && run.bytes().any(|b| b.is_ascii_digit())
            && run.bytes().any(|b| b.is_ascii_lowercase())
    };
    plain && !name.starts_with(|c: char| c.is_ascii_digit()) && !name.split('_').any(random)
}

fn key_command(item: &Item<'_>, problems: &mut Problems<'_>) -> Option<Vec<String>> {
    if item.is_text() {
        let hint = "for example `key_command = [\"op\", \"read\", \"op://vault/item/key\"]`".to_owned();
        item.invalid_with_hint(problems, "expected a program and its arguments as a list", Some(hint));
        return None;
    }
    item.texts(problems)
}

fn auth(id: &str, item: &Item<'_>, problems: &mut Problems<'_>) -> Option<KeyPlacement> {
    let text = item.text(problems)?;
    match text {
        "bearer" => Some(KeyPlacement::Sent(Auth::Bearer)),
        "none" => Some(KeyPlacement::None),
        // A key pasted here would pass as a header's name but for its length.
        _ if is_header_name(text) && text.len() <= 40 && !text.starts_with("sk-") => {
            Some(KeyPlacement::Sent(Auth::Header(text.to_ascii_lowercase())))
        }
        _ => {
            let hint = format!("keys are stored with `pollm keys set {id}`");
            item.invalid_with_hint(problems, "expected `bearer`, `none` or the name of a header", Some(hint));
            None
        }
    }
}

/// A token of RFC 9110, section 5.6.2.
fn is_header_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

fn headers(provider: &mut Table<'_>, problems: &mut Problems<'_>) -> Vec<(String, HeaderText)> {
    let Some(table) = provider.get("headers").and_then(|item| item.table(problems)) else {
        return Vec::new();
    };
    let mut headers = Vec::new();
    for (name, item) in table.items() {
        if !is_header_name(name) {
            item.invalid(problems, "a header's name holds letters, digits and `-` only");
            continue;
        }
        // These describe the message as it is sent, which no file can know.
        let name = name.to_ascii_lowercase();
        if ["host", "content-length", "content-type", "transfer-encoding", "connection"]
            .contains(&name.as_str())
        {
            item.invalid(problems, "this header is set by the request itself");
            continue;
        }
        let Some(text) = item.text(problems) else { continue };
        if text.bytes().all(|b| b == b' ' || b == b'\t' || b.is_ascii_graphic()) {
            headers.push((name, HeaderText(text.trim().to_owned())));
        } else {
            item.invalid(problems, "a header's value holds visible ASCII only, and no line break");
        }
    }
    headers
}

fn models(provider: &mut Table<'_>, problems: &mut Problems<'_>) -> BTreeMap<String, ModelConfig> {
    let Some(table) = provider.get("models").and_then(|item| item.table(problems)) else {
        return BTreeMap::new();
    };
    let mut models = BTreeMap::new();
    for (id, item) in table.items() {
        if id.trim().is_empty() {
            item.invalid(problems, "a model needs a name");
        } else if let Some(row) = item.table(problems) {
            models.insert(id.to_owned(), model(row, problems));
        }
    }
    models
}

fn model(mut table: Table<'_>, problems: &mut Problems<'_>) -> ModelConfig {
    let model = ModelConfig {
        deployment: text_of(&mut table, "deployment", problems),
        context: table.get("context").and_then(|item| item.count(problems)),
        max_output: table.get("max_output").and_then(|item| item.count(problems)),
        prices: PriceConfig {
            input: price(&mut table, "input", problems),
            output: price(&mut table, "output", problems),
            cache_read: price(&mut table, "cache_read", problems),
            cache_write: price(&mut table, "cache_write", problems),
            cache_write_1h: price(&mut table, "cache_write_1h", problems),
            reasoning: price(&mut table, "reasoning", problems),
            audio_input: price(&mut table, "audio_input", problems),
            audio_output: price(&mut table, "audio_output", problems),
        },
    };
    table.finish(problems);
    model
}

pub(super) fn price(table: &mut Table<'_>, key: &'static str, problems: &mut Problems<'_>) -> Option<Price> {
    let item = table.get(key)?;
    let hint = || Some(format!("for example `{key} = \"0.20\"`: USD per million tokens"));
    if item.is_number() {
        item.invalid_with_hint(problems, "expected text in quotes, which keeps a price exact", hint());
        return None;
    }
    let price = Price::per_million(item.text(problems)?);
    if price.is_err() {
        item.invalid_with_hint(
            problems,
            "expected a decimal with at most nine digits behind the point",
            hint(),
        );
    }
    price.ok()
}
