//! Compares a skill's index with the chain of its scope. Every byte of an index is either signed by the publisher, follows from what
//! is signed, or is compared with the archive when that is opened (dependencies); a change anywhere is a fault.

use skill_bundle::chain::Published;
use skill_schema::{
    Fault, SkillId, codes,
    index::{Index, Line, LineStatus, latest},
    statement::State,
};

use super::ScopeChain;

/// Reads an index and compares it. `None` for no index, if the chain agrees that there is nothing.
pub(super) fn index(id: &SkillId, bytes: Option<&[u8]>, chain: &ScopeChain) -> Result<Option<Index>, Fault> {
    let differs = |detail: String| Fault::new(codes::INDEX_MISMATCH).at(id.to_string()).detail(detail);
    let mut releases: Vec<&Published> =
        chain.chain.releases().filter(|(name, _, _)| **name == id.name).map(|(_, _, published)| published).collect();
    releases.sort_by_key(|published| published.release.seq);
    let Some(bytes) = bytes else {
        return match releases.len() {
            0 => Ok(None),
            n => Err(differs(format!("there is no index, and {n} versions are signed"))),
        };
    };
    let index = Index::parse(bytes).map_err(|fault| place(id, fault))?;
    if !is_exact(&index, bytes) {
        return Err(place(id, Fault::new(codes::INDEX_INVALID).detail("it is not written as it must be")));
    }
    if index.header.pkg != *id {
        return Err(differs(format!("it is the index of {}", index.header.pkg)));
    }
    if index.lines.len() != releases.len() {
        return Err(differs(format!("it has {} versions, and {} are signed", index.lines.len(), releases.len())));
    }
    for (line, published) in index.lines.iter().zip(&releases) {
        if let Some(what) = difference(line, published, chain) {
            return Err(differs(format!("{}: {what} is not what is signed", line.vers)));
        }
    }
    if Some(index.header.log) != index.lines.iter().map(|line| line.log).max() {
        return Err(differs("its log index is not that of its last change".to_owned()));
    }
    if index.header.tags.latest.as_ref() != latest(&index.lines) {
        return Err(differs("`latest` is not the highest installable release".to_owned()));
    }
    let best = index.header.tags.best.as_ref();
    if best.is_some_and(|best| index.line(best).is_none_or(|line| line.st != LineStatus::Ok)) {
        return Err(differs("`best` is not an installable version".to_owned()));
    }
    Ok(Some(index))
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

/// The first member of a line that is not what its publisher signed.
fn difference(line: &Line, published: &Published, chain: &ScopeChain) -> Option<&'static str> {
    let release = &published.release.predicate;
    let last = published.statuses.last();
    let log = chain.log(last.map_or(published.release.seq, |status| status.seq));
    let state = last.map_or(State::Active, |status| status.predicate.state);
    let checks = [
        ("the version", line.vers.to_string() == release.version),
        ("sha256", line.sha256 == published.archive),
        ("tree", line.tree == published.tree),
        ("size", line.size == release.size),
        ("the time of publication", line.published == release.created),
        ("the parent", line.parent.as_deref() == release.parent.as_ref().map(|parent| parent.reference.as_str())),
        ("the statement", line.stmt == published.release.envelope),
        ("the state", line.st == line_status(state)),
        ("the log index", Some(line.log) == log),
    ];
    checks.into_iter().find(|(_, equal)| !equal).map(|(what, _)| what)
}

/// A signed state as the index writes it.
pub(super) fn line_status(state: State) -> LineStatus {
    match state {
        State::Active => LineStatus::Ok,
        State::Yanked => LineStatus::Yanked,
        State::Quarantined => LineStatus::Quarantined,
        State::Removed => LineStatus::Gone,
    }
}

#[cfg(test)]
mod tests;
