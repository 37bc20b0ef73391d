//! What the registries offer, fetched and verified: nothing here is believed that a publisher did not sign.
//!
//! For every skill its index and its scope's chain are fetched. The chain must verify from its first statement, continue what this
//! machine saw before, be in the registry's log, and say exactly what the index says. With `--offline` the same checks run on what was fetched before.

mod absent;
mod chain;
mod source;

use std::{cell::RefCell, collections::BTreeMap, path::PathBuf, rc::Rc};

use futures::{StreamExt, TryStreamExt, stream};
use skill_bundle::{
    chain::Published,
    hash::sha256,
    index_check::{self, held, line_status},
};
use skill_schema::{
    Digest, Fault, Scope, SkillId, Version, codes,
    index::{Index, Line, LineStatus},
};

use crate::{
    api::{Fetched, Refused},
    config::Registry,
    context::Context,
    files::{self, Durable, Mode},
    log::Log,
    resolve::Candidate,
};
use chain::Asked;
pub use chain::{OperatorChain, ScopeChain, remember, seen};
pub use source::Source;

/// Skills that one command may look at: a bound on what a hostile index can make us fetch.
const MAX_SKILLS: usize = 10_000;
/// Bytes of a cached index.
const MAX_INDEX: usize = 64 * 1024 * 1024;

/// The verified offers of all registries that a command asks.
pub struct Catalogue<'a> {
    context: &'a Context,
    sources: RefCell<BTreeMap<String, Rc<Source>>>,
    chains: RefCell<BTreeMap<(String, Scope), Rc<ScopeChain>>>,
    entries: RefCell<BTreeMap<SkillId, Option<Entry>>>,
}

/// A skill's verified index.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The index.
    pub index: Index,
    /// The chain that it was checked against.
    pub chain: Rc<ScopeChain>,
    /// The operator's chain, whose word goes before the publisher's.
    pub operator: Rc<OperatorChain>,
    /// Where it comes from.
    pub source: Rc<Source>,
}

impl Entry {
    /// The versions for the resolver. One whose signing key was revoked from that point on cannot be chosen.
    pub fn candidates(&self) -> Vec<Candidate> {
        let lines = self.index.lines.iter();
        lines
            .map(|line| Candidate {
                version: line.vers.clone(),
                status: self.status(line),
                dependencies: line.deps.clone(),
            })
            .collect()
    }

    /// The state of a version: by the operator's word, or by that of keys of its scope that are not revoked.
    pub fn status(&self, line: &Line) -> LineStatus {
        let reference = format!("{}@{}", self.index.header.pkg, line.vers);
        if let Some(status) = held(&self.operator.chain, &reference) {
            return status;
        }
        let published = self.chain.chain.release(&self.index.header.pkg.name, &line.vers);
        match published.map(|published| self.chain.chain.state(published)) {
            Some(Ok(state)) => line_status(state),
            _ => LineStatus::Quarantined,
        }
    }

    /// A version: its line and its signed release.
    pub fn version(&self, version: &Version) -> Option<(&Line, &Published)> {
        let published = self.chain.chain.release(&self.index.header.pkg.name, version)?;
        Some((self.index.line(version)?, published))
    }
}

/// The index of a skill as this machine last fetched it, not verified again; none if it never did or the file is damaged.
pub fn remembered(context: &Context, origin: &str, id: &SkillId) -> Option<Index> {
    let bytes = files::read(&index_path(context, origin, id), MAX_INDEX).ok()??;
    Index::parse(&bytes).ok()
}

fn index_path(context: &Context, origin: &str, id: &SkillId) -> PathBuf {
    let folder = context.env.cache_dir.join("index").join(folder_name(origin));
    folder.join(id.scope.as_str()).join(format!("{}.ndjson", id.name))
}

