//! Which models are asked: those that are named, those of a route, or those
//! that the user can ask, ranked where a policy says so.
//!
//! Names are looked up before the prompt is read, since a typo should not wait
//! for a pipe; ranking needs the prompt.

use jiff::Timestamp;

use crate::asking::Asking;
use crate::budget::Worst;
use crate::catalog::ProviderKind;
use crate::chat::Params;
use crate::config::{self, Origin, RouteConfig};
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::estimate::Size;
use crate::lane::{self, Found, Lane};
use crate::model::{LaneName, ModelRef, whole_names};
use crate::money::Cost;
use crate::past::Past;
use crate::router::{Bar, Candidate, Need, Order, Policy, Question, Ranking, Settings, rank};

mod candidate;
mod names;

use candidate::{candidate, need, obstacle, worst};

use names::unknown_provider;
pub use names::{check, members, preview};

/// Of models that the user did not name, so many are tried one after the other.
const LONGEST_CHAIN: usize = 5;

/// What was named, looked up.
pub struct Choice {
    /// In the order named; nothing where the default is to be asked.
    picks: Vec<Pick>,
}

enum Pick {
    /// One model.
    One(Box<Found>),
    /// Several, of which the best comes first.
    Field(Field),
}

/// Several models to rank.
struct Field {
    route: Option<String>,
    policy: Policy,
    settings: Settings,
    /// `None`: whatever the user can ask.
    found: Option<Vec<Found>>,
}

/// What a choice is made under besides the request itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Conditions {
    /// The most that a call may cost in the worst case.
    pub max_cost: Option<Cost>,
    /// How often a call may be paid for, at least once: see [`crate::budget::Planned::sends`].
    pub sends: u32,
}

/// How a route, or a policy, decided.
#[derive(Clone, Debug)]
pub struct Decision {
    /// The route's name, where one was used.
    pub route: Option<String>,
    /// By what was ranked.
    pub policy: Policy,
    /// Who was ranked.
    pub candidates: Vec<Candidate>,
    /// The outcome.
    pub ranking: Ranking,
    /// When.
    pub at: Timestamp,
}

/// Who is asked, in order.
pub struct Chosen {
    /// The lanes: the next one is asked where the one before fails.
    pub lanes: Vec<Lane>,
    /// How they were put into order, a decision for each route.
    pub decisions: Vec<Decision>,
    /// Of each lane the decision that it comes from; `None` for one that was named.
    pub by: Vec<Option<usize>>,
    /// Where nothing was named: what the lane is.
    pub unasked: Option<&'static str>,
}

/// Looks up the names of the command line, else of a conversation, else of
/// `POLLM_MODEL` or the configuration. A policy makes one field of those that
/// were typed, or of whatever there is.
///
/// # Errors
/// Unknown and ambiguous names, with suggestions; wrong options of a lane.
pub fn look_up(
    typed: &[String],
    conversation: Option<&str>,
    policy: Option<Policy>,
    context: &Context,
) -> Result<Choice> {
    let default = config::default_model(None, &context.env, &context.config);
    let is_default = typed.is_empty() && conversation.is_none() && policy.is_none();
    // Who typed no name has to be told where it stands.
    let origin = default.as_ref().filter(|_| is_default).map(|found| match found.origin {
        Origin::Env(name) => format!("`{name}` names it"),
        _ => "`default_model` of the configuration names it".to_owned(),
    });
    let named = |mut error: Error| {
        error.causes.extend(origin.clone());
        error
    };
    let names: Vec<String> = match (typed, conversation) {
        ([], _) if policy.is_some() => Vec::new(),
        ([], Some(model)) => vec![model.to_owned()],
        ([], None) => whole_names(default.iter().flat_map(|found| found.value.split(','))),
        (typed, _) => whole_names(typed),
    };
    let Some(policy) = policy else {
        let picks = names.iter().map(|name| pick(name, context)).collect::<Result<_>>().map_err(named)?;
        return Ok(Choice { picks });
    };
    let mut found = Vec::new();
    for name in &names {
        match pick(name, context)? {
            Pick::One(one) => found.push(*one),
            // One route's settings hold for its models; of several none goes before the others.
            Pick::Field(field) if names.len() == 1 => {
                return Ok(Choice { picks: vec![Pick::Field(Field { policy, ..field })] });
            }
            Pick::Field(field) => found.extend(field.found(context)?),
        }
    }
    let found = (!names.is_empty()).then_some(found);
    let field = Field { route: None, policy, settings: Settings::default(), found };
    Ok(Choice { picks: vec![Pick::Field(field)] })
}

