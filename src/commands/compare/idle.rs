//! Options that mean nothing beside `--last`.

use super::CompareArgs;
use crate::cli::CallOptions;
use crate::error::{Error, Result};

/// Options that would change nothing are more likely a misunderstanding: whoever
/// gives them expects calls that are not made.
pub(super) fn refuse(args: &CompareArgs) -> Result<()> {
    let asks = args.past.add || args.past.retry_failed;
    if !args.model.is_empty() && !args.past.add {
        return Err(Error::usage(if asks {
            "`--retry-failed` asks the models that failed; others are asked with `--add`"
        } else {
            "`--last` shows what is there; to ask further models add `--add`"
        }));
    }
    let idle = of_calls(args);
    let Some(first) = idle.first().filter(|_| !asks) else { return Ok(()) };
    Err(Error::usage(format!("`--last` sends nothing, so `{first}` changes nothing"))
        .hint("`--add -m MODEL` and `--retry-failed` make calls")
        .hint("`--view`, `--sort`, `--check`, `--agree`, `--strict`, `--format` and `--output` show and judge what is there"))
}

/// What was given of the options that are about calls.
fn of_calls(args: &CompareArgs) -> Vec<&'static str> {
    let (sampling, call) = (&args.sampling, &args.call);
    let options = [
        ("--temperature", sampling.temperature.is_some()),
        ("--top-p", sampling.top_p.is_some()),
        ("--max-tokens", sampling.max_tokens.is_some()),
        ("--seed", sampling.seed.is_some()),
        ("--stop", !sampling.stop.is_empty()),
        ("--effort", sampling.effort.is_some()),
        ("--option", !sampling.option.is_empty()),
        ("--why", args.why),
        ("--jobs", args.rounds.jobs.is_some()),
        ("--timeout", call.timeout.is_some()),
        ("--retries", call.retries != CallOptions::RETRIES),
        ("--max-wait", call.max_wait != CallOptions::MAX_WAIT),
        ("--retry-ambiguous", call.retry_ambiguous),
        ("--no-log", call.no_log),
        ("--dry-run", call.dry_run),
        ("--max-cost", call.caps.max_cost.is_some()),
        ("--fit", call.caps.fit),
        ("--allow-unpriced", call.caps.allow_unpriced),
    ];
    options.into_iter().filter_map(|(name, is_given)| is_given.then_some(name)).collect()
}
