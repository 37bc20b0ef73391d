//! A scope's chain: fetched, compared with what this machine saw before, verified from the first statement, and remembered.

use std::path::PathBuf;

use futures::{StreamExt, TryStreamExt, stream};
use skill_bundle::{chain::Chain, envelope::Envelope, hash::sha256};
use skill_schema::{
    Digest, Fault, Limits, Scope, codes,
    index::{ChainLine, parse_chain, render_chain},
};

use super::{MAX_INDEX, etag, folder_name, is_not_found};
use crate::{
    api::{Api, Fetched},
    context::Context,
    files::{self, Durable, Mode},
    pins,
    store::Store,
};

/// A verified chain.
#[derive(Debug)]
pub struct ScopeChain {
    /// What its statements say together.
    pub chain: Chain,
    pub(super) lines: Vec<ChainLine>,
}

impl ScopeChain {
    /// The log index of the statement at a position (from 1).
    pub fn log(&self, seq: u64) -> Option<u64> {
        let position = usize::try_from(seq.checked_sub(1)?).ok()?;
        self.lines.get(position).map(|line| line.log)
    }
}

/// Where the chain of a scope is remembered: beside the store and not in the cache, so that tidying up cannot make this machine
/// forget what it has seen.
fn seen_path(context: &Context, origin: &str, scope: &Scope) -> PathBuf {
    context.env.data_dir.join("chains").join(folder_name(origin)).join(format!("{scope}.ndjson"))
}

/// The chain's lines as last verified on this machine.
///
/// # Errors
/// [`codes::INDEX_INVALID`] if the file is damaged, [`codes::IO`].
pub fn seen(context: &Context, origin: &str, scope: &Scope) -> Result<Vec<ChainLine>, Fault> {
    let path = seen_path(context, origin, scope);
    let bytes = files::read(&path, MAX_INDEX)?.unwrap_or_default();
    parse_chain(&bytes).map_err(|fault| fault.at(path.display().to_string()))
}

/// Fetches (with `api`) or recalls (without) a chain and verifies it.
pub(super) async fn load(
    context: &Context,
    origin: &str,
    api: Option<&Api>,
    scope: &Scope,
) -> anyhow::Result<ScopeChain> {
    let seen = seen(context, origin, scope)?;
    let lines = match api {
        Some(api) => fetch(api, scope, &seen).await?,
        None if seen.is_empty() => {
            let detail = "its chain was never fetched";
            return Err(Fault::new(codes::OFFLINE).at(scope.as_str()).detail(detail).into());
        }
        None => seen.clone(),
    };
    let store = Store::new(&context.env);
    let envelopes: Vec<Envelope> = stream::iter(&lines)
        .map(|line| envelope(&store, api, line.stmt))
        .buffered(context.jobs())
        .try_collect()
        .await?;
    let mut chain = Chain::new(scope.clone(), origin);
    for envelope in &envelopes {
        chain.push(envelope)?;
    }
    let present: Vec<Digest> = chain.keys().keys().copied().collect();
    pins::check(&context.env, scope, &present)?;
    if lines.len() > seen.len() {
        let path = seen_path(context, origin, scope);
        files::replace(&path, render_chain(&lines).as_bytes(), Mode::Normal, Durable::Yes)?;
    }
    Ok(ScopeChain { chain, lines })
}

/// The chain that the registry shows, if it continues what was seen.
async fn fetch(api: &Api, scope: &Scope, seen: &[ChainLine]) -> anyhow::Result<Vec<ChainLine>> {
    let known = render_chain(seen);
    let tag = (!seen.is_empty()).then(|| etag(known.as_bytes()));
    let bytes = match api.chain(scope.as_str(), tag.as_deref()).await {
        Ok(Fetched::Unchanged) => return Ok(seen.to_vec()),
        Ok(Fetched::New { bytes, .. }) => bytes,
        Err(error) if is_not_found(&error) => Vec::new(),
        Err(error) => return Err(error),
    };
    let lines = parse_chain(&bytes).map_err(|fault| fault.at(format!("/index/{scope}")))?;
    continues(scope, seen, &lines, &bytes)?;
    Ok(lines)
}

