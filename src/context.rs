//! What every command works with, read once at the start.

use crate::catalog::{Catalog, ModelOverride, Part, Prices, Provider, ProviderKind, refresh};
use crate::cli::{ColorChoice, Global};
use crate::config::{Config, ModelConfig, PriceConfig};
use crate::env::Env;
use crate::error::{Error, Result};
use crate::model::{ModelRef, ProviderId};
use crate::paths::Paths;
use crate::render::output::{ColorWhen, Output, OutputInputs};
use crate::streams;

/// Environment, configuration, catalog and terminal of one run.
pub struct Context {
    /// The environment.
    pub env: Env,
    /// Where files are.
    pub paths: Paths,
    /// The configuration file.
    pub config: Config,
    /// Providers, models and prices: embedded or refreshed, and the user's.
    pub catalog: Catalog,
    /// What the terminal can do.
    pub output: Output,
    /// Options of every command.
    pub global: Global,
}

impl Context {
    /// Reads configuration and catalog.
    ///
    /// # Errors
    /// A configuration that can't be read or used.
    pub fn load(env: Env, output: Output, global: Global) -> Result<Self> {
        let paths = Paths::find(&env)?;
        let loaded = refresh::load(&paths.cache_dir, Catalog::embedded());
        if let Some(note) = loaded.note {
            log::warn!("{note}");
        }
        let mut catalog = loaded.catalog;
        let ids = catalog.built_in_ids();
        let built_in: Vec<&str> = ids.iter().map(String::as_str).collect();
        let config = Config::load(&paths.config_file, paths.config_is_named, &built_in)?;
        lay_over(&config, &mut catalog)?;
        Ok(Self { env, paths, config, catalog, output, global })
    }

    /// Every provider with the variables that its catalog row names.
    pub fn key_variables(&self) -> Vec<(String, Vec<String>)> {
        let rows = self.catalog.providers().into_iter();
        let rows = rows.filter(|row| row.wire != "local" && row.kind != ProviderKind::Gone);
        rows.map(|row| (row.id.as_str().to_owned(), row.env)).collect()
    }
}

/// Lays the user's providers, models, prices and aliases over the catalog's.
fn lay_over(config: &Config, catalog: &mut Catalog) -> Result<()> {
    for (id, row) in &config.providers {
        if catalog.provider(id).is_none_or(|known| known.id.as_str() != id) {
            catalog.add_provider(Provider {
                id: ProviderId::new(id.as_str()),
                name: id.clone(),
                kind: ProviderKind::Api,
                wire: String::new(),
                env: Vec::new(),
                base_url: row.base_url.clone(),
                doc: None,
                gone_since: None,
            });
        }
        for (name, model) in &row.models {
            let model_ref = ModelRef::new(id.as_str(), name.as_str());
            let added = catalog.add_model(model_ref, overriding(model));
            added.map_err(|error| {
                Error::config("a price of the configuration can't be used").because(&error)
            })?;
        }
    }
    for (name, target) in &config.aliases {
        catalog.add_alias(name.as_str(), target.as_str());
    }
    Ok(())
}

fn overriding(model: &ModelConfig) -> ModelOverride {
    ModelOverride {
        name: None,
        deployment: model.deployment.clone(),
        context: model.context,
        max_output: model.max_output,
        prices: prices(&model.prices),
    }
}

fn prices(config: &PriceConfig) -> Prices {
    let parts = [
        (Part::Input, config.input),
        (Part::Output, config.output),
        (Part::CacheRead, config.cache_read),
        (Part::CacheWrite, config.cache_write),
        (Part::CacheWrite1h, config.cache_write_1h),
        (Part::Reasoning, config.reasoning),
        (Part::InputAudio, config.audio_input),
        (Part::OutputAudio, config.audio_output),
    ];
    let mut prices = Prices::default();
    for (part, price) in parts {
        prices.set(part, price);
    }
    prices
}

/// What the terminal can do, asked once.
pub fn output(env: &Env, global: &Global) -> Output {
    Output::decide(&OutputInputs {
        stdout_tty: streams::stdout_is_terminal(),
        stderr_tty: streams::stderr_is_terminal(),
        color: match global.color {
            ColorChoice::Auto => ColorWhen::Auto,
            ColorChoice::Always => ColorWhen::Always,
            ColorChoice::Never => ColorWhen::Never,
        },
        no_color: env.no_color,
        clicolor_force: env.clicolor_force,
        columns: env.columns,
        accessible: env.accessible,
        dumb_term: env.term_is_dumb,
        quiet: global.quiet,
        terminal_width: terminal_width(),
    })
}

/// The width of the terminal that stdout, or else stderr, is.
fn terminal_width() -> Option<u16> {
    let (terminal_size::Width(columns), _) = terminal_size::terminal_size()?;
    Some(columns)
}
