//! `not`, `all`, `any` and `at_least`: checks of checks. The value of `all` is the least of its checks, of `any` the greatest, of
//! `at_least` with `min` n the n-th greatest, and of `not` what is missing to 1; so `all` is `at_least` of all, and `any` of one.

use serde_json::{Map, Value};
use skill_schema::{Fault, codes};

use super::{
    Parsed, Rule, Scene,
    params::Params,
    parse_at,
    value::{Finding, Level, Share},
};

/// Checks inside one another: more cannot be read by people.
const MAX_DEPTH: usize = 8;

/// Checks in one combinator.
const MAX_CHECKS: usize = 64;

#[derive(Debug)]
struct Not(Parsed);

#[derive(Debug)]
struct AtLeast {
    min: usize,
    checks: Vec<Parsed>,
}

/// Reads `check` (of `not`) or `checks`; inner checks have the target of the outer one unless they name their own.
pub(super) fn parse(params: &Params<'_>, depth: usize) -> Result<Box<dyn Rule>, Fault> {
    if depth >= MAX_DEPTH {
        return Err(params.wrong("checks", format!("more than {MAX_DEPTH} checks inside one another")));
    }
    if params.kind == "not" {
        return Ok(Box::new(Not(inner(params, "check", params.required("check")?, 0, depth)?)));
    }
    let list = params.required("checks")?.as_array().filter(|list| (1..=MAX_CHECKS).contains(&list.len()));
    let list = list.ok_or_else(|| params.wrong("checks", format!("a list of 1 to {MAX_CHECKS} checks is expected")))?;
    let checks: Vec<Parsed> = list
        .iter()
        .enumerate()
        .map(|(at, value)| inner(params, "checks", value, at, depth))
        .collect::<Result<_, _>>()?;
    let min = match params.kind {
        "all" => checks.len(),
        "any" => 1,
        _ => match usize::try_from(params.optional_count("min")?.ok_or_else(|| params.one_of(&["min"]))?) {
            Ok(min) if (1..=checks.len()).contains(&min) => min,
            _ => return Err(params.wrong("min", "1 to the number of checks is expected")),
        },
    };
    Ok(Box::new(AtLeast { min, checks }))
}

fn inner(params: &Params<'_>, name: &str, value: &Value, at: usize, depth: usize) -> Result<Parsed, Fault> {
    let members: &Map<String, Value> = value.as_object().ok_or_else(|| params.wrong(name, "a check is expected"))?;
    let id = format!("{}.{}", params.id, at + 1);
    let outer = Params { id: &id, kind: "", target: params.target, members };
    let kind = outer.text("kind")?;
    let target = outer.optional_text("target")?.unwrap_or(params.target);
    let parsed = parse_at(&Params { kind, target, ..outer }, depth + 1)?;
    if parsed.is_judged() || parsed.is_report_only() {
        return Err(params.fault(codes::CHECK_KIND, name, format!("`{kind}` cannot stand inside `{}`", params.kind)));
    }
    Ok(parsed)
}

impl Rule for Not {
    fn evaluate(&self, scene: &Scene<'_>) -> Finding {
        let finding = self.0.find(scene);
        let level = finding.level.map(|level| match level {
            Level::Broken => Level::Broken,
            Level::Share(share) => Level::Share(share.complement()),
        });
        Finding::new(level, format!("not: {}", finding.raw_evidence()))
    }

    fn reads_only_transcript(&self) -> bool {
        self.0.reads_only_transcript()
    }
}

impl Rule for AtLeast {
    fn evaluate(&self, scene: &Scene<'_>) -> Finding {
        let findings: Vec<Finding> = self.checks.iter().map(|check| check.find(scene)).collect();
        // A check that could not be made may have had any share: the outcome is known only if it makes no difference.
        let nth = |unknown: Level| {
            let mut levels: Vec<Level> = findings.iter().map(|finding| finding.level.unwrap_or(unknown)).collect();
            levels.sort_unstable();
            levels[levels.len() - self.min]
        };
        let (low, high) = (nth(Level::Share(Share::ZERO)), nth(Level::Share(Share::ONE)));
        let level = (low == high).then_some(low);
        Finding::new(level, evidence(&findings, level))
    }

    fn reads_only_transcript(&self) -> bool {
        self.checks.iter().all(Parsed::reads_only_transcript)
    }
}

/// How many passed, and the evidence of the check that decided.
fn evidence(findings: &[Finding], level: Option<Level>) -> String {
    let passed = findings.iter().filter(|finding| finding.level == Some(Level::Share(Share::ONE))).count();
    let decided = findings.iter().find(|finding| finding.level == level).map_or("", Finding::raw_evidence);
    format!("{passed} of {} passed; {decided}", findings.len())
}
