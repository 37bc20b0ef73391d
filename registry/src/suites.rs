//! Archives of suites: whether they are what the statement says, and where each goes. An open one is a blob; of a sealed one the cases for
//! training are, and the whole lies in the vault until it is revealed.

use skill_bundle::hash::sha256;
use skill_engine::suite::{
    hash::Digests,
    pack::{self, Contents},
};
use skill_schema::{Digest, Fault, codes, statement::SuiteState};

use crate::{
    blobs::Received,
    error::{Error, blocking},
    state::AppState,
    store::suite::NewSuite,
    upload::SuiteUpload,
    vault::Kept,
};

/// A suite whose archives were checked.
pub struct Parts {
    /// What goes into the database.
    pub suite: NewSuite,
    /// What everybody gets; none if that does not change.
    archive: Option<Received>,
    /// What verifiers get.
    sealed: Option<Vec<u8>>,
}

/// Checks what was sent, by what becomes of the holdout.
///
/// # Errors
/// `E_SUITE_DIGEST` if an archive is missing or not what the statement says; what [`pack::open`] refuses.
pub async fn check(app: &AppState, mut suite: NewSuite, upload: SuiteUpload) -> Result<Parts, Error> {
    let _place = app.checks.acquire().await.map_err(|_| Fault::new(codes::UNAVAILABLE))?;
    let vault = app.vault.clone();
    blocking(move || {
        let stated = stated(&suite);
        let state = suite.info.state;
        if upload.sealed.is_some() && state != SuiteState::Commit {
            return wrong("only a suite that is committed comes sealed");
        }
        let archive = match state {
            SuiteState::Open => Some(whole(upload.archive, &stated)?),
            SuiteState::Commit => Some(train(upload.archive, &stated)?),
            SuiteState::Reveal => {
                let kept = vault.get(Kept::Suite, &stated.suite)?;
                let kept = kept.map(|bytes| (sha256(&bytes), bytes));
                let kept = kept.map(|(digest, bytes)| (Received::Memory(bytes.into()), digest));
                Some(whole(upload.archive.or(kept), &stated)?)
            }
            SuiteState::Retire => None,
        };
        if let Some(bytes) = &upload.sealed {
            // What is wrong with it is nobody's business but its owner's, who can ask skill suite check.
            let is_whole = pack::open(bytes).and_then(|sealed| sealed.verify(&stated)) == Ok(Contents::Whole);
            if !is_whole {
                return wrong("the sealed suite is another one");
            }
        }
        if let Some((_, digest)) = &archive {
            suite.info.archive = *digest;
        }
        Ok(Parts { suite, archive: archive.map(|(archive, _)| archive), sealed: upload.sealed })
    })
    .await
}

/// Keeps the archives, durably.
///
/// # Errors
/// Those of the disk.
pub async fn keep(app: &AppState, parts: Parts) -> Result<NewSuite, Error> {
    let (blobs, vault) = (app.blobs.clone(), app.vault.clone());
    blocking(move || {
        if let Some(bytes) = &parts.sealed {
            vault.put(Kept::Suite, &parts.suite.info.suite, bytes)?;
        }
        if let Some(archive) = parts.archive {
            blobs.keep(archive, &parts.suite.info.archive)?;
        }
        Ok(parts.suite)
    })
    .await
}

/// Deletes a sealed suite that verifiers need no more.
pub async fn forget(app: &AppState, suite: Digest) {
    let vault = app.vault.clone();
    if let Err(error) = blocking(move || vault.remove(Kept::Suite, &suite)).await {
        tracing::warn!(%error, %suite, "a sealed suite was left");
    }
}

fn stated(suite: &NewSuite) -> Digests {
    let size = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    let info = &suite.info;
    Digests {
        suite: info.suite,
        train: info.train,
        holdout: info.holdout,
        train_cases: size(info.cases.train),
        holdout_cases: size(info.cases.holdout),
    }
}

fn wrong<T>(detail: &str) -> Result<T, Error> {
    Err(Fault::new(codes::SUITE_DIGEST).detail(detail).into())
}

fn whole(archive: Option<(Received, Digest)>, stated: &Digests) -> Result<(Received, Digest), Error> {
    let Some((archive, digest)) = archive else { return wrong("the whole suite is needed") };
    match pack::open(&archive.bytes()?)?.verify(stated)? {
        Contents::Whole => Ok((archive, digest)),
        Contents::Train => wrong("the holdout is not in the archive"),
    }
}

fn train(archive: Option<(Received, Digest)>, stated: &Digests) -> Result<(Received, Digest), Error> {
    let Some((archive, digest)) = archive else { return wrong("the cases for training are needed") };
    match pack::open(&archive.bytes()?)?.verify(stated)? {
        Contents::Train => Ok((archive, digest)),
        Contents::Whole => wrong("nothing is held out, or the holdout is in the archive for everybody"),
    }
}