/// What one name means: an alias may stand for a route, and a route hides a
/// model of the catalog.
fn pick(name: &str, context: &Context) -> Result<Pick> {
    let typed = LaneName::parse(name.trim());
    let Some((route, config)) = route(&typed.model, context) else {
        return lane::find(name, context).map(|found| Pick::One(Box::new(found)));
    };
    let options: String = typed.options.iter().map(|(key, value)| format!("@{key}={value}")).collect();
    let found = config.models.iter().map(|model| lane::find(&format!("{model}{options}"), context));
    let found = found.collect::<Result<Vec<_>>>().map_err(|error| Error {
        message: format!("route `{route}`: {}", error.message),
        kind: ErrorKind::Config,
        ..error
    })?;
    let found = if config.models.is_empty() && !options.is_empty() {
        return Err(Error::usage(format!("route `{route}` names no models that could have options"))
            .hint("options for whichever is chosen stand apart: `--temperature 0`, `-o KEY=VALUE`"));
    } else {
        (!found.is_empty()).then_some(found)
    };
    let mut settings = config.settings.clone();
    for id in settings.only.iter_mut().chain(&mut settings.except) {
        let known = context.catalog.provider(id.as_str());
        let unknown = || {
            let error = unknown_provider(id.as_str(), context);
            Error { message: format!("route `{route}`: {}", error.message), kind: ErrorKind::Config, ..error }
        };
        *id = known.ok_or_else(unknown)?.id;
    }
    Ok(Pick::Field(Field { route: Some(route), policy: config.policy, settings, found }))
}

/// The route that a name stands for, by itself or by the user's aliases.
fn route<'c>(name: &str, context: &'c Context) -> Option<(String, &'c RouteConfig)> {
    let (routes, aliases) = (&context.config.routes, &context.config.aliases);
    let mut name = name;
    // No chain is longer than there are aliases, unless it is a circle.
    for _ in 0..=aliases.len() {
        match (aliases.get(name), routes.get(name)) {
            (Some(target), _) => name = target,
            (None, route) => return Some((name.to_owned(), route?)),
        }
    }
    None
}

/// What the user can ask without naming it, as the default model is found: the
/// capable models of providers with a key, gateways where there is no other;
/// else of a server on this machine; else the embedded one.
///
/// # Errors
/// As [`lane::at_last`].
fn whatever_there_is(context: &Context) -> Result<Vec<Found>> {
    let mut models = lane::capable(ProviderKind::Api, context);
    if models.is_empty() {
        models = lane::capable(ProviderKind::Gateway, context);
    }
    if !models.is_empty() {
        return Ok(models.into_iter().map(Found::plain).collect());
    }
    let (model, _) = lane::at_last(context)?;
    Ok(context.catalog.model(&model).into_iter().map(Found::plain).collect())
}

impl Choice {
    /// Decides for a request.
    ///
    /// # Errors
    /// Where nobody can serve it, or a named model can't be reached.
    pub fn decide(self, asking: &Asking, conditions: &Conditions, context: &Context) -> Result<Chosen> {
        self.lanes(usize::MAX, asking, conditions, context)
    }

    /// As [`Choice::decide`], for lanes side by side: of each route only the
    /// first of its ranking.
    ///
    /// # Errors
    /// As [`Choice::decide`].
    pub fn decide_each(self, asking: &Asking, conditions: &Conditions, context: &Context) -> Result<Chosen> {
        self.lanes(1, asking, conditions, context)
    }

    fn lanes(
        self,
        of_route: usize,
        asking: &Asking,
        conditions: &Conditions,
        context: &Context,
    ) -> Result<Chosen> {
        let (mut lanes, mut decisions): (Vec<Lane>, Vec<Decision>) = (Vec::new(), Vec::new());
        let (mut by, mut unasked) = (Vec::new(), None);
        if self.picks.is_empty() {
            let (lane, what) = lane::without_name(&asking.parts, context)?;
            lanes.push(lane);
            by.push(None);
            unasked = Some(what);
        }
        for pick in self.picks {
            match pick {
                Pick::One(found) => {
                    let lane = found.lane(context)?;
                    lane::check_abilities(std::slice::from_ref(&lane), &asking.parts)?;
                    lanes.push(lane);
                    by.push(None);
                }
                Pick::Field(field) => {
                    let (ranked, decision) = field.decide(asking, conditions, context)?;
                    lanes.extend(ranked.into_iter().take(of_route));
                    by.resize(lanes.len(), Some(decisions.len()));
                    decisions.push(decision);
                }
            }
        }
        Ok(Chosen { lanes, decisions, by, unasked })
    }
}

/// What is asked of all candidates of a field.
struct Asked<'a> {
    size: Size,
    need: &'a Need,
    params: &'a Params,
    worst: &'a dyn Fn(&Found) -> Option<Worst>,
}

