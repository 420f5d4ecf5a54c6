//! What the catalog knows of providers and models.

use jiff::civil::Date;

use super::price::{Part, PriceRow, Prices};
use crate::chat::{Effort, MediaKind};
use crate::model::{ModelRef, ProviderId};
use crate::money::Price;
use crate::wire::Facts;

/// What kind of business a provider is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderKind {
    /// Serves models itself and bills by the token.
    Api,
    /// Passes requests on to others; its prices depend on the route.
    Gateway,
    /// Gives away credits to try models with; nothing is metered.
    Trial,
    /// A flat fee; nothing is metered.
    Subscription,
    /// A server or an engine on this machine.
    Local,
    /// The service has ended.
    Gone,
}

impl ProviderKind {
    /// The name in JSON and in tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Gateway => "gateway",
            Self::Trial => "trial",
            Self::Subscription => "subscription",
            Self::Local => "local",
            Self::Gone => "gone",
        }
    }
}

/// A provider's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// The id before the first slash of a model.
    pub id: ProviderId,
    /// The name for people.
    pub name: String,
    /// What kind of business it is.
    pub kind: ProviderKind,
    /// The wire format in the catalog's word: `openai`, `openai-compat`,
    /// `anthropic`, `gemini`, `cohere`, `azure-openai`, `bedrock`, `vertex`;
    /// `local` for the embedded model.
    pub wire: String,
    /// Environment variables of the vendor: for a key, but also for a region, a
    /// resource or, where the provider is local, its address.
    pub env: Vec<String>,
    /// The address without a final slash. It may hold `${VARIABLE}`.
    pub base_url: Option<String>,
    /// Where its models are documented.
    pub doc: Option<String>,
    /// The day on which the service ended.
    pub gone_since: Option<Date>,
}

/// A kind of content that a model takes or gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Modality {
    /// Text.
    Text,
    /// Images.
    Image,
    /// Sound.
    Audio,
    /// Moving pictures.
    Video,
    /// PDF documents.
    Pdf,
}

impl Modality {
    /// The name in JSON and in tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Image => "image",
            Self::Audio => "audio",
            Self::Video => "video",
            Self::Pdf => "pdf",
        }
    }
}

/// How far a model is into its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// In service.
    #[default]
    Current,
    /// Not final yet.
    Beta,
    /// Still in service, with an end announced.
    Deprecated,
    /// Shut down.
    Retired,
}

impl State {
    /// The name in JSON and in tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Beta => "beta",
            Self::Deprecated => "deprecated",
            Self::Retired => "retired",
        }
    }
}

/// How a model is paid for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Billing {
    /// By the token.
    #[default]
    Metered,
    /// Nothing is charged.
    Free,
    /// Out of trial credits: shown as not metered.
    Trial,
    /// By a flat fee: shown as not metered.
    Subscription,
    /// It runs on this machine.
    Local,
}

impl Billing {
    /// The name in JSON and in tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Metered => "metered",
            Self::Free => "free",
            Self::Trial => "trial",
            Self::Subscription => "subscription",
            Self::Local => "local",
        }
    }
}

/// What a model can do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Abilities {
    /// It reasons before it answers.
    pub reasoning: bool,
    /// It calls tools.
    pub tools: bool,
    /// Its output can be held to a schema.
    pub structured_output: bool,
    /// It takes attachments.
    pub attachments: bool,
    /// It refuses `temperature` and its like.
    pub no_temperature: bool,
    /// Its weights are published.
    pub open_weights: bool,
}

