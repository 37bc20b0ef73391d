//! The score of a published version, checked on this machine: its record is fetched, and everything that follows from it is computed again.

use serde::Serialize;
use skill_bundle::hash::sha256;
use skill_engine::{
    record::{Record, regrade, summary},
    report::Details,
    suite::{self, pack::Sealed},
};
use skill_schema::{
    Digest, Fault,
    api::{eval, info::VersionInfo},
    codes,
    index::{Line, Score},
    spec::Spec,
};

use super::kept::Kept;
use crate::{
    api::Api,
    catalogue::{Catalogue, Entry},
    context::Context,
    published,
};

/// Bytes of a packed suite that are fetched; its own limit is the archive's.
const MAX_SUITE: usize = skill_schema::Limits::V1.archive;

/// One question about a score, and what came out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// What is compared.
    pub what: &'static str,
    /// Whether it holds; none where nobody can tell from here.
    pub holds: Option<bool>,
    /// In a sentence.
    pub says: String,
}

/// A published record and what holds of it.
pub struct Audited {
    /// `scope/name@version`.
    pub named: String,
    /// The record, with its transcripts if they could be fetched.
    pub kept: Kept,
    /// The questions, in the order in which they were asked.
    pub answers: Vec<Answer>,
}

/// Fetches the record of a version and computes it again.
///
/// # Errors
/// Those of [`published::choose`]; [`codes::NO_RECORD`] if the version has no record; [`codes::DIGEST`], [`codes::RECORD`] if what
/// comes is no such record; faults of the network.
pub async fn of(context: &Context, spec: &Spec) -> anyhow::Result<Audited> {
    let catalogue = Catalogue::new(context);
    let entry = published::entry(&catalogue, spec).await?;
    let line = published::choose(&entry, &spec.which)?;
    let named = format!("{}@{}", spec.id, line.vers);
    let api = entry.source.api()?;
    let said = api.info(&spec.id).await?.versions.into_iter().find(|said| said.version == line.vers);
    let signed = entry.version(&line.vers).and_then(|(_, release)| release.release.predicate.evals.first().copied());
    let digest = signed.or(said.as_ref().and_then(|said| said.record));
    let digest = digest.ok_or_else(|| Fault::new(codes::NO_RECORD).at(&named))?;
    let bytes = fetch(api, &digest, eval::MAX_RECORD, "record").await?;
    let record = Record::parse(&bytes)?;
    let mut answers = vec![is_signed(signed.is_some()), is_about(&record, &entry, line)];
    answers.push(answer("result", record.verify().map(|()| "it follows from the runs".to_owned())));
    answers.push(verdict(&record));
    answers.push(index_line(&record, line.score.as_ref()));
    let (details, graded) = grade(api, &record, said.as_ref(), line, &entry).await;
    answers.push(graded);
    Ok(Audited { named, kept: Kept { record, details: details.unwrap_or_default() }, answers })
}

async fn fetch(api: &Api, digest: &Digest, limit: usize, what: &str) -> anyhow::Result<Vec<u8>> {
    let bytes = api.blob(digest, limit).await?;
    if sha256(&bytes) == *digest {
        return Ok(bytes);
    }
    Err(Fault::new(codes::DIGEST).at(format!("{what} sha256:{digest}")).into())
}

fn answer(what: &'static str, found: Result<String, Fault>) -> Answer {
    match found {
        Ok(says) => Answer { what, holds: Some(true), says },
        Err(fault) => Answer { what, holds: Some(false), says: fault.sentence() },
    }
}

fn is_signed(signed: bool) -> Answer {
    if signed {
        return answer("signature", Ok("the signed release names this record".to_owned()));
    }
    let says = "the version was measured after it was published: the registry names the record, its release does not";
    Answer { what: "signature", holds: None, says: says.to_owned() }
}

/// The record is about this version's files and this suite.
fn is_about(record: &Record, entry: &Entry, line: &Line) -> Answer {
    let suite = entry.version(&line.vers).and_then(|(_, release)| release.release.predicate.suite);
    let found = if record.skill.tree != line.tree {
        Err(Fault::new(codes::MISMATCH).at("skill.tree").detail("it measured other files"))
    } else if record.skill.name != entry.index.header.pkg.to_string() {
        Err(Fault::new(codes::MISMATCH).at("skill.name").detail(record.skill.name.clone()))
    } else if suite.is_some_and(|suite| record.suite.suite_hash != Some(suite)) {
        Err(Fault::new(codes::MISMATCH).at("suite").detail("it measured with another suite than the release names"))
    } else {
        Ok("the record is about these files".to_owned())
    };
    answer("subject", found)
}

