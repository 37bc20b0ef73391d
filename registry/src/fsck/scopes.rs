//! The chains, folded from their first statements, and what the database says of scopes, versions and skills because of them.

use std::collections::{BTreeMap, BTreeSet};

use skill_bundle::{
    chain::{Chain, Head, Operator, Published},
    envelope::Envelope,
    hash::sha256,
    index_check::{self, held, line_status},
    statement,
};
use skill_schema::{
    Digest, Fault, Scope, SkillId, codes,
    index::{Index, PackageStatus},
    name::{EVALS, OPERATOR},
    statement::{Eval, Kind, Snapshot, State, Status},
};

use super::{Fsck, damaged};
use crate::{
    error::Error,
    store::{
        fsck::{EventRow, SkillRow, VERSION_COLUMNS, VersionRow},
        yank::status_text,
    },
};

/// Statements read at a time.
const PAGE: u64 = 256;

/// A version's archive and tree.
type Digests = (Digest, Digest);

/// The operator's chain, folded.
pub(super) struct OperatorChain {
    chain: Operator,
    leaves: Vec<u64>,
    /// Digests of the versions that the operator spoke of, by `scope/name@version`.
    words: BTreeMap<String, BTreeSet<Digests>>,
    /// Digests of the snapshots, by the size of the log.
    pub(super) snapshots: BTreeMap<u64, Digest>,
}

/// The chain of a scope, and where its statements stand in the log.
struct ScopeChain {
    chain: Chain,
    leaves: Vec<u64>,
}

/// The leaf of a statement by its number in the chain.
fn leaf(leaves: &[u64], seq: u64) -> Option<u64> {
    leaves.get(usize::try_from(seq.checked_sub(1)?).ok()?).copied()
}

impl Fsck {
    /// The operator's chain. It begins by naming the log's key, and the operator's key is the one that the registry signs with.
    pub(super) async fn operator(&mut self) -> Result<OperatorChain, Error> {
        let mut chain = Operator::new(&self.origin);
        let (mut words, mut snapshots) = (BTreeMap::<String, BTreeSet<Digests>>::new(), BTreeMap::new());
        let leaves = self
            .fold(OPERATOR, |envelope| {
                let kind = chain.push(envelope)?;
                if kind == Kind::Snapshot {
                    let snapshot = envelope.statement::<Snapshot>()?.predicate;
                    snapshots.insert(snapshot.size, snapshot.digest);
                }
                if kind == Kind::Status {
                    let status = envelope.statement::<Status>()?;
                    let reference = statement::subject(&status)?.name.clone();
                    words.entry(reference).or_default().insert(statement::digests(&status)?);
                }
                Ok(kind)
            })
            .await?;
        let operator = self.audit.meta("operator").await?.unwrap_or_default();
        if let Some(root) = chain.root() {
            if !root.logs.contains(&self.log_key.to_string()) {
                return Err(damaged("meta, log", "the operator's root statement names other keys").into());
            }
            if !root.operators.contains(&operator) {
                return Err(damaged("meta, operator", "the operator's root statement names other keys").into());
            }
        }
        Ok(OperatorChain { chain, leaves, words, snapshots })
    }

    /// Every scope: its chain, its row, its versions, its skills.
    pub(super) async fn scopes(&mut self, operator: &OperatorChain) -> Result<(), Error> {
        let (mut chains, mut versions, mut skills) = (0, 0, 0);
        let mut words = operator.words.clone();
        for (name, seq, stmt) in self.audit.scopes().await? {
            let place = format!("scopes, {name}");
            if seq < 0 {
                return Err(damaged(place, "it has statements, and there is no row").into());
            }
            let head = if name == OPERATOR {
                operator.chain.head()
            } else if name == EVALS {
                self.evals().await?
            } else {
                let scope: Scope = name.parse().map_err(|fault: Fault| damaged(&place, fault.to_string()))?;
                let folded = self.chain(scope, &operator.chain).await?;
                let rows = self.versions(&folded, operator, &mut words).await?;
                versions += rows.len() as u64;
                skills += self.skills(&folded, operator, &rows).await?;
                folded.chain.head()
            };
            let (end, digest) = head.map_or((0, Digest::ZERO), |Head { seq, digest }| (seq, digest));
            if (seq, stmt) != (i64::try_from(end).unwrap_or(i64::MAX), digest.to_string()) {
                return Err(damaged(place, format!("its chain ends with statement {end}, not as the row says")).into());
            }
            chains += u64::from(end > 0);
        }
        if let Some(reference) = words.keys().next() {
            let detail = "the operator speaks of a version that nobody published";
            return Err(Fault::new(codes::CHAIN).at(reference).detail(detail).into());
        }
        let (all_skills, all_versions) = self.audit.totals().await?;
        for (table, all, seen) in [("skills", all_skills, skills), ("versions", all_versions, versions)] {
            if all != seen {
                let found = format!("{} rows belong to no scope or skill", all.saturating_sub(seen));
                return Err(damaged(table, found).into());
            }
        }
        for (check, count) in [("chains", chains), ("versions", versions), ("indexes", skills)] {
            self.pass(check, count);
        }
        Ok(())
    }

