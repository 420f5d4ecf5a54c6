//! A whole catalog as a refresh works on it, read from one text and written as
//! another.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::civil::Date;
use serde_json::{Map, Value};

use super::record::Record;
use crate::catalog::snapshot::Snapshot;
use crate::catalog::{Catalog, ProviderKind, Source};
use crate::model::{ModelRef, ProviderId};

/// A catalog's models, and what else is in the file.
#[derive(Clone, Debug)]
pub(super) struct Book {
    /// The day that the file is of.
    pub(super) date: Date,
    /// The day of the embedded file that it was made over.
    base: String,
    /// Where facts and prices come from.
    pub(super) sources: Vec<Source>,
    /// Schedules by id.
    pub(super) schedules: Map<String, Value>,
    /// Other names of providers and models, as in the file.
    names: [(&'static str, String); 2],
    /// Providers in the order of the file.
    pub(super) providers: Vec<Shelf>,
}

/// One provider's models.
#[derive(Clone, Debug)]
pub(super) struct Shelf {
    pub(super) provider: ProviderId,
    pub(super) kind: ProviderKind,
    /// The provider's facts as JSON, still open before its models.
    head: String,
    pub(super) models: BTreeMap<String, Record>,
}

impl Book {
    /// Reads the file of a catalog, without the user's rows. A line that can't
    /// be read is left out: sources may bring it anew.
    pub(super) fn read(catalog: &Catalog) -> Self {
        let text = |key| catalog.snapshot.head(key).unwrap_or("{}").to_owned();
        Self {
            date: catalog.date().parse().unwrap_or_default(),
            base: catalog.base().to_owned(),
            sources: catalog.sources(),
            schedules: catalog.head_as("sched"),
            names: ["palias", "alias"].map(|key| (key, text(key))),
            providers: shelves(&catalog.snapshot),
        }
    }

    /// The file.
    pub(super) fn text(&self) -> String {
        let mut text = String::from("{\n\"v\":1,\n");
        let sources = serde_json::to_string(&self.sources).unwrap_or_else(|_| "[]".to_owned());
        let schedules = Value::Object(self.schedules.clone());
        let _ = writeln!(
            text,
            "\"gen\":\"{}\",\n\"base\":\"{}\",\n\"cur\":\"USD\",\n\"per\":1000000,",
            self.date, self.base
        );
        let _ = writeln!(text, "\"src\":{sources},\n\"sched\":{schedules},");
        for (key, json) in &self.names {
            let _ = writeln!(text, "\"{key}\":{json},");
        }
        let shelves: Vec<String> = self.providers.iter().map(Shelf::text).collect();
        let _ = write!(text, "\"p\":{{\n{}\n}}}}\n", shelves.join(",\n"));
        text
    }

    /// Every model with its record.
    pub(super) fn models(&self) -> BTreeMap<ModelRef, &Record> {
        let each = self.providers.iter().flat_map(|shelf| {
            let name = |id: &String| ModelRef { provider: shelf.provider.clone(), model: id.clone() };
            shelf.models.iter().map(move |(id, record)| (name(id), record))
        });
        each.collect()
    }

    /// Notes from when a source is, once it was read.
    pub(super) fn note_source(&mut self, source: Source) {
        match self.sources.iter_mut().find(|known| known.name == source.name) {
            Some(known) => *known = source,
            None => self.sources.push(source),
        }
    }
}

fn shelves(snapshot: &Snapshot) -> Vec<Shelf> {
    let sections = snapshot.sections().filter_map(|(id, section)| {
        let facts = section.facts();
        let kind = crate::catalog::row::provider(id, &facts).ok()?.kind;
        let models =
            section.lines().filter_map(|(id, line)| Some((id.into_owned(), Record::read(line).ok()?)));
        Some(Shelf {
            provider: ProviderId::new(id),
            kind,
            head: facts.strip_suffix("\"m\":{}}")?.to_owned(),
            models: models.collect(),
        })
    });
    sections.collect()
}

impl Shelf {
    /// Whether lists of others have anything to say of it.
    pub(super) fn is_remote(&self) -> bool {
        !matches!(self.kind, ProviderKind::Local | ProviderKind::Gone)
    }

    fn text(&self) -> String {
        let mut lines = vec![format!("{}:{}\"m\":{{", Value::from(self.provider.as_str()), self.head)];
        let last = self.models.len().saturating_sub(1);
        for (at, (id, record)) in self.models.iter().enumerate() {
            let comma = if at < last { "," } else { "" };
            lines.push(format!("{}:{}{comma}", Value::from(id.as_str()), record.line()));
        }
        lines.push("}}".to_owned());
        lines.join("\n")
    }
}
