//! A report as JUnit XML, for the test pages of CI systems: a suite a category, a case a run of the skill.
//!
//! The baseline's runs are no tests of the skill and are left out. Missing runs are errors or skipped, never failures.

use std::fmt::Write as _;

use super::{Details, words};
use crate::{
    record::Record,
    run::{Arm, Run, Status},
};

/// The report as JUnit XML.
pub fn text(record: &Record, details: &Details) -> String {
    let suites: Vec<Suite> = suites(record);
    let all = suites.iter().flat_map(|suite| &suite.runs);
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(out, "<testsuites name=\"{}\" {}>", xml(&record.skill.title()), counts(all.copied()));
    for suite in &suites {
        let of = counts(suite.runs.iter().copied());
        let when = record.provenance.when.to_string();
        // The format knows no zone; times are UTC.
        let _ = writeln!(
            out,
            "  <testsuite name=\"{}\" timestamp=\"{}\" {of}>",
            xml(suite.category),
            when.trim_end_matches('Z')
        );
        properties(&mut out, record);
        for run in &suite.runs {
            case(&mut out, suite.category, run, details);
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

struct Suite<'a> {
    category: &'a str,
    runs: Vec<&'a Run>,
}

/// The skill's runs by category, in the order of the suite.
fn suites(record: &Record) -> Vec<Suite<'_>> {
    let mut suites: Vec<Suite> = Vec::new();
    for facts in &record.cases {
        let mut runs: Vec<&Run> =
            record.runs.iter().filter(|run| run.arm == Arm::Cand && run.case == facts.id).collect();
        runs.sort_by_key(|run| run.repeat);
        match suites.iter_mut().find(|suite| suite.category == facts.category) {
            Some(suite) => suite.runs.extend(runs),
            None => suites.push(Suite { category: &facts.category, runs }),
        }
    }
    suites
}

/// What a run is in JUnit's words.
#[derive(PartialEq)]
enum Outcome {
    Passed,
    Failed,
    Error,
    Skipped,
}

fn outcome(run: &Run) -> Outcome {
    match run.status {
        Status::Infra | Status::GraderError => Outcome::Error,
        Status::Tainted => Outcome::Skipped,
        _ if run.score == Some(1_000) => Outcome::Passed,
        _ => Outcome::Failed,
    }
}

fn counts<'a>(runs: impl Iterator<Item = &'a Run>) -> String {
    let runs: Vec<&Run> = runs.collect();
    let like = |what: Outcome| runs.iter().filter(|run| outcome(run) == what).count();
    format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{}\"",
        runs.len(),
        like(Outcome::Failed),
        like(Outcome::Error),
        like(Outcome::Skipped),
        seconds(runs.iter().map(|run| run.usage.ms).sum())
    )
}

fn properties(out: &mut String, record: &Record) {
    out.push_str("    <properties>\n");
    let mut property = |name: &str, value: &str| {
        let _ = writeln!(out, "      <property name=\"{}\" value=\"{}\"/>", xml(name), xml(value));
    };
    property("conclusion", &words::conclusion(record).sentence);
    if let Some(base) = record.result.base.as_ref().and_then(|arm| arm.mean_ppm) {
        property("score of the baseline", &words::percent(base));
    }
    if let Some(mean) = record.result.cand.mean_ppm {
        property("score", &words::percent(mean));
    }
    for fact in words::facts(record) {
        property(fact.label, &fact.value);
    }
    property("score key", &record.score_key.to_string());
    out.push_str("    </properties>\n");
}

fn case(out: &mut String, category: &str, run: &Run, details: &Details) {
    let name = format!("{} #{}", details.name(&run.case), run.repeat + 1);
    let time = seconds(run.usage.ms);
    let _ = write!(out, "    <testcase classname=\"{}\" name=\"{}\" time=\"{time}\"", xml(category), xml(&name));
    let status = format!("{:?}", run.status).to_lowercase();
    match outcome(run) {
        Outcome::Passed => {
            out.push_str("/>\n");
            return;
        }
        Outcome::Skipped => out.push_str(">\n      <skipped message=\"the run read what it must not read\"/>\n"),
        Outcome::Error => {
            let _ =
                write!(out, ">\n      <error type=\"{status}\" message=\"missing, and no failure of the skill\"/>\n");
        }
        Outcome::Failed => {
            let score = run.score.unwrap_or(0);
            let _ = write!(out, ">\n      <failure type=\"{status}\" message=\"score {score} of 1000\">");
            out.push_str(&xml(&failed_checks(run, details)));
            out.push_str("</failure>\n");
        }
    }
    out.push_str("    </testcase>\n");
}

/// One line a check that did not pass wholly.
fn failed_checks(run: &Run, details: &Details) -> String {
    let failed = run.checks.iter().filter(|check| !check.passed());
    let line = |check: &crate::run::CheckResult| {
        let asked = details.check(&run.case, &check.id).unwrap_or(&check.kind);
        format!("{} ({asked}): {}", check.id, check.evidence)
    };
    failed.map(line).collect::<Vec<_>>().join("\n")
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1_000, ms % 1_000)
}

/// Text for XML 1.0: markup escaped, and a replacement for what no XML document may contain.
fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        record::sample::{cases, of, record, run},
        report::sample::{details, hostile, well_formed},
    };

    #[test]
    fn every_run_of_the_skill_is_a_test() {
        let text = text(&record(), &details());
        assert!(well_formed(&text).is_ok(), "{:?}", well_formed(&text));
        assert!(text.contains(
            "<testsuites name=\"acme/pdf-forms 2.3.0\" tests=\"100\" failures=\"31\" errors=\"0\" skipped=\"0\""
        ));
        assert_eq!(text.matches("<testcase ").count(), 100);
        assert_eq!(text.matches("<failure ").count(), 31);
        assert_eq!(text.matches("<testsuite ").count(), 3);
        assert!(text.contains("timestamp=\"2026-11-23T00:00:00\""), "{}", &text[..400]);
        assert!(text.contains("e1 (The PDF of case 0 has the name in field 1): field 1 holds 0"));
    }

    #[test]
    fn a_missing_run_is_no_failure() {
        let mut runs =
            vec![run(Arm::Cand, 0, 0, 0), run(Arm::Cand, 0, 1, 0), run(Arm::Cand, 0, 2, 0), run(Arm::Cand, 0, 3, 0)];
        for (run, status) in runs.iter_mut().zip([Status::Infra, Status::GraderError, Status::Tainted, Status::Timeout])
        {
            run.status = status;
            run.score = run.score.filter(|_| status.is_scored());
        }
        let text = text(&of(runs, cases(1), None), &Details::default());
        assert!(text.contains("tests=\"4\" failures=\"1\" errors=\"2\" skipped=\"1\""), "{text}");
        assert!(text.contains("<failure type=\"timeout\" message=\"score 0 of 1000\">"));
        assert!(well_formed(&text).is_ok());
    }

    #[test]
    fn hostile_text_stays_text() {
        let (record, details) = hostile();
        let text = text(&record, &details);
        assert_eq!(well_formed(&text), Ok(()), "{text}");
        assert!(!text.contains("<script") && text.contains("&lt;script"));
        assert!(text.chars().all(|c| matches!(c, '\n' | '\t') || !c.is_control()));
    }
}
