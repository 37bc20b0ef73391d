//! Brings what is missing into the store: downloaded, opened, checked against the signed statement, and only then kept.

use std::{collections::BTreeMap, path::PathBuf, rc::Rc};

use futures::{StreamExt, TryStreamExt, stream};
use skill_bundle::{Package, check};
use skill_schema::{
    Fault, Limits, SkillId, VersionReq, codes,
    index::LineStatus,
    lint::{Level, Options},
    lock::{Lock, Locked},
    manifest::{self, Manifest},
};

use super::evidence::{self, Chains, Evidence, differs};
use crate::{
    api::download::Wanted,
    catalogue::{Catalogue, Source},
    context::Context,
    files, output,
    progress::Progress,
    store::{State, Store},
    workspace::{self, Root},
};

/// A locked skill that the store lacks, with what its publisher signed about it.
pub(super) struct Missing {
    locked: Locked,
    source: Rc<Source>,
    promise: Promise,
}

impl Missing {
    /// The skill.
    pub(super) fn id(&self) -> SkillId {
        self.locked.name.clone()
    }
}

/// What the archive must turn out to be.
struct Promise {
    id: SkillId,
    version: skill_schema::Version,
    wanted: Wanted,
    tree: skill_schema::Digest,
    files: u64,
    unpacked: u64,
    dependencies: Vec<(SkillId, VersionReq)>,
    /// Whether this is the first version: the index takes its `forkOf` from it.
    is_first: bool,
    fork_of: Option<String>,
}

/// What must be fetched for a lock. For everything that this machine has not verified before, the registry is asked, and the lock
/// must agree with what is signed there.
pub(super) async fn missing(
    store: &Store,
    catalogue: &Catalogue<'_>,
    roots: &BTreeMap<SkillId, Root>,
    lock: &Lock,
) -> anyhow::Result<Vec<Missing>> {
    let chains = Chains::default();
    let mut unproven = Vec::new();
    for locked in &lock.skills {
        let evidence = evidence::check(catalogue.context(), store, &chains, locked)?;
        if evidence == Evidence::Local {
            continue;
        }
        let state = store.state(&locked.tree)?;
        if (evidence, state) != (Evidence::Proven, State::Intact) {
            unproven.push((locked, state));
        }
    }
    let config = &catalogue.context().config;
    let registry = |locked: &Locked| {
        let named = roots.get(&locked.name).and_then(|root| root.registry.clone());
        named.or_else(|| workspace::registry_of(config, locked))
    };
    let ids = unproven.iter().map(|(locked, _)| (locked.name.clone(), registry(locked))).collect();
    let entries = catalogue.entries(&ids).await?;
    let mut missing = Vec::new();
    for (locked, state) in unproven {
        let source = catalogue.source(&locked.name, registry(locked).as_deref())?;
        let promise = promise(locked, &source, entries.get(&locked.name))?;
        prove(store, &source, locked).await?;
        if state != State::Intact {
            missing.push(Missing { locked: locked.clone(), source, promise });
        }
    }
    Ok(missing)
}

/// Demands that the release is in the registry's log, where the lock says.
async fn prove(store: &Store, source: &Source, locked: &Locked) -> anyhow::Result<()> {
    let Some(signed) = &locked.signed else { return Ok(()) };
    let place = || format!("statement sha256:{}", signed.statement);
    let envelope = store.statement(&signed.statement)?.ok_or_else(|| Fault::new(codes::OFFLINE).at(place()))?;
    source.log.prove(source.api().ok(), &envelope, signed.log).await?;
    Ok(())
}

fn promise(locked: &Locked, source: &Source, entry: Option<&crate::catalogue::Entry>) -> Result<Promise, Fault> {
    let place = format!("{}@{}", locked.name, locked.version);
    if source.origin != locked.origin {
        let detail = format!("it was locked from {}, and its scope is now served by {}", locked.origin, source.origin);
        return Err(Fault::new(codes::LOCK_OUTDATED).at(place).detail(detail));
    }
    let found = entry.and_then(|entry| Some((entry, entry.version(&locked.version)?)));
    let Some((entry, (line, published))) = found else {
        return Err(Fault::new(codes::NO_VERSION).at(place));
    };
    let checks = [
        ("tree", line.tree == locked.tree),
        ("archive", line.sha256 == locked.archive),
        ("statement", Some(line.stmt) == locked.signed.map(|signed| signed.statement)),
        ("log index", entry.chain.log(published.release.seq) == locked.signed.map(|signed| signed.log)),
    ];
    if let Some((what, _)) = checks.iter().find(|(_, equal)| !equal) {
        return Err(differs(locked, what));
    }
    // A release whose keys were all revoked has a code of its own.
    entry.chain.chain.state(published)?;
    if matches!(entry.status(line), LineStatus::Quarantined | LineStatus::Gone) {
        return Err(Fault::new(codes::QUARANTINED).at(place));
    }
    let is_first = entry.index.lines.first().is_some_and(|first| first.vers == line.vers);
    let release = &published.release.predicate;
    Ok(Promise {
        id: locked.name.clone(),
        version: locked.version.clone(),
        wanted: Wanted { digest: line.sha256, size: line.size },
        tree: line.tree,
        files: release.files,
        unpacked: release.unpacked_size,
        dependencies: line.deps.clone(),
        is_first,
        fork_of: entry.index.header.fork_of.clone(),
    })
}

