//! `GET` and `POST /api/skill/v1/tokens`, `DELETE /api/skill/v1/tokens/{id}`. The calling user's API tokens. Any valid token may
//! list and revoke; a new token can have at most the permissions and the pattern of the one that makes it.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// Route of the list.
pub const ROUTE: &str = "/api/skill/v1/tokens";
/// Route of one token.
pub const ID_ROUTE: &str = "/api/skill/v1/tokens/{id}";
/// Days until a token expires, unless asked otherwise.
pub const DEFAULT_DAYS: u64 = 90;
/// Days until a token expires, at the most.
pub const MAX_DAYS: u64 = 366;

/// Path of one token.
pub fn id_path(id: &str) -> String {
    format!("{ROUTE}/{id}")
}

/// What a token allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Permission {
    /// First versions of new skills.
    #[serde(rename = "publish:new")]
    PublishNew,
    /// Further versions.
    #[serde(rename = "publish:update")]
    PublishUpdate,
    /// Yank, restore, deprecate.
    #[serde(rename = "yank")]
    Yank,
    /// Owners, scopes and their keys.
    #[serde(rename = "owners")]
    Owners,
    /// Submit score records.
    #[serde(rename = "eval:submit")]
    EvalSubmit,
    /// Act as a verifier.
    #[serde(rename = "eval:verify")]
    EvalVerify,
    /// Read where reading needs a token.
    #[serde(rename = "read:private")]
    ReadPrivate,
    /// Operate the registry.
    #[serde(rename = "admin")]
    Admin,
}

impl Permission {
    /// All permissions, in the order in which they are listed.
    pub const ALL: [Self; 8] = [
        Self::PublishNew,
        Self::PublishUpdate,
        Self::Yank,
        Self::Owners,
        Self::EvalSubmit,
        Self::EvalVerify,
        Self::ReadPrivate,
        Self::Admin,
    ];

    /// The text form.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PublishNew => "publish:new",
            Self::PublishUpdate => "publish:update",
            Self::Yank => "yank",
            Self::Owners => "owners",
            Self::EvalSubmit => "eval:submit",
            Self::EvalVerify => "eval:verify",
            Self::ReadPrivate => "read:private",
            Self::Admin => "admin",
        }
    }

    /// Parses the text form.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.as_str() == text)
    }
}

/// Whether a pattern (`*`, `cisco/*`, `cisco/codeguard`, `cisco/code*`) covers a skill or, with an empty name, a whole scope.
pub fn pattern_covers(pattern: &str, id: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => id.starts_with(prefix),
        None => pattern == id,
    }
}

/// Asks for a new token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// For the person who later reads the list; 1 to 64 characters.
    pub name: String,
    /// What it allows.
    pub permissions: Vec<Permission>,
    /// Which skills: `*`, `cisco/*` or one name.
    #[serde(default = "everything")]
    pub pattern: String,
    /// Days until it expires.
    #[serde(default = "default_days")]
    pub days: u64,
}

fn everything() -> String {
    "*".to_owned()
}

fn default_days() -> u64 {
    DEFAULT_DAYS
}

/// A new token. Its text is shown once; the registry keeps only its SHA-256.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Created {
    /// The token's text, `skl_…`.
    pub token: String,
    /// What is known of it from now on.
    #[serde(flatten)]
    pub info: Info,
}

/// What is known of a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Info {
    /// Its id, for revoking.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it allows.
    pub permissions: Vec<Permission>,
    /// Which skills.
    pub pattern: String,
    /// When it was made.
    pub created: Timestamp,
    /// When it expires.
    pub expires: Timestamp,
    /// When it was last used, to the hour.
    pub last_used: Option<Timestamp>,
    /// When it was revoked.
    pub revoked: Option<Timestamp>,
}

/// The list, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    /// The tokens.
    pub tokens: Vec<Info>,
}
