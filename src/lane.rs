//! From the name of a model to a lane: who is asked, with which options, and
//! with which key.

use crate::catalog::{Model, ResolveError, Resolved};
use crate::chat::{MediaKind, Params, Part};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::model::{LaneName, ModelRef};
use crate::nearest::nearest;
use crate::prompt::lane_params;
use crate::provider;
use crate::render::filter::clean_line;
use crate::secrets::FoundKey;
use crate::wire::Target;

mod default;

pub use default::{at_last, capable, without_name};

/// One model to ask, with everything that was said about it.
pub struct Lane {
    /// How the lane is called: the model, and its options where it has any.
    pub name: String,
    /// The model.
    pub model: ModelRef,
    /// Facts and prices, where the catalog has them.
    pub row: Option<Model>,
    /// Options of this lane alone.
    pub params: Params,
    /// Where its requests go.
    pub way: Way,
}

impl Lane {
    /// Who is asked, and where: `lab/one at http://127.0.0.1:1234/v1`.
    pub fn place(&self) -> String {
        match &self.way {
            Way::Http { target, .. } => format!("{} at {}", self.name, target.base_url),
            Way::Local => format!("{} in this process", self.name),
        }
    }
}

/// The way to a model.
pub enum Way {
    /// Over HTTP.
    Http {
        /// Address, protocol and headers.
        target: Box<Target>,
        /// The key, where one is needed; why there is none otherwise, which
        /// matters only when the lane's turn comes.
        key: Result<Option<FoundKey>>,
    },
    /// The embedded model.
    Local,
}

/// A model found for a name, before it is known how it is reached.
#[derive(Clone, Debug)]
pub struct Found {
    /// The model.
    pub model: ModelRef,
    /// Facts and prices, where the catalog has them.
    pub row: Option<Model>,
    /// Options of this lane alone.
    pub params: Params,
    /// Those options as they stand behind the model: `@effort=high`.
    pub suffix: String,
}

impl Found {
    /// A model of the catalog, without options.
    pub fn plain(row: Model) -> Self {
        Self { model: row.model.clone(), row: Some(row), params: Params::default(), suffix: String::new() }
    }

    /// How its lane is called.
    pub fn name(&self) -> String {
        format!("{}{}", self.model, self.suffix)
    }

    /// The lane, with its address and key.
    ///
    /// # Errors
    /// A provider that can't be reached.
    pub fn lane(self, context: &Context) -> Result<Lane> {
        of_model(self.model, self.row, self.params, &self.suffix, context)
    }
}

/// The model that a name means, options included.
///
/// # Errors
/// Unknown and ambiguous names, with suggestions; wrong options.
pub fn find(name: &str, context: &Context) -> Result<Found> {
    let parts = LaneName::parse(name.trim());
    let named =
        |error: Error| Error { message: format!("`{}`: {}", clean_line(name), error.message), ..error };
    let mut params = lane_params(&parts.options).map_err(named)?;
    let resolved = resolve(&parts.model, context)?;
    params.effort = params.effort.or(resolved.effort);
    let suffix: String = parts.options.iter().map(|(key, value)| format!("@{key}={value}")).collect();
    if let Some(note) = &resolved.note {
        log::info!("{note}");
    }
    Ok(Found { model: resolved.model, row: resolved.row, params, suffix })
}

/// The model that a name without options means, as the catalog resolves it.
///
/// # Errors
/// Unknown and ambiguous names, with suggestions, the user's routes among them.
pub fn resolve(name: &str, context: &Context) -> Result<Resolved> {
    let usable = |id: &crate::model::ProviderId| provider::is_usable(context, id);
    context.catalog.resolve(name, &usable).map_err(|error| unknown(error, context))
}

