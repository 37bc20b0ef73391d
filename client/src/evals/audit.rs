//! What anybody can check of a result on a revealed suite, one check after the other.

use serde::Serialize;
use skill_bundle::{
    chain::PublishedSuite,
    envelope::Envelope,
    hash::sha256,
    keys::PublicKey,
    statement::{eval_tree, subject},
};
use skill_engine::{
    record::{
        CaseFacts, Record,
        sealed::{self, Opaque},
        split_hash, summary,
    },
    suite::pack::{Contents, Sealed},
};
use skill_schema::{
    Digest, Fault, Limits,
    api::{eval::Entry, job::Verified},
    codes,
    statement::{Eval, EvalKind, SuiteState},
};

use crate::{
    api::{Api, Evidence},
    catalogue::{ScopeChain, Source},
    context::Context,
};

/// What is audited.
pub struct Audit<'a> {
    source: &'a Source,
    chain: &'a ScopeChain,
    suite: Digest,
    holdout: Digest,
    salt: &'a str,
    facts: Vec<CaseFacts>,
    /// Log index of the commitment.
    committed: u64,
}

/// One result, and whether it holds.
#[derive(Debug, Serialize)]
pub struct Finding {
    /// The attempt.
    pub attempt: Digest,
    /// `scope/name@version` of the candidate.
    pub subject: String,
    /// `accept`, `reject` or `invalid`.
    pub verdict: String,
    /// `result` or `refute`.
    pub kind: String,
    /// What was checked.
    pub checks: Vec<Check>,
}

impl Finding {
    /// Whether every check passed.
    pub fn holds(&self) -> bool {
        self.checks.iter().all(|check| check.ok)
    }
}

/// One check.
#[derive(Debug, Serialize)]
pub struct Check {
    /// `order`, `signature`, `statement`, `record`, `cases` or `verdict`.
    pub what: &'static str,
    /// Whether it passed.
    pub ok: bool,
    /// What was found instead.
    pub found: Option<String>,
}

