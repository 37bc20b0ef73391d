//! Checks: what a suite demands of a run, and whether the run does it.
//!
//! [`parse`] reads a check's parameters wholly and refuses what cannot be used; [`evaluate`] makes the check. Every kind of
//! [`KINDS`] is deterministic: the same run gives the same value everywhere, except where a program of the suite decides (`script`,
//! `test_command`, `metric`) or a model does (`expectation`, `rubric`).
//!
//! What a run left is hostile: no link is followed, and sizes, depths, counts and times are bounded. Who is at fault decides the value:
//! what the run should have left and did not counts as 0, also inside `not`; what the suite or the machine could not do is missing data.

mod agent;
mod code;
mod combine;
mod copy;
mod diff;
mod evidence;
mod files;
mod folder;
mod glob;
mod json;
mod judged;
mod number;
mod params;
mod process;
mod rows;
mod schema;
mod script;
mod table;
mod target;
mod text;
mod value;

#[cfg(test)]
mod tests;

use std::fmt;

use serde_json::Map;
use skill_schema::{Fault, codes};

use self::{params::Params, value::Finding};
pub use self::{
    process::PlainRunner,
    script::{MAX_OUTPUT, ScriptEnd, ScriptOutcome, ScriptRequest, ScriptRunner},
};
use crate::{
    run::{CheckResult, Finished},
    suite::Check,
};

/// Every kind of check.
pub const KINDS: [&str; 40] = [
    "exact",
    "iexact",
    "contains",
    "icontains",
    "contains_all",
    "icontains_all",
    "contains_any",
    "icontains_any",
    "regex",
    "iregex",
    "starts_with",
    "istarts_with",
    "ends_with",
    "iends_with",
    "json_valid",
    "json_schema",
    "json_path",
    "numeric",
    "file_exists",
    "file_absent",
    "file_contains",
    "file_sha256",
    "file_diff",
    "unchanged",
    "table",
    "script",
    "test_command",
    "metric",
    "tool_used",
    "tool_not_used",
    "skill_activated",
    "trigger",
    "usage",
    "expectation",
    "rubric",
    "similar",
    "not",
    "all",
    "any",
    "at_least",
];

/// A check whose parameters were read and are valid.
#[derive(Debug)]
pub struct Parsed {
    kind: String,
    rule: Box<dyn Rule>,
}

/// One kind of check with its parameters.
trait Rule: fmt::Debug + Send + Sync {
    /// Makes the check.
    fn evaluate(&self, scene: &Scene<'_>) -> Finding;

    /// Whether nothing but the transcript is looked at.
    fn reads_only_transcript(&self) -> bool {
        false
    }
}

/// What a check may look at, and who runs its programs.
struct Scene<'a> {
    run: &'a Finished<'a>,
    scripts: &'a dyn ScriptRunner,
}

/// Reads a check's parameters. Errors: `E_CHECK_KIND`, `E_CHECK_PARAM`, `E_CHECK_REGEX`, `E_CHECK_SCHEMA`, `E_CHECK_PATH`,
/// `E_CHECK_GLOB`, with `ID.PARAMETER` as their place.
pub fn parse(check: &Check) -> Result<Parsed, Fault> {
    let params = Params::of(check);
    let parsed = parse_at(&params, 0)?;
    if parsed.is_report_only() && check.required {
        return Err(params.wrong("required", "a check that only reports cannot be required"));
    }
    Ok(parsed)
}

/// Makes one check of a run. A check that cannot be read, or that could not be made, has no value.
pub fn evaluate(check: &Check, run: &Finished<'_>, scripts: &dyn ScriptRunner) -> CheckResult {
    match parse(check) {
        Ok(parsed) => parsed.evaluate(check, run, scripts),
        Err(fault) => result(check, &Finding::missing(fault.sentence()), check.weight, false),
    }
}

/// Whether the skill was taken up as a trigger case demands, as a check with the id `trigger`.
pub fn trigger(skill: &str, should_trigger: bool, run: &Finished<'_>) -> CheckResult {
    let finding = agent::trigger(run.transcript, skill, should_trigger);
    let (id, kind, target) = ("trigger".to_owned(), "trigger".to_owned(), "final".to_owned());
    let check = Check { id, kind, weight: 1, required: false, target, params: Map::new() };
    result(&check, &finding, 1, false)
}

impl Parsed {
    /// Whether a model has to judge it: [`evaluate`] gives no value.
    pub fn is_judged(&self) -> bool {
        matches!(self.kind.as_str(), "expectation" | "rubric")
    }

    /// Whether its value is only shown and never part of a score.
    pub fn is_report_only(&self) -> bool {
        self.kind == "similar"
    }

    /// Whether everybody who has the transcript can make the check again and gets the same value.
    pub fn reads_only_transcript(&self) -> bool {
        self.rule.reads_only_transcript()
    }

    /// Makes the check, whose `check` this was read from.
    pub fn evaluate(&self, check: &Check, run: &Finished<'_>, scripts: &dyn ScriptRunner) -> CheckResult {
        let finding = self.find(&Scene { run, scripts });
        let weight = if self.is_report_only() { 0 } else { check.weight };
        result(check, &finding, weight, self.is_judged())
    }

    fn find(&self, scene: &Scene<'_>) -> Finding {
        self.rule.evaluate(scene)
    }
}

fn result(check: &Check, finding: &Finding, weight: u32, judged: bool) -> CheckResult {
    CheckResult {
        id: check.id.clone(),
        kind: check.kind.clone(),
        weight,
        required: check.required,
        value: finding.value(),
        judged,
        evidence: finding.evidence(),
    }
}

/// Reads a check that stands inside `depth` others.
fn parse_at(params: &Params<'_>, depth: usize) -> Result<Parsed, Fault> {
    let plain = params.kind.strip_prefix('i').unwrap_or(params.kind);
    let rule = match params.kind {
        _ if text::KINDS.contains(&params.kind) || text::KINDS.contains(&plain) => text::parse(params),
        "json_valid" | "json_schema" | "json_path" => json::parse(params),
        "numeric" => number::parse(params),
        "usage" => number::parse_usage(params),
        "file_exists" | "file_absent" | "file_contains" | "file_sha256" => files::parse(params),
        "unchanged" => files::parse_unchanged(params),
        "file_diff" => diff::parse(params),
        "table" => table::parse(params),
        "script" => script::parse(params),
        "test_command" => script::parse_test(params),
        "metric" => script::parse_metric(params),
        "tool_used" | "tool_not_used" => agent::parse_tool(params),
        "skill_activated" | "trigger" => agent::parse_activated(params),
        "expectation" | "rubric" => judged::parse(params),
        "similar" => judged::parse_similar(params),
        "not" | "all" | "any" | "at_least" => combine::parse(params, depth),
        _ => {
            let kind = evidence::cut(params.kind, 40);
            Err(params.fault(codes::CHECK_KIND, "kind", format!("`{kind}`")))
        }
    }?;
    Ok(Parsed { kind: params.kind.to_owned(), rule })
}
