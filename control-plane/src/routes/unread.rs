//! What handlers leave of a request's body. HTTP/1.1 sends the next request behind it on the same connection, so a server that does not read
//! it must close, and the caller's next request, often under way by then, fails (RFC 9112 section 9.6).

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use http_body::{Frame, SizeHint};

/// How much is read of what nobody wants, and for how long.
const MAX_DISCARDED_BYTES: usize = 1024 * 1024;
const DISCARD_TIMEOUT: Duration = Duration::from_secs(1);

/// Middleware around the whole server: reads on to the end of the body before the answer leaves, and says that the connection closes
/// where that is too far.
pub async fn discard(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    // Whoever waits for `100 Continue` sends nothing of what was refused.
    let waits = request.headers().contains_key(header::EXPECT);
    let (parts, body) = request.into_parts();
    let mut rest = Rest(Arc::new(Mutex::new(Reading { body: Some(body), begun: false })));
    let request = Request::from_parts(parts, Body::new(rest.clone()));
    let mut response = next.run(request).await;
    let ended = if waits && !rest.begun() {
        false
    } else {
        tokio::time::timeout(DISCARD_TIMEOUT, rest.read()).await.unwrap_or(false)
    };
    if !ended {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// A body that its handler has, and that is still there when the handler is done.
#[derive(Clone)]
struct Rest(Arc<Mutex<Reading>>);

struct Reading {
    /// None once it has ended.
    body: Option<Body>,
    begun: bool,
}

impl Rest {
    fn with<T>(&self, work: impl FnOnce(&mut Reading) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn begun(&self) -> bool {
        self.with(|reading| reading.begun)
    }

    /// Whether the end is reached.
    async fn read(&mut self) -> bool {
        let mut read = 0;
        while read <= MAX_DISCARDED_BYTES {
            match poll_fn(|context| Pin::new(&mut *self).poll_frame(context)).await {
                None => return true,
                Some(Err(_)) => return false,
                Some(Ok(frame)) => read += frame.data_ref().map_or(0, Bytes::len),
            }
        }
        false
    }
}

impl HttpBody for Rest {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.with(|reading| {
            reading.begun = true;
            let Some(body) = &mut reading.body else { return Poll::Ready(None) };
            let polled = Pin::new(body).poll_frame(context);
            if matches!(polled, Poll::Ready(None)) {
                reading.body = None;
            }
            polled
        })
    }

    fn is_end_stream(&self) -> bool {
        self.with(|reading| reading.body.as_ref().is_none_or(HttpBody::is_end_stream))
    }

    fn size_hint(&self) -> SizeHint {
        self.with(|reading| {
            reading.body.as_ref().map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint)
        })
    }
}
