//! `PUT /api/skill/v1/scopes/{scope}`. Enrols, adds or revokes keys: the body is the envelope of a `scope/v1` statement, byte
//! for byte, as `application/json`. Needs the `owners` permission.
//!
//! With `seq` 1 the scope is created for the calling user, if the registry lets users create scopes or if its operator reserved
//! the scope for this user. Possession is proved by signature: every key that the statement adds has signed it. From `seq` 2 on,
//! as many present owner keys as the policy's threshold asks must have signed too, and `created` may be a week old, since several
//! people may have to sign. A recovery is signed by a recovery key and the added keys instead, adds keys and changes nothing else; these
//! are valid at the earliest when the recovery key's delay has passed. It and the first statement are of now, within 15 minutes. The registry adds the operator's signature to
//! the first statement, so the stored envelope is not the one that was sent: the response names it.

use serde::{Deserialize, Serialize};

use crate::{Digest, Scope};

/// The route.
pub const ROUTE: &str = "/api/skill/v1/scopes/{scope}";

/// The path of a scope.
pub fn path(scope: &Scope) -> String {
    format!("{}/scopes/{scope}", super::BASE)
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    /// Log index of the statement.
    pub log: u64,
    /// A C2SP tlog-proof of it.
    pub proof: Option<String>,
    /// SHA-256 of the stored envelope.
    pub stmt: Digest,
}
