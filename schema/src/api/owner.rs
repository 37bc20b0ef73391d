//! `GET /api/skill/v1/scopes/{scope}/owners`, and `PUT` or `DELETE /api/skill/v1/scopes/{scope}/owners/{user}`. Who may publish
//! to and manage a scope. Reading is public; changing needs the `owners` permission and ownership. A scope keeps at least one owner.

use serde::{Deserialize, Serialize};

use crate::Scope;

/// Route of the list.
pub const ROUTE: &str = "/api/skill/v1/scopes/{scope}/owners";
/// Route of one owner.
pub const USER_ROUTE: &str = "/api/skill/v1/scopes/{scope}/owners/{user}";

/// Path of the list.
pub fn path(scope: &Scope) -> String {
    format!("{}/scopes/{scope}/owners", super::BASE)
}

/// Path of one owner. A user's name follows the rule of scopes.
pub fn user_path(scope: &Scope, user: &Scope) -> String {
    format!("{}/scopes/{scope}/owners/{user}", super::BASE)
}

/// The owners, sorted (also the answer to a change).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    /// Their user names.
    pub owners: Vec<String>,
}
