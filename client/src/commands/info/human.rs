//! A skill on a terminal; in a pipe the same facts, a line each, separated by tabs.

use skill_schema::{
    Version,
    codes::escape,
    index::{LineStatus, PackageStatus},
};

use super::{File, Info};
use crate::{
    output::{self, BAD, DIM, HEAD, Output, count},
    render::{day, lines, shorten, wrap},
    scores,
};

/// Columns in which labels are right-aligned.
const LABEL: usize = 12;
/// Columns of the description.
const WIDTH: usize = 88;
/// Versions that are named in the overview.
const VERSIONS: usize = 6;

/// Says what was asked for.
pub(super) fn say(info: &Info, versions: bool, out: &Output) {
    if let Some(readme) = &info.readme {
        out.data(lines(readme).trim_end());
    } else if let Some(files) = &info.files {
        list_files(files, out);
    } else if versions {
        list_versions(info, out);
    } else {
        overview(info, out);
    }
}

fn list_files(files: &[File], out: &Output) {
    let rows: Vec<Vec<String>> = files
        .iter()
        .map(|file| {
            let size = if out.to_person() { output::bytes(file.size) } else { file.size.to_string() };
            vec![escape(&file.path), size, if file.executable { "executable" } else { "" }.to_owned()]
        })
        .collect();
    out.table(&["file", "size", "mode"], &rows);
}

fn list_versions(info: &Info, out: &Output) {
    let rows: Vec<Vec<String>> = info
        .versions
        .iter()
        .map(|facts| {
            let size = if out.to_person() { output::bytes(facts.size) } else { facts.size.to_string() };
            let note = facts.note.as_deref().map(escape).unwrap_or_default();
            let downloads = facts.downloads.map_or_else(|| "-".to_owned(), |n| n.to_string());
            let (score, state) = (scores::cell_or_dash(facts.score.as_ref()), state(facts.status).to_owned());
            vec![facts.version.to_string(), day(facts.published), state, downloads, size, score, note]
        })
        .collect();
    out.table(&["version", "published", "state", "installs", "size", "score", "note"], &rows);
}

/// The state of a version in a word; nothing for the usual one.
fn state(status: LineStatus) -> &'static str {
    match status {
        LineStatus::Ok => "",
        LineStatus::Yanked => "yanked",
        LineStatus::Quarantined => "quarantined",
        LineStatus::Gone => "removed",
    }
}

fn overview(info: &Info, out: &Output) {
    let facts = &info.version;
    if out.to_person() {
        out.data(format!("{HEAD}{} {}{HEAD:#}{}", info.id, facts.version, badge(info)));
        let description = escape(&info.description.split_whitespace().collect::<Vec<_>>().join(" "));
        out.data(format!("{}\n", wrap(&description, WIDTH.min(out.width().unwrap_or(WIDTH)))));
        for (label, value) in rows(info) {
            out.data(format!("{DIM}{label:>LABEL$}{DIM:#}  {value}"));
        }
        return;
    }
    let description = escape(&info.description);
    let head = [("skill", info.id.to_string()), ("version", facts.version.to_string()), ("description", description)];
    for (label, value) in head.into_iter().chain(rows(info)) {
        out.data(format!("{label}\t{value}"));
    }
}

/// What a person must see before anything else.
fn badge(info: &Info) -> String {
    let words = match (info.version.status, info.status) {
        (LineStatus::Ok, PackageStatus::Active) => return format!("  {DIM}signed and verified{DIM:#}"),
        (LineStatus::Ok, PackageStatus::Archived) => "archived",
        (LineStatus::Ok, PackageStatus::Deprecated) => "deprecated",
        (LineStatus::Ok, PackageStatus::Quarantined) => "quarantined",
        (status, _) => state(status),
    };
    format!("  {BAD}{words}{BAD:#}")
}

/// Labels and values, the most telling first.
fn rows(info: &Info) -> Vec<(&'static str, String)> {
    let facts = &info.version;
    let mut rows = Vec::new();
    let mut add =
        |label, value: Option<String>| rows.extend(value.filter(|v| !v.is_empty()).map(|value| (label, value)));
    let installable = facts.status == LineStatus::Ok;
    add("install", installable.then(|| format!("skill add {}", install_spec(info))));
    add(
        "deprecated",
        info.deprecation.as_ref().filter(|d| d.deprecated).map(|d| {
            let instead = d.replaced_by.as_ref().map(|id| format!("; use {id} instead")).unwrap_or_default();
            format!("{}{instead}", escape(&d.message))
        }),
    );
    let note = facts.note.as_deref().map(|note| format!(": {}", escape(note))).unwrap_or_default();
    add("state", Some(state(facts.status)).filter(|state| !state.is_empty()).map(|state| format!("{state}{note}")));
    let score = |score| scores::line(score, facts.lift.as_ref(), facts.model.as_deref(), facts.tokens);
    add("score", facts.score.as_ref().map(score));
    let other = info.best.as_ref().filter(|best| **best != facts.version);
    let scored = |best: &Version| {
        let facts = info.versions.iter().find(|facts| facts.version == *best);
        facts.and_then(|facts| facts.score.as_ref())
    };
    add("best", other.map(|best| format!("{best}: {}", scores::cell_or_dash(scored(best)))));
    add("licence", info.license.as_deref().map(escape));
    let files = count(usize::try_from(facts.files).unwrap_or(usize::MAX), "file");
    add("size", Some(format!("{} packed, {files}", output::bytes(facts.size))));
    let by = facts.publisher.as_deref().map(|name| format!(" by {}", escape(name))).unwrap_or_default();
    add("published", Some(format!("{}{by}", day(facts.published))));
    add(
        "signed with",
        Some(facts.keys.iter().map(|key| format!("key {}", key.short())).collect::<Vec<_>>().join(", ")),
    );
    add("owners", Some(info.owners.iter().map(|name| escape(name)).collect::<Vec<_>>().join(", ")));
    add("versions", Some(versions(info)));
    add("needs", Some(facts.dependencies.iter().map(|(id, req)| format!("{id} {req}")).collect::<Vec<_>>().join(", ")));
    add("improves", facts.parent.as_deref().map(escape));
    add("installs", info.downloads.map(|n| n.to_string()));
    add("source", info.repository.as_deref().map(escape));
    add("keywords", Some(info.keywords.iter().map(|word| escape(word)).collect::<Vec<_>>().join(", ")));
    add("tree", Some(facts.tree.prefixed()));
    add("registry", Some(escape(&info.registry)));
    rows
}

/// What to type to get the version that is shown.
fn install_spec(info: &Info) -> String {
    if info.latest.as_ref() == Some(&info.version.version) {
        info.id.to_string()
    } else {
        format!("{}@{}", info.id, info.version.version)
    }
}

/// `1.4.0, 1.3.2 (yanked), … 12 in all`.
fn versions(info: &Info) -> String {
    let named: Vec<String> = info
        .versions
        .iter()
        .take(VERSIONS)
        .map(|facts| match state(facts.status) {
            "" => facts.version.to_string(),
            state => format!("{} ({state})", facts.version),
        })
        .collect();
    let text = shorten(&named.join(", "), WIDTH);
    if info.versions.len() > VERSIONS { format!("{text}, … {} in all", info.versions.len()) } else { text }
}
