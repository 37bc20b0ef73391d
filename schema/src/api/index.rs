//! `GET /index/{scope}/{name}` and `GET /index/{scope}`. The index of a skill and the chain of a scope, as NDJSON
//! ([`crate::index`]). Strong `ETag` (the quoted SHA-256 of the file; with `-gzip` inside the quotes where it is sent compressed),
//! `Cache-Control: max-age=60, stale-while-revalidate`, 304 for an `If-None-Match` with either tag. Needs a token only where the
//! registry's `auth` is `required`.

use crate::{Scope, SkillId};

/// Route of a skill's index.
pub const ROUTE: &str = "/index/{scope}/{name}";
/// Route of a scope's chain.
pub const CHAIN_ROUTE: &str = "/index/{scope}";

/// Path of a skill's index.
pub fn path(id: &SkillId) -> String {
    format!("/index/{id}")
}

/// Path of a scope's chain. The operator's own chain is at `/index/_operator`.
pub fn chain_path(scope: &Scope) -> String {
    format!("/index/{scope}")
}
