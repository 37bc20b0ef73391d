//! `GET /blob/sha256/{hex}`. Archives and envelopes by content. Immutable; strong `ETag`; byte ranges (`Range`, `If-Range`).
//! Needs a token only where the registry's `auth` is `required`.

use crate::Digest;

/// The route.
pub const ROUTE: &str = "/blob/sha256/{hex}";

/// The path of a blob.
pub fn path(digest: &Digest) -> String {
    format!("/blob/sha256/{digest}")
}
