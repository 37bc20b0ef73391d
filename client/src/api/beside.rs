//! What is sent with a version: its archive and statement, and what goes beside them.

use reqwest::multipart;
use skill_schema::api::publish;

/// A version that is sent to be published.
#[derive(Debug, Clone, Copy)]
pub struct Release<'a> {
    /// What the publisher expects.
    pub meta: &'a publish::Meta,
    /// The envelope of its release statement.
    pub statement: &'a [u8],
    /// The .tar.gz.
    pub archive: &'a [u8],
    /// What goes with it.
    pub beside: &'a Beside,
}

/// A score record, and what its runs asked and answered, as they are sent.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// The record, canonical JSON.
    pub record: bytes::Bytes,
    /// The transcripts, JSON.
    pub transcripts: bytes::Bytes,
}

/// What goes with a version beside its archive.
#[derive(Debug, Clone, Default)]
pub struct Beside {
    /// What was tried on the way to it, which nothing signs.
    pub tried: Option<bytes::Bytes>,
    /// Its record, if it was measured.
    pub evidence: Option<Evidence>,
}

impl Beside {
    /// The form with these parts at its end.
    pub(super) fn add_to(&self, form: multipart::Form) -> multipart::Form {
        let form = match &self.tried {
            None => form,
            Some(tried) => form.part("tried", multipart::Part::stream(tried.clone())),
        };
        match &self.evidence {
            None => form,
            Some(evidence) => evidence.add_to(form),
        }
    }
}

impl Evidence {
    /// The form with these parts at its end.
    pub(super) fn add_to(&self, form: multipart::Form) -> multipart::Form {
        form.part("record", multipart::Part::stream(self.record.clone()))
            .part("transcripts", multipart::Part::stream(self.transcripts.clone()))
    }
}
