//! Errors on the wire: problem details (RFC 9457) with a stable machine code.

use serde::{Deserialize, Serialize};

use crate::{Code, codes};

/// Media type of [`Problem`].
pub const MEDIA_TYPE: &str = "application/problem+json";

/// An `application/problem+json` body. Clients act on `code` only and must cope with codes that they do not know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// `urn:skill:error:<code>`; identifies the kind of problem.
    #[serde(rename = "type")]
    pub kind: String,
    /// One sentence for people, the same for every occurrence of the code.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What exactly went wrong this time.
    pub detail: String,
    /// The stable machine code, `E_UPPER_SNAKE`.
    pub code: String,
    /// What to do next; may be empty.
    #[serde(default)]
    pub hint: String,
    /// Finds the request in the operator's log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The findings, where a package was refused for what stands in it: the `findings` of `skill check --json`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<serde_json::Value>,
}

impl Problem {
    /// A problem for a code with the sentence that describes this occurrence.
    pub fn new(code: &Code, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:skill:error:{}", code.id),
            title: code.title.to_owned(),
            status: code.status,
            detail: detail.into(),
            code: code.id.to_owned(),
            hint: code.help.to_owned(),
            request_id: None,
            findings: Vec::new(),
        }
    }

    /// The catalogue entry of the code, if this build knows it.
    pub fn known(&self) -> Option<&'static Code> {
        codes::find(&self.code)
    }
}