/// The error of a name that means no model, with what it may mean else.
fn unknown(error: ResolveError, context: &Context) -> Error {
    let (ResolveError::Unknown { typed, .. } | ResolveError::UnknownProvider { typed, .. }) = &error else {
        return error.into();
    };
    // `openai/`: the part before the slash may be known, and only the model is missing.
    let name = typed.trim_end_matches('/');
    if name.is_empty() {
        return Error::usage("the name of a model is empty");
    }
    let config = &context.config;
    if config.aliases.contains_key(typed.as_str()) {
        // What an alias means is unknown only where it means nothing but aliases.
        return Error::usage(format!("the alias `{}` leads back to itself", clean_line(typed)));
    }
    if let Some(route) = config.routes.get(name) {
        return one_of("route", name, &route.models);
    }
    if let Some(models) = config.sets.get(name) {
        let whole = format!("`pollm compare --set {name}` asks all of its models");
        return one_of("set", name, models).hint(whole);
    }
    if let Some(provider) = context.catalog.provider(name) {
        let id = provider.id;
        return Error::usage(format!("`{}` names no model", clean_line(name))).hint(format!(
            "`{name}` is a provider: name a model of it; `pollm models --provider {id}` lists them"
        ));
    }
    match error {
        ResolveError::Unknown { typed, mut suggestions } => {
            let near = nearest(&typed, config.routes.keys().map(String::as_str));
            suggestions.splice(0..0, near.map(str::to_owned));
            ResolveError::Unknown { typed, suggestions }.into()
        }
        other => other.into(),
    }
}

/// The error of a name that stands for several models.
fn one_of(what: &str, name: &str, models: &[String]) -> Error {
    let error = Error::usage(format!("`{}` is a {what}, not a model", clean_line(name)));
    let models: Vec<String> = models.iter().map(|model| format!("`{model}`")).collect();
    if models.is_empty() { error } else { error.hint(format!("name one of {}", models.join(", "))) }
}

/// One lane by its name, options included.
///
/// # Errors
/// As [`find`], and a provider that can't be reached.
pub fn lane(name: &str, context: &Context) -> Result<Lane> {
    find(name, context)?.lane(context)
}

fn of_model(
    model: ModelRef,
    row: Option<Model>,
    params: Params,
    suffix: &str,
    context: &Context,
) -> Result<Lane> {
    let provider = context
        .catalog
        .provider(model.provider.as_str())
        .ok_or_else(|| Error::usage(format!("unknown provider `{}`", model.provider)))?;
    let way = if provider.wire == "local" {
        embedded(&model)?
    } else {
        let target = provider::target(context, &provider, &model, row.as_ref())?;
        Way::Http { target: Box::new(target), key: provider::key(context, &provider) }
    };
    Ok(Lane { name: format!("{model}{suffix}"), model, row, params, way })
}

#[cfg(feature = "local")]
fn embedded(model: &ModelRef) -> Result<Way> {
    if crate::local::pull::known(&model.model).is_some() {
        return Ok(Way::Local);
    }
    Err(Error::usage(format!("there is no embedded model `{}`", model.model))
        .hint("the one there is: `local/smollm2-135m`"))
}

#[cfg(not(feature = "local"))]
fn embedded(_model: &ModelRef) -> Result<Way> {
    Err(Error::usage("this build has no embedded model").hint("build with the cargo feature `local`"))
}

/// Refuses attachments that a model is known not to take.
///
/// # Errors
/// The first lane and attachment that don't fit.
pub fn check_abilities(lanes: &[Lane], parts: &[Part]) -> Result<()> {
    for lane in lanes {
        for part in parts {
            let Part::Media(media) = part else { continue };
            if !lane.row.as_ref().is_none_or(|row| row.takes(media.kind)) {
                let hint = match media.kind {
                    MediaKind::Image => "choose another one with `-m`; `pollm models --vision` lists some",
                    _ => "choose another one with `-m`; `pollm models show MODEL` says what it takes",
                };
                return Err(Error::usage(format!("{} does not take {} attachments", lane.model, media.kind))
                    .hint(hint));
            }
        }
    }
    Ok(())
}
