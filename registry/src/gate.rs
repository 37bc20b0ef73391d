//! The checks that a publish request passes, each with a name, in the order in which [`crate::routes::publish`] calls them.

use axum::http::HeaderMap;
use skill_bundle::{Package, check, envelope::Envelope, keys::PublicKey, statement::digests};
use skill_schema::{
    Digest, Fault, Limits, SkillId, Version,
    api::token::Permission,
    codes,
    lint::{Finding, Level},
    manifest::{self, Manifest},
    skill_md::SkillMd,
    statement::{Release, ScopeKeys, Statement},
    time::Timestamp,
    version::parse_version,
};

use crate::{
    auth::Caller,
    blobs::Received,
    body::check_length,
    data::Identity,
    error::Error,
    limits::{CLOCK_SKEW, COSIGN_TIME},
    state::AppState,
    store::publish::Content,
    upload,
};

/// What a request is about.
#[derive(Debug, Clone)]
pub struct Target {
    /// The skill.
    pub id: SkillId,
    /// The version.
    pub version: Version,
}

/// What the token allows with this skill.
#[derive(Debug, Clone, Copy)]
pub struct Rights {
    /// Its first version.
    pub create: bool,
    /// Further versions.
    pub update: bool,
}

/// A package that follows all rules.
#[derive(Debug)]
pub struct Checked {
    /// What goes into the database.
    pub content: Content,
    /// What was noticed and not refused, as JSON.
    pub warnings: Vec<serde_json::Value>,
}

/// The names in the address are names, and the version is a version.
pub fn target(scope: &str, name: &str, version: &str) -> Result<Target, Error> {
    Ok(Target { id: SkillId { scope: scope.parse()?, name: name.parse()? }, version: parse_version(version)? })
}

/// The token allows to publish this skill, and its user owns the scope.
pub async fn rights(app: &AppState, caller: &Caller, id: &SkillId) -> Result<Rights, Error> {
    let rights = Rights { create: caller.has(Permission::PublishNew), update: caller.has(Permission::PublishUpdate) };
    caller.check(&[Permission::PublishNew, Permission::PublishUpdate], &id.to_string())?;
    caller.check_owner(app, &id.scope).await?;
    if !(rights.create && rights.update) {
        let needed = if app.store.skill_exists(id).await? { Permission::PublishUpdate } else { Permission::PublishNew };
        caller.check(&[needed], &id.to_string())?;
    }
    Ok(rights)
}

/// The body is a form, and does not say that it is too large.
pub fn announced(headers: &HeaderMap, packages: &Limits) -> Result<(), Error> {
    upload::check_form(headers)?;
    check_length(headers, upload::limit(packages))
}

/// The envelope is one, and carries a release of this version.
pub fn release(bytes: &[u8], target: &Target) -> Result<(Envelope, Statement<Release>), Error> {
    let envelope = Envelope::parse(bytes)?;
    let statement = envelope.statement::<Release>()?;
    let release = &statement.predicate;
    equal("statement: name", &format!("{}/{}", release.scope, release.name), &target.id.to_string())?;
    equal("statement: version", &release.version, &target.version.to_string())?;
    Ok((envelope, statement))
}

/// The package follows the archive profile, the content rules and the strict level of the validator, and its manifest is for this
/// version. Blocks: inflates, hashes and reads everything.
pub fn package(archive: &Received, digest: &Digest, target: &Target, limits: &Limits) -> Result<Checked, Error> {
    let package = Package::open(archive.bytes()?, limits)?;
    equal("archive: digest of what was received", &package.digest(), digest)?;
    check::require_manifest(&package)?;
    let report = check::check_package(&package, limits, Level::Strict);
    report.to_result().map_err(|fault| Error::Refused { fault, findings: as_json(&report.findings) })?;
    let manifest = manifest(&package)?;
    equal("skill.toml: name", &manifest.id, &target.id)?;
    equal("skill.toml: version", &manifest.version, &target.version)?;
    Ok(Checked { content: content(&package, &manifest)?, warnings: as_json(&report.findings) })
}

