//! A chain, of a scope or the operator: fetched, compared with what this machine saw before, verified from the first statement, found in
//! the log, and remembered.

use std::path::PathBuf;

use futures::{StreamExt, TryStreamExt, stream};
use skill_bundle::{
    chain::{Chain, Operator},
    envelope::Envelope,
    hash::sha256,
    keys::PublicKey,
};
use skill_schema::{
    Digest, Fault, Limits, Scope, codes,
    index::{ChainLine, parse_chain, render_chain},
    name::OPERATOR,
};

use super::{MAX_INDEX, etag, folder_name, is_not_found};
use crate::{
    api::{Api, Fetched},
    context::Context,
    files::{self, Durable, Mode},
    log::Log,
    pins,
    store::Store,
};

/// A verified chain.
#[derive(Debug)]
pub struct ScopeChain {
    /// What its statements say together.
    pub chain: Chain,
    lines: Vec<ChainLine>,
}

impl ScopeChain {
    /// The log index of the statement at a position (from 1).
    pub fn log(&self, seq: u64) -> Option<u64> {
        let position = usize::try_from(seq.checked_sub(1)?).ok()?;
        self.lines.get(position).map(|line| line.log)
    }
}

/// The operator's verified chain.
#[derive(Debug)]
pub struct OperatorChain {
    /// What its statements say together.
    pub chain: Operator,
    lines: Vec<ChainLine>,
}

impl OperatorChain {
    /// The log index of the statement at a position (from 1).
    pub fn log(&self, seq: u64) -> Option<u64> {
        let position = usize::try_from(seq.checked_sub(1)?).ok()?;
        self.lines.get(position).map(|line| line.log)
    }
}

/// Whose chain is asked for, and of whom.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) context: &'a Context,
    pub(super) log: &'a Log,
    /// `None` to recall what was fetched before.
    pub(super) api: Option<&'a Api>,
}

/// Where a chain is remembered: beside the store and not in the cache, so that tidying up cannot make this machine forget what it has
/// seen.
fn seen_path(context: &Context, origin: &str, name: &str) -> PathBuf {
    context.env.data_dir.join("chains").join(folder_name(origin)).join(format!("{name}.ndjson"))
}

/// A chain's lines as last verified on this machine. `name` is a scope or the operator's.
///
/// # Errors
/// [`codes::INDEX_INVALID`] if the file is damaged, [`codes::IO`].
pub fn seen(context: &Context, origin: &str, name: &str) -> Result<Vec<ChainLine>, Fault> {
    let path = seen_path(context, origin, name);
    let bytes = files::read(&path, MAX_INDEX)?.unwrap_or_default();
    parse_chain(&bytes).map_err(|fault| fault.at(path.display().to_string()))
}

/// Remembers the lines of a chain that was verified.
///
/// # Errors
/// [`codes::IO`].
pub fn remember(context: &Context, origin: &str, name: &str, lines: &[ChainLine]) -> Result<(), Fault> {
    files::replace(&seen_path(context, origin, name), render_chain(lines).as_bytes(), Mode::Normal, Durable::Yes)
}

/// Fetches or recalls a scope's chain and verifies it.
pub(super) async fn load(asked: Asked<'_>, operators: Vec<PublicKey>, scope: &Scope) -> anyhow::Result<ScopeChain> {
    let (lines, known, envelopes) = statements(asked, scope.as_str()).await?;
    let mut chain = Chain::new(scope.clone(), asked.log.policy().log.name()).with_operators(operators);
    for envelope in &envelopes {
        chain.push(envelope)?;
    }
    let present: Vec<Digest> = chain.keys().keys().copied().collect();
    pins::check(&asked.context.env, scope, &present)?;
    logged(asked, scope.as_str(), &lines, known, envelopes.last()).await?;
    Ok(ScopeChain { chain, lines })
}

/// Fetches or recalls the operator's chain and verifies it.
pub(super) async fn load_operator(asked: Asked<'_>) -> anyhow::Result<OperatorChain> {
    let (lines, known, envelopes) = statements(asked, OPERATOR).await?;
    let mut chain = Operator::new(asked.log.policy().log.name());
    for envelope in &envelopes {
        chain.push(envelope)?;
    }
    let key = asked.log.policy().log.to_string();
    if chain.root().is_none_or(|root| !root.logs.contains(&key)) {
        let detail = "the operator's root statement does not name the pinned key";
        return Err(Fault::new(codes::CHAIN).at(OPERATOR).detail(detail).into());
    }
    logged(asked, OPERATOR, &lines, known, envelopes.last()).await?;
    Ok(OperatorChain { chain, lines })
}

