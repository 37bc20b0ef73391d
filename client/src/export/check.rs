//! Checks everything that a file says, as if a registry had said it.

use std::collections::BTreeMap;

use skill_bundle::{
    Package,
    chain::{Chain, Operator},
    check,
    envelope::Envelope,
    index_check,
    log::{
        checkpoint::{Policy, Signed},
        merkle::leaf_hash,
        proof::Proof,
    },
};
use skill_schema::{
    Digest, Fault, Limits, Scope, SkillId, Version, codes,
    index::{ChainLine, LineStatus},
    lint::Level,
    name::OPERATOR,
    time::Timestamp,
};

use super::{Export, Skill, fault};

/// A file that holds.
#[derive(Debug)]
pub struct Checked {
    /// The checkpoint that all proofs lead to.
    pub checkpoint: Signed,
    /// The latest moment at which the log is known to have been alive: nothing later can be known from the file.
    pub as_of: Timestamp,
    /// The lines of each chain.
    pub chains: BTreeMap<String, Vec<ChainLine>>,
    /// The proofs that were needed, by leaf.
    pub proofs: BTreeMap<Digest, Proof>,
    /// The packages.
    pub packages: BTreeMap<SkillId, (Version, Package)>,
}

/// Checks a file against the pinned key of its log.
///
/// # Errors
/// [`codes::EXPORT`] for what is missing, [`codes::CHECKPOINT`], [`codes::WITNESS`], [`codes::PROOF`], [`codes::CHAIN`], [`codes::DIGEST`],
/// [`codes::TREE`], [`codes::INDEX_MISMATCH`], [`codes::QUARANTINED`], and what the content rules refuse.
pub fn check(export: &Export, policy: &Policy) -> Result<Checked, Fault> {
    let checkpoint = Signed::parse(export.checkpoint.as_bytes())?;
    let witnessed = checkpoint.verify(policy)?;
    let (chains, proofs, packages) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    let mut checked = Checked { checkpoint, as_of: Timestamp::from_unix(0), chains, proofs, packages };
    let operator = operator(export, policy, &mut checked)?;
    let as_of = operator.latest().max(witnessed.map(Timestamp::from_unix));
    checked.as_of = as_of.ok_or_else(|| fault("nothing in it says when it was made"))?;
    let mut scopes: BTreeMap<Scope, Chain> = BTreeMap::new();
    for skill in &export.skills {
        let scope = &skill.name.scope;
        if !scopes.contains_key(scope) {
            let chain = chain(export, policy, scope, &operator, &mut checked)?;
            scopes.insert(scope.clone(), chain);
        }
        self::skill(export, policy, skill, &scopes[scope], &operator, &mut checked)?;
    }
    Ok(checked)
}

/// The operator's chain, whose end is in the log.
fn operator(export: &Export, policy: &Policy, checked: &mut Checked) -> Result<Operator, Fault> {
    let statements = export.chain(OPERATOR)?;
    let mut chain = Operator::new(policy.log.name());
    for (_, envelope) in &statements {
        chain.push(envelope)?;
    }
    let key = policy.log.to_string();
    if chain.root().is_none_or(|root| !root.logs.contains(&key)) {
        return Err(fault("the operator's root statement does not name the pinned key"));
    }
    logged(export, policy, OPERATOR, statements, checked)?;
    Ok(chain)
}

/// A scope's chain, whose end is in the log.
fn chain(
    export: &Export,
    policy: &Policy,
    scope: &Scope,
    operator: &Operator,
    checked: &mut Checked,
) -> Result<Chain, Fault> {
    let statements = export.chain(scope.as_str())?;
    let mut chain = Chain::new(scope.clone(), policy.log.name()).with_operators(operator.operators());
    for (_, envelope) in &statements {
        chain.push(envelope)?;
    }
    logged(export, policy, scope.as_str(), statements, checked)?;
    Ok(chain)
}

/// Demands that the end of a chain is in the log, and keeps its lines.
fn logged(
    export: &Export,
    policy: &Policy,
    name: &str,
    statements: Vec<(ChainLine, Envelope)>,
    checked: &mut Checked,
) -> Result<(), Fault> {
    let (line, last) = statements.last().ok_or_else(|| fault(format!("the chain of {name} is empty")))?;
    prove(export, policy, last.bytes(), line.log, checked)?;
    let lines: Vec<ChainLine> = statements.into_iter().map(|(line, _)| line).collect();
    if !lines.is_sorted_by(|a, b| a.log < b.log) {
        return Err(fault(format!("the chain of {name} goes back in the log")));
    }
    checked.chains.insert(name.to_owned(), lines);
    Ok(())
}

/// Demands the proof that a statement is in the log under the file's checkpoint.
fn prove(export: &Export, policy: &Policy, envelope: &[u8], log: u64, checked: &mut Checked) -> Result<(), Fault> {
    let proof = Proof::parse(export.proof(envelope)?.as_bytes())?;
    let leaf = leaf_hash(envelope);
    if proof.index != log || proof.checkpoint != checked.checkpoint {
        return Err(fault(format!("the proof of {leaf} is of another place or checkpoint")));
    }
    proof.verify(&leaf, policy)?;
    checked.proofs.insert(leaf, proof);
    Ok(())
}

/// Index, release, state and files of one skill.
fn skill(
    export: &Export,
    policy: &Policy,
    skill: &Skill,
    chain: &Chain,
    operator: &Operator,
    checked: &mut Checked,
) -> Result<(), Fault> {
    let place = format!("{}@{}", skill.name, skill.version);
    let log_in = |name: &str, seq: u64| {
        let position = usize::try_from(seq.checked_sub(1)?).ok()?;
        checked.chains.get(name)?.get(position).map(|line| line.log)
    };
    let scope = skill.name.scope.as_str();
    let bytes = export.indexes.get(&skill.name).map(String::as_bytes);
    let logs = (&|seq| log_in(scope, seq), &|seq| log_in(OPERATOR, seq));
    let index = index_check::check(&skill.name, bytes, chain, logs.0, operator, logs.1)?;
    let line = index.as_ref().and_then(|index| index.line(&skill.version)).cloned();
    let found = line.zip(chain.release(&skill.name.name, &skill.version));
    let (line, published) = found.ok_or_else(|| Fault::new(codes::NO_VERSION).at(&place))?;
    if matches!(line.st, LineStatus::Quarantined | LineStatus::Gone) {
        return Err(Fault::new(codes::QUARANTINED).at(place));
    }
    chain.state(published)?;
    let statements = export.chain(scope)?;
    let release = statements.into_iter().find(|(_, envelope)| envelope.digest() == published.release.envelope);
    let (at, envelope) = release.ok_or_else(|| fault(format!("the release of {place} is missing")))?;
    prove(export, policy, envelope.bytes(), at.log, checked)?;

    let package = Package::open(export.archive(&published.archive)?, &Limits::V1).map_err(|fault| fault.at(&place))?;
    if package.digest() != published.archive {
        return Err(Fault::new(codes::DIGEST).at(place));
    }
    if package.tree() != published.tree {
        return Err(Fault::new(codes::TREE).at(place));
    }
    check::check_package(&package, &Limits::V1, Level::Lenient).to_result()?;
    checked.packages.insert(skill.name.clone(), (skill.version.clone(), package));
    Ok(())
}
