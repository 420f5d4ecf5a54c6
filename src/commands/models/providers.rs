//! `pollm models providers` and `pollm models --about`: who can be asked, and
//! where what is known comes from.

use std::io::Write;

use serde_json::{Value, json};

use crate::catalog::{Provider, ProviderKind, Source};
use crate::cli::{TableFormat, TableOptions};
use crate::context::Context;
use crate::error::Result;
use crate::provider;
use crate::render::columns::{Column, GAP, Place, markdown, one_line, rows, taken};
use crate::render::csv;
use crate::render::filter::clean;
use crate::render::json::{SCHEMA, laid_out, lines};
use crate::render::output::{Output, Paint};
use crate::secrets::{KeyFile, KeyQuery};

/// Where a provider's key is.
pub(super) struct KeyPlace {
    query: KeyQuery,
    found: Option<String>,
}

pub(super) fn key(context: &Context, row: &Provider) -> KeyPlace {
    let mut query = provider::key_query(context, row);
    query.required &= row.wire != "local";
    let stored = KeyFile::open(&context.paths.key_file).unwrap_or_default();
    let found = query.locate(&context.env, &stored).map(|source| source.to_string());
    KeyPlace { query, found }
}

impl KeyPlace {
    pub(super) fn in_words(&self) -> String {
        match &self.found {
            Some(source) => source.clone(),
            None if self.query.unused => "not sent".to_owned(),
            None if !self.query.required => "none needed".to_owned(),
            None => match self.query.variables.first() {
                Some(variable) => format!("not found ({variable})"),
                None => "not found".to_owned(),
            },
        }
    }

    /// Whether all that is needed is there.
    const fn is_there(&self) -> bool {
        self.found.is_some() || !self.query.required
    }
}

/// A provider and how it can be asked.
struct Row {
    provider: Provider,
    key: KeyPlace,
    /// Protocol and address, or why it can't be asked.
    way: Result<(String, String), String>,
}

fn row(context: &Context, provider: Provider) -> Row {
    let way = match (&provider.kind, provider.wire.as_str()) {
        (ProviderKind::Gone, _) => Err(provider
            .gone_since
            .map_or("its service has ended".to_owned(), |day| format!("its service ended on {day}"))),
        (_, "local") => Ok(("in-process".to_owned(), "this program".to_owned())),
        _ => provider::endpoint(context, &provider, "")
            .map(|endpoint| (endpoint.protocol.as_str().to_owned(), endpoint.base_url))
            .map_err(|error| error.message),
    };
    Row { key: key(context, &provider), provider, way }
}

pub(super) fn run(options: &TableOptions, context: &Context, stdout: &mut dyn Write) -> Result<()> {
    let format = options.format("models providers", &TableFormat::USUAL)?;
    let mut all: Vec<Row> = context.catalog.providers().into_iter().map(|one| row(context, one)).collect();
    if matches!(format, TableFormat::Text | TableFormat::Markdown) {
        all.sort_by_key(|row| (row.way.is_err(), !row.key.is_there()));
    }
    let output = options.laid_out_for(&context.output);
    let objects = || all.iter().map(object).collect::<Vec<Value>>();
    let text = match format {
        TableFormat::Json => laid_out(&json!({"schema": SCHEMA, "providers": objects()})),
        TableFormat::Jsonl => lines(&objects()),
        TableFormat::Csv => csv::of_objects(&FIELDS, &objects()),
        TableFormat::Markdown => markdown(&columns(&all), all.len() + 1),
        TableFormat::Text | TableFormat::Html if output.accessible => {
            all.iter().map(facts).collect::<Vec<_>>().join("\n")
        }
        TableFormat::Text | TableFormat::Html => table(&all, &output),
    };
    options.write(&text, stdout)
}

/// Columns of CSV, and where their values are in an object.
const FIELDS: [(&str, &str); 11] = [
    ("provider", "/provider"),
    ("name", "/name"),
    ("kind", "/kind"),
    ("protocol", "/protocol"),
    ("address", "/address"),
    ("obstacle", "/obstacle"),
    ("key_required", "/key/required"),
    ("key_variables", "/key/variables"),
    ("key_found", "/key/found"),
    ("usable", "/usable"),
    ("documentation", "/documentation"),
];

fn cells(row: &Row) -> [String; 5] {
    let (protocol, address) = match &row.way {
        Ok((protocol, address)) => (protocol.clone(), address.clone()),
        Err(why) if why.starts_with("pollm ") => ("-".to_owned(), why.clone()),
        Err(why) => ("-".to_owned(), format!("can't be asked: {why}")),
    };
    let kind = row.provider.kind.as_str().to_owned();
    let cells = [row.provider.id.as_str().to_owned(), kind, protocol, row.key.in_words(), address];
    cells.map(|cell| one_line(&clean(&cell)))
}

