//! What `skill publish` prints.

use serde::Serialize;
use skill_bundle::{chain::Published, hash::sha256};
use skill_engine::{gate::Outcome, ratio::round_half_even, record::Baseline, report::words};
use skill_schema::{
    Digest,
    codes::escape,
    lint::Finding,
    statement::{Parent, Release},
};

use super::{Sent, prepare::Prepared};
use crate::{
    context::Context,
    evals::{contest::Judged, kept},
    output::{Output, bytes, count},
    signing::Stored,
    statements::Signing,
};

const SCHEMA: &str = "skill.publish/1";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary<'a> {
    id: String,
    version: String,
    registry: &'a str,
    url: &'a str,
    /// `published`, `already` or `dry-run`.
    state: &'static str,
    tree: Digest,
    archive: Digest,
    size: u64,
    unpacked_size: u64,
    files: Vec<File<'a>>,
    skipped: Vec<Skipped<'a>>,
    findings: &'a [Finding],
    key: Option<Key<'a>>,
    /// What was or would be signed.
    statement: Option<&'a Release>,
    parent: Option<&'a Parent>,
    /// SHA-256 of the stored envelope.
    stmt: Option<Digest>,
    /// Log index of the statement.
    log: Option<u64>,
    warnings: &'a [serde_json::Value],
    /// What was measured of it.
    measured: Option<Found>,
}

/// What was measured of a version. Scores are per mille.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    attempt: Digest,
    record: Digest,
    suite: Digest,
    score_key: Digest,
    mean: Option<i64>,
    delta: Option<i64>,
    /// The gate's; none where nothing had to be beaten.
    verdict: Option<&'static str>,
    report: String,
}

#[derive(Serialize)]
struct File<'a> {
    path: &'a str,
    size: u64,
    executable: bool,
    sha256: Digest,
}

#[derive(Serialize)]
struct Skipped<'a> {
    path: &'a str,
    why: &'static str,
}

#[derive(Serialize)]
struct Key<'a> {
    name: &'a str,
    keyid: Option<Digest>,
}

impl<'a> Summary<'a> {
    fn of(prepared: &'a Prepared, signing: &'a Signing, state: &'static str) -> Self {
        let package = &prepared.packed.package;
        let files = package.files().map(|file| File {
            path: file.path,
            size: file.content.len() as u64,
            executable: file.executable,
            sha256: sha256(file.content),
        });
        let skipped = prepared.packed.skipped.iter();
        Self {
            id: prepared.manifest.id.to_string(),
            version: prepared.manifest.version.to_string(),
            registry: signing.source.registry.label(),
            url: &signing.source.registry.url,
            state,
            tree: package.tree(),
            archive: package.digest(),
            size: package.size(),
            unpacked_size: package.unpacked_size(),
            files: files.collect(),
            skipped: skipped.map(|skipped| Skipped { path: &skipped.path, why: skipped.why.as_str() }).collect(),
            findings: &prepared.findings,
            key: None,
            statement: None,
            parent: None,
            stmt: None,
            log: None,
            warnings: &[],
            measured: None,
        }
    }

    fn signed(mut self, stored: &'a Stored, release: &'a Release) -> Self {
        self.key = Some(Key { name: &stored.name, keyid: stored.keyid() });
        (self.statement, self.parent) = (Some(release), release.parent.as_ref());
        self
    }
}

/// What a real run would do.
pub(super) fn dry_run(prepared: &Prepared, stored: &Stored, release: &Release, signing: &Signing, context: &Context) {
    let summary = Summary::of(prepared, signing, "dry-run").signed(stored, release);
    context.output.result_or(SCHEMA, &summary, |out| {
        let row = |file: &File| {
            let size = if out.to_person() { bytes(file.size) } else { file.size.to_string() };
            let mode = if file.executable { "executable" } else { "" };
            vec![file.path.to_owned(), size, format!("sha256:{}", file.sha256), mode.to_owned()]
        };
        out.table(&["file", "size", "digest", "mode"], &summary.files.iter().map(row).collect::<Vec<_>>());
        say_skipped(&summary, out);
        out.status("Would pack", packed(&summary));
        out.note(format!("tree sha256:{}", summary.tree));
        out.note(format!("archive sha256:{}", summary.archive));
        out.status("Would sign", signed(&summary, stored, release));
        out.status("Would send", format!("it to {} ({})", summary.registry, summary.url));
    });
}

