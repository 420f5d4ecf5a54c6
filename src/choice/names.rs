//! What a name stands for where nothing is asked: the models behind a route or
//! a set, and how a route would choose.

use super::{Asked, Conditions, Decision, Pick, pick, route};
use crate::chat::Params;
use crate::config::{Named, RouteConfig};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::estimate::Size;
use crate::lane::{self, Found};
use crate::nearest::nearest;
use crate::router::Need;

/// How the route that a name stands for, by itself or by an alias, would rank
/// its models for a text of so many tokens, by what is known now and without a
/// call to learn more; `None` where the name is no route.
///
/// # Errors
/// Models of the route that are none.
pub fn preview(name: &str, tokens: u64, context: &Context) -> Result<Option<(RouteConfig, Decision)>> {
    let Some((route, config)) = route(name, context) else { return Ok(None) };
    let Pick::Field(mut field) = pick(&route, context)? else { return Ok(None) };
    field.settings.explore = 0.0;
    let (found, need) = (field.found(context)?, Need { input: tokens, ..Need::default() });
    let asked =
        Asked { size: Size::of_text(tokens), need: &need, params: &Params::default(), worst: &|_| None };
    let decision = field.rank(&found, &asked, &Conditions::default(), context);
    Ok(Some((config.clone(), decision)))
}

/// The models that a name of the command line stands for: those of a route or
/// of a set of the configuration, else the one that it names.
///
/// # Errors
/// Unknown and ambiguous names; a route without models of its own.
pub fn members(name: &str, context: &Context) -> Result<Vec<Found>> {
    match pick(name, context) {
        Ok(Pick::Field(field)) => field.found.ok_or_else(|| {
            let what = format!("route `{}` names no models", field.route.unwrap_or_default());
            Error::usage(what).hint("name the models that are meant")
        }),
        Ok(Pick::One(found)) => Ok(vec![*found]),
        Err(error) => match context.config.sets.get(name.trim()) {
            Some(names) => names.iter().map(|name| lane::find(name, context)).collect(),
            None => Err(error),
        },
    }
}

/// Whether a name of the configuration means something.
///
/// # Errors
/// As [`super::look_up`]; unknown providers.
pub fn check(named: Named<'_>, context: &Context) -> Result<()> {
    match named {
        Named::Model(name) => pick(name, context).map(drop),
        Named::Provider(id) if context.catalog.provider(id).is_some() => Ok(()),
        Named::Provider(id) => Err(unknown_provider(id, context)),
    }
}

/// The error of a provider that is none, with what may be meant.
pub(super) fn unknown_provider(id: &str, context: &Context) -> Error {
    let ids: Vec<String> = context.catalog.providers().into_iter().map(|row| row.id.to_string()).collect();
    let error = Error::usage(format!("unknown provider `{id}`"));
    match nearest(id, ids.iter().map(String::as_str)) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error.hint("`pollm models providers` lists them"),
    }
}