impl<'a> Catalogue<'a> {
    /// A catalogue that has fetched nothing yet.
    pub fn new(context: &'a Context) -> Self {
        Self { context, sources: RefCell::default(), chains: RefCell::default(), entries: RefCell::default() }
    }

    /// The context that it works in.
    pub fn context(&self) -> &Context {
        self.context
    }

    /// The registry of a skill, ready to be asked.
    ///
    /// # Errors
    /// [`codes::SCOPE_UNMAPPED`], [`codes::REGISTRY_UNKNOWN`], [`codes::REGISTRY_UNTRUSTED`].
    pub fn source(&self, id: &SkillId, registry: Option<&str>) -> Result<Rc<Source>, Fault> {
        self.source_of(self.context.registry_for(id, registry)?)
    }

    fn source_of(&self, registry: Registry) -> Result<Rc<Source>, Fault> {
        if let Some(source) = self.sources.borrow().get(&registry.url) {
            return Ok(Rc::clone(source));
        }
        let origin = registry.origin()?.to_owned();
        let api = if self.context.global.offline { None } else { Some(self.context.api(&registry)?) };
        let log = Log::new(self.context, &registry)?;
        let source = Rc::new(Source::new(registry, origin, log, api));
        self.sources.borrow_mut().insert(source.registry.url.clone(), Rc::clone(&source));
        Ok(source)
    }

    /// A registry, whose key was compared with the pinned one.
    ///
    /// # Errors
    /// As [`Self::reachable`].
    pub async fn registry(&self, registry: Registry) -> anyhow::Result<Rc<Source>> {
        let source = self.source_of(registry)?;
        source.greet().await?;
        Ok(source)
    }

    /// Everything that can be reached from these skills, breadth first. `None` for a skill that does not exist.
    ///
    /// # Errors
    /// Any fault of the network or of verification; a scope without registry, for a skill that is wanted directly.
    pub async fn reachable(
        &self,
        roots: &BTreeMap<SkillId, Option<String>>,
    ) -> anyhow::Result<BTreeMap<SkillId, Entry>> {
        let mut known: BTreeMap<SkillId, Option<Entry>> = BTreeMap::new();
        let mut level: BTreeMap<SkillId, Option<String>> = roots.clone();
        while !level.is_empty() {
            let found = self.level(&level).await?;
            let mut next = BTreeMap::new();
            for entry in found.values().flatten() {
                let candidates = entry.candidates().into_iter();
                let installable = candidates.filter(|c| matches!(c.status, LineStatus::Ok | LineStatus::Yanked));
                for (id, _) in installable.flat_map(|c| c.dependencies) {
                    next.insert(id, None);
                }
            }
            known.extend(found);
            next.retain(|id, _| !known.contains_key(id));
            level = next;
            if known.len() + level.len() > MAX_SKILLS {
                return Err(Fault::new(codes::NO_SOLUTION).detail(format!("more than {MAX_SKILLS} skills")).into());
            }
        }
        Ok(known.into_iter().filter_map(|(id, entry)| Some((id, entry?))).collect())
    }

    /// One skill; `None` if it does not exist.
    ///
    /// # Errors
    /// As [`Self::reachable`].
    pub async fn entry(&self, id: &SkillId, registry: Option<&str>) -> anyhow::Result<Option<Entry>> {
        let one = BTreeMap::from([(id.clone(), registry.map(str::to_owned))]);
        Ok(self.level(&one).await?.remove(id).flatten())
    }

    /// Some skills, without what they need. Those that do not exist are missing from the answer.
    ///
    /// # Errors
    /// As [`Self::reachable`].
    pub async fn entries(&self, ids: &BTreeMap<SkillId, Option<String>>) -> anyhow::Result<BTreeMap<SkillId, Entry>> {
        let found = self.level(ids).await?;
        Ok(found.into_iter().filter_map(|(id, entry)| Some((id, entry?))).collect())
    }

