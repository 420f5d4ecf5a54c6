//! Who can serve a request at all.

use super::{Bar, Candidate, Question, Rejected};
use crate::budget::Worst;
use crate::catalog::{Billing, Part, State};

/// The candidates that can serve the request, and why the others can't.
///
/// Who is cooling down is left out, unless there is nobody else: a chance is
/// better than none.
pub(super) fn part(question: &Question<'_>) -> (Vec<usize>, Vec<Rejected>) {
    let (mut fit, mut cooling, mut rejected) = (Vec::new(), Vec::new(), Vec::new());
    for (at, candidate) in question.candidates.iter().enumerate() {
        match (unfit(question, candidate), resting(question, candidate)) {
            (Some((bar, reason)), _) => rejected.push(Rejected { candidate: at, bar, reason }),
            (None, Some(reason)) => cooling.push(Rejected { candidate: at, bar: Bar::Cooling, reason }),
            (None, None) => fit.push(at),
        }
    }
    if fit.is_empty() {
        return (cooling.iter().map(|cold| cold.candidate).collect(), rejected);
    }
    rejected.append(&mut cooling);
    rejected.sort_by_key(|rejected| rejected.candidate);
    (fit, rejected)
}

/// Why a candidate can't serve the request, now or ever.
fn unfit(question: &Question<'_>, candidate: &Candidate) -> Option<(Bar, String)> {
    let settings = question.settings;
    let provider = &candidate.model.provider;
    if settings.except.contains(provider) || (!settings.only.is_empty() && !settings.only.contains(provider))
    {
        return Some((Bar::Setting, format!("the provider {provider} is not allowed here")));
    }
    let obstacle = || candidate.obstacle.clone().or_else(|| retired(question, candidate));
    let inability = || unable(question, candidate).or_else(|| too_small(question, candidate));
    obstacle()
        .map(|reason| (Bar::Unreachable, reason))
        .or_else(|| Some((Bar::Ability, inability()?)))
        .or_else(|| Some((Bar::Setting, too_dear(question, candidate)?)))
        .or_else(|| Some((Bar::Cap, over_cap(question, candidate)?)))
}

fn retired(question: &Question<'_>, candidate: &Candidate) -> Option<String> {
    let row = candidate.row.as_ref()?;
    // A day that is announced may be put off; one that is past was not.
    let today = question.now.to_zoned(jiff::tz::TimeZone::UTC).date();
    let shut = row.shutdown.is_some_and(|day| day <= today) && row.state == State::Deprecated;
    let since = row.shutdown.map(|day| format!(" on {day}")).unwrap_or_default();
    (row.state == State::Retired || shut).then(|| format!("it was retired{since}"))
}

/// What is unknown may be.
fn unable(question: &Question<'_>, candidate: &Candidate) -> Option<String> {
    let (row, need) = (candidate.row.as_ref()?, question.need);
    if let Some(kind) = need.media.iter().find(|kind| !row.takes(**kind)) {
        return Some(format!("it does not take {kind} attachments"));
    }
    let can = row.abilities?;
    if need.tools && !can.tools {
        return Some("it is not known to call tools".to_owned());
    }
    (need.schema && !can.structured_output).then(|| "it is not known to keep to a schema".to_owned())
}

fn too_small(question: &Question<'_>, candidate: &Candidate) -> Option<String> {
    let row = candidate.row.as_ref()?;
    let input = candidate.input.unwrap_or(question.need.input);
    if let Some(most) = row.max_input.filter(|most| input > *most) {
        return Some(format!("~{input} tokens of prompt, and it takes {most}"));
    }
    let context = row.context?;
    let answer = candidate.max_tokens.unwrap_or(0);
    (input.saturating_add(answer) > context).then(|| match answer {
        0 => format!("~{input} tokens of prompt do not fit into its context of {context}"),
        _ => format!(
            "~{input} tokens of prompt and {answer} of answer do not fit into its context of {context}"
        ),
    })
}

fn too_dear(question: &Question<'_>, candidate: &Candidate) -> Option<String> {
    let most = question.settings.max_price?;
    let row = candidate.row.as_ref();
    if row.is_some_and(|row| matches!(row.billing, Billing::Local | Billing::Free)) {
        return None;
    }
    let now = row.and_then(|row| row.prices_at(question.now));
    let prices = now.map(|now| [Part::Input, Part::Output].map(|part| now.row.prices.get(part)));
    let Some([Some(input), Some(output)]) = prices else {
        return Some(format!("its price is unknown, and `max_price` is ${most}"));
    };
    let dearer = input.max(output);
    (dearer > most).then(|| format!("${dearer} for a million tokens is more than `max_price` ${most}"))
}

fn over_cap(question: &Question<'_>, candidate: &Candidate) -> Option<String> {
    let cap = question.max_cost?;
    let unknown = |why: &str| Some(format!("{why}, and the cap is {}", cap.to_display()));
    match &candidate.worst {
        Some(Worst::Nothing) => None,
        Some(Worst::AtMost(cost)) if *cost <= cap => None,
        Some(Worst::AtMost(cost)) => {
            Some(format!("it may cost {}, more than the cap of {}", cost.to_display(), cap.to_display()))
        }
        Some(Worst::Unknown(why)) => unknown(&why.to_string()),
        None => unknown("what it may cost is unknown"),
    }
}

fn resting(question: &Question<'_>, candidate: &Candidate) -> Option<String> {
    let concerning =
        question.cooling.iter().filter(|of| of.covers(&candidate.model) && of.until > question.now);
    let longest = concerning.max_by_key(|of| of.until)?;
    Some(format!("it is left alone for {}", longest.in_words(question.now)))
}
