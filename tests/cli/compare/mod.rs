//! `pollm compare`: lanes side by side, one not in the way of another.

mod bad_input;
mod board;
mod caps;
mod events;
mod failures;
mod matrix;
mod past;
mod remarks;
mod runs;
mod side_by_side;
mod views;

use crate::support::lab::row;
use crate::support::process::Run;
use crate::support::{Lab, Script};

/// Providers of these names, each with a model `one`; they answer as the
/// function says of the name and of how many requests came before.
pub(super) fn lab_of(names: &[&str], answer: impl Fn(&str, usize) -> Script + Send + Sync + 'static) -> Lab {
    let lab = Lab::start(move |request, n| answer(request.target.split('/').nth(1).unwrap(), n));
    let rows: Vec<String> =
        names.iter().map(|name| row(name, "openai-chat", &format!("{}/{name}", lab.server.url()))).collect();
    lab.env.configure(&rows.concat());
    lab
}

/// `pollm compare` with the models `one` of these providers.
pub(super) fn compare(lab: &Lab, names: &[&str], args: &[&str]) -> Run {
    let models: Vec<String> = names.iter().map(|name| format!("{name}/one")).collect();
    let models = models.join(",");
    lab.pollm(["compare", "-m", models.as_str()].iter().chain(args).copied())
}