/// The statement says of the package what is so.
pub fn agreement(statement: &Statement<Release>, content: &Content) -> Result<(), Error> {
    let release = &statement.predicate;
    let (archive, tree) = digests(statement)?;
    equal("statement: sha256", &archive, &content.archive)?;
    equal("statement: tree", &tree, &content.tree)?;
    equal("statement: size", &release.size, &content.size)?;
    equal("statement: unpackedSize", &release.unpacked_size, &content.unpacked_size)?;
    equal("statement: files", &release.files, &content.files)?;
    equal("statement: license", &release.license, &content.license)
}

/// The statement is meant for this registry.
pub fn origin(origin: &str, own: &str) -> Result<(), Error> {
    if origin == own {
        return Ok(());
    }
    Err(Fault::new(codes::ORIGIN).at(origin).detail(format!("this is {own}")).into())
}

/// The statement was signed just now, by the registry's clock.
pub fn freshness(created: Timestamp, now: Timestamp) -> Result<(), Error> {
    if created.unix().abs_diff(now.unix()) <= CLOCK_SKEW {
        return Ok(());
    }
    Err(Fault::new(codes::CLOCK).detail(format!("{created}, and here it is {now}")).into())
}

/// The same for a change of a scope. What its owners sign may be a week old, since several of them may have to; its number and the
/// statement that it names, not its time, keep it from being sent again. A scope's first statement and a recovery are of now: the
/// delay of a recovery is counted from the time that it gives itself, and one with an earlier time would have no delay.
pub fn scope_freshness(created: Timestamp, now: Timestamp, by_owners: bool) -> Result<(), Error> {
    let is_past = created <= now;
    if by_owners && is_past && now.unix() - created.unix() <= COSIGN_TIME {
        return Ok(());
    }
    freshness(created, now)
}

/// The parent, where this registry has it, has the tree that the statement says.
pub async fn parent(app: &AppState, release: &Release) -> Result<(), Error> {
    let Some(parent) = &release.parent else { return Ok(()) };
    let (id, version) = skill_bundle::statement::parse_reference(&parent.reference)?;
    match app.store.tree_of(&id, &version).await? {
        Some(tree) => equal("statement: tree of the parent", &parent.tree, &tree),
        None => Ok(()),
    }
}

/// A skill that says in `[fork]` what it comes from names that as its parent, or a version of its own; and a parent of another name is
/// the one that `[fork]` says. So the lineage is what both the files and the signed statement say.
pub fn fork(release: &Release, content: &Content) -> Result<(), Error> {
    let own = format!("{}/{}@", release.scope, release.name);
    let parent = release.parent.as_ref().map(|parent| parent.reference.as_str());
    let foreign = parent.filter(|reference| !reference.starts_with(&own));
    match (parent, foreign, content.fork_of.as_deref()) {
        (Some(_), None, _) | (None, _, None) => Ok(()),
        (_, _, fork_of) => equal("statement: parent, and [fork] of", &foreign, &fork_of),
    }
}

/// A scope's keys are not the registry's: no key serves two roles.
pub fn own_keys(statement: &ScopeKeys, own: &Identity) -> Result<(), Error> {
    let listed = statement.keys.iter().map(|key| &key.key).chain(statement.recovery.iter().map(|key| &key.key));
    for text in listed {
        let keyid = PublicKey::from_text(text)?.keyid();
        if keyid == own.operator.keyid() || keyid == own.log_key.key().keyid() {
            return Err(Fault::new(codes::KEY_MIXED).at(keyid.to_string()).into());
        }
    }
    Ok(())
}

/// What is found is what is expected: else `E_MISMATCH`.
pub fn equal<T: PartialEq + std::fmt::Debug>(what: &str, found: &T, expected: &T) -> Result<(), Error> {
    if found == expected {
        return Ok(());
    }
    Err(Fault::new(codes::MISMATCH).at(what).detail(format!("{found:?} where {expected:?} is expected")).into())
}

