//! What a forger says about sealed suites.

use skill_bundle::keys::SecretKey;
use skill_engine::{record::Record, report::Details};
use skill_schema::{
    Digest,
    api::job,
    statement::{Eval, EvalModel},
};

use super::{Cases, Forger, Packed, Parts};
use crate::http::Answer;

impl Forger {
    /// Queues a version for a verifier.
    pub fn queue(&self, envelope: &[u8], packed: &Packed) -> Answer {
        let parts =
            vec![("statement", envelope.to_vec()), ("meta", b"{}".to_vec()), ("archive", packed.archive.clone())];
        self.send(&Parts { to: ("POST", job::ROUTE.to_owned()), parts })
    }

    /// An attempt on a sealed suite: its conditions are the verifier's.
    pub fn sealed_attempt(&self, head: Option<&Packed>, cases: &Cases) -> Eval {
        let model = EvalModel { id: job::MODEL.to_owned(), weights: job::MODEL.to_owned() };
        Eval { model, score_key: Digest::ZERO, ..self.attempt(head, cases) }
    }

    /// The user's token.
    pub fn token(&self) -> &str {
        self.publisher.token()
    }

    /// The key.
    pub fn key(&self) -> &SecretKey {
        &self.key
    }

    /// The form that publishes a version with the record that a verifier has sent.
    pub fn form_verified(&self, packed: &Packed, suite: Digest, attempt: Digest, record: &[u8]) -> Parts {
        let parsed = Record::parse(record).expect("a record");
        let mut form = self.form(packed, None, Some(suite), Some(attempt), Some((&parsed, &Details::default())));
        form.parts.retain(|(name, _)| !matches!(*name, "record" | "transcripts"));
        form
    }

    /// Sends a result of an attempt that was never logged.
    pub fn log_result_of_nothing(&self, packed: &Packed, cases: &Cases, record: &Record) -> Answer {
        let nothing = Digest([9; 32]);
        self.send(&self.result(&self.attempt(None, cases), packed, nothing, (record, &Details::default())))
    }
}
