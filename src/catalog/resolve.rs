//! From what a user typed to a model, by rules that never guess a price.

use std::borrow::Cow;

use super::names::{self, Loss};
use super::{Billing, Catalog, Model, Provider, ProviderKind, State};
use crate::chat::Effort;
use crate::error::Error;
use crate::model::{ModelRef, ProviderId};
use crate::nearest::nearest;
use crate::render::filter::clean_line;

/// A lab as canonical names have it, and the providers that it runs itself, in
/// the order of preference.
const LABS: [(&str, &[&str]); 24] = [
    ("openai", &["openai"]),
    ("anthropic", &["anthropic"]),
    ("google", &["google"]),
    ("meta", &["meta"]),
    ("mistral", &["mistral"]),
    ("deepseek", &["deepseek"]),
    ("xai", &["xai"]),
    ("alibaba", &["alibaba", "alibaba-cn"]),
    ("moonshotai", &["moonshotai", "moonshotai-cn"]),
    ("zhipuai", &["zai", "zhipuai"]),
    ("minimax", &["minimax", "minimax-cn"]),
    ("cohere", &["cohere"]),
    ("perplexity", &["perplexity"]),
    ("xiaomi", &["xiaomi"]),
    ("stepfun", &["stepfun"]),
    ("upstage", &["upstage"]),
    ("inception", &["inception"]),
    ("tencent", &["tencent"]),
    ("bytedance-seed", &["volcengine"]),
    ("poolside", &["poolside"]),
    ("thinkingmachines", &["thinkingmachines"]),
    ("amazon", &["nova"]),
    ("ai21", &["ai21"]),
    ("sarvam", &["sarvam"]),
];

/// Whether a provider is run by a lab for its own models.
pub(super) fn is_first_party(provider: &ProviderId) -> bool {
    LABS.iter().any(|(_, homes)| homes.contains(&provider.as_str()))
}

/// A model found for a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// Who is asked for what.
    pub model: ModelRef,
    /// What is known of it; `None` where the id is passed on as typed and its
    /// price is unknown.
    pub row: Option<Model>,
    /// The effort that the name asked for (`gpt-6-sol-high`), where that is no
    /// part of the id.
    pub effort: Option<Effort>,
    /// What the user should know of the choice.
    pub note: Option<String>,
}

/// Why no model was found for a name. Nothing is sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// The name is neither an id, nor an alias, nor `provider/model`.
    #[error("unknown model `{typed}`")]
    Unknown {
        /// The name.
        typed: String,
        /// Names near it, the nearest first.
        suggestions: Vec<String>,
    },
    /// Several providers offer the id, and none of them goes before the others.
    #[error("`{typed}` is offered by several providers")]
    Ambiguous {
        /// The name.
        typed: String,
        /// Whom it could mean.
        candidates: Vec<ModelRef>,
    },
    /// What stands before the slash is no provider.
    #[error("unknown provider `{provider}` in `{typed}`")]
    UnknownProvider {
        /// The name.
        typed: String,
        /// The part before the slash.
        provider: String,
        /// Names that may be meant.
        suggestions: Vec<String>,
    },
    /// The provider's service has ended.
    #[error("{provider} has ended its service{}", since.map(|day| format!(" on {day}")).unwrap_or_default())]
    Gone {
        /// The provider's name.
        provider: String,
        /// The day.
        since: Option<jiff::civil::Date>,
    },
}

impl From<ResolveError> for Error {
    fn from(error: ResolveError) -> Self {
        let quoted =
            |names: Vec<String>| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let base = Self::usage(clean_line(&error.to_string()));
        match error {
            ResolveError::Unknown { suggestions, .. } | ResolveError::UnknownProvider { suggestions, .. }
                if !suggestions.is_empty() =>
            {
                base.hint(format!("did you mean {}?", quoted(suggestions)))
            }
            ResolveError::Ambiguous { candidates, .. } => {
                let names = candidates.iter().map(ModelRef::to_string).collect();
                base.hint(format!("name the provider: {}", quoted(names)))
            }
            ResolveError::Unknown { .. } => base.hint(
                "`pollm models` lists what can be asked now, `pollm models --all TERM` looks through all",
            ),
            ResolveError::UnknownProvider { .. } => base.hint("`pollm models providers` lists them"),
            ResolveError::Gone { .. } => base.hint("`pollm models --all TERM` finds who else has a model"),
        }
    }
}

