//! What is said of a suite: signed, sent, and confirmed by the log.

use skill_bundle::{envelope, keys::SecretKey, statement};
use skill_engine::suite::{Opened, hash::Digests};
use skill_schema::{
    Fault, SkillId, Version, codes,
    manifest::{self, Manifest},
    statement::{Suite as Said, SuiteCases, SuiteState},
    version::parse_version,
};

use crate::{
    api::SuiteArchives,
    context::Context,
    files,
    statements::{Attempts, Signing},
};

/// A suite with its name and digests.
#[derive(Debug, Clone)]
pub struct Named {
    /// Its name.
    pub id: SkillId,
    /// Its version.
    pub version: Version,
    /// Its digests.
    pub digests: Digests,
}

/// The name of a suite: its own, or its skill's.
///
/// # Errors
/// [`codes::SUITE`] if it has no version; [`codes::SUITE_UNKNOWN`] if it belongs to another scope than the skill.
pub fn name_of(opened: &Opened, skill: &SkillId) -> Result<(SkillId, Version), Fault> {
    let settings = &opened.suite.settings;
    let id: SkillId = settings.id.as_deref().map_or_else(|| Ok(skill.clone()), str::parse)?;
    let missing = || Fault::new(codes::SUITE).at("suite.version").detail("a suite that is published has a version");
    let version = parse_version(settings.version.as_deref().ok_or_else(missing)?)?;
    if id.scope != skill.scope {
        let detail = format!("the suite belongs to the scope {}", id.scope);
        return Err(Fault::new(codes::SUITE_UNKNOWN).at(id.to_string()).detail(detail));
    }
    Ok((id, version))
}

/// The skill in a folder, by its manifest.
///
/// # Errors
/// [`codes::NO_MANIFEST`]; what its parser refuses.
pub fn skill_of(folder: &std::path::Path) -> Result<SkillId, Fault> {
    let path = folder.join(manifest::FILE);
    let text = files::read_text(&path, skill_schema::Limits::V1.skill_md)?;
    let text = text.ok_or_else(|| Fault::new(codes::NO_MANIFEST).at(folder.display().to_string()))?;
    let manifest = Manifest::parse(&text).map_err(|found| {
        found.first().map_or_else(|| Fault::new(codes::MANIFEST), skill_schema::lint::Finding::to_fault)
    })?;
    Ok(manifest.id)
}

/// Signs and sends what becomes of a suite; again if somebody else's statement came in between.
///
/// # Errors
/// What the registry refuses.
pub async fn say(
    context: &Context,
    mut signing: Signing,
    secret: &SecretKey,
    named: &Named,
    state: SuiteState,
    archives: &SuiteArchives,
) -> anyhow::Result<u64> {
    let Named { id, version, digests } = named;
    let mut attempts = Attempts::default();
    loop {
        let (seq, prev) = signing.chain().next();
        let cases = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        let said = Said {
            cases: SuiteCases { holdout: cases(digests.holdout_cases), train: cases(digests.train_cases) },
            created: context.clock.now(),
            holdout: digests.holdout,
            origin: signing.source.origin.clone(),
            prev,
            scope: id.scope.to_string(),
            seq,
            state,
            suite: id.name.to_string(),
            train: digests.train,
            version: version.to_string(),
        };
        let envelope = envelope::sign(&statement::suite(said, digests.suite), &[secret])?;
        match signing.source.api()?.publish_suite(id, version, &envelope, archives).await {
            Ok(response) => {
                if response.stmt == skill_bundle::hash::sha256(&envelope) {
                    signing.source.log.confirm(&envelope, response.log, response.proof.as_deref())?;
                }
                return Ok(response.log);
            }
            Err(refusal) => attempts.after(refusal).await?,
        }
        signing = Signing::again(context, &id.scope, None).await?;
    }
}
