//! From the command line to models: whose are listed, and from where.

use std::collections::HashMap;
use std::io::Write;

use super::ListArgs;
use crate::catalog::{Modality, Model, Provider, ProviderKind};
use crate::commands::models::print;
use crate::context::Context;
use crate::error::Result;
use crate::explain::phrase;
use crate::ledger::Ledger;
use crate::live::{self, Answer, Ask, LiveModel};
use crate::model::{ModelRef, ProviderId};
use crate::provider;
use crate::render::models::Listed;
use crate::wire::FailureKind;

/// The providers whose models are listed.
pub(super) fn chosen(args: &ListArgs, context: &Context) -> Result<Vec<Provider>> {
    if !args.provider.is_empty() {
        return args
            .provider
            .iter()
            .map(|name| crate::commands::models::provider(name.trim(), context))
            .collect();
    }
    let mut providers = context.catalog.providers();
    providers.retain(|row| match row.kind {
        ProviderKind::Local => true,
        _ if args.local => false,
        ProviderKind::Gone => false,
        _ if args.all => true,
        _ => provider::is_ready(context, row) && provider::endpoint(context, row, "").is_ok(),
    });
    Ok(providers)
}

/// Every model of the catalog, of running local servers, and of the lists that
/// other providers give now or gave when they were last asked; and who was
/// asked because the user said so and gave none.
pub(super) fn gather(
    args: &ListArgs,
    providers: &[Provider],
    context: &Context,
    stderr: &mut dyn Write,
) -> Result<(Vec<Listed>, Vec<String>)> {
    let first_words = Ledger::open_existing(&context.paths.ledger).and_then(|ledger| ledger.first_words());
    let first_words = first_words.unwrap_or_else(|error| {
        log::warn!("no latencies: {error}");
        HashMap::new()
    });
    let Lists { given, unanswered } = lists(args, providers, context, stderr)?;
    let mut models = Vec::new();
    for provider in providers {
        let mut live = given.get(&provider.id).map(Vec::as_slice).unwrap_or_default().to_vec();
        let mut known = context.catalog.models(&provider.id);
        known.retain(is_chat);
        for mut model in known {
            let at = live.iter().position(|live| live.id == model.model.model);
            let live = at.map(|at| live.swap_remove(at));
            if let Some(live) = &live {
                complete(&mut model, live);
            }
            models.push((model, live.is_some()));
        }
        models.extend(live.iter().map(|live| (from_list(&provider.id, live, context), true)));
    }
    let listed = models.into_iter().map(|(model, live)| Listed {
        first_word_ms: first_words.get(&model.model).copied(),
        model,
        live,
    });
    Ok((listed.collect(), unanswered))
}

fn is_chat(model: &Model) -> bool {
    model.output.is_empty() || model.output.contains(&Modality::Text)
}

/// A model that its provider has and the catalog has not, or not by this id.
fn from_list(provider: &ProviderId, live: &LiveModel, context: &Context) -> Model {
    let name = ModelRef { provider: provider.clone(), model: live.id.clone() };
    let resolved = context.catalog.resolve(&name.to_string(), &|_| false).ok().and_then(|found| found.row);
    let mut model = resolved.filter(|row| row.model == name).unwrap_or_else(|| Model::unknown(name));
    complete(&mut model, live);
    model
}

/// Fills in what the catalog does not know.
fn complete(model: &mut Model, live: &LiveModel) {
    model.context = model.context.or(live.context);
    model.max_output = model.max_output.or(live.max_output);
    if let Some(name) = live.name.as_ref().filter(|_| model.name == model.model.model) {
        model.name.clone_from(name);
    }
}

/// Lists of models by provider, and whose did not come though the user asked for it.
struct Lists {
    given: HashMap<ProviderId, Vec<LiveModel>>,
    unanswered: Vec<String>,
}

/// The lists of the providers that are asked, and the kept ones of others.
fn lists(
    args: &ListArgs,
    providers: &[Provider],
    context: &Context,
    stderr: &mut dyn Write,
) -> Result<Lists> {
    let (mut asks, mut lists, mut unanswered) = (Vec::new(), HashMap::new(), Vec::new());
    for provider in providers.iter().filter(|provider| provider.wire != "local") {
        let is_server = provider.kind == ProviderKind::Local;
        if is_server || args.live {
            if !is_server && args.all && !provider::is_ready(context, provider) {
                continue;
            }
            match Ask::list(context, provider) {
                Ok(ask) => asks.push(ask),
                Err(error) if args.live && !is_server => {
                    warn(context, stderr, &error.message)?;
                    unanswered.push(provider.id.as_str().to_owned());
                }
                Err(error) => log::info!("{}: {}", provider.id, error.message),
            }
        } else if let Some((url, kept)) = live::list_url(context, provider)
            .and_then(|url| Some((url.clone(), live::cached(&context.paths.cache_dir, &provider.id, &url)?)))
        {
            log::debug!("{} models of {} from the list that {url} gave before", kept.len(), provider.id);
            lists.insert(provider.id.clone(), kept);
        }
    }
    let servers: Vec<ProviderId> = live::local_servers(context).into_iter().map(|row| row.id).collect();
    for Answer { provider, url, models, .. } in live::ask_all(asks)? {
        let is_server = servers.contains(&provider);
        match models {
            Ok(models) => {
                if !is_server {
                    live::keep(&context.paths.cache_dir, &provider, &url, &models);
                }
                lists.insert(provider, models);
            }
            // That a server does not run is no news, unless it was asked for by name.
            Err(error) if is_server && args.provider.is_empty() && error.kind == FailureKind::Connect => {}
            Err(error) => {
                warn(context, stderr, &format!("{provider}: {}", phrase(&error)))?;
                if args.live || !args.provider.is_empty() {
                    unanswered.push(provider.as_str().to_owned());
                }
                let kept = live::cached(&context.paths.cache_dir, &provider, &url);
                lists.extend(kept.map(|kept| (provider, kept)));
            }
        }
    }
    Ok(Lists { given: lists, unanswered })
}

fn warn(context: &Context, stderr: &mut dyn Write, text: &str) -> Result<()> {
    print(stderr, &format!("{}: {text}\n", context.output.label("warning")))
}
