//! The release statement: what it says, and which version it improves.

use skill_bundle::{chain::Chain, envelope, keys::SecretKey, statement};
use skill_schema::{
    Fault, SkillId, SkillName, Version, codes,
    manifest::Manifest,
    statement::{Parent, Release, State},
    time::Timestamp,
};

use super::prepare::Prepared;
use crate::{catalogue::Catalogue, context::Context, statements::Signing};

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
    let Some(fork) = &manifest.fork_of else { return Ok(None) };
    let missing = || Fault::new(codes::NO_VERSION).at(fork.to_string()).detail("[fork] of in skill.toml");
    let entry = Catalogue::new(context).entry(&fork.id, None).await?.ok_or_else(missing)?;
    let (_, published) = entry.version(&fork.version).ok_or_else(missing)?;
    Ok(Some(Parent { reference: fork.to_string(), tree: published.tree }))
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