/// What was measured, before anything is published. Of the cases that are held out nothing is said one by one: whoever improves a skill by
/// looking at them measures nothing any more.
pub(super) fn judged(judged: &Judged, context: &Context) {
    let (out, record) = (&context.output, &judged.measured.record);
    let result = &record.result;
    let percent = |ppm: Option<i64>| ppm.map_or_else(|| "nothing".to_owned(), words::percent);
    let against = match &record.arms.baseline {
        Some(Baseline::Version { name, .. }) => name.clone(),
        _ => "no skill".to_owned(),
    };
    let base = percent(result.base.as_ref().and_then(|base| base.mean_ppm));
    let cases = count(usize::try_from(result.cases).unwrap_or(usize::MAX), "held-out case");
    let mean = percent(result.cand.mean_ppm);
    let what = format!("{}: {mean}; {against}: {base} ({cases} × {} runs)", record.skill.title(), result.repeats);
    out.status("Measured", what);
    if let Some(verdict) = &judged.verdict {
        out.status("Verdict", verdict.sentence());
        for reason in &verdict.reasons {
            out.note(format!("{}: {}", reason.code(), reason.happened()));
            out.hint(reason.what_to_do());
        }
    }
}

fn report(judged: &Judged) -> String {
    judged.kept.join(kept::PAGE).display().to_string()
}

fn found(judged: &Judged) -> Option<Found> {
    let record = &judged.measured.record;
    let pm = |ppm: i64| i64::try_from(round_half_even(ppm.into(), 1_000)).unwrap_or(0);
    Some(Found {
        attempt: judged.attempt.attempt,
        record: record.digest().ok()?,
        suite: judged.suite,
        score_key: record.score_key,
        mean: record.result.cand.mean_ppm.map(pm),
        delta: record.result.delta.as_ref().map(|delta| pm(delta.mean_ppm)),
        verdict: judged.verdict.as_ref().map(|verdict| match verdict.outcome {
            Outcome::Accept => "accept",
            Outcome::Reject => "reject",
            Outcome::Invalid => "invalid",
        }),
        report: report(judged),
    })
}

/// What was published.
pub(super) fn published(prepared: &Prepared, stored: &Stored, sent: &Sent, judged: Option<&Judged>, context: &Context) {
    let state = if sent.new { "published" } else { "already" };
    let mut summary = Summary::of(prepared, &sent.signing, state).signed(stored, &sent.release);
    (summary.stmt, summary.log) = (Some(sent.response.stmt), Some(sent.response.log));
    summary.warnings = &sent.response.warnings;
    summary.measured = judged.and_then(found);
    context.output.result_or(SCHEMA, &summary, |out| {
        say_warnings(&summary, out);
        say_skipped(&summary, out);
        out.status("Packed", packed(&summary));
        out.status("Signed", signed(&summary, stored, &sent.release));
        let what = format!("{} {}", summary.id, summary.version);
        if sent.new {
            out.status("Published", format!("{what} at {} (tree sha256:{})", summary.registry, summary.tree.short()));
        } else {
            out.status("Published", format!("{what} already, with the same content"));
        }
        out.hint(format!("skill info {}", summary.id));
        out.hint(format!("skill install {}", summary.id));
    });
}

/// The same version was there before.
pub(super) fn already(prepared: &Prepared, published: &Published, signing: &Signing, context: &Context) {
    let mut summary = Summary::of(prepared, signing, "already");
    summary.stmt = Some(published.release.envelope);
    summary.log = signing.chain.log(published.release.seq);
    (summary.statement, summary.parent) =
        (Some(&published.release.predicate), published.release.predicate.parent.as_ref());
    context.output.result_or(SCHEMA, &summary, |out| {
        let what = format!("{} {} already, with the same content", summary.id, summary.version);
        out.status("Published", what);
        out.hint(format!("skill info {}", summary.id));
    });
}

fn packed(summary: &Summary<'_>) -> String {
    let files = count(summary.files.len(), "file");
    let (id, version, size) = (&summary.id, &summary.version, bytes(summary.size));
    format!("{id} {version} ({files}, {size}, {} unpacked)", bytes(summary.unpacked_size))
}

fn signed(summary: &Summary<'_>, stored: &Stored, release: &Release) -> String {
    let id = stored.keyid().map(|id| format!(" ({})", id.short())).unwrap_or_default();
    let parent = summary.parent.map(|parent| format!(", after {}", parent.reference)).unwrap_or_default();
    format!("statement {} of {} with key {}{id}{parent}", release.seq, release.scope, stored.name)
}

fn say_skipped(summary: &Summary<'_>, out: &Output) {
    for skipped in &summary.skipped {
        out.status_warn("Left out", format!("{} ({})", escape(skipped.path), skipped.why));
    }
}

/// What the registry noticed and we did not.
fn say_warnings(summary: &Summary<'_>, out: &Output) {
    for warning in summary.warnings {
        let text = |name: &str| warning.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
        let known =
            summary.findings.iter().any(|finding| finding.rule == text("rule") && finding.message == text("message"));
        if !known && !text("message").is_empty() {
            out.warn(escape(text("message")));
        }
    }
}
