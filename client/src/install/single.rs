//! One skill into the store, without a project: for commands that only look at it.

use std::{collections::BTreeMap, path::PathBuf};

use skill_schema::{
    Digest, Fault, SkillId, Version, VersionReq, codes,
    lock::{Lock, Locked, Signed},
    spec::{Spec, Which},
};

use super::fetch;
use crate::{
    catalogue::{Catalogue, Entry},
    resolve::{self, Problem},
    store::Store,
    workspace::Root,
};

/// A skill that is in the store.
#[derive(Debug, Clone)]
pub struct Single {
    /// The skill.
    pub id: SkillId,
    /// The chosen version.
    pub version: Version,
    /// Its tree.
    pub tree: Digest,
    /// Its folder in the store; read-only.
    pub path: PathBuf,
}

/// Chooses a version, verifies it and brings it into the store. What it needs is left out.
///
/// # Errors
/// As [`super::run`].
pub async fn single(catalogue: &Catalogue<'_>, spec: &Spec) -> anyhow::Result<Single> {
    let entry = catalogue.require(&spec.id, spec.registry.as_deref()).await?;
    let req = requirement(&entry, &spec.which)?;
    let mut candidates = entry.candidates();
    for candidate in &mut candidates {
        candidate.dependencies.clear();
    }
    let problem = Problem {
        roots: BTreeMap::from([(spec.id.clone(), req.clone())]),
        catalogue: BTreeMap::from([(spec.id.clone(), candidates)]),
        locked: BTreeMap::new(),
    };
    let solution = resolve::resolve(&problem).map_err(|unsolved| unsolved.fault)?;
    let found = solution.get(&spec.id).and_then(|version| Some((version, entry.version(version)?)));
    let Some((version, (line, published))) = found else {
        return Err(Fault::new(codes::NO_VERSION).at(spec.id.to_string()).into());
    };
    let locked = Locked {
        name: spec.id.clone(),
        version: version.clone(),
        origin: entry.source.origin.clone(),
        tree: line.tree,
        archive: line.sha256,
        signed: Some(Signed { statement: line.stmt, log: entry.chain.log(published.release.seq).unwrap_or(line.log) }),
        dependencies: Vec::new(),
        requirement: None,
        agents: None,
        copy: false,
    };
    let root = Root { req, registry: spec.registry.clone(), agents: None, copy: false, one_off: true };
    let store = Store::new(&catalogue.context().env);
    let lock = Lock { skills: vec![locked] };
    let missing = fetch::missing(&store, catalogue, &BTreeMap::from([(spec.id.clone(), root)]), &lock).await?;
    fetch::all(catalogue.context(), &store, missing).await?;
    let tree = line.tree;
    Ok(Single { id: spec.id.clone(), version: version.clone(), tree, path: store.path(&tree) })
}

/// The requirement that a specifier means.
///
/// # Errors
/// [`codes::NO_VERSION`] for `best` without scores and for a tree that no version has.
pub fn requirement(entry: &Entry, which: &Which) -> Result<VersionReq, Fault> {
    let exactly = |version: &Version| skill_schema::version::parse_requirement(&format!("={version}"));
    let none = |detail: &str| Fault::new(codes::NO_VERSION).at(entry.index.header.pkg.to_string()).detail(detail);
    match which {
        Which::Latest => Ok(VersionReq::STAR),
        Which::Range(req) => Ok(req.clone()),
        Which::Exact(version) => exactly(version),
        Which::Best => exactly(entry.index.header.tags.best.as_ref().ok_or_else(|| none("it has no scores yet"))?),
        Which::Tree(tree) => {
            let line = entry.index.lines.iter().find(|line| line.tree == *tree);
            exactly(&line.ok_or_else(|| none("no version has this tree digest"))?.vers)
        }
    }
}