/// The lines of a chain, how many of them were known before, and their envelopes.
async fn statements(asked: Asked<'_>, name: &str) -> anyhow::Result<(Vec<ChainLine>, usize, Vec<Envelope>)> {
    let Asked { context, log, api } = asked;
    let seen = seen(context, log.policy().log.name(), name)?;
    let known = seen.len();
    let lines = match api {
        Some(api) => fetch(api, name, &seen).await?,
        None if seen.is_empty() => {
            let detail = "its chain was never fetched";
            return Err(Fault::new(codes::OFFLINE).at(name).detail(detail).into());
        }
        None => seen,
    };
    let store = Store::new(&context.env);
    let envelopes = stream::iter(&lines)
        .map(|line| envelope(&store, api, line.stmt))
        .buffered(context.jobs())
        .try_collect()
        .await?;
    Ok((lines, known, envelopes))
}

/// Demands that the end of a chain is in the log, which vouches for all before it, since each statement names the one before. Then
/// the chain is remembered.
async fn logged(
    asked: Asked<'_>,
    name: &str,
    lines: &[ChainLine],
    known: usize,
    last: Option<&Envelope>,
) -> anyhow::Result<()> {
    let Some((line, last)) = lines.last().zip(last) else { return Ok(()) };
    asked.log.prove(asked.api, last.bytes(), line.log).await?;
    if lines.len() > known {
        remember(asked.context, asked.log.policy().log.name(), name, lines)?;
    }
    Ok(())
}

/// The chain that the registry shows, if it continues what was seen.
async fn fetch(api: &Api, name: &str, seen: &[ChainLine]) -> anyhow::Result<Vec<ChainLine>> {
    let known = render_chain(seen);
    let tag = (!seen.is_empty()).then(|| etag(known.as_bytes()));
    let bytes = match api.chain(name, tag.as_deref()).await {
        Ok(Fetched::Unchanged) => return Ok(seen.to_vec()),
        Ok(Fetched::New { bytes, .. }) => bytes,
        Err(error) if is_not_found(&error) => Vec::new(),
        Err(error) => return Err(error),
    };
    let lines = parse_chain(&bytes).map_err(|fault| fault.at(format!("/index/{name}")))?;
    continues(name, seen, &lines, &bytes)?;
    Ok(lines)
}

/// Whether a chain is written as it must be and begins with all that was seen.
fn continues(name: &str, seen: &[ChainLine], lines: &[ChainLine], bytes: &[u8]) -> Result<(), Fault> {
    let numbered = lines.iter().zip(1..).all(|(line, seq)| line.seq == seq);
    let ascending = lines.is_sorted_by(|a, b| a.log < b.log);
    if !numbered || !ascending || render_chain(lines).as_bytes() != bytes {
        let detail = "its lines are not numbered, sorted and written as they must be";
        return Err(Fault::new(codes::INDEX_INVALID).at(format!("/index/{name}")).detail(detail));
    }
    if lines.len() < seen.len() {
        let detail = format!("{} statements, and {} were seen before", lines.len(), seen.len());
        return Err(Fault::new(codes::ROLLBACK).at(name).detail(detail));
    }
    match seen.iter().zip(lines).find(|(old, new)| old != new) {
        Some((old, _)) => {
            let detail = format!("statement {} is not the one that was seen before", old.seq);
            Err(Fault::new(codes::FORK).at(name).detail(detail))
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
        continues("acme", seen, new, render_chain(new).as_bytes()).err().map(|fault| fault.code.id)
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
        let mut gap = lines(&[1, 2]);
        gap[1].seq = 3;
        assert_eq!(code(&[], &gap), Some("E_INDEX_INVALID"));
        let mut backwards = lines(&[1, 2]);
        backwards[1].log = 1;
        assert_eq!(code(&[], &backwards), Some("E_INDEX_INVALID"));
        let good = lines(&[1]);
        let spaced = render_chain(&good).replace(',', ", ");
        assert!(continues("acme", &[], &good, spaced.as_bytes()).is_err());
    }
}