/// A model's row. Whatever is absent is unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// Provider and id.
    pub model: ModelRef,
    /// The name for people.
    pub name: String,
    /// Models of one line share a family: `gpt-mini`, `claude-opus`.
    pub family: Option<String>,
    /// Context window in tokens.
    pub context: Option<u64>,
    /// Most prompt tokens, where that is less than the context.
    pub max_input: Option<u64>,
    /// Most tokens of one answer.
    pub max_output: Option<u64>,
    /// What it takes.
    pub input: Vec<Modality>,
    /// What it gives.
    pub output: Vec<Modality>,
    /// What it can do; `None` where nothing is known.
    pub abilities: Option<Abilities>,
    /// Effort levels that it takes, where they are listed.
    pub efforts: Option<Vec<Effort>>,
    /// The least and the most thinking budget in tokens, where it takes one.
    pub thinking_budget: Option<(Option<u32>, Option<u32>)>,
    /// Thinking can be switched off and on.
    pub thinking_toggle: bool,
    /// The day or the month of release.
    pub released: Option<String>,
    /// The day or the month that its knowledge ends with.
    pub knowledge: Option<String>,
    /// The day on which it is shut down. Clouds publish "not before" dates.
    pub shutdown: Option<Date>,
    /// How far it is into its life, as of the catalog's date.
    pub state: State,
    /// The same model at its lab, as `lab/model`.
    pub canonical: Option<String>,
    /// How it is paid for.
    pub billing: Billing,
    /// Its prices depend on the route that a gateway takes.
    pub route_dependent: bool,
    /// Prices, one row for each day on which they change. Empty: unknown.
    pub prices: Vec<PriceRow>,
    /// The row that these facts, and prices if any, are taken from, where this
    /// id has none of its own. Bills are approximate then.
    pub taken_from: Option<ModelRef>,
    /// Its prices are the user's own words.
    pub is_priced_by_user: bool,
}

impl Model {
    /// A model of which nothing is known.
    pub fn unknown(model: ModelRef) -> Self {
        Self {
            name: model.model.clone(),
            model,
            family: None,
            context: None,
            max_input: None,
            max_output: None,
            input: Vec::new(),
            output: Vec::new(),
            abilities: None,
            efforts: None,
            thinking_budget: None,
            thinking_toggle: false,
            released: None,
            knowledge: None,
            shutdown: None,
            state: State::Current,
            canonical: None,
            billing: Billing::Metered,
            route_dependent: false,
            prices: Vec::new(),
            taken_from: None,
            is_priced_by_user: false,
        }
    }

    /// Whether it may take a kind of attachment; what is unknown may.
    pub fn takes(&self, kind: MediaKind) -> bool {
        let modality = match kind {
            MediaKind::Image => Modality::Image,
            MediaKind::Pdf => Modality::Pdf,
            MediaKind::Audio => Modality::Audio,
        };
        // Gateways and vision models read PDFs as pages even where no source says so.
        let stands_in = kind == MediaKind::Pdf && self.input.contains(&Modality::Image);
        self.input.is_empty() || self.input.contains(&modality) || stands_in
    }

    /// What changes the request that may be sent.
    pub fn facts(&self) -> Facts {
        Facts {
            context: self.context,
            max_output: self.max_output,
            no_temperature: self.abilities.is_some_and(|can| can.no_temperature),
            reasoning: self.abilities.map(|can| can.reasoning),
            efforts: self.efforts.clone(),
            thinking_budget: self
                .thinking_budget
                .map(|(least, most)| (least.unwrap_or_default(), most.unwrap_or(u32::MAX))),
            // The sources don't tell "can't" from "not said".
            schema: self.abilities.is_some_and(|can| can.structured_output).then_some(true),
        }
    }
}

/// What the user says of a model: a new one, or corrections of a known one.
/// Prices are USD per million tokens; where any is given, they replace all
/// prices of the catalog, tiers and schedules included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelOverride {
    /// The name for people.
    pub name: Option<String>,
    /// The id of the model of the same provider that this one is, for
    /// deployments with names of their own (Azure): its facts and prices hold.
    pub deployment: Option<String>,
    /// Context window in tokens.
    pub context: Option<u64>,
    /// Most tokens of one answer.
    pub max_output: Option<u64>,
    /// Prices; input and output are needed where there is any.
    pub prices: Prices,
}

impl ModelOverride {
    /// Sets a price by its name in the configuration (`input`, `cache_read`);
    /// `false` where there is no price of that name.
    pub fn set_price(&mut self, name: &str, price: Price) -> bool {
        let part = Part::ALL.into_iter().find(|part| part.as_str() == name);
        part.map(|part| self.prices.set(part, Some(price))).is_some()
    }

    /// Lays what the user says over what is known.
    pub(super) fn lay_over(&self, model: &mut Model) {
        if let Some(name) = &self.name {
            model.name.clone_from(name);
        }
        model.context = self.context.or(model.context);
        model.max_output = self.max_output.or(model.max_output);
        if self.prices.known().next().is_some() {
            model.prices = vec![PriceRow { prices: self.prices, ..PriceRow::default() }];
            model.billing = Billing::Metered;
            model.route_dependent = false;
            model.taken_from = None;
            model.is_priced_by_user = true;
        }
    }
}
