//! What a registry knows of attempts to improve a skill: the ledger, which is logged, and the logs of experiments, which nothing signs.

use serde::Serialize;
use skill_bundle::hash::sha256;
use skill_engine::report::words;
use skill_schema::{
    Digest, SkillId, Version,
    api::{eval::Entry, publish::MAX_TRIED},
    codes::{self, escape},
    spec::Spec,
    time::Timestamp,
};

use crate::{
    api::Api,
    context::Context,
    output::{Output, count},
    render::day,
};

/// What was tried, as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Tried {
    id: SkillId,
    registry: String,
    /// Logged attempts, newest first.
    attempts: Vec<Entered>,
    /// What logs tell that were published with versions. Nobody signed them.
    experiments: Vec<Experiment>,
}

/// An attempt to beat the head.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entered {
    attempt: Digest,
    version: Version,
    /// `accept`, `maintenance`, `reject` or `invalid`; `pending` without a result.
    outcome: String,
    model: String,
    /// The gain, per mille.
    delta: Option<i64>,
    /// Failed attempts before it.
    failed: u32,
    /// Whether the head was a version; false if it was measured against no skill.
    against_head: bool,
    created: Timestamp,
    record: Option<Digest>,
}

/// A line of a log of experiments; text is what the file says.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Experiment {
    version: Version,
    status: String,
    operator: Option<String>,
    delta: Option<String>,
    description: String,
}

/// Shows what a registry knows; with a status, only the experiments that ended so.
///
/// # Errors
/// [`skill_schema::codes::NOT_FOUND`], and what the network and the registry refuse.
pub(super) async fn run(spec: &Spec, status: Option<&str>, context: &Context) -> anyhow::Result<()> {
    let registry = context.registry_for(&spec.id, spec.registry.as_deref())?;
    let api = context.api(&registry)?;
    let info = api.info(&spec.id).await?;
    let attempts = match status {
        Some(_) => Vec::new(),
        None => api.evals(&spec.id).await?.attempts.into_iter().map(attempt).collect(),
    };
    let mut experiments = Vec::new();
    for said in &info.versions {
        let Some(digest) = said.tried else { continue };
        match fetch(&api, &digest).await {
            Ok(text) => experiments.extend(experiments_of(&text, &said.version)),
            Err(error) => context.output.warn(format!("the log of {}@{} is left out: {error}", spec.id, said.version)),
        }
    }
    experiments.retain(|experiment| status.is_none_or(|status| experiment.status == status));
    let tried = Tried { id: spec.id.clone(), registry: registry.label().to_owned(), attempts, experiments };
    context.output.result_or("skill.tried.published/1", &tried, |out| say(&tried, out));
    Ok(())
}

async fn fetch(api: &Api, digest: &Digest) -> anyhow::Result<String> {
    let bytes = api.blob(digest, MAX_TRIED).await?;
    if sha256(&bytes) != *digest {
        return Err(skill_schema::Fault::new(codes::DIGEST).at(digest.to_string()).into());
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn attempt(entry: Entry) -> Entered {
    Entered {
        attempt: entry.attempt,
        version: entry.version,
        outcome: entry.verdict.unwrap_or_else(|| "pending".to_owned()),
        model: entry.model,
        delta: entry.delta,
        failed: entry.failed,
        against_head: entry.parent.is_some(),
        created: entry.created,
        record: entry.record,
    }
}

/// The experiments of a log whose columns are named in its first line. The start, and lines that have too few columns, are left out.
fn experiments_of(text: &str, version: &Version) -> Vec<Experiment> {
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
    let column = |name: &str| names.iter().position(|found| *found == name);
    let (Some(status), Some(description)) = (column("status"), column("description")) else { return Vec::new() };
    let (operator, delta) = (column("op"), column("delta"));
    let read = |line: &str| {
        let cells: Vec<&str> = line.split('\t').collect();
        let known = |at: Option<usize>| {
            let cell = cells.get(at?).copied().filter(|cell| *cell != "-" && !cell.is_empty());
            cell.map(str::to_owned)
        };
        let experiment = Experiment {
            version: version.clone(),
            status: (*cells.get(status)?).to_owned(),
            operator: known(operator),
            delta: known(delta),
            description: (*cells.get(description)?).to_owned(),
        };
        (experiment.operator.as_deref() != Some("start")).then_some(experiment)
    };
    lines.filter_map(read).collect()
}

fn say(tried: &Tried, out: &Output) {
    if tried.attempts.is_empty() && tried.experiments.is_empty() {
        out.status("Tried", format!("nothing on {}", tried.id));
        return;
    }
    let delta = |delta: Option<i64>| delta.map_or_else(|| "-".to_owned(), |pm| words::points(pm * 1_000));
    let row = |attempt: &Entered| {
        let (version, outcome) = (attempt.version.to_string(), escape(&attempt.outcome));
        let against = if attempt.against_head { "the head" } else { "no skill" };
        let (model, failed) = (escape(&attempt.model), attempt.failed.to_string());
        vec![version, outcome, delta(attempt.delta), against.to_owned(), failed, model, day(attempt.created)]
    };
    let rows: Vec<Vec<String>> = tried.attempts.iter().map(row).collect();
    if !rows.is_empty() {
        out.table(&["version", "outcome", "gain", "over", "failed before", "model", "date"], &rows);
    }
    if !tried.experiments.is_empty() {
        let cell = |text: &Option<String>| text.as_deref().map_or_else(|| "-".to_owned(), escape);
        let row = |experiment: &Experiment| {
            let (version, ended) = (experiment.version.to_string(), escape(&experiment.status));
            vec![version, ended, cell(&experiment.delta), cell(&experiment.operator), escape(&experiment.description)]
        };
        let rows: Vec<Vec<String>> = tried.experiments.iter().map(row).collect();
        out.table(&["on the way to", "ended", "gain", "kind", "idea"], &rows);
        out.note("experiments are what publishers say of their own search: nothing signs these lines");
    }
    let (attempts, experiments) =
        (count(tried.attempts.len(), "attempt"), count(tried.experiments.len(), "experiment"));
    out.note(format!("{attempts}, {experiments}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_read_by_the_names_of_its_columns_and_anything_else_is_not() {
        let version: Version = "1.1.0".parse().expect("a version");
        let text = "commit\ttrain_score\tgpu_gb\tstatus\tdescription\texp\tparent\top\tdelta\n\
                    a\t0.4\t0.0\tkeep\tthe start\t0\t-\tstart\t-\n\
                    b\t0.5\t0.0\tdiscard\tshorter\t1\t0\tsimplify\t-0.1\n\
                    short\n";
        let found = experiments_of(text, &version);
        assert_eq!(found.len(), 1);
        assert_eq!((&*found[0].status, found[0].operator.as_deref()), ("discard", Some("simplify")));
        assert_eq!(experiments_of("x\ty\na\tb\n", &version), []);
        assert_eq!(experiments_of("", &version), []);
    }
}