impl Field {
    fn order(&self) -> Order {
        if self.found.is_some() { Order::Named } else { Order::Found }
    }

    fn found(&self, context: &Context) -> Result<Vec<Found>> {
        self.found.clone().map_or_else(|| whatever_there_is(context), Ok)
    }

    fn rank(
        &self,
        found: &[Found],
        asked: &Asked<'_>,
        conditions: &Conditions,
        context: &Context,
    ) -> Decision {
        let (order, size) = (self.order(), asked.size);
        let (past, at) = (Past::open(context), Timestamp::now());
        let models: Vec<&ModelRef> = found.iter().map(|found| &found.model).collect();
        let mut samples = past.samples(&models).into_iter();
        let judged = order == Order::Named && matches!(self.policy, Policy::Best | Policy::Balanced);
        let mut checks = if judged { past.checks(&models) } else { Vec::new() }.into_iter();
        let candidates: Vec<Candidate> = found
            .iter()
            .map(|found| {
                // What was found can be asked: that is how it was found.
                let obstacle = if order == Order::Named { obstacle(found, context) } else { None };
                let known = past.of_size(&found.model, size);
                Candidate {
                    input: Some(size.tokens(known.as_ref()).0),
                    typical_output: known.and_then(|known| known.output).map(|output| output.median),
                    worst: (asked.worst)(found),
                    obstacle,
                    samples: samples.next().unwrap_or_default(),
                    checks: checks.next().unwrap_or_default(),
                    ..candidate(found, asked.params)
                }
            })
            .collect();
        let cooling = past.cooling(at);
        let ranking = rank(&Question {
            policy: self.policy,
            settings: &self.settings,
            need: asked.need,
            candidates: &candidates,
            order,
            usual_output: past.usual_output(size),
            max_cost: conditions.max_cost,
            cooling: &cooling,
            now: at,
            seed: context.env.seed.unwrap_or_else(|| fastrand::u64(..)),
            turn: past.calls_made(),
        });
        Decision { route: self.route.clone(), policy: self.policy, candidates, ranking, at }
    }

    fn decide(
        self,
        asking: &Asking,
        conditions: &Conditions,
        context: &Context,
    ) -> Result<(Vec<Lane>, Decision)> {
        let order = self.order();
        let found = self.found(context)?;
        let request = asking.with(&Params::default());
        let size = Size::of(&request);
        let need = need(&request, size);
        let worst =
            |found: &Found| conditions.max_cost.and_then(|_| worst(found, asking, conditions.sends, context));
        let asked = Asked { size, need: &need, params: &asking.params, worst: &worst };
        let decision = self.rank(&found, &asked, conditions, context);
        let most = if order == Order::Found { LONGEST_CHAIN } else { usize::MAX };
        let mut lanes = Vec::new();
        // Who is left alone comes last, as in every chain.
        let resting = decision.ranking.rejected.iter().filter(|of| of.bar == Bar::Cooling);
        let ranked = decision.ranking.ranked.iter().map(|of| of.candidate);
        for candidate in ranked.chain(resting.map(|of| of.candidate)) {
            match found[candidate].clone().lane(context) {
                Ok(lane) if lanes.len() < most => lanes.push(lane),
                Ok(_) => break,
                // A named one was looked at before; of the others there are more.
                Err(error) if order == Order::Found => log::info!("{}", error.message),
                Err(error) => return Err(error),
            }
        }
        if lanes.is_empty() {
            return Err(decision.nobody());
        }
        Ok((lanes, decision))
    }
}

impl Decision {
    /// The error where no candidate is left.
    fn nobody(&self) -> Error {
        let rejected = &self.ranking.rejected;
        let all = |bar: Bar| rejected.iter().all(|rejected| rejected.bar == bar);
        let kind = match rejected.is_empty() {
            false if all(Bar::Unreachable) => ErrorKind::Config,
            false if all(Bar::Cap) => ErrorKind::Budget,
            _ => ErrorKind::Usage,
        };
        let what = match &self.route {
            Some(route) => format!("no model of route `{route}` can serve this request"),
            None => "no model can serve this request".to_owned(),
        };
        let mut error = Error::new(kind, what);
        let why =
            |of: &crate::router::Rejected| format!("{}: {}", self.candidates[of.candidate].name, of.reason);
        error.causes = rejected.iter().take(crate::router::MOST_FOUND).map(why).collect();
        let hint = match kind {
            ErrorKind::Budget => "`--max-tokens N` allows less, `--fit` as much as fits what is left",
            ErrorKind::Config => "`pollm models providers` shows where keys are looked for",
            _ => "name other models with `-m`; `pollm models` lists what can be asked",
        };
        error.hint(hint)
    }
}
