//! The catalog: providers, models and prices, embedded, refreshed or the user's.
//!
//! - [`Catalog`]: lookups. One model costs a search and the parse of one line.
//! - [`Catalog::resolve`]: what a user typed, turned into a model.
//! - [`Model::bill`]: what a usage costs, in exact integers.
//! - [`refresh`]: a newer file out of what others publish, and its difference.
//!
//! The user's rows win over the file's. Absent means unknown, never zero.

mod bill;
mod entry;
mod names;
mod price;
pub mod refresh;
mod resolve;
mod row;
mod schedule;
mod snapshot;
mod suggest;
mod zero;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

pub use bill::{ListCost, Pricing};
pub use entry::{Abilities, Billing, Modality, Model, ModelOverride, Provider, ProviderKind, State};
pub use names::is_same_model;
pub use price::{Batch, InForce, Part, PriceRow, Prices, Tier};
pub use resolve::{ResolveError, Resolved};
pub use schedule::{Phase, Schedule};

use crate::model::{ModelRef, ProviderId};
use snapshot::{Section, Snapshot};

/// The catalog file of this build.
const EMBEDDED: &str = include_str!("catalog/catalog.json");

/// The provider of the embedded model, and that model.
const LOCAL: (&str, &str) = ("local", "smollm2-135m");

/// Providers, models and prices: one file, and the user's rows over it.
#[derive(Clone, Debug)]
pub struct Catalog {
    snapshot: Snapshot,
    providers: Vec<Provider>,
    models: BTreeMap<ModelRef, ModelOverride>,
    aliases: BTreeMap<String, String>,
}

/// Where facts and prices come from.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Source {
    /// The name of the data set.
    #[serde(rename = "n")]
    pub name: String,
    /// The day that its data are of.
    #[serde(rename = "at", skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// Its version, where it has one.
    #[serde(rename = "ver", skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Its licence.
    #[serde(rename = "lic")]
    pub licence: String,
    /// Where it is published.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// Why a catalog file, or a row of the user's, can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CatalogError {
    /// The file is not a catalog of this version, or not all of it.
    #[error("not a catalog that this version reads: {0}")]
    Format(&'static str),
    /// A row can't be read.
    #[error("`{name}` in the catalog can't be read: {reason}")]
    Row {
        /// The provider or the model.
        name: String,
        /// Why.
        reason: String,
    },
    /// A price of the user's stands alone.
    #[error("the prices of `{0}` need both `input` and `output`")]
    HalfPriced(ModelRef),
}

impl Catalog {
    /// The catalog of this build.
    pub fn embedded() -> Self {
        Self::over(Snapshot::new(EMBEDDED))
    }

    /// A refreshed catalog. Only its frame is checked, since every start of the
    /// program comes here; [`Catalog::check`] reads all of it. [`refresh::load`]
    /// chooses between this one and the embedded one.
    ///
    /// # Errors
    /// Where the text is cut short or not a catalog of this version.
    pub fn with_text(text: String) -> Result<Self, CatalogError> {
        let catalog = Self::over(Snapshot::new(text));
        let head = |key| catalog.snapshot.head(key);
        if head("v") != Some("1") {
            return Err(CatalogError::Format("`v` is not 1"));
        }
        if head("cur") != Some("\"USD\"") || head("per") != Some("1000000") {
            return Err(CatalogError::Format("prices are not in USD per million tokens"));
        }
        if catalog.date().parse::<Date>().is_err() {
            return Err(CatalogError::Format("`gen` is not a date"));
        }
        if !catalog.snapshot.is_whole() || catalog.snapshot.sections().next().is_none() {
            return Err(CatalogError::Format("it ends too early"));
        }
        Ok(catalog)
    }

    fn over(snapshot: Snapshot) -> Self {
        Self { snapshot, providers: Vec::new(), models: BTreeMap::new(), aliases: BTreeMap::new() }
    }

    /// Reads every row of the file.
    ///
    /// # Errors
    /// The first row that can't be read, by name.
    pub fn check(&self) -> Result<(), CatalogError> {
        let unreadable =
            |name: String, reason: row::RowError| CatalogError::Row { name, reason: reason.to_string() };
        for (id, section) in self.snapshot.sections() {
            row::provider(id, &section.facts()).map_err(|reason| unreadable(id.to_string(), reason))?;
            for (model, line) in section.lines() {
                let name = ModelRef::new(id, &*model);
                self.read(name.clone(), line).map_err(|reason| unreadable(name.to_string(), reason))?;
            }
        }
        Ok(())
    }

