//! The release statement: what it says, and which version it improves.

use skill_bundle::{chain::Chain, envelope, keys::SecretKey, statement};
use skill_schema::{
    Fault, SkillId, SkillName, Version, codes,
    manifest::Manifest,
    statement::{Parent, Release, State},
    time::Timestamp,
};

use super::prepare::Prepared;
use crate::{
    catalogue::Catalogue,
    context::Context,
    fork::{self, Origin},
    statements::Signing,
};

/// The statement about a package, as the next one of its scope's chain.
pub(super) fn release(prepared: &Prepared, signing: &Signing, parent: Option<Parent>, created: Timestamp) -> Release {
    let Prepared { packed, manifest, .. } = prepared;
    let (seq, prev) = signing.chain().next();
    Release {
        created,
        evals: Vec::new(),
        files: packed.package.file_count(),
        license: manifest.license.clone(),
        name: manifest.id.name.to_string(),
        origin: signing.source.origin.clone(),
        parent,
        prev,
        scope: manifest.id.scope.to_string(),
        seq,
        size: packed.package.size(),
        suite: None,
        unpacked_size: packed.package.unpacked_size(),
        version: manifest.version.to_string(),
    }
}

/// Its envelope, signed.
pub(super) fn sign(prepared: &Prepared, release: Release, key: &SecretKey) -> Result<Vec<u8>, Fault> {
    let package = &prepared.packed.package;
    envelope::sign(&statement::release(release, package.digest(), package.tree()), &[key])
}

/// The version that a release improves: the highest published one below it that is not withdrawn, or the one that `[fork]` names if there
/// is none.
pub(super) async fn parent(context: &Context, manifest: &Manifest, chain: &Chain) -> anyhow::Result<Option<Parent>> {
    if let Some(parent) = previous(&manifest.id, &manifest.version, chain) {
        return Ok(Some(parent));
    }
    let Some(of) = &manifest.fork_of else { return Ok(None) };
    let missing = || Fault::new(codes::NO_VERSION).at(of.to_string()).detail("[fork] of in skill.toml");
    let entry = Catalogue::new(context).entry(&of.id, None).await?.ok_or_else(missing)?;
    let (_, published) = entry.version(&of.version).ok_or_else(missing)?;
    let origin = Origin { release: of.clone(), tree: manifest.fork_tree };
    fork::check_tree(&origin, published.tree)?;
    Ok(Some(Parent { reference: of.to_string(), tree: published.tree }))
}

fn previous(id: &SkillId, version: &Version, chain: &Chain) -> Option<Parent> {
    let below = chain.releases().filter(|(name, other, _)| **name == id.name && *other < version);
    let standing = below.filter(|(_, _, published)| chain.state(published) == Ok(State::Active));
    let (_, version, published) = standing.max_by_key(|(_, version, _)| *version)?;
    Some(Parent { reference: format!("{id}@{version}"), tree: published.tree })
}

/// The lowest patch version above this one that is not taken.
pub(super) fn next_free(chain: &Chain, name: &SkillName, version: &Version) -> Version {
    let mut free = Version::new(version.major, version.minor, version.patch);
    while chain.release(name, &free).is_some() {
        free.patch += 1;
    }
    free
}

#[cfg(test)]
mod tests {
    use skill_bundle::envelope::Envelope;
    use skill_schema::{
        Digest,
        statement::{Gate, Policy, Role, ScopeKey, ScopeKeys, Status},
    };

    use super::*;

    const ORIGIN: &str = "skills.example/log";

    fn id() -> SkillId {
        "acme/notes".parse().expect("a name")
    }

    fn push(chain: &mut Chain, envelope: &[u8]) {
        chain.push(&Envelope::parse(envelope).expect("an envelope")).expect("accepted");
    }

    /// A chain with these versions of `acme/notes`; the trees are numbered from 1.
    fn chain(versions: &[&str]) -> (Chain, SecretKey) {
        let key = SecretKey::from_seed(&[1; 32]);
        let mut chain = Chain::new("acme".parse().expect("a scope"), ORIGIN);
        let created = Timestamp::from_unix(1_000_000);
        let listed = ScopeKey {
            key: key.public().to_text(),
            roles: vec![Role::Owner, Role::Publish, Role::Yank],
            valid_from: created,
        };
        let first = ScopeKeys {
            created,
            keys: vec![listed],
            origin: ORIGIN.into(),
            policy: Policy { cooldown_hours: 0, gate: Gate::Standard, threshold: 1, verifiers: vec![] },
            prev: Digest::ZERO,
            recovery: vec![],
            revoked: vec![],
            scope: "acme".into(),
            seq: 1,
        };
        push(&mut chain, &envelope::sign(&statement::scope(first), &[&key]).expect("signed"));
        for (version, number) in versions.iter().zip(1..) {
            let (seq, prev) = chain.next();
            let release = Release {
                created,
                evals: vec![],
                files: 1,
                license: None,
                name: "notes".into(),
                origin: ORIGIN.into(),
                parent: None,
                prev,
                scope: "acme".into(),
                seq,
                size: 100,
                suite: None,
                unpacked_size: 2048,
                version: (*version).to_owned(),
            };
            let tree = Digest([number; 32]);
            push(&mut chain, &envelope::sign(&statement::release(release, tree, tree), &[&key]).expect("signed"));
        }
        (chain, key)
    }

    fn parent_of(chain: &Chain, version: &str) -> Option<String> {
        previous(&id(), &version.parse().expect("a version"), chain).map(|parent| parent.reference)
    }

    #[test]
    fn a_version_improves_the_highest_one_below_it() {
        let (chain, _) = chain(&["1.0.0", "2.0.0", "1.1.0"]);
        assert_eq!(parent_of(&chain, "2.0.1").as_deref(), Some("acme/notes@2.0.0"));
        assert_eq!(parent_of(&chain, "1.1.1").as_deref(), Some("acme/notes@1.1.0"));
        assert_eq!(parent_of(&chain, "0.9.0"), None);
        let parent = previous(&id(), &Version::new(3, 0, 0), &chain).expect("a parent");
        assert_eq!(parent.tree, Digest([2; 32]));
    }

    #[test]
    fn a_yanked_version_is_not_what_the_next_one_improves() {
        let (mut chain, key) = chain(&["1.0.0", "1.1.0"]);
        let (seq, prev) = chain.next();
        let status = Status {
            created: Timestamp::from_unix(1_000_001),
            note: String::new(),
            origin: ORIGIN.into(),
            prev,
            reason: "broken".into(),
            scope: "acme".into(),
            seq,
            state: State::Yanked,
        };
        let tree = Digest([2; 32]);
        let status = statement::status(status, &id(), &Version::new(1, 1, 0), tree, tree);
        push(&mut chain, &envelope::sign(&status, &[&key]).expect("signed"));
        assert_eq!(parent_of(&chain, "1.1.1").as_deref(), Some("acme/notes@1.0.0"));
    }

    #[test]
    fn the_next_free_version_is_not_taken() {
        let (chain, _) = chain(&["1.0.0", "1.0.1"]);
        let name = id().name;
        assert_eq!(next_free(&chain, &name, &Version::new(1, 0, 0)).to_string(), "1.0.2");
        assert_eq!(next_free(&chain, &name, &Version::new(1, 1, 0)).to_string(), "1.1.0");
    }
}
