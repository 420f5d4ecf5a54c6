//! What `OpenRouter` charged for a call, asked for afterwards
//! (openrouter.ai/docs/api, "Get request and usage metadata for a generation").

use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::task::JoinSet;

use super::Ask;
use crate::catalog::Provider;
use crate::context::Context;
use crate::error::Result;
use crate::money::Cost;
use crate::provider;
use crate::wire::openai::usage::amount;
use crate::wire::{ApiError, FailureKind};

/// The provider's record of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Generation {
    /// What was charged.
    pub charged: Cost,
    /// The call was broken off.
    pub cancelled: bool,
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    data: Data<'a>,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow)]
    total_cost: &'a RawValue,
    cancelled: Option<bool>,
}

fn read(body: &[u8]) -> Option<Generation> {
    let Answer { data } = serde_json::from_slice(body).ok()?;
    Some(Generation { charged: amount(data.total_cost)?, cancelled: data.cancelled.unwrap_or(false) })
}

/// Asks for the records of calls by the ids that the provider gave them, all
/// at once; they come in the order of the ids.
///
/// # Errors
/// A provider that can't be asked, a key that is missing or can't be used.
pub fn generations(
    context: &Context,
    row: &Provider,
    ids: &[String],
) -> Result<Vec<Result<Generation, ApiError>>> {
    let ask = |id: &String| {
        let id = percent_encoding::utf8_percent_encode(id, percent_encoding::NON_ALPHANUMERIC);
        Ask::new(context, row, provider::endpoint(context, row, "")?, &format!("/generation?id={id}"))
    };
    let asks: Vec<Ask> = ids.iter().map(ask).collect::<Result<_>>()?;
    let mut answers = crate::runtime()?.block_on(async {
        let mut running = JoinSet::new();
        for (at, ask) in asks.into_iter().enumerate() {
            running.spawn(async move { (at, ask.body().await) });
        }
        running.join_all().await
    });
    answers.sort_by_key(|(at, _)| *at);
    let unread = || ApiError::new(FailureKind::Protocol, "the answer is no record of a call");
    Ok(answers.into_iter().map(|(_, body)| body.and_then(|body| read(&body).ok_or_else(unread))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_charge_is_read_to_the_last_digit() {
        let charged = |json: &str| read(json.as_bytes()).map(|record| record.charged.to_usd());
        assert_eq!(charged(r#"{"data":{"id":"gen-1","total_cost":3.6e-06}}"#).as_deref(), Some("0.0000036"));
        assert_eq!(
            charged(r#"{"data":{"total_cost":0.00026250000000000004,"cancelled":null}}"#).as_deref(),
            Some("0.0002625")
        );
        for wrong in ["", "{}", r#"{"data":{"total_cost":null}}"#, r#"{"data":{"total_cost":-1}}"#] {
            assert_eq!(charged(wrong), None, "{wrong}");
        }
    }
}