/// The verdict computed again from the runs and its terms.
fn verdict(record: &Record) -> Answer {
    let computed = || -> Result<String, Fault> {
        let Some(terms) = record.terms()? else { return Ok("nothing had to be beaten".to_owned()) };
        let verdict = record.judge(&terms)?;
        if summary(&verdict, &terms) == record.verdict {
            return Ok(verdict.sentence());
        }
        Err(Fault::new(codes::VERDICT).detail(verdict.sentence()))
    };
    answer("verdict", computed())
}

/// What the index says is what follows from the record, where the record is the score's.
fn index_line(record: &Record, score: Option<&Score>) -> Answer {
    let says = |holds, says: &str| Answer { what: "index", holds, says: says.to_owned() };
    let Some(score) = score else { return says(None, "the index has no score of this version") };
    if record.terms().ok().flatten().is_some_and(|terms| terms.maintenance) {
        return says(None, "a maintenance release: the score is that of the version before it");
    }
    let pm = |ppm: i64| i64::try_from(skill_engine::ratio::round_half_even(ppm.into(), 1_000)).unwrap_or(0);
    let (result, cand) = (&record.result, &record.result.cand);
    let own = (
        record.score_key,
        result.cases,
        result.repeats,
        pm(cand.mean_ppm.unwrap_or(0)),
        cand.interval.map(|interval| pm(interval.low_ppm)),
        cand.interval.map(|interval| pm(interval.high_ppm)),
    );
    if own == (score.key, score.n, score.k, score.mean, score.lo, score.hi) {
        return says(Some(true), "key, cases, runs, mean and interval are those of the record");
    }
    says(Some(false), "key, cases, runs, mean or interval are not those of the record")
}

/// Grades the transcripts again, if they and the suite can be fetched.
async fn grade(
    api: &Api,
    record: &Record,
    said: Option<&VersionInfo>,
    line: &Line,
    entry: &Entry,
) -> (Option<Details>, Answer) {
    let unknown = |says: String| Answer { what: "grades", holds: None, says };
    let Some(transcripts) = said.and_then(|said| said.transcripts) else {
        return (None, unknown("the registry has no transcripts".to_owned()));
    };
    let details = match fetch(api, &transcripts, eval::MAX_TRANSCRIPTS, "transcripts").await {
        Ok(bytes) => Details::from_json(&bytes),
        Err(error) => return (None, unknown(format!("the transcripts cannot be fetched: {error}"))),
    };
    let Some(details) = details else {
        return (None, answer("grades", Err(Fault::new(codes::TRANSCRIPTS).detail("they cannot be read"))));
    };
    let named = entry.version(&line.vers).and_then(|(_, release)| release.release.predicate.suite);
    let suite = match fetch_suite(api, record, named).await {
        Ok(suite) => suite,
        Err(error) => return (Some(details), unknown(format!("the suite cannot be fetched: {error}"))),
    };
    let missing = |id: &str| !suite.suite.cases.iter().any(|case| case.id == id);
    if record.cases.iter().any(|case| missing(&case.id)) {
        return (Some(details), unknown("the held-out cases are sealed".to_owned()));
    }
    let name = record.skill.name.rsplit('/').next().unwrap_or_default();
    let graded = regrade(record, &details, &suite.suite, name).map(|found| match found.left {
        0 => format!("all {} checks come out of the transcripts as recorded", found.same),
        left => format!(
            "{} checks come out of the transcripts as recorded; {left} cannot be made again here (programs, models, other files)",
            found.same
        ),
    });
    (Some(details), answer("grades", graded))
}

/// The packed suite, which has the cases that the record names.
async fn fetch_suite(api: &Api, record: &Record, named: Option<Digest>) -> anyhow::Result<Sealed> {
    let missing = || Fault::new(codes::SUITE_UNKNOWN).detail("the record names none");
    let wanted = named.or(record.suite.suite_hash).ok_or_else(missing)?;
    let archive = api.suite(&wanted).await?.archive;
    let bytes = fetch(api, &archive, MAX_SUITE, "suite").await?;
    let sealed = suite::pack::open(&bytes)?;
    if sealed.digests()?.suite == wanted {
        return Ok(sealed);
    }
    Err(Fault::new(codes::SUITE_DIGEST).at(wanted.to_string()).into())
}