/// Whether a chain is written as it must be and begins with all that was seen.
fn continues(scope: &Scope, seen: &[ChainLine], lines: &[ChainLine], bytes: &[u8]) -> Result<(), Fault> {
    let numbered = lines.iter().zip(1..).all(|(line, seq)| line.seq == seq);
    let ascending = lines.is_sorted_by(|a, b| a.log < b.log);
    if !numbered || !ascending || render_chain(lines).as_bytes() != bytes {
        let detail = "its lines are not numbered, sorted and written as they must be";
        return Err(Fault::new(codes::INDEX_INVALID).at(format!("/index/{scope}")).detail(detail));
    }
    if lines.len() < seen.len() {
        let detail = format!("{} statements, and {} were seen before", lines.len(), seen.len());
        return Err(Fault::new(codes::ROLLBACK).at(scope.as_str()).detail(detail));
    }
    match seen.iter().zip(lines).find(|(old, new)| old != new) {
        Some((old, _)) => {
            let detail = format!("statement {} is not the one that was seen before", old.seq);
            Err(Fault::new(codes::FORK).at(scope.as_str()).detail(detail))
        }
        None => Ok(()),
    }
}

/// An envelope from the store or, once and for all, from the registry.
async fn envelope(store: &Store, api: Option<&Api>, digest: Digest) -> anyhow::Result<Envelope> {
    if let Some(bytes) = store.statement(&digest)? {
        return Ok(Envelope::parse(&bytes)?);
    }
    let place = format!("statement sha256:{digest}");
    let api = api.ok_or_else(|| Fault::new(codes::OFFLINE).at(&place).detail("it is not in the store"))?;
    let bytes = api.blob(&digest, Limits::V1.envelope).await?;
    if sha256(&bytes) != digest {
        return Err(Fault::new(codes::DIGEST).at(place).into());
    }
    let envelope = Envelope::parse(&bytes)?;
    store.put_statement(&digest, &bytes)?;
    Ok(envelope)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(stmts: &[u8]) -> Vec<ChainLine> {
        stmts.iter().zip(1..).map(|(b, seq)| ChainLine { seq, stmt: Digest([*b; 32]), log: seq * 2 }).collect()
    }

    fn code(seen: &[ChainLine], new: &[ChainLine]) -> Option<&'static str> {
        let scope: Scope = "acme".parse().expect("a scope");
        continues(&scope, seen, new, render_chain(new).as_bytes()).err().map(|fault| fault.code.id)
    }

    #[test]
    fn a_chain_may_only_grow() {
        let seen = lines(&[1, 2]);
        assert_eq!(code(&[], &seen), None);
        assert_eq!(code(&seen, &lines(&[1, 2, 3])), None);
        assert_eq!(code(&seen, &lines(&[1])), Some("E_ROLLBACK"));
        assert_eq!(code(&seen, &[]), Some("E_ROLLBACK"));
        assert_eq!(code(&seen, &lines(&[1, 3])), Some("E_LOG_FORK"));
        let mut renumbered = lines(&[1, 2, 3]);
        renumbered[1].log = 3;
        assert_eq!(code(&seen, &renumbered), Some("E_LOG_FORK"));
    }

    #[test]
    fn gaps_and_other_spellings_are_refused() {
        let scope: Scope = "acme".parse().expect("a scope");
        let mut gap = lines(&[1, 2]);
        gap[1].seq = 3;
        assert_eq!(code(&[], &gap), Some("E_INDEX_INVALID"));
        let mut backwards = lines(&[1, 2]);
        backwards[1].log = 1;
        assert_eq!(code(&[], &backwards), Some("E_INDEX_INVALID"));
        let good = lines(&[1]);
        let spaced = render_chain(&good).replace(',', ", ");
        assert!(continues(&scope, &[], &good, spaced.as_bytes()).is_err());
    }
}
