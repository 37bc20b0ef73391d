//! Compares a skill's index with the chain of its scope and the operator's. Every byte of an index is either signed, follows from what
//! is signed, or is compared with the archive when that is opened (dependencies); a change anywhere is a fault.

use skill_schema::{
    Fault, SkillId, codes,
    index::{Index, Line, LineStatus, best, latest},
    statement::State,
};

use crate::chain::{Chain, Operator, Published};

/// Reads an index and compares it. `None` for no index, if the chain agrees that there is nothing. `log_of` and `operator_log_of` give
/// the leaf of a statement of the scope's or the operator's chain by its number (from 1).
///
/// # Errors
/// [`codes::INDEX_INVALID`] for another form, [`codes::INDEX_MISMATCH`] for another content.
pub fn check(
    id: &SkillId,
    bytes: Option<&[u8]>,
    chain: &Chain,
    log_of: &dyn Fn(u64) -> Option<u64>,
    operator: &Operator,
    operator_log_of: &dyn Fn(u64) -> Option<u64>,
) -> Result<Option<Index>, Fault> {
    let signed = Signed { chain, log_of, operator, operator_log_of };
    let releases = signed.releases(id);
    let Some(bytes) = bytes else {
        return match releases.len() {
            0 => Ok(None),
            n => Err(differs(id, format!("there is no index, and {n} versions are signed"))),
        };
    };
    let index = Index::parse(bytes).map_err(|fault| place(id, fault))?;
    if !is_exact(&index, bytes) {
        return Err(place(id, Fault::new(codes::INDEX_INVALID).detail("it is not written as it must be")));
    }
    if index.header.pkg != *id {
        return Err(differs(id, format!("it is the index of {}", index.header.pkg)));
    }
    if index.lines.len() != releases.len() {
        return Err(differs(id, format!("it has {} versions, and {} are signed", index.lines.len(), releases.len())));
    }
    for (line, published) in index.lines.iter().zip(&releases) {
        if let Some(what) = signed.difference(id, line, published) {
            return Err(differs(id, format!("{}: {what} is not what is signed", line.vers)));
        }
    }
    check_header(id, &index)?;
    Ok(Some(index))
}

/// A publisher's word as the index writes it.
pub fn line_status(state: State) -> LineStatus {
    match state {
        State::Active => LineStatus::Ok,
        State::Yanked => LineStatus::Yanked,
        State::Quarantined => LineStatus::Quarantined,
        State::Removed => LineStatus::Gone,
    }
}

/// The operator's last word on `scope/name@version`, which goes before the publisher's. `None` if there is none, or if it gives the
/// version back.
pub fn held(operator: &Operator, reference: &str) -> Option<LineStatus> {
    let state = operator.status(reference)?.predicate.state;
    (state != State::Active).then(|| line_status(state))
}

/// What is signed, and where that stands in the log.
struct Signed<'a> {
    chain: &'a Chain,
    log_of: &'a dyn Fn(u64) -> Option<u64>,
    operator: &'a Operator,
    operator_log_of: &'a dyn Fn(u64) -> Option<u64>,
}

impl<'a> Signed<'a> {
    /// The versions of a skill, in the order of their publication.
    fn releases(&self, id: &SkillId) -> Vec<&'a Published> {
        let all = self.chain.releases().filter(|(name, _, _)| **name == id.name);
        let mut releases: Vec<&Published> = all.map(|(_, _, published)| published).collect();
        releases.sort_by_key(|published| published.release.seq);
        releases
    }

    /// The first member of a line that is not what is signed.
    fn difference(&self, id: &SkillId, line: &Line, published: &Published) -> Option<&'static str> {
        let release = &published.release.predicate;
        let state = published.statuses.last().map_or(State::Active, |status| status.predicate.state);
        let reference = format!("{id}@{}", release.version);
        let status = held(self.operator, &reference).unwrap_or_else(|| line_status(state));
        let checks = [
            ("the version", line.vers.to_string() == release.version),
            ("sha256", line.sha256 == published.archive),
            ("tree", line.tree == published.tree),
            ("size", line.size == release.size),
            ("the time of publication", line.published == release.created),
            ("the parent", line.parent.as_deref() == release.parent.as_ref().map(|parent| parent.reference.as_str())),
            ("the statement", line.stmt == published.release.envelope),
            ("the state", line.st == status),
            ("the log index", self.leaf(&reference, published) == Some(line.log)),
        ];
        checks.into_iter().find(|(_, equal)| !equal).map(|(what, _)| what)
    }

    /// The leaf of the last statement about a version, whoever made it.
    fn leaf(&self, reference: &str, published: &Published) -> Option<u64> {
        let own = published.statuses.last().map_or(published.release.seq, |status| status.seq);
        let own = (self.log_of)(own)?;
        match self.operator.status(reference) {
            Some(word) => Some(own.max((self.operator_log_of)(word.seq)?)),
            None => Some(own),
        }
    }
}

/// What line 0 says follows from the lines below it.
fn check_header(id: &SkillId, index: &Index) -> Result<(), Fault> {
    if Some(index.header.log) != index.lines.iter().map(|line| line.log).max() {
        return Err(differs(id, "its log index is not that of its last change".to_owned()));
    }
    if index.header.tags.best.as_ref() != best(&index.lines) {
        return Err(differs(id, "`best` is not the version with the highest comparable score".to_owned()));
    }
    if index.header.tags.latest.as_ref() != latest(&index.lines) {
        return Err(differs(id, "`latest` is not the highest installable release".to_owned()));
    }
    let best = index.header.tags.best.as_ref();
    if best.is_some_and(|best| index.line(best).is_none_or(|line| line.st != LineStatus::Ok)) {
        return Err(differs(id, "`best` is not an installable version".to_owned()));
    }
    Ok(())
}

fn differs(id: &SkillId, detail: String) -> Fault {
    Fault::new(codes::INDEX_MISMATCH).at(id.to_string()).detail(detail)
}

fn place(id: &SkillId, fault: Fault) -> Fault {
    let line = fault.place.as_deref().map(|line| format!(", {line}")).unwrap_or_default();
    fault.at(format!("/index/{id}{line}"))
}

/// Whether the file is what we would write for its content, lines of other format versions aside: no unknown members, no spaces.
fn is_exact(index: &Index, bytes: &[u8]) -> bool {
    let rendered = index.render();
    if rendered.as_bytes() == bytes {
        return true;
    }
    let mut known = rendered.lines();
    let ours = |line: &&str| line.starts_with("{\"v\":1,");
    std::str::from_utf8(bytes).is_ok_and(|text| text.lines().filter(ours).all(|line| known.next() == Some(line)))
        && known.next().is_none()
}

#[cfg(test)]
mod tests;