/// A chosen candidate, and why it needs a word.
struct Choice {
    model: ModelRef,
    note: Option<String>,
}

impl Catalog {
    /// Finds the model that a name means. `usable` says of a provider whether
    /// its key is set, or that it needs none.
    ///
    /// In this order: `provider/model`, where unknown ids are passed on; an
    /// alias, the user's first; an id, asked of its lab where that is usable,
    /// else of the one provider that is; the same in other spellings; a dated
    /// name of a known model.
    ///
    /// # Errors
    /// Where the name means nothing, or more than one thing.
    pub fn resolve(
        &self,
        typed: &str,
        usable: &dyn Fn(&ProviderId) -> bool,
    ) -> Result<Resolved, ResolveError> {
        let mut name = typed.trim().to_owned();
        // Each of the user's aliases is followed once, so that they may hide
        // names of the catalog and can't run in a circle.
        let mut followed: Vec<String> = Vec::new();
        loop {
            if let Some((provider, by_alias, id)) = self.split(&name) {
                return self.at_provider(&name, by_alias, &provider, id);
            }
            let lower = name.to_ascii_lowercase();
            let known = |name: &String| self.aliases.contains_key(name) && !followed.contains(name);
            let alias = [&name, &lower].into_iter().find(|name| known(name)).cloned();
            if let Some(alias) = alias {
                name.clone_from(&self.aliases[&alias]);
                followed.push(alias);
                continue;
            }
            let file: std::collections::BTreeMap<String, String> = self.head_as("alias");
            match file.get(&name).or_else(|| file.get(&lower)) {
                // A target in the file names its provider, so this ends.
                Some(target) if target.contains('/') && !target.eq(&name) => name.clone_from(target),
                _ => return self.bare(&name, usable),
            }
        }
    }