    /// Adds a provider of the user's, in place of one with the same id.
    pub fn add_provider(&mut self, row: Provider) {
        self.providers.retain(|known| known.id != row.id);
        self.providers.push(row);
    }

    /// Adds what the user says of a model.
    ///
    /// # Errors
    /// Where one of the prices for input and output is given without the other.
    pub fn add_model(&mut self, model: ModelRef, row: ModelOverride) -> Result<(), CatalogError> {
        let given = row.prices.known().count();
        let needed = [Part::Input, Part::Output].map(|part| row.prices.get(part).is_some());
        if given > 0 && needed != [true, true] {
            return Err(CatalogError::HalfPriced(model));
        }
        self.models.insert(model, row);
        Ok(())
    }

    /// Adds a name of the user's for a model, or for another name.
    pub fn add_alias(&mut self, name: impl Into<String>, target: impl Into<String>) {
        self.aliases.insert(name.into(), target.into());
    }

    /// The day on which the file was made, as `YYYY-MM-DD`.
    pub fn date(&self) -> &str {
        self.snapshot.head("gen").unwrap_or_default().trim_matches('"')
    }

    /// The day of the embedded file that it was made over: its own day, or what
    /// a refresh notes.
    pub fn base(&self) -> &str {
        self.snapshot.head("base").map_or_else(|| self.date(), |base| base.trim_matches('"'))
    }

    /// Where its facts and prices come from.
    pub fn sources(&self) -> Vec<Source> {
        self.head_as("src")
    }

    /// The names for models: the user's, then the file's that they don't hide.
    pub fn aliases(&self) -> BTreeMap<String, String> {
        let mut aliases: BTreeMap<String, String> = self.head_as("alias");
        aliases.extend(self.aliases.clone());
        aliases
    }

    fn head_as<T: Default + for<'a> Deserialize<'a>>(&self, key: &str) -> T {
        self.snapshot.head(key).and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
    }

    /// A provider by its id or by another name of it (`gemini`, `bedrock`).
    pub fn provider(&self, id_or_alias: &str) -> Option<Provider> {
        self.provider_by_id(id_or_alias).or_else(|| {
            let lower = id_or_alias.to_ascii_lowercase();
            let aliases: BTreeMap<String, String> = self.head_as("palias");
            self.provider_by_id(aliases.get(&lower).unwrap_or(&lower))
        })
    }

    fn provider_by_id(&self, id: &str) -> Option<Provider> {
        if let Some(row) = self.providers.iter().find(|row| row.id.as_str() == id) {
            return Some(row.clone());
        }
        if id == LOCAL.0 {
            return Some(embedded_provider());
        }
        row::provider(id, &self.snapshot.section(id)?.facts()).ok()
    }

    /// Every provider: those of the file in its order, the embedded model's,
    /// then the user's own.
    pub fn providers(&self) -> Vec<Provider> {
        let file = self.snapshot.sections().filter(|(id, _)| *id != LOCAL.0);
        let file = file.filter_map(|(id, section)| row::provider(id, &section.facts()).ok());
        let mut rows: Vec<Provider> = file.chain([embedded_provider()]).collect();
        for row in &self.providers {
            match rows.iter_mut().find(|known| known.id == row.id) {
                Some(known) => known.clone_from(row),
                None => rows.push(row.clone()),
            }
        }
        rows
    }

    /// The ids of the file's providers and of the embedded model's. Every start
    /// of the program needs them, so no row is parsed.
    pub fn built_in_ids(&self) -> Vec<String> {
        let file = self.snapshot.sections().map(|(id, _)| id.to_owned());
        file.chain([LOCAL.0.to_owned()]).collect()
    }

    /// One model by its exact id. A provider on this machine knows every id.
    pub fn model(&self, model: &ModelRef) -> Option<Model> {
        let user = self.models.get(model);
        let named = user.and_then(|user| {
            let real = ModelRef { provider: model.provider.clone(), model: user.deployment.clone()? };
            Some(Model { model: model.clone(), ..self.model_in_file(&real)? })
        });
        let known = named.or_else(|| self.model_in_file(model)).or_else(|| self.model_on_machine(model));
        let Some(user) = user else { return known };
        let mut known = known.unwrap_or_else(|| Model::unknown(model.clone()));
        user.lay_over(&mut known);
        Some(known)
    }

    fn model_in_file(&self, model: &ModelRef) -> Option<Model> {
        let line = self.snapshot.section(model.provider.as_str())?.line(&model.model)?;
        self.read(model.clone(), line).ok()
    }

