//! "Did you mean": the names nearest to one that is not known.

use super::{Catalog, ProviderKind};
use crate::model::ModelRef;

/// As many as can be read at a glance.
const MOST: usize = 4;

impl Catalog {
    /// The names nearest to a typed one, the nearest first; of names equally
    /// near, those of labs and hosts before those of gateways.
    pub(super) fn suggestions(&self, typed: &str) -> Vec<String> {
        let typed = typed.to_ascii_lowercase();
        // What is farther than a third of its letters is another word.
        let farthest = (typed.chars().count() / 3).max(1);
        let distance = |name: &str| {
            let far = name.chars().count().abs_diff(typed.chars().count()) > farthest;
            let edits =
                if far { usize::MAX } else { strsim::osa_distance(&typed, &name.to_ascii_lowercase()) };
            (edits <= farthest).then_some(edits)
        };
        let mut found: Vec<(usize, u8, String)> = Vec::new();
        // An alias of that very name leads nowhere, or it would not be asked for.
        for alias in self.aliases().into_keys().filter(|alias| *alias != typed) {
            found.extend(distance(&alias).map(|edits| (edits, 0, alias)));
        }
        let kinds: std::collections::HashMap<_, _> =
            self.providers().into_iter().map(|row| (row.id, row.kind)).collect();
        for model in self.ids() {
            let name = model.to_string();
            let near = [distance(&name), distance(&model.model)].into_iter().flatten().min();
            if let Some(edits) = near {
                found.push((edits, rank(kinds.get(&model.provider).copied(), &model), name));
            }
        }
        found.sort();
        found.truncate(MOST);
        found.into_iter().map(|(.., name)| name).collect()
    }

    /// Names under which providers offer an id that looks like `lab/model`:
    /// `openrouter/meta-llama/llama-3.3-70b-instruct`.
    pub(super) fn offered_as(&self, id: &str) -> Vec<String> {
        let mut found = self.offering(id);
        found.sort_by_key(|model| model.provider.as_str() != "openrouter");
        found.truncate(MOST);
        found.iter().map(ModelRef::to_string).collect()
    }
}

fn rank(kind: Option<ProviderKind>, model: &ModelRef) -> u8 {
    match kind {
        _ if super::resolve::is_first_party(&model.provider) => 1,
        Some(ProviderKind::Api | ProviderKind::Local) | None => 2,
        Some(ProviderKind::Gateway) => 3,
        Some(ProviderKind::Subscription | ProviderKind::Trial | ProviderKind::Gone) => 4,
    }
}
