//! Models that servers on this machine offer right now.

use std::time::Duration;

use serde::Deserialize;

use crate::catalog::{Provider, ProviderKind};
use crate::context::Context;
use crate::model::ModelRef;
use crate::provider;
use crate::transport::{Client, HttpRequest};

/// How long a server on this machine may take to say what it has.
const PATIENCE: Duration = Duration::from_millis(500);

/// The most that is read of a list of models.
const MAX_LIST: usize = 4 * 1024 * 1024;

#[derive(Deserialize)]
struct List {
    #[serde(default)]
    data: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    id: String,
}

/// The first model of the first local server that answers, in the catalog's order.
pub fn first_running(context: &Context) -> Option<ModelRef> {
    let servers = context.catalog.providers().into_iter();
    let servers = servers.filter(|provider| provider.kind == ProviderKind::Local && provider.wire != "local");
    let runtime = crate::runtime().ok()?;
    runtime.block_on(async {
        for server in servers {
            let listed = tokio::time::timeout(PATIENCE, models(context, &server)).await;
            if let Ok(Some(id)) = listed.map(|ids| ids.unwrap_or_default().into_iter().next()) {
                return Some(ModelRef { provider: server.id, model: id });
            }
        }
        None
    })
}

/// The ids that a server lists; `None` where it does not answer.
async fn models(context: &Context, server: &Provider) -> Option<Vec<String>> {
    let url = provider::address(context, server).ok()? + "/models";
    let client = Client::new(&url, PATIENCE).ok()?;
    let key = provider::key(context, server).ok()?.map(|found| found.key.header_value("Bearer "));
    let secret = key.as_ref().map(|value| ("authorization", value));
    let request = HttpRequest { url: &url, headers: &[], secret, body: None };
    let mut response = client.send(request).await.ok().filter(|response| response.status() == 200)?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.ok()? {
        body.extend_from_slice(chunk.as_ref());
        if body.len() > MAX_LIST {
            return None;
        }
    }
    let list: List = serde_json::from_slice(&body).ok()?;
    Some(list.data.into_iter().map(|listed| listed.id).filter(|id| !id.contains("embed")).collect())
}
