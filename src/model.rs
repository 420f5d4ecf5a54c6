//! Names of models: `provider/model`, and lanes (`provider/model@option=value`).
//!
//! A [`ModelRef`] always has a provider. Turning what a user typed into one is
//! the catalog's work; this module only splits and joins text.

use std::fmt;

/// A provider's id as it stands before the first slash: `openai`, `groq`, `local`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProviderId(String);

impl ProviderId {
    /// Wraps an id; ids are lower case by convention, which the catalog enforces.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProviderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One model at one provider. The model id may itself hold slashes
/// (`openrouter/meta-llama/llama-3.3-70b-instruct`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModelRef {
    /// Who is asked.
    pub provider: ProviderId,
    /// The id that the provider knows the model by.
    pub model: String,
}

impl ModelRef {
    /// Joins a provider and a model id.
    pub fn new(provider: impl Into<String>, model: impl Into<String>) -> Self {
        Self { provider: ProviderId::new(provider), model: model.into() }
    }

    /// Splits `provider/model` at the first slash; `None` where either side is empty.
    pub fn split(text: &str) -> Option<Self> {
        let (provider, model) = text.split_once('/')?;
        (!provider.is_empty() && !model.is_empty()).then(|| Self::new(provider, model))
    }
}

impl fmt::Display for ModelRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.provider, self.model)
    }
}

/// What one `-m` names: a model and the options of that lane alone.
///
/// `openai/gpt-6.1-sol@effort=high@temperature=0`: a part behind an `@` is an
/// option only when it holds `=`, since model ids may hold `@` themselves
/// (`claude-opus-4-5@20251101` on Vertex).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneName {
    /// The model as typed: `provider/model`, an alias or a bare id.
    pub model: String,
    /// Option names and values in the order given.
    pub options: Vec<(String, String)>,
}

impl LaneName {
    /// Splits one name; never fails, since what is no option belongs to the model id.
    pub fn parse(text: &str) -> Self {
        let mut parts = text.split('@');
        let mut model = parts.next().unwrap_or_default().to_owned();
        let mut options = Vec::new();
        for part in parts {
            match part.split_once('=') {
                Some((key, value)) if !key.is_empty() => {
                    options.push((key.to_owned(), value.to_owned()));
                }
                // Behind the first option an `@` belongs to that option's value.
                _ => match options.last_mut() {
                    Some((_, value)) => {
                        value.push('@');
                        value.push_str(part);
                    }
                    None => {
                        model.push('@');
                        model.push_str(part);
                    }
                },
            }
        }
        Self { model, options }
    }
}

/// Joins again what a list's commas took apart within an option's JSON
/// (`a/b@provider.order=["x","y"],c/d` names two lanes).
pub fn whole_names<T: AsRef<str>>(pieces: impl IntoIterator<Item = T>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for piece in pieces {
        match names.last_mut().filter(|name| ends_within_json(name)) {
            Some(name) => {
                name.push(',');
                name.push_str(piece.as_ref());
            }
            None => names.push(piece.as_ref().to_owned()),
        }
    }
    names
}

/// Whether the last option of a lane is a JSON array or object without its end.
fn ends_within_json(name: &str) -> bool {
    let parsed = LaneName::parse(name);
    parsed.options.last().is_some_and(|(_, value)| {
        let read = || serde_json::from_str::<serde::de::IgnoredAny>(value);
        value.starts_with(['[', '{']) && read().is_err_and(|error| error.is_eof())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn model_ids_keep_their_slashes() {
        let model = ModelRef::split("openrouter/meta-llama/llama-3.3-70b-instruct").unwrap();
        assert_eq!(model.provider.as_str(), "openrouter");
        assert_eq!(model.model, "meta-llama/llama-3.3-70b-instruct");
        assert_eq!(model.to_string(), "openrouter/meta-llama/llama-3.3-70b-instruct");
        assert_eq!(ModelRef::split("gpt"), None);
        assert_eq!(ModelRef::split("/gpt"), None);
        assert_eq!(ModelRef::split("openai/"), None);
    }

    #[test]
    fn commas_within_an_options_json_part_no_names() {
        let names = |typed: &str| whole_names(typed.split(','));
        assert_eq!(names("a/b,c/d"), ["a/b", "c/d"]);
        assert_eq!(
            names(r#"a/b@provider.order=["x","y"]@seed=1,c/d@o={"p":[1,2],"q":3},e"#),
            [r#"a/b@provider.order=["x","y"]@seed=1"#, r#"c/d@o={"p":[1,2],"q":3}"#, "e"]
        );
        // What never ends, or is no JSON at all, is for whoever reads the option to refuse.
        assert_eq!(names("a/b@o=[1,c/d"), ["a/b@o=[1,c/d"]);
        assert_eq!(names("a/b@o=[x,c/d"), ["a/b@o=[x", "c/d"]);
    }

    #[test]
    fn lane_options_follow_an_at_sign_only_with_an_equals_sign() {
        let lane = LaneName::parse("openai/gpt-6.1-sol@effort=high@temperature=0");
        assert_eq!(lane.model, "openai/gpt-6.1-sol");
        assert_eq!(lane.options, [("effort".into(), "high".into()), ("temperature".into(), "0".into())]);
        let dated = LaneName::parse("google-vertex/claude-opus-4-5@20251101@effort=low");
        assert_eq!(dated.model, "google-vertex/claude-opus-4-5@20251101");
        assert_eq!(dated.options, [("effort".into(), "low".into())]);
        let value = LaneName::parse("x/y@user=me@example.com");
        assert_eq!(value.options, [("user".into(), "me@example.com".into())]);
    }
}