fn columns(all: &[Row]) -> Vec<Column> {
    let titles = ["provider", "kind", "protocol", "key", "address"].map(str::to_owned);
    let lines: Vec<[String; 5]> = std::iter::once(titles).chain(all.iter().map(cells)).collect();
    let column = |at: usize| Column::new(lines.iter().map(|line| line[at].clone()).collect(), Place::Whole);
    (0..5).map(column).collect()
}

/// On a narrow terminal each address stands on the line beneath, in full: it
/// tells one region or server from another.
fn table(all: &[Row], output: &Output) -> String {
    let width = if output.stdout_tty { output.width } else { usize::MAX };
    let mut columns = columns(all);
    let beneath = (taken(&columns).saturating_sub(GAP) > width).then(|| columns.pop()).flatten();
    if taken(&columns).saturating_sub(GAP) > width {
        columns[1].width = 0;
    }
    let mut text = String::new();
    for (at, line) in rows(&columns, all.len() + 1).into_iter().enumerate() {
        text += &if at == 0 { output.paint_stdout(&line, Paint::Bold) } else { line };
        text.push('\n');
        if let (Some(column), true) = (&beneath, at > 0) {
            text += &format!("    {}\n", output.paint_stdout(&column.cells[at], Paint::Dim));
        }
    }
    text
}

fn facts(row: &Row) -> String {
    let [id, kind, protocol, key, address] = cells(row);
    format!("provider: {id}\nkind: {kind}\nprotocol: {protocol}\nkey: {key}\naddress: {address}\n")
}

fn object(row: &Row) -> Value {
    let way = row.way.as_ref().ok();
    json!({
        "provider": row.provider.id.as_str(),
        "name": row.provider.name,
        "kind": row.provider.kind.as_str(),
        "protocol": way.map(|(protocol, _)| protocol),
        "address": way.map(|(_, address)| address),
        "obstacle": row.way.as_ref().err(),
        "key": {
            "required": row.key.query.required,
            "variables": row.key.query.variables,
            "found": row.key.found,
        },
        "usable": row.way.is_ok() && row.key.is_there(),
        "documentation": row.provider.doc,
    })
}

/// Prints the catalog's sources with their licences.
pub(super) fn about(options: &TableOptions, context: &Context, stdout: &mut dyn Write) -> Result<()> {
    let format = options.format("models --about", &[TableFormat::Text, TableFormat::Json])?;
    let sources = context.catalog.sources();
    let date = context.catalog.date();
    if format == TableFormat::Json {
        let sources: Vec<Value> = sources.iter().map(source).collect();
        let object = json!({"schema": SCHEMA, "catalog": date, "sources": sources});
        return options.write(&laid_out(&object), stdout);
    }
    if options.laid_out_for(&context.output).accessible {
        let sources = sources.iter().map(source_facts).collect::<Vec<_>>().join("\n");
        return options.write(&format!("models and prices of: {date}\n\n{sources}"), stdout);
    }
    let column = |cell: fn(&Source) -> Option<&str>| {
        let cells = sources.iter().map(|source| one_line(&clean(cell(source).unwrap_or("-"))));
        Column::new(cells.collect(), Place::Whole)
    };
    let columns = [
        column(|source| Some(&source.name)),
        column(|source| source.version.as_deref()),
        column(|source| source.date.as_deref()),
        column(|source| Some(&source.licence)),
        column(|source| source.url.as_deref()),
    ];
    let lines: String = rows(&columns, sources.len()).iter().map(|line| format!("  {line}\n")).collect();
    options.write(&format!("models and prices of {date}, converted from:\n{lines}"), stdout)
}

fn source_facts(source: &Source) -> String {
    let facts = [
        ("converted from", Some(&source.name)),
        ("version", source.version.as_ref()),
        ("date", source.date.as_ref()),
        ("licence", Some(&source.licence)),
        ("address", source.url.as_ref()),
    ];
    let known = facts.into_iter().filter_map(|(name, value)| Some((name, value?)));
    known.map(|(name, value)| format!("{name}: {}\n", one_line(&clean(value)))).collect()
}

pub(super) fn source(source: &Source) -> Value {
    json!({
        "name": source.name,
        "version": source.version,
        "date": source.date,
        "licence": source.licence,
        "url": source.url,
    })
}