    /// A scope's registry and its verified chain, which is empty if the registry knows no such scope.
    ///
    /// # Errors
    /// As [`Self::reachable`].
    pub async fn scope(&self, scope: &Scope, registry: Option<&str>) -> anyhow::Result<(Rc<Source>, Rc<ScopeChain>)> {
        let registry = match registry {
            Some(name) => self.context.config.registry(name)?,
            None => self.context.registry_of(scope)?,
        };
        let source = self.source_of(registry)?;
        let chain = self.chain(&source, scope, true).await?;
        Ok((source, chain))
    }

    /// A scope's chain as this machine last verified it, verified again from the first statement. Needs no network.
    ///
    /// # Errors
    /// [`codes::REGISTRY_UNKNOWN`] if no registry with this log is configured, [`codes::OFFLINE`] if the chain was never fetched; any
    /// fault of verification.
    pub async fn remembered(&self, origin: &str, scope: &Scope) -> Result<(Rc<Log>, Rc<ScopeChain>), Fault> {
        let registries = self.context.config.registries()?;
        let is_it = |registry: &Registry| registry.origin().is_ok_and(|name| name == origin);
        let unknown =
            || Fault::new(codes::REGISTRY_UNKNOWN).at(origin).detail("no registry with this log is configured");
        let log = Log::new(self.context, &registries.into_iter().find(is_it).ok_or_else(unknown)?)?;
        let recall = async || {
            let asked = Asked { context: self.context, log: &log, api: None };
            let operators = chain::load_operator(asked).await?.chain.operators();
            chain::load(asked, operators, scope).await
        };
        let chain = recall().await.map_err(|error| {
            error.downcast::<Fault>().unwrap_or_else(|e| Fault::new(codes::CHAIN).detail(e.to_string()))
        })?;
        Ok((Rc::new(log), Rc::new(chain)))
    }

    async fn level(
        &self,
        level: &BTreeMap<SkillId, Option<String>>,
    ) -> anyhow::Result<BTreeMap<SkillId, Option<Entry>>> {
        let mut found = BTreeMap::new();
        let mut wanted = Vec::new();
        let mut scopes: BTreeMap<(String, Scope), Rc<Source>> = BTreeMap::new();
        for (id, registry) in level {
            if let Some(entry) = self.entries.borrow().get(id) {
                found.insert(id.clone(), entry.clone());
                continue;
            }
            let source = self.source(id, registry.as_deref())?;
            scopes.insert((source.origin.clone(), id.scope.clone()), Rc::clone(&source));
            wanted.push((id, source));
        }
        let jobs = self.context.jobs();
        let chains = stream::iter(&scopes)
            .map(|((_, scope), source)| self.chain(source, scope, false))
            .buffer_unordered(jobs)
            .try_for_each(async |_| Ok(()));
        let indexes = stream::iter(&wanted)
            .map(async |(id, source)| anyhow::Ok((*id, source, self.index(source, id).await?)))
            .buffer_unordered(jobs)
            .try_collect::<Vec<_>>();
        let ((), indexes) = futures::try_join!(chains, indexes)?;
        for (id, source, bytes) in indexes {
            let entry = self.verified(id, source, bytes).await?;
            self.entries.borrow_mut().insert(id.clone(), entry.clone());
            found.insert(id.clone(), entry);
        }
        Ok(found)
    }

    /// Checks an index against its scope's chain and the operator's. They are fetched at the same time, so a statement in between makes
    /// them differ: then all are fetched once more, the index first.
    async fn verified(
        &self,
        id: &SkillId,
        source: &Rc<Source>,
        bytes: Option<Vec<u8>>,
    ) -> anyhow::Result<Option<Entry>> {
        match self.compared(id, source, bytes, false).await? {
            Ok(entry) => Ok(entry),
            Err(_) if source.api.is_some() => {
                let again = self.index(source, id).await?;
                Ok(self.compared(id, source, again, true).await??)
            }
            Err(fault) => Err(fault.into()),
        }
    }

