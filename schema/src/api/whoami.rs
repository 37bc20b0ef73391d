//! `GET /api/skill/v1/whoami`. Whose token this is and what it allows. Needs any valid token.

use serde::{Deserialize, Serialize};

use super::token;

/// The route, and the path.
pub const ROUTE: &str = "/api/skill/v1/whoami";

/// Whose token it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    /// The user's name.
    pub user: String,
    /// The scopes that the user owns, sorted.
    pub scopes: Vec<String>,
    /// The token itself.
    pub token: token::Info,
}