fn as_json(findings: &[Finding]) -> Vec<serde_json::Value> {
    findings.iter().map(serde_json::to_value).filter_map(Result::ok).collect()
}

/// The first error of a parser as the reason to refuse, with all findings beside it.
fn refused(findings: &[Finding]) -> Error {
    let fault = findings.first().map_or_else(|| Fault::new(codes::LINT), Finding::to_fault);
    Error::Refused { fault, findings: as_json(findings) }
}

fn manifest(package: &Package) -> Result<Manifest, Error> {
    let file = package.file(manifest::FILE).ok_or_else(|| Fault::new(codes::NO_MANIFEST))?;
    let text = std::str::from_utf8(file.content).map_err(|e| Fault::new(codes::MANIFEST).detail(e.to_string()))?;
    Manifest::parse(text).map_err(|findings| refused(&findings))
}

fn content(package: &Package, manifest: &Manifest) -> Result<Content, Error> {
    let file = package.file("SKILL.md").ok_or_else(|| Fault::new(codes::NO_SKILL_MD))?;
    let text = SkillMd::read(file.content).map_err(|findings| refused(&findings))?;
    Ok(Content {
        tree: package.tree(),
        archive: package.digest(),
        size: package.size(),
        unpacked_size: package.unpacked_size(),
        files: package.file_count(),
        dependencies: manifest.dependencies.iter().map(|(id, req)| (id.clone(), req.clone())).collect(),
        fork_of: manifest.fork_of.as_ref().map(ToString::to_string),
        description: text.description,
        keywords: manifest.keywords.clone(),
        repository: manifest.repository.clone(),
        license: manifest.license.clone(),
        readme: text.body,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_versions_that_are_none_are_refused() {
        for (scope, name, version, code) in [
            ("..", "x", "1.0.0", codes::NAME),
            ("a/b", "x", "1.0.0", codes::NAME),
            ("Acme", "x", "1.0.0", codes::NAME),
            ("api", "x", "1.0.0", codes::NAME_RESERVED),
            ("acme", "con", "1.0.0", codes::NAME_RESERVED),
            ("acme", "x", "1.0", codes::VERSION),
            ("acme", "x", "v1.0.0", codes::VERSION),
            ("acme", "x", "1.0.0+build", codes::VERSION),
        ] {
            assert_eq!(target(scope, name, version).unwrap_err().code(), code, "{scope}/{name}@{version}");
        }
        assert!(target("acme", "x", "1.0.0-rc.1").is_ok());
    }

    #[test]
    fn a_statement_is_good_for_a_quarter_of_an_hour_on_both_sides() {
        let now = Timestamp::from_unix(1_000_000);
        let at = |seconds: u64| freshness(Timestamp::from_unix(seconds), now);
        assert!(at(1_000_000 - 900).is_ok() && at(1_000_000 + 900).is_ok());
        assert_eq!(at(1_000_000 - 901).unwrap_err().code(), codes::CLOCK);
        assert_eq!(at(1_000_000 + 901).unwrap_err().code(), codes::CLOCK);
    }

    #[test]
    fn what_owners_sign_is_good_for_a_week_and_not_ahead_of_time() {
        let now = Timestamp::from_unix(1_000_000);
        let at = |seconds: u64, by_owners| scope_freshness(Timestamp::from_unix(seconds), now, by_owners);
        let week = 7 * 24 * 3600;
        assert!(at(1_000_000 - week, true).is_ok() && at(1_000_000 + 900, true).is_ok());
        for (seconds, by_owners) in [(1_000_000 - week - 1, true), (1_000_000 + 901, true), (1_000_000 - 901, false)] {
            assert_eq!(at(seconds, by_owners).unwrap_err().code(), codes::CLOCK, "{seconds} {by_owners}");
        }
    }
}