/// Fetches them, several at a time.
pub(super) async fn all(context: &Context, store: &Store, missing: Vec<Missing>) -> anyhow::Result<()> {
    if missing.is_empty() {
        return Ok(());
    }
    let total = missing.iter().map(|item| item.promise.wanted.size).sum();
    let progress = Progress::bytes(&context.output, "Downloading", total);
    stream::iter(missing)
        .map(|item| one(context, store, item, &progress))
        .buffer_unordered(context.jobs())
        .try_for_each(async |()| Ok(()))
        .await
}

async fn one(context: &Context, store: &Store, item: Missing, progress: &Progress) -> anyhow::Result<()> {
    let Missing { locked, source, promise } = item;
    let path = store.archive(&promise.wanted.digest);
    let label = format!("{} {}", locked.name, locked.version);
    let size = promise.wanted.size;
    let bytes = if let Some(bytes) = cached(path.clone(), promise.wanted).await? {
        progress.advance(size);
        bytes
    } else {
        let api = source.api().map_err(|fault| fault.detail(format!("the archive of {label} is not in the cache")))?;
        api.download(promise.wanted, &path, progress).await?
    };
    let keeper = store.clone();
    // Inflating, hashing and writing go to another thread, so that downloads go on meanwhile.
    let aside = tokio::task::spawn_blocking(move || keep(&keeper, bytes, &promise)).await??;
    if let Some(aside) = aside {
        let aside = aside.display();
        context.output.warn(format!("{label} had been changed in the store; the changed copy is in {aside}"));
    }
    context.output.item("Downloaded", format!("{label} ({})", output::bytes(size)));
    Ok(())
}

/// An archive from the cache, if its bytes are right; a wrong one is as good as none.
async fn cached(path: PathBuf, wanted: Wanted) -> anyhow::Result<Option<Vec<u8>>> {
    let read = move || {
        let bytes = files::read(&path, Limits::V1.archive)?;
        Ok::<_, Fault>(bytes.filter(|bytes| skill_bundle::hash::sha256(bytes) == wanted.digest))
    };
    Ok(tokio::task::spawn_blocking(read).await??)
}

/// Opens an archive, compares it with everything that was promised, and adds it to the store.
fn keep(store: &Store, bytes: Vec<u8>, promise: &Promise) -> Result<Option<PathBuf>, Fault> {
    let place = format!("{}@{}", promise.id, promise.version);
    let limits = Limits::V1;
    let package = Package::open(bytes, &limits).map_err(|fault| inside(&place, fault))?;
    if package.tree() != promise.tree {
        return Err(Fault::new(codes::TREE).at(place));
    }
    if (package.digest(), package.size()) != (promise.wanted.digest, promise.wanted.size) {
        return Err(Fault::new(codes::DIGEST).at(place));
    }
    if (package.file_count(), package.unpacked_size()) != (promise.files, promise.unpacked) {
        return Err(Fault::new(codes::MISMATCH).at(place).detail("number of files or unpacked size"));
    }
    let report = check::check_package(&package, &limits, Options::from(Level::Lenient));
    report.to_result().map_err(|fault| inside(&place, fault))?;
    check_manifest(&package, promise).map_err(|(code, detail)| Fault::new(code).at(place).detail(detail))?;
    store.add(&package)
}

/// What `skill.toml` says must be what the index says: the resolver relied on it.
fn check_manifest(package: &Package, promise: &Promise) -> Result<(), (&'static skill_schema::Code, &'static str)> {
    let text = package.file(manifest::FILE).and_then(|file| std::str::from_utf8(file.content).ok());
    let manifest = text.and_then(|text| Manifest::parse(text).ok());
    let manifest = manifest.ok_or((codes::MISMATCH, "its skill.toml cannot be read"))?;
    if (&manifest.id, &manifest.version) != (&promise.id, &promise.version) {
        return Err((codes::MISMATCH, "its skill.toml has another name or version"));
    }
    if !manifest.dependencies.iter().eq(promise.dependencies.iter().map(|(id, req)| (id, req))) {
        return Err((codes::INDEX_MISMATCH, "the index has other dependencies than its skill.toml"));
    }
    let fork_of = manifest.fork_of.as_ref().map(ToString::to_string);
    if promise.is_first && promise.fork_of != fork_of {
        return Err((codes::INDEX_MISMATCH, "the index has another `forkOf` than its skill.toml"));
    }
    Ok(())
}

/// A fault about something inside a package, which also names the package.
fn inside(place: &str, fault: Fault) -> Fault {
    let place = match &fault.place {
        Some(inner) => format!("{place}: {inner}"),
        None => place.to_owned(),
    };
    fault.at(place)
}
