//! `pollm models refresh`: what others publish, fetched or read, laid over the
//! catalog in use. All of it or nothing.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::print;
use crate::catalog::Catalog;
use crate::catalog::refresh::{
    Etags, Fact, GENAI_PRICES, LARGEST_SOURCE, MODELS_DEV, ModelChange, OPENROUTER, RefreshError,
    RefreshReport, SourceText, apply, etags, load, refreshed_path, save,
};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::model::{ModelRef, ProviderId};
use crate::provider;
use crate::render::filter::clean_line;
use crate::render::json::{SCHEMA, laid_out};
use crate::transport::{Downloaded, Downloads};
use crate::wire::{ApiError, FailureKind};

/// How long a server may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(10);

/// How long a download may stand still.
const IDLE: Duration = Duration::from_secs(20);

/// How long one source may take in all.
const WHOLE: Duration = Duration::from_secs(120);

/// The provider whose own list is read where it is used.
const GATEWAY: &str = "openrouter";

/// What the sources gave.
#[derive(Default)]
struct Gathered {
    /// Those that are new, or may be.
    texts: Vec<SourceText>,
    /// The tags of all that have one.
    etags: Etags,
}

pub(super) fn run(from: &[String], as_json: bool, context: &Context, stdout: &mut dyn Write) -> Result<()> {
    let cache = &context.paths.cache_dir;
    let in_use = load(cache, Catalog::embedded());
    let kept = |error: Error| {
        error.hint(format!("nothing was changed: the catalog of {} stays in use", in_use.catalog.date()))
    };
    let gathered = gather(&sources(from, context), &etags(cache, &in_use)).map_err(kept)?;
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let (text, report) =
        apply(&in_use.catalog, &gathered.texts, today).map_err(|error| kept(refused(error)))?;
    save(cache, &text, &gathered.etags).map_err(|error| {
        let path = refreshed_path(cache);
        kept(Error::failed(format!("`{}` can't be written", path.display())).because(&error))
    })?;
    if as_json {
        return print(stdout, &laid_out(&object(&report)));
    }
    let lines = report.lines().into_iter().chain([report.summary()]);
    let text: String = lines.map(|line| clean_line(&line).into_owned() + "\n").collect();
    print(stdout, &text)
}

/// Files and addresses, in the order in which they are read.
fn sources(from: &[String], context: &Context) -> Vec<String> {
    if !from.is_empty() {
        return from.to_vec();
    }
    let gateway = provider::is_usable(context, &ProviderId::new(GATEWAY))
        || context.config.providers.contains_key(GATEWAY);
    let gateway = gateway.then_some(OPENROUTER);
    [MODELS_DEV, GENAI_PRICES].into_iter().chain(gateway).map(str::to_owned).collect()
}

/// Reads files, then addresses, one after the other; the first that fails ends it.
///
/// Tags of addresses that are not read now are dropped: what is read instead
/// may undo what they said, and then "not modified" would be wrong.
fn gather(sources: &[String], known: &Etags) -> Result<Gathered> {
    let is_address = |source: &&String| source.starts_with("https://") || source.starts_with("http://");
    let (addresses, files): (Vec<&String>, Vec<&String>) = sources.iter().partition(is_address);
    let mut gathered = Gathered::default();
    for file in files {
        gathered.texts.push(SourceText::from_file(Path::new(file)).map_err(refused)?);
    }
    if !addresses.is_empty() {
        crate::runtime()?.block_on(fetch_all(&addresses, known, &mut gathered))?;
    }
    Ok(gathered)
}

async fn fetch_all(addresses: &[&String], known: &Etags, gathered: &mut Gathered) -> Result<()> {
    let downloads = Downloads::new(CONNECT, IDLE).map_err(|error| Error::from(&error))?;
    for address in addresses {
        let (name, tag) = (shown(address), known.get(*address));
        let fetching = downloads.if_changed(address, tag.map(String::as_str), LARGEST_SOURCE);
        let fetched = tokio::time::timeout(WHOLE, fetching).await.unwrap_or_else(|_| {
            Err(ApiError::new(FailureKind::Timeout, format!("it takes longer than {} s", WHOLE.as_secs())))
        });
        let fetched = fetched.map_err(|error| {
            Error::failed(format!("`{name}` can't be fetched: {}", clean_line(&error.message)))
                .hint("`--from FILE|URL` reads another copy of a list")
        })?;
        let tag = match fetched {
            None => {
                log::info!("{name}: not modified");
                tag.cloned()
            }
            Some(Downloaded { bytes, etag }) => {
                log::info!("{name}: {} bytes", bytes.len());
                gathered.texts.push(SourceText::new(name, bytes).map_err(refused)?);
                etag
            }
        };
        gathered.etags.extend(tag.map(|tag| ((*address).clone(), tag)));
    }
    Ok(())
}

/// A source that can't be used; what is wrong may be in its own words.
fn refused(error: RefreshError) -> Error {
    Error::failed(clean_line(&error.to_string()))
}

/// An address without a password or anything else that may be secret.
fn shown(address: &str) -> String {
    let Ok(mut url) = url::Url::parse(address) else { return address.to_owned() };
    // Both can only fail where there is no host, and then there is no name either.
    let _ = (url.set_username(""), url.set_password(None));
    url.set_query(None);
    url.to_string()
}

fn object(report: &RefreshReport) -> Value {
    let names = |models: &[ModelRef]| models.iter().map(ToString::to_string).collect::<Vec<_>>();
    let changed = |models: &[ModelChange]| models.iter().map(model).collect::<Vec<_>>();
    json!({
        "schema": SCHEMA,
        "price_changes": changed(&report.price_changes),
        "new": names(&report.new),
        "gone": names(&report.gone),
        "other_changes": changed(&report.other_changes),
    })
}

fn model(change: &ModelChange) -> Value {
    let value = |fact: &Option<Fact>| {
        fact.as_ref().map(|fact| match fact {
            Fact::Price(price) => price.to_string(),
            Fact::Text(text) => text.clone(),
        })
    };
    let changes: Vec<Value> = change
        .changes
        .iter()
        .map(|one| json!({"what": one.what, "before": value(&one.before), "after": value(&one.after)}))
        .collect();
    json!({"model": change.model.to_string(), "changes": changes})
}