    /// One comparison. The inner fault is that of the index; `anew` fetches the chains again.
    async fn compared(
        &self,
        id: &SkillId,
        source: &Rc<Source>,
        bytes: Option<Vec<u8>>,
        anew: bool,
    ) -> anyhow::Result<Result<Option<Entry>, Fault>> {
        let operator = source.operator_chain(self.context, anew).await?;
        let chain = self.chain(source, &id.scope, anew).await?;
        let (log_of, operator_log_of) = (|seq| chain.log(seq), |seq| operator.log(seq));
        let checked =
            index_check::check(id, bytes.as_deref(), &chain.chain, &log_of, &operator.chain, &operator_log_of);
        let entry = |index| Entry { index, chain: Rc::clone(&chain), operator, source: Rc::clone(source) };
        Ok(checked.map(|index| index.map(entry)))
    }

    /// The bytes of a skill's index: from the registry, or with `--offline` as fetched before.
    async fn index(&self, source: &Source, id: &SkillId) -> anyhow::Result<Option<Vec<u8>>> {
        let path = self.index_path(&source.origin, id);
        let cached = files::read(&path, MAX_INDEX)?;
        let Some(api) = &source.api else {
            let missing = || Fault::new(codes::OFFLINE).at(id.to_string()).detail("its index is not in the cache");
            return Ok(Some(cached.ok_or_else(missing)?));
        };
        source.greet().await?;
        let etag = cached.as_deref().map(etag);
        match api.index(id, etag.as_deref()).await {
            Ok(Fetched::Unchanged) => Ok(cached),
            Ok(Fetched::New { bytes, .. }) => {
                // Kept before it is checked, which is done at every use; a wrong one is replaced by the next fetch.
                files::replace(&path, &bytes, Mode::Normal, Durable::No)?;
                Ok(Some(bytes))
            }
            Err(error) if is_not_found(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Keeps the index of a skill, as if it had been fetched. It is checked at every use.
    ///
    /// # Errors
    /// [`codes::IO`].
    pub fn put_index(&self, origin: &str, id: &SkillId, bytes: &[u8]) -> Result<(), Fault> {
        files::replace(&self.index_path(origin, id), bytes, Mode::Normal, Durable::No)
    }

    fn index_path(&self, origin: &str, id: &SkillId) -> PathBuf {
        index_path(self.context, origin, id)
    }

    /// A scope's verified chain; `anew` fetches it again.
    async fn chain(&self, source: &Source, scope: &Scope, anew: bool) -> anyhow::Result<Rc<ScopeChain>> {
        let key = (source.origin.clone(), scope.clone());
        let known = self.chains.borrow().get(&key).cloned();
        if let Some(chain) = known.filter(|_| !anew) {
            return Ok(chain);
        }
        let operators = source.operator(self.context).await?.chain.operators();
        let asked = Asked { context: self.context, log: &source.log, api: source.api.as_ref() };
        let chain = Rc::new(chain::load(asked, operators, scope).await?);
        self.chains.borrow_mut().insert(key, Rc::clone(&chain));
        Ok(chain)
    }
}

/// The validator that the registry gives these bytes.
fn etag(bytes: &[u8]) -> String {
    format!("\"{}\"", sha256(bytes))
}

/// Whether the registry says that there is no such thing.
fn is_not_found(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Refused>().is_some_and(|refused| matches!(refused.0.status, 404 | 410))
}

/// A folder name for a log's origin: everything but letters, digits, dots and hyphens becomes `_`, and a digest keeps apart what
/// that makes equal.
pub fn folder_name(origin: &str) -> String {
    let plain: String =
        origin.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-') { c } else { '_' }).collect();
    let digest: Digest = sha256(origin.as_bytes());
    format!("{}-{}", plain.trim_start_matches('.').chars().take(80).collect::<String>(), &digest.short()[..8])
}
