//! Reading on after an early answer: a client that is still sending when the server has refused already must get to read why. Closing the
//! connection at once would reset it, and the answer would be lost with it.

use std::{
    mem,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use futures::StreamExt;
use hyper::body::{Frame, SizeHint};

/// How long the rest of a body is read and thrown away.
const TIME: Duration = Duration::from_secs(5);
/// How many bytes of it: a whole package and its frame.
const BYTES: usize = 12 * 1024 * 1024;

/// A request body whose rest is read and thrown away when nobody wants it any more.
#[derive(Debug)]
pub struct Lingering(Body);

impl Lingering {
    /// Wraps a body that has any bytes.
    pub fn wrap(body: Body) -> Body {
        if body.is_end_stream() { body } else { Body::new(Self(body)) }
    }
}

impl HttpBody for Lingering {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.0).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        let rest = mem::take(&mut self.0);
        if rest.is_end_stream() {
            return;
        }
        // Outside of a runtime the connection is gone anyway.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(tokio::time::timeout(TIME, discard(rest)));
        }
    }
}

async fn discard(body: Body) {
    let mut rest = body.into_data_stream();
    let mut bytes = 0;
    while let Some(Ok(piece)) = rest.next().await {
        bytes += piece.len();
        if bytes > BYTES {
            return;
        }
    }
}
