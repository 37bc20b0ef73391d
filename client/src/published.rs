//! One published version, found by a specifier and fetched to be read rather than installed.

use skill_bundle::{Package, hash::sha256, pack};
use skill_schema::{
    Fault, Limits, Version, codes,
    index::{Line, LineStatus},
    spec::{Spec, Which},
};

use crate::{
    api::download::Wanted,
    catalogue::{Catalogue, Entry},
    context::Context,
    files,
    progress::Progress,
    resolve::satisfies,
    store::{State, Store},
};

/// The verified index of a skill that must exist.
///
/// # Errors
/// [`codes::NOT_FOUND`], and what [`Catalogue::require`] refuses.
pub async fn entry(catalogue: &Catalogue<'_>, spec: &Spec) -> anyhow::Result<Entry> {
    catalogue.require(&spec.id, spec.registry.as_deref()).await
}

/// The version that is meant. One that is named exactly may be yanked, since reading it does no harm.
///
/// # Errors
/// [`codes::NO_VERSION`].
pub fn choose<'e>(entry: &'e Entry, which: &Which) -> Result<&'e Line, Fault> {
    let index = &entry.index;
    let by_version = |version: &Option<Version>| version.as_ref().and_then(|version| index.line(version));
    let found = match which {
        Which::Latest => by_version(&index.header.tags.latest).or(index.lines.last()),
        Which::Best => by_version(&index.header.tags.best),
        Which::Exact(version) => index.line(version),
        Which::Tree(tree) => index.lines.iter().find(|line| line.tree == *tree),
        Which::Range(req) => {
            let fits = |line: &&Line| line.st == LineStatus::Ok && satisfies(req, &line.vers);
            let all = || index.lines.iter().filter(fits);
            let releases = all().filter(|line| line.vers.pre.is_empty());
            releases.max_by_key(|line| &line.vers).or_else(|| all().max_by_key(|line| &line.vers))
        }
    };
    found.ok_or_else(|| {
        let fault = Fault::new(codes::NO_VERSION).at(format!("{}@{which}", index.header.pkg));
        if *which == Which::Best { fault.detail("no version has a score yet") } else { fault }
    })
}

/// The files of a version: from the store, the cache or its registry, and exactly those that were signed.
///
/// # Errors
/// [`codes::QUARANTINED`], [`codes::DIGEST`], [`codes::TREE`], [`codes::OFFLINE`], network faults.
pub async fn package(context: &Context, entry: &Entry, line: &Line) -> anyhow::Result<Package> {
    let place = format!("{}@{}", entry.index.header.pkg, line.vers);
    if let Some((_, published)) = entry.version(&line.vers) {
        entry.chain.chain.state(published)?;
    }
    if matches!(entry.status(line), LineStatus::Quarantined | LineStatus::Gone) {
        return Err(Fault::new(codes::QUARANTINED).at(place).into());
    }
    let store = Store::new(&context.env);
    if store.state(&line.tree)? == State::Intact {
        return Ok(pack::pack_dir(&store.path(&line.tree), &Limits::V1)?.package);
    }
    let path = store.archive(&line.sha256);
    let cached = files::read(&path, Limits::V1.archive)?.filter(|bytes| sha256(bytes) == line.sha256);
    let bytes = if let Some(bytes) = cached {
        bytes
    } else {
        let api = entry.source.api().map_err(|fault| fault.detail(format!("the archive of {place} is not here")))?;
        let progress = Progress::bytes(&context.output, "Downloading", line.size);
        api.download(Wanted { digest: line.sha256, size: line.size }, &path, &progress).await?
    };
    let package = Package::open(bytes, &Limits::V1)?;
    if package.tree() != line.tree {
        return Err(Fault::new(codes::TREE).at(place).into());
    }
    Ok(package)
}
