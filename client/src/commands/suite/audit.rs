//! `skill suite audit`: after the reveal, everybody checks every result that was measured with a suite.

use serde::Serialize;
use skill_engine::suite::pack;
use skill_schema::{
    Digest, Fault, Limits, codes,
    spec::{Spec, Which},
    statement::SuiteState,
};

use crate::{
    catalogue::Catalogue,
    context::Context,
    evals::audit::{Audit, Finding},
};

/// Check every result that was measured with a sealed suite, after its reveal.
///
/// Fetches the holdout, all attempts and their records, and computes again what was committed, which cases were run with which seeds, scores
/// and verdicts, who signed them, and that each attempt stands in the log after the commitment and before its result.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill suite audit acme/notes           the highest version of the suite
  skill suite audit acme/notes@1.0.0
  skill suite audit acme/notes --json")]
pub struct Args {
    /// The suite: scope/name, with @version for another one than the highest.
    #[arg(value_name = "NAME[@VERSION]")]
    suite: Spec,
}

/// What was found, as JSON.
#[derive(Serialize)]
struct Summary {
    id: String,
    version: String,
    suite: Digest,
    holdout: Digest,
    /// Attempts without a result.
    open: usize,
    results: Vec<Finding>,
    ok: bool,
}

/// Audits a suite.
///
/// # Errors
/// [`codes::SUITE_UNKNOWN`], [`codes::SEALED`] before the reveal, [`codes::SUITE_DIGEST`]; [`codes::AUDIT`] if a result does not hold.
pub(super) async fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    let id = &args.suite.id;
    let (source, chain) = Catalogue::new(context).scope(&id.scope, args.suite.registry.as_deref()).await?;
    let named = chain.chain.suites().filter(|(name, ..)| **name == id.name);
    let wanted = |version: &skill_schema::Version| match &args.suite.which {
        Which::Exact(exact) => version == exact,
        _ => true,
    };
    let found = named.filter(|(_, version, _)| wanted(version)).max_by_key(|(_, version, _)| *version);
    let (_, version, published) = found.ok_or_else(|| Fault::new(codes::SUITE_UNKNOWN).at(id.to_string()))?;
    let place = format!("{id}@{version}");
    if !published.statements.iter().any(|said| said.predicate.state == SuiteState::Reveal) {
        return Err(Fault::new(codes::SEALED).at(place).detail("it was not revealed yet").into());
    }
    let api = source.api()?;
    let info = api.suite(&published.digest).await?;
    let suite = pack::open(&api.blob(&info.archive, Limits::V1.archive).await?)?;
    let audit = Audit::new(context, &source, (&chain, published), &suite)?;
    let attempts = api.suite_evals(&published.digest).await?.attempts;
    let (mut results, mut open) = (Vec::new(), 0);
    // Oldest first, as they were made.
    for attempt in attempts.iter().rev() {
        let found = audit.attempt(attempt).await?;
        open += usize::from(found.is_empty());
        results.extend(found);
    }
    let ok = results.iter().all(Finding::holds);
    let said = &published.statements[0].predicate;
    let (holdout, suite) = (said.holdout, published.digest);
    let summary = Summary { id: id.to_string(), version: version.to_string(), suite, holdout, open, results, ok };
    context.output.result_or("skill.suite.audit/1", &summary, |out| {
        for finding in &summary.results {
            let what = format!("{}, attempt {}: {}", finding.subject, finding.attempt.short(), finding.verdict);
            if finding.holds() {
                out.status("Holds", what);
            } else {
                out.status_warn("Wrong", what);
            }
            for check in finding.checks.iter().filter(|check| !check.ok) {
                out.note(format!("{}: {}", check.what, check.found.as_deref().unwrap_or_default()));
            }
        }
        let open = if open > 0 { format!(", {open} attempts without a result") } else { String::new() };
        out.status("Audited", format!("{} {}: {} results{open}", summary.id, summary.version, summary.results.len()));
    });
    if ok { Ok(()) } else { Err(Fault::new(codes::AUDIT).at(place).into()) }
}
