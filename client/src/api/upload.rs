//! Bodies that are sent piece by piece, so that a progress bar can follow.

use bytes::Bytes;
use futures::stream;
use reqwest::{Body, multipart::Part};

use crate::progress::Progress;

/// Bytes of a piece.
const PIECE: usize = 64 * 1024;

/// A part of a form that counts what was sent. Its length is announced, so that the registry can refuse it at once.
pub(super) fn part(content: &Bytes, progress: &Progress) -> Part {
    let (content, length) = (content.clone(), content.len() as u64);
    let progress = progress.clone();
    let pieces = (0..content.len()).step_by(PIECE).map(move |start| {
        let piece = content.slice(start..content.len().min(start + PIECE));
        progress.advance(piece.len() as u64);
        Ok::<_, std::io::Error>(piece)
    });
    Part::stream_with_length(Body::wrap_stream(stream::iter(pieces)), length)
}