    /// The statements that stand in no chain: each is one, and they are numbered without a gap.
    async fn evals(&mut self) -> Result<Option<Head>, Error> {
        let mut last = None;
        let leaves = self
            .fold(EVALS, |envelope| {
                envelope.statement::<Eval>()?;
                last = Some(envelope.digest());
                Ok(Kind::Eval)
            })
            .await?;
        Ok(last.map(|digest| Head { seq: leaves.len() as u64, digest }))
    }

    /// The folded chain of a scope, whose first statement an operator must have signed.
    async fn chain(&mut self, scope: Scope, operator: &Operator) -> Result<ScopeChain, Error> {
        let name = scope.to_string();
        let mut chain = Chain::new(scope, &self.origin).with_operators(operator.operators());
        let leaves = self.fold(&name, |envelope| chain.push(envelope)).await?;
        Ok(ScopeChain { chain, leaves })
    }

    /// Gives the statements of a scope to `push`, in their order, and compares what their rows say. Answers their leaves.
    async fn fold(
        &mut self,
        scope: &str,
        mut push: impl FnMut(&Envelope) -> Result<Kind, Fault>,
    ) -> Result<Vec<u64>, Error> {
        let mut leaves: Vec<u64> = Vec::new();
        loop {
            let page = self.audit.chain(scope, leaves.len() as u64, PAGE).await?;
            for row in &page {
                let place = format!("events, leaf {} (statement {} of {scope})", row.leaf, row.seq);
                let wrong = |fault: Fault| Fault::new(fault.code).at(&place).detail(fault.to_string());
                let expected = leaves.len() as u64 + 1;
                if row.seq != expected || leaves.last().is_some_and(|last| *last >= row.leaf) {
                    let found = format!("leaf {} is said to be statement {}", row.leaf, row.seq);
                    return Err(damaged(format!("events, statement {expected} of {scope}"), found).into());
                }
                let envelope = Envelope::parse(row.envelope.as_bytes()).map_err(wrong)?;
                let kind = push(&envelope).map_err(wrong)?;
                check_event(row, &envelope, kind).map_err(|column| damaged(&place, format!("{column} is another")))?;
                leaves.push(row.leaf);
            }
            if (page.len() as u64) < PAGE {
                return Ok(leaves);
            }
        }
    }

    /// Each release has its row, each row its release, and both say the same.
    async fn versions(
        &mut self,
        folded: &ScopeChain,
        operator: &OperatorChain,
        words: &mut BTreeMap<String, BTreeSet<Digests>>,
    ) -> Result<BTreeMap<String, VersionRow>, Error> {
        let rows = self.audit.versions(folded.chain.scope().as_str()).await?;
        let rows: BTreeMap<String, VersionRow> =
            rows.into_iter().map(|row| (format!("{}@{}", row.skill, row.version), row)).collect();
        let mut signed = BTreeSet::new();
        for (name, version, published) in folded.chain.releases() {
            let reference = format!("{}/{name}@{version}", folded.chain.scope());
            let place = format!("versions, {reference}");
            let row = rows.get(&reference).ok_or_else(|| damaged(&place, "it is signed, and there is no row"))?;
            let expected = columns(published, &reference, &operator.chain);
            let differs = VERSION_COLUMNS.iter().zip(expected.iter().zip(&row.columns)).find(|(_, (a, b))| a != b);
            if let Some((column, (signed, _))) = differs {
                return Err(
                    damaged(place, format!("{column} is not {signed:?}, which follows from what is signed")).into()
                );
            }
            if leaf(&folded.leaves, published.release.seq) != Some(row.leaf) {
                return Err(damaged(place, "leaf is not that of its release").into());
            }
            let digests = (published.archive, published.tree);
            if words.remove(&reference).is_some_and(|spoken| spoken.iter().any(|of| *of != digests)) {
                let detail = "the operator speaks of other digests";
                return Err(Fault::new(codes::CHAIN).at(&reference).detail(detail).into());
            }
            signed.insert(reference);
        }
        match rows.keys().find(|reference| !signed.contains(*reference)) {
            Some(reference) => Err(damaged(format!("versions, {reference}"), "there is no release of it").into()),
            None => Ok(rows),
        }
    }

