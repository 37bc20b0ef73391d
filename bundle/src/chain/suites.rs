//! Suites in a scope's chain: published once, and what became of their holdout since.

use skill_schema::{
    Digest, Fault, SkillName, Version, codes,
    statement::{Role, Statement, Suite, SuiteState},
    version::parse_version,
};

use super::{Chain, Signed};
use crate::{envelope::Envelope, statement};

/// A published suite, as its owner signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedSuite {
    /// Split hash of all its cases.
    pub digest: Digest,
    /// What was said about it, oldest first; never empty.
    pub statements: Vec<Signed<Suite>>,
}

impl PublishedSuite {
    /// What becomes of its holdout by the last word.
    pub fn state(&self) -> SuiteState {
        self.statements.last().map_or(SuiteState::Retire, |signed| signed.predicate.state)
    }
}

impl Chain {
    /// All published suites, by name and version.
    pub fn suites(&self) -> impl Iterator<Item = (&SkillName, &Version, &PublishedSuite)> {
        self.suites.iter().map(|((name, version), suite)| (name, version, suite))
    }

    /// One published suite.
    pub fn suite(&self, name: &SkillName, version: &Version) -> Option<&PublishedSuite> {
        self.suites.get(&(name.clone(), version.clone()))
    }

    /// The suite with these cases.
    pub fn suite_of(&self, digest: &Digest) -> Option<&PublishedSuite> {
        self.suites.values().find(|suite| suite.digest == *digest)
    }

    /// A suite is published open or committed; later only the state changes, never the digests: a committed one is revealed, and
    /// each is retired at the end.
    pub(super) fn push_suite(&mut self, envelope: &Envelope) -> Result<(), Fault> {
        let statement: Statement<Suite> = self.read(envelope)?;
        let digest = statement::suite_digest(&statement)?;
        let suite = statement.predicate;
        let signers = self.signers_with(envelope, Role::Publish, suite.created)?;
        let key = (suite.suite.parse()?, parse_version(&suite.version)?);
        let place = format!("{}/{}@{}", self.scope, key.0, key.1);
        let wrong = |detail: &str| Err(Fault::new(codes::STATEMENT).at(&place).detail(detail));
        let signed = Signed { predicate: suite, seq: self.next().0, envelope: envelope.digest(), signers };
        let Some(before) = self.suites.get_mut(&key) else {
            if !matches!(signed.predicate.state, SuiteState::Open | SuiteState::Commit) {
                return wrong("state: a suite begins open or committed");
            }
            self.suites.insert(key, PublishedSuite { digest, statements: vec![signed] });
            return Ok(());
        };
        let known = &before.statements[0].predicate;
        let same = (known.train, known.holdout, known.cases)
            == (signed.predicate.train, signed.predicate.holdout, signed.predicate.cases);
        if before.digest != digest || !same {
            return Err(Fault::new(codes::VERSION_EXISTS).at(&place));
        }
        let follows = matches!(
            (before.state(), signed.predicate.state),
            (SuiteState::Commit, SuiteState::Reveal | SuiteState::Retire)
                | (SuiteState::Open | SuiteState::Reveal, SuiteState::Retire)
        );
        if !follows {
            return wrong("state: it does not follow from the one before");
        }
        before.statements.push(signed);
        Ok(())
    }
}