impl<'a> Audit<'a> {
    /// Compares the revealed suite with what was committed.
    ///
    /// # Errors
    /// [`codes::SUITE_DIGEST`] if it is another suite; [`codes::SEALED`] if it was never committed.
    pub fn new(
        _context: &Context,
        source: &'a Source,
        (chain, published): (&'a ScopeChain, &PublishedSuite),
        suite: &'a Sealed,
    ) -> Result<Self, Fault> {
        let never = || Fault::new(codes::SEALED).detail("it was never sealed");
        let first = published.statements.first().ok_or_else(never)?;
        if first.predicate.state != SuiteState::Commit {
            return Err(never());
        }
        let found = suite.digests()?;
        let same = (found.suite, found.holdout, found.train)
            == (published.digest, first.predicate.holdout, first.predicate.train);
        if !same || suite.verify(&found)? != Contents::Whole {
            return Err(Fault::new(codes::SUITE_DIGEST).at(published.digest.to_string()));
        }
        let committed = chain.log(first.seq).ok_or_else(|| Fault::new(codes::NOT_LOGGED))?;
        let (salt, facts) = (suite.suite.settings.salt.as_str(), sealed::holdout(suite)?);
        Ok(Self { source, chain, suite: published.digest, holdout: first.predicate.holdout, salt, facts, committed })
    }

    /// Checks all results of an attempt; none if it has none, or was made on the open suite.
    ///
    /// # Errors
    /// Faults of the network; what does not hold is no error here.
    pub async fn attempt(&self, entry: &Entry) -> anyhow::Result<Vec<Finding>> {
        let api = self.source.api()?;
        let envelope = api.blob(&entry.attempt, Limits::V1.envelope).await?;
        let statement = Envelope::parse(&envelope)?.statement::<Eval>()?;
        let about = subject(&statement)?.name.clone();
        let Ok(job) = api.job(&entry.attempt).await else { return Ok(Vec::new()) };
        let mut findings = Vec::new();
        for result in &job.results {
            let mut checks = Vec::new();
            let mut say = |what, outcome: Result<(), Fault>| {
                checks.push(Check { what, ok: outcome.is_ok(), found: outcome.err().map(|fault| fault.sentence()) });
            };
            let bytes = api.blob(&result.stmt, Limits::V1.envelope).await?;
            say("order", self.order(api, (&envelope, entry.log), (&bytes, result.log)).await);
            let said = read(&bytes, result);
            let record = api.blob(&result.record, Evidence::MAX_RECORD).await?;
            say("signature", said.as_ref().map_err(Clone::clone).and_then(|said| self.signer(said, result, &about)));
            say("statement", said.as_ref().map_err(Clone::clone).and_then(|said| self.agrees(said, entry)));
            let verdict = match (&said, parse(&record, result)) {
                (Ok(said), Ok(record)) => {
                    say("record", self.record(&record, &said.statement));
                    let opaque = Opaque::new(&self.facts, &entry.attempt);
                    say("cases", opaque.check(&record, self.salt));
                    say("verdict", verdict(&record, &said.statement));
                    said.statement.summary.as_ref().map(|summary| summary.verdict.clone()).unwrap_or_default()
                }
                (_, Err(fault)) => {
                    say("record", Err(fault));
                    String::new()
                }
                (Err(_), _) => String::new(),
            };
            findings.push(Finding {
                attempt: entry.attempt,
                subject: about.clone(),
                verdict,
                kind: result.kind.clone(),
                checks,
            });
        }
        Ok(findings)
    }

    /// Commitment, attempt and result stand in the log, in this order.
    async fn order(&self, api: &Api, attempt: (&[u8], u64), result: (&[u8], u64)) -> Result<(), Fault> {
        if !(self.committed < attempt.1 && attempt.1 < result.1) {
            let detail =
                format!("committed at {}, attempted at {}, measured at {}", self.committed, attempt.1, result.1);
            return Err(Fault::new(codes::AUDIT).detail(detail));
        }
        for (envelope, index) in [attempt, result] {
            let proven = self.source.log.prove(Some(api), envelope, index).await;
            proven.map_err(|error| Fault::new(codes::NOT_LOGGED).detail(error.to_string()))?;
        }
        Ok(())
    }

    /// Signed by the key that it names, which is none of the scope's.
    fn signer(&self, said: &Said, result: &Verified, about: &str) -> Result<(), Fault> {
        let key = PublicKey::from_text(&result.key)?;
        said.envelope.verify(&key)?;
        if said.statement.runner != key.keyid() {
            return Err(Fault::new(codes::VERIFIER).at(key.keyid().to_string()).detail("another key is named"));
        }
        let is_own = about.starts_with(&format!("{}/", self.chain.chain.scope()));
        if is_own && self.chain.chain.keys().contains_key(&key.keyid()) {
            return Err(Fault::new(codes::VERIFIER).at(key.keyid().to_string()).detail("it is the publisher's"));
        }
        Ok(())
    }

    /// The statement ends this attempt on this suite.
    fn agrees(&self, said: &Said, entry: &Entry) -> Result<(), Fault> {
        let statement = &said.statement;
        let same = (statement.attempt, statement.suite, statement.parent, said.tree)
            == (Some(entry.attempt), self.suite, entry.parent, entry.tree);
        let is_result = statement.kind != EvalKind::Attempt;
        if same && is_result { Ok(()) } else { Err(Fault::new(codes::ATTEMPT_OTHER).at(entry.attempt.to_string())) }
    }

    /// The record follows from its runs, under the score key of the statement, on the committed holdout.
    fn record(&self, record: &Record, said: &Eval) -> Result<(), Fault> {
        record.verify()?;
        sealed::check_redacted(record)?;
        let found = split_hash(&self.facts);
        if found != self.holdout || record.suite.split_hash != found || record.key.split != found {
            return Err(Fault::new(codes::SUITE_DIGEST).at("suite.split_hash"));
        }
        if record.score_key != said.score_key {
            return Err(Fault::new(codes::SCORE_KEY).at("score_key"));
        }
        Ok(())
    }
}

/// A statement of a verifier, read.
struct Said {
    envelope: Envelope,
    statement: Eval,
    tree: Digest,
}

fn read(bytes: &[u8], result: &Verified) -> Result<Said, Fault> {
    let envelope = Envelope::parse(bytes)?;
    if envelope.digest() != result.stmt {
        return Err(Fault::new(codes::DIGEST).at(result.stmt.to_string()));
    }
    let statement = envelope.statement::<Eval>()?;
    let tree = eval_tree(&statement)?;
    Ok(Said { envelope, statement: statement.predicate, tree })
}

fn parse(bytes: &[u8], result: &Verified) -> Result<Record, Fault> {
    if sha256(bytes) != result.record {
        return Err(Fault::new(codes::DIGEST).at(result.record.to_string()));
    }
    Record::parse(bytes)
}

/// The verdict follows from the runs, and is what the statement says.
fn verdict(record: &Record, said: &Eval) -> Result<(), Fault> {
    let word = said.summary.as_ref().map(|summary| summary.verdict.as_str()).unwrap_or_default();
    let computed = match record.terms()? {
        None => "accept",
        Some(terms) => {
            let verdict = record.judge(&terms)?;
            if summary(&verdict, &terms) != record.verdict {
                return Err(Fault::new(codes::VERDICT).detail(verdict.sentence()));
            }
            verdict.outcome.word()
        }
    };
    if computed == word {
        Ok(())
    } else {
        Err(Fault::new(codes::VERDICT).detail(format!("{word}, and {computed} follows")))
    }
}