    /// Splits a name whose first part is a provider, and says whether that part
    /// was another name of it. Bedrock's ARNs name theirs inside.
    fn split<'a>(&self, name: &'a str) -> Option<(Provider, bool, &'a str)> {
        if name.starts_with("arn:aws") && name.contains(":bedrock:") {
            return Some((self.provider(names::BEDROCK)?, false, name));
        }
        let (first, id) = name.split_once('/').filter(|(_, id)| !id.is_empty())?;
        let provider = self.provider(first)?;
        let by_alias = !provider.id.as_str().eq_ignore_ascii_case(first);
        Some((provider, by_alias, id))
    }

    fn at_provider(
        &self,
        typed: &str,
        by_alias: bool,
        provider: &Provider,
        id: &str,
    ) -> Result<Resolved, ResolveError> {
        if provider.kind == ProviderKind::Gone {
            return Err(ResolveError::Gone { provider: provider.name.clone(), since: provider.gone_since });
        }
        let model = ModelRef { provider: provider.id.clone(), model: id.to_owned() };
        if let Some(row) = self.model(&model) {
            return Ok(Resolved { note: end_of_life(&row), model, row: Some(row), effort: None });
        }
        let (plain, effort) = names::plain(id);
        if let Some(row) = self.respelled(&provider.id, plain) {
            let note = Some(format!("took `{}` for `{typed}`", row.model));
            return Ok(Resolved { model: row.model.clone(), row: Some(row), effort, note });
        }
        if let Some((row, note)) = self.stand_in(provider, &model) {
            return Ok(Resolved { model, row: Some(row), effort: None, note: Some(note) });
        }
        let elsewhere = self.offered_as(typed);
        if by_alias && !elsewhere.is_empty() {
            // `meta-llama/…` is a gateway's name of a model before it is a name of Meta.
            let provider = typed.split('/').next().unwrap_or_default().to_owned();
            return Err(ResolveError::UnknownProvider {
                typed: typed.to_owned(),
                provider,
                suggestions: elsewhere,
            });
        }
        let hint = elsewhere.first().map(|name| format!("; there is a `{name}`")).unwrap_or_default();
        let note = Some(format!("`{model}` is not in the catalog, so its price is unknown{hint}"));
        Ok(Resolved { model, row: None, effort: None, note })
    }

    /// The row of a provider whose id is spelled like this one.
    fn respelled(&self, provider: &ProviderId, id: &str) -> Option<Model> {
        let ids = self.ids_of(provider);
        let found = ids.into_iter().find(|(model, _)| names::same_spelling(&model.model, id))?;
        self.model_of_list(&found)
    }

    /// A row of the same model under another id, and what to say of it.
    fn stand_in(&self, provider: &Provider, model: &ModelRef) -> Option<(Model, String)> {
        let gateway = provider.kind == ProviderKind::Gateway;
        for form in names::stand_ins(&provider.id, gateway, &model.model) {
            let other = ModelRef { provider: provider.id.clone(), model: form.id };
            let Some(row) = self.model(&other) else { continue };
            let note = match form.loss {
                Loss::Nothing => format!("price of `{other}`"),
                Loss::RegionPrice => format!("facts of `{other}`; the region's price is unknown"),
                Loss::RoutePrice => format!("facts of `{other}`; the route's price is unknown"),
            };
            let mut row = Model { model: model.clone(), taken_from: Some(other), ..row };
            if form.loss != Loss::Nothing {
                row.prices.clear();
                row.billing = Billing::Metered;
            }
            return Some((row, note));
        }
        let row = self.newest(&provider.id, model.model.strip_suffix("-latest")?)?;
        let note = format!("price of `{}`, the newest of its family", row.model);
        Some((Model { model: model.clone(), taken_from: Some(row.model.clone()), ..row }, note))
    }

    /// The newest model in service of a family, named by itself or by a member.
    fn newest(&self, provider: &ProviderId, name: &str) -> Option<Model> {
        let models = self.models(provider);
        let named = models.iter().find(|row| row.model.model == name).and_then(|row| row.family.clone());
        let family = named.as_deref().unwrap_or(name);
        let in_service = models.iter().filter(|row| row.state != State::Retired && row.released.is_some());
        in_service
            .filter(|row| row.family.as_deref() == Some(family))
            .max_by(|a, b| a.released.cmp(&b.released))
            .cloned()
    }

    /// A name without a provider: an id, in some spelling.
    fn bare(&self, name: &str, usable: &dyn Fn(&ProviderId) -> bool) -> Result<Resolved, ResolveError> {
        let (id, effort) = names::plain(name);
        if id.find('/').is_some_and(|slash| slash > 0) {
            return Err(self.unknown_provider(name));
        }
        if let Some(found) = self.spelled(name, id, effort, usable).transpose()? {
            return Ok(found);
        }
        for form in names::undated(id, false) {
            let found = self.offering(form);
            if !found.is_empty() {
                let other = self.choose(name, found, usable)?.model;
                let model = ModelRef { provider: other.provider.clone(), model: id.to_owned() };
                let note = Some(format!("price of `{other}`"));
                let row = self.model(&other);
                let row = row.map(|row| Model { model: model.clone(), taken_from: Some(other), ..row });
                return Ok(Resolved { model, row, effort, note });
            }
        }
        if let Some((front, effort)) = names::without_effort(id)
            && let Some(found) = self.spelled(name, front, Some(effort), usable).transpose()?
        {
            return Ok(found);
        }
        Err(ResolveError::Unknown { typed: name.to_owned(), suggestions: self.suggestions(name) })
    }

    /// An id in anyone's spelling, with the effort that the name asked for.
    ///
    /// All spellings are gathered before one is chosen: `claude-opus-5.5` is the
    /// very id of a reseller, and still means the lab's `claude-opus-5-5`.
    fn spelled(
        &self,
        name: &str,
        id: &str,
        effort: Option<Effort>,
        usable: &dyn Fn(&ProviderId) -> bool,
    ) -> Option<Result<Resolved, ResolveError>> {
        let found = self.matching(
            |section| {
                let respelled = || section.lines().map(|(known, _)| known);
                let exact = section.line(id).map(|_| Cow::Owned(id.to_owned()));
                exact.or_else(|| respelled().find(|known| names::same_spelling(known, id)))
            },
            |known| names::same_spelling(known, id),
        );
        if found.is_empty() {
            return None;
        }
        Some(self.choose(name, found, usable).map(|Choice { model, note }| {
            let row = self.model(&model);
            let with = effort.map(|level| format!(" with effort {level}")).unwrap_or_default();
            let took = (model.model != name).then(|| format!("took `{model}`{with} for `{name}`"));
            let note = note.or(took).or_else(|| row.as_ref().and_then(end_of_life));
            Resolved { model, row, effort, note }
        }))
    }

    fn unknown_provider(&self, typed: &str) -> ResolveError {
        let mut suggestions = self.offered_as(typed);
        if suggestions.is_empty() {
            suggestions = self.suggestions(typed);
        }
        let (provider, model) = typed.split_once('/').unwrap_or((typed, ""));
        if suggestions.is_empty() && !model.is_empty() {
            // With a known provider any id is passed through.
            let ids: Vec<ProviderId> = self.providers().into_iter().map(|row| row.id).collect();
            let near = nearest(provider, ids.iter().map(ProviderId::as_str));
            suggestions.extend(near.map(|near| format!("{near}/{model}")));
        }
        ResolveError::UnknownProvider { typed: typed.to_owned(), provider: provider.to_owned(), suggestions }
    }

    /// Picks one of several providers of a model: its lab where that is usable,
    /// else the only usable one, else, where none is, the lab or the only one.
    fn choose(
        &self,
        typed: &str,
        candidates: Vec<ModelRef>,
        usable: &dyn Fn(&ProviderId) -> bool,
    ) -> Result<Choice, ResolveError> {
        let homes = self.homes(&candidates);
        let home = |fits: &dyn Fn(&ProviderId) -> bool| {
            homes.iter().find_map(|id| candidates.iter().find(|model| model.provider == *id && fits(id)))
        };
        if let Some(model) = home(usable) {
            return Ok(Choice { model: model.clone(), note: None });
        }
        let mut ready = candidates.iter().filter(|model| usable(&model.provider));
        match (ready.next(), ready.next()) {
            (Some(model), None) => {
                // A gateway never takes a lab's place in silence.
                let note = homes.first().map(|lab| format!("asks `{model}`, since `{lab}` has no key"));
                Ok(Choice { model: model.clone(), note })
            }
            (None, _) if candidates.len() == 1 || home(&|_| true).is_some() => {
                let model = home(&|_| true).unwrap_or(&candidates[0]).clone();
                Ok(Choice { model, note: None })
            }
            _ => Err(ResolveError::Ambiguous { typed: typed.to_owned(), candidates }),
        }
    }

    /// The lab's own providers among the candidates, the preferred first.
    fn homes(&self, candidates: &[ModelRef]) -> Vec<ProviderId> {
        let rows = candidates.iter().filter_map(|model| self.model(model));
        let lab = rows.filter_map(|row| Some(row.canonical?.split_once('/')?.0.to_owned())).next();
        let labs = LABS.iter().filter(|(name, _)| lab.as_deref().is_none_or(|lab| lab == *name));
        let homes = labs.flat_map(|(_, homes)| homes.iter().copied());
        homes
            .filter(|id| candidates.iter().any(|model| model.provider.as_str() == *id))
            .map(ProviderId::new)
            .collect()
    }
}

/// What to say of a model that is shut down.
fn end_of_life(row: &Model) -> Option<String> {
    let since = row.shutdown.map(|day| format!(" on {day}")).unwrap_or_default();
    (row.state == State::Retired).then(|| format!("`{}` was retired{since}", row.model))
}

#[cfg(test)]
mod tests;