    /// Each skill's index is what the chains say. Answers how many there are.
    async fn skills(
        &mut self,
        folded: &ScopeChain,
        operator: &OperatorChain,
        versions: &BTreeMap<String, VersionRow>,
    ) -> Result<u64, Error> {
        let rows = self.audit.skills(folded.chain.scope().as_str()).await?;
        for row in &rows {
            let place = format!("skills, {}", row.id);
            let id: SkillId = row.id.parse().map_err(|fault: Fault| damaged(&place, fault.to_string()))?;
            let bytes = Some(row.index_text.as_bytes());
            let (own, theirs) = (|seq| leaf(&folded.leaves, seq), |seq| leaf(&operator.leaves, seq));
            let index = index_check::check(&id, bytes, &folded.chain, &own, &operator.chain, &theirs)?;
            if let Some(column) = index.and_then(|index| difference(row, &index, versions)) {
                return Err(damaged(place, format!("{column} is not that of the index and its versions")).into());
            }
        }
        let known: BTreeSet<&str> = rows.iter().map(|row| row.id.as_str()).collect();
        for (name, _, _) in folded.chain.releases() {
            let id = format!("{}/{name}", folded.chain.scope());
            if !known.contains(id.as_str()) {
                return Err(damaged(format!("skills, {id}"), "it is signed, and there is no row").into());
            }
        }
        Ok(rows.len() as u64)
    }
}

/// What a row says of its statement is so; else the column that does not.
fn check_event(row: &EventRow, envelope: &Envelope, kind: Kind) -> Result<(), &'static str> {
    if row.kind != kind.as_str() {
        return Err("kind");
    }
    let payload: serde_json::Value = serde_json::from_slice(envelope.payload()).unwrap_or_default();
    let subject = payload["subject"][0]["name"].as_str().unwrap_or_default();
    let expected = if kind == Kind::Root { OPERATOR } else { subject };
    if row.subject == expected { Ok(()) } else { Err("subject") }
}

/// What the columns of a version must be, in the order of [`VERSION_COLUMNS`].
fn columns(published: &Published, reference: &str, operator: &Operator) -> [String; VERSION_COLUMNS.len()] {
    let release = &published.release.predicate;
    let own = line_status(published.statuses.last().map_or(State::Active, |status| status.predicate.state));
    let held = held(operator, reference);
    [
        published.release.envelope.to_string(),
        published.archive.to_string(),
        published.tree.to_string(),
        release.size.to_string(),
        release.unpacked_size.to_string(),
        release.files.to_string(),
        release.parent.as_ref().map(|parent| parent.reference.clone()).unwrap_or_default(),
        release.license.clone().unwrap_or_default(),
        published.release.signers.first().map(Digest::to_string).unwrap_or_default(),
        status_text(held.unwrap_or(own)).to_owned(),
        status_text(own).to_owned(),
        held.map(status_text).unwrap_or_default().to_owned(),
    ]
}

/// The first column of a skill that does not follow from its index and its versions.
fn difference(row: &SkillRow, index: &Index, versions: &BTreeMap<String, VersionRow>) -> Option<&'static str> {
    let status = match index.header.status {
        PackageStatus::Active => "active",
        PackageStatus::Archived => "archived",
        PackageStatus::Deprecated => "deprecated",
        PackageStatus::Quarantined => "quarantined",
    };
    let version = |vers: &skill_schema::Version| versions.get(&format!("{}@{vers}", row.id));
    let has_dependencies = index.lines.iter().all(|line| {
        version(&line.vers)
            .is_some_and(|row| serde_json::to_string(&line.deps).is_ok_and(|deps| deps == row.dependencies))
    });
    let first = index.lines.first().and_then(|line| version(&line.vers)).map(|row| row.leaf);
    let checks = [
        ("index_sha256", row.index_sha256 == sha256(row.index_text.as_bytes()).to_string()),
        ("log", row.log == index.header.log),
        ("latest", row.latest == index.header.tags.latest.as_ref().map(ToString::to_string)),
        ("status", row.status == status),
        ("number", Some(row.number) == first),
        ("versions.dependencies", has_dependencies),
    ];
    checks.into_iter().find(|(_, holds)| !holds).map(|(column, _)| column)
}
