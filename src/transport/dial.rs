//! When a connection became usable.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use tower_layer::Layer;
use tower_service::Service;

/// When the last connection became usable.
pub(super) type Dialled = Arc<Mutex<Option<Instant>>>;

/// Notes when a connection, TLS included, became usable.
#[derive(Clone)]
pub(super) struct DialLayer(pub(super) Dialled);

impl<S> Layer<S> for DialLayer {
    type Service = Dialler<S>;

    fn layer(&self, inner: S) -> Dialler<S> {
        Dialler { inner, dialled: Arc::clone(&self.0) }
    }
}

/// A dialler that tells.
#[derive(Clone)]
pub(super) struct Dialler<S> {
    inner: S,
    dialled: Dialled,
}

impl<S, R> Service<R> for Dialler<S>
where
    S: Service<R>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let (dial, dialled) = (self.inner.call(request), Arc::clone(&self.dialled));
        Box::pin(async move {
            let connection = dial.await?;
            *dialled.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
            Ok(connection)
        })
    }
}
