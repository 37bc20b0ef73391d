//! `POST` and `GET /api/skill/v1/skills/{scope}/{name}/proposals`, `GET /api/skill/v1/proposals` and `/{number}`, `/{number}/archive`,
//! `PUT /api/skill/v1/proposals/{number}/state`. Changes that somebody offers to the owners of a skill.
//!
//! Offering one needs `publish:new` or `publish:update` for the fork that it comes from, and no right to the skill itself. The body is
//! `multipart/form-data` with the parts `meta` ([`Request`] as JSON) and `archive` (the .tar.gz), in this order. The archive is a whole
//! package of the skill under the version that it would be published as, and passes the checks of a publish; `base` is the version
//! that it improves, which must be the latest one (412 `E_HEAD_MOVED`). The same again from the same person is 200 with what there is.
//!
//! A proposal is open until it is `accepted`, `rejected` (both by an owner with `publish:update`) or `withdrawn` (by its author).
//! Accepting is a publish: the owner signs and publishes the very files that were proposed, and the registry takes the word
//! `accepted` only when that version is published with that tree. So what matters is signed and in the log; who proposed it and what they
//! wrote is the registry's word. The archive is kept while the proposal is open.

use serde::{Deserialize, Serialize};

use crate::{Digest, SkillId, Version, time::Timestamp};

/// Route of a skill's proposals.
pub const SKILL_ROUTE: &str = "/api/skill/v1/skills/{scope}/{name}/proposals";
/// Route of all proposals.
pub const ROUTE: &str = "/api/skill/v1/proposals";
/// Route of one.
pub const ONE_ROUTE: &str = "/api/skill/v1/proposals/{number}";
/// Route of its archive.
pub const ARCHIVE_ROUTE: &str = "/api/skill/v1/proposals/{number}/archive";
/// Route of its state.
pub const STATE_ROUTE: &str = "/api/skill/v1/proposals/{number}/state";

/// Characters of a title: one line of a list.
pub const MAX_TITLE: usize = 120;
/// Bytes of the message: some pages.
pub const MAX_MESSAGE: usize = 8 * 1024;
/// Bytes of an owner's note.
pub const MAX_NOTE: usize = 1024;
/// Bytes of the `meta` part: its texts in JSON, where a character can take six bytes.
pub const MAX_META: usize = 6 * (MAX_MESSAGE + 4 * MAX_TITLE) + 4096;
/// Open proposals of one person to one skill: its owners have to read them.
pub const MAX_OPEN_OF_SKILL: u64 = 5;
/// Open proposals of one person: times the size of an archive, what one account can make the registry keep.
pub const MAX_OPEN: u64 = 50;
/// Proposals in one answer; ask on with `before`.
pub const PAGE: u64 = 100;

/// The path of a skill's proposals.
pub fn skill_path(id: &SkillId) -> String {
    format!("{}/skills/{id}/proposals", super::BASE)
}

/// The path of one.
pub fn path(number: u64) -> String {
    format!("{ROUTE}/{number}")
}

/// The path of its archive.
pub fn archive_path(number: u64) -> String {
    format!("{ROUTE}/{number}/archive")
}

/// The path of its state.
pub fn state_path(number: u64) -> String {
    format!("{ROUTE}/{number}/state")
}

/// The `meta` part of a new proposal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Request {
    /// One line.
    pub title: String,
    /// Why, and how it was seen to be better. May be empty.
    pub message: String,
    /// The fork that it comes from.
    pub source: SkillId,
    /// The version that it improves.
    pub base: Version,
    /// That version's tree digest.
    pub base_tree: Digest,
    /// The version that it would be published as.
    pub version: Version,
}

/// The query of a list. Without `skill`, all skills.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Query {
    /// Only those with this state; all without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
    /// Only those of this user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// Only those with a lower number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<u64>,
}

/// What became of a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It waits for an answer.
    Open,
    /// It was published.
    Accepted,
    /// An owner said no.
    Rejected,
    /// Its author took it back.
    Withdrawn,
}

impl State {
    /// All states.
    pub const ALL: [Self; 4] = [Self::Open, Self::Accepted, Self::Rejected, Self::Withdrawn];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The reverse of [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// A change of state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Change {
    /// The state from now on; not `open`.
    pub state: State,
    /// Why, for its author. May be empty.
    #[serde(default)]
    pub note: String,
}

/// A proposal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// Its number in this registry.
    pub number: u64,
    /// The skill that it would change.
    pub skill: SkillId,
    /// Who made it.
    pub author: String,
    /// The fork that it comes from.
    pub source: SkillId,
    /// One line.
    pub title: String,
    /// Why.
    pub message: String,
    /// The version that it improves.
    pub base: Version,
    /// That version's tree digest.
    pub base_tree: Digest,
    /// The version that it would be published as.
    pub version: Version,
    /// Tree digest of its files.
    pub tree: Digest,
    /// SHA-256 of its .tar.gz.
    pub archive: Digest,
    /// Bytes of its .tar.gz.
    pub size: u64,
    /// What became of it.
    pub state: State,
    /// Why, if somebody said so.
    pub note: Option<String>,
    /// Who accepted, rejected or withdrew it.
    pub closed_by: Option<String>,
    /// When it was made.
    pub created: Timestamp,
    /// When it stopped being open.
    pub closed: Option<Timestamp>,
}

/// Proposals, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct List {
    /// At most [`PAGE`].
    pub items: Vec<Response>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_read_as_it_is_written_everywhere() {
        for state in State::ALL {
            assert_eq!(State::parse(state.as_str()), Some(state));
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
        assert_eq!(State::parse("Open"), None);
    }
}