    fn model_on_machine(&self, model: &ModelRef) -> Option<Model> {
        if (model.provider.as_str(), model.model.as_str()) == LOCAL {
            return Some(embedded_model(model.clone()));
        }
        let local = self.provider_by_id(model.provider.as_str())?.kind == ProviderKind::Local;
        local.then(|| Model { billing: Billing::Local, ..Model::unknown(model.clone()) })
    }

    fn read(&self, model: ModelRef, line: &str) -> Result<Model, row::RowError> {
        row::model(model, line, &|id| row::schedule(id, self.snapshot.head("sched").unwrap_or("{}")))
    }

    /// The models of a provider, those that only the user knows last.
    pub fn models(&self, provider: &ProviderId) -> Vec<Model> {
        self.ids_of(provider).iter().filter_map(|model| self.model_of_list(model)).collect()
    }

    /// As [`Catalog::model`], for an id that was read from a list.
    fn model_of_list(&self, (model, line): &(ModelRef, Option<&str>)) -> Option<Model> {
        match line {
            // A search for a line that is already found would make lists quadratic.
            Some(line) if !self.models.contains_key(model) => self.read(model.clone(), line).ok(),
            _ => self.model(model),
        }
    }

    fn ids_of(&self, provider: &ProviderId) -> Vec<(ModelRef, Option<&str>)> {
        let named = |model: &str| ModelRef { provider: provider.clone(), model: model.to_owned() };
        let lines = self.snapshot.section(provider.as_str()).into_iter().flat_map(|part| part.lines());
        let mut ids: Vec<_> = lines.map(|(id, line)| (named(&id), Some(line))).collect();
        let listed: BTreeSet<ModelRef> = ids.iter().map(|(model, _)| model.clone()).collect();
        let embedded = (provider.as_str() == LOCAL.0).then(|| named(LOCAL.1));
        let user = self.models.keys().filter(|model| model.provider == *provider).cloned();
        let further = embedded.into_iter().chain(user).filter(|model| !listed.contains(model));
        ids.extend(further.map(|model| (model, None)));
        ids
    }

    /// The names of all models of all providers, for completion and for lists.
    /// Nothing is parsed.
    pub fn ids(&self) -> Vec<ModelRef> {
        let file = self.snapshot.sections();
        let listed = file.flat_map(|(provider, section)| {
            section.lines().map(move |(model, _)| ModelRef::new(provider, &*model)).collect::<Vec<_>>()
        });
        let all = listed.chain([ModelRef::new(LOCAL.0, LOCAL.1)]).chain(self.models.keys().cloned());
        let mut seen = BTreeSet::new();
        all.filter(|model| seen.insert(model.clone())).collect()
    }

    /// Every provider that has this very id, by a search of the text.
    fn offering(&self, model: &str) -> Vec<ModelRef> {
        self.matching(|section| section.line(model).map(|_| Cow::Borrowed(model)), |id| id == model)
    }

    /// One model a provider: what `find` finds in a part of the file, or one of
    /// the user's whose id `fits`.
    fn matching<'a>(
        &'a self,
        find: impl Fn(&Section<'a>) -> Option<Cow<'a, str>>,
        fits: impl Fn(&str) -> bool,
    ) -> Vec<ModelRef> {
        let listed = self.snapshot.sections();
        let listed = listed.filter_map(|(provider, part)| Some(ModelRef::new(provider, &*find(&part)?)));
        let embedded = ModelRef::new(LOCAL.0, LOCAL.1);
        let further = std::iter::once(&embedded).chain(self.models.keys()).filter(|model| fits(&model.model));
        let mut found: Vec<ModelRef> = listed.collect();
        for model in further {
            if !found.iter().any(|known| known.provider == model.provider) {
                found.push(model.clone());
            }
        }
        found
    }
}

/// The row of the engine inside this program.
fn embedded_provider() -> Provider {
    Provider {
        id: ProviderId::new(LOCAL.0),
        name: "embedded model".to_owned(),
        kind: ProviderKind::Local,
        wire: "local".to_owned(),
        env: Vec::new(),
        base_url: None,
        doc: None,
        gone_since: None,
    }
}

/// The facts of the embedded model, from the header of its weights.
fn embedded_model(model: ModelRef) -> Model {
    Model {
        name: "SmolLM2 135M Instruct".to_owned(),
        context: Some(8_192),
        input: vec![Modality::Text],
        output: vec![Modality::Text],
        abilities: Some(Abilities { open_weights: true, ..Abilities::default() }),
        billing: Billing::Local,
        ..Model::unknown(model)
    }
}

#[cfg(test)]
mod tests;
