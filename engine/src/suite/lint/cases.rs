//! Rules about single cases: who they are, what they ask, and that what they check can tell good from bad.

use std::collections::HashMap;

use regex::Regex;

use super::{Linter, Step, checks::has_lookaround, rules};
use crate::suite::{Case, Check, Task, skeleton::PLACEHOLDER};

/// Characters of an expected text from which it is no accident that it stands in the prompt.
const ANSWER: usize = 6;

pub(super) fn check(linter: &mut Linter<'_>) {
    let suite = linter.suite();
    let mut ids: HashMap<&str, usize> = HashMap::new();
    for (n, case) in suite.cases.iter().enumerate() {
        if let Some(first) = ids.insert(&case.id, n) {
            let message = format!("the id `{}` is also that of case {}", case.id, first + 1);
            linter.report_case(rules::DUPLICATE_ID, n, &[Step::Key("id")], message, "give each case an id of its own");
        }
        if case.is_draft() {
            let message = format!("the case `{}` is a draft that nobody has reviewed", case.id);
            linter.report_case(
                rules::DRAFT,
                n,
                &[Step::Key("draft")],
                message,
                "skill suite review asks about each draft",
            );
        }
        match &case.task {
            Task::Prompt { prompt, .. } => {
                asks(linter, n, "prompt", prompt);
                checked(linter, n, case);
                answers(linter, n, case);
            }
            Task::Trigger { query, .. } => asks(linter, n, "query", query),
            Task::Metric { pattern, .. } => metric(linter, n, pattern),
        }
    }
    triggers(linter);
}

fn asks(linter: &mut Linter<'_>, n: usize, key: &str, text: &str) {
    if text.contains(PLACEHOLDER) {
        let message = format!("the {key} is still a placeholder");
        linter.report_case(rules::PLACEHOLDER, n, &[Step::Key(key)], message, "write what a user would say");
    }
    if text.trim().is_empty() {
        let message = format!("the {key} is empty");
        linter.report_case(rules::NO_PROMPT, n, &[Step::Key(key)], message, "write what a user would say");
    }
}

/// A case can be scored, and preferably without a model.
fn checked(linter: &mut Linter<'_>, n: usize, case: &Case) {
    let Task::Prompt { checks, expectations, .. } = &case.task else { return };
    match (checks.is_empty(), expectations.is_empty()) {
        (true, true) => {
            let help = "add `checks`, or `expectations` that a grader model judges";
            linter.report_case(rules::NO_CHECKS, n, &[], format!("the case `{}` checks nothing", case.id), help);
        }
        (true, false) => {
            let message = format!("all of the case `{}` is judged by a model", case.id);
            let help = "add a check that a program can make: it costs nothing and is the same for everybody";
            linter.report_case(rules::JUDGED_ONLY, n, &[Step::Key("expectations")], message, help);
        }
        (false, true) if checks.iter().all(|check| check.weight == 0 || check.kind == "similar") => {
            let message = format!("no check of the case `{}` has weight", case.id);
            let help = "a score is a weighted mean: give one of the checks a weight (`similar` is only reported)";
            linter.report_case(rules::ZERO_WEIGHT, n, &[Step::Key("checks")], message, help);
        }
        (false, _) => {}
    }
}

/// What a check looks for is not in the prompt, where repeating the question would pass.
fn answers(linter: &mut Linter<'_>, n: usize, case: &Case) {
    let Task::Prompt { prompt, checks, .. } = &case.task else { return };
    let prompt = prompt.to_lowercase();
    for (at, check) in checks.iter().enumerate().filter(|(_, check)| check.target != "exit") {
        let found = expected(check)
            .into_iter()
            .find(|text| text.chars().count() >= ANSWER && prompt.contains(&text.to_lowercase()));
        if let Some(text) = found {
            let message = format!("`{text}`, which the check `{}` looks for, stands in the prompt", check.id);
            let help = "check for something that only a right answer has";
            linter.report_case(rules::ANSWER_IN_PROMPT, n, &[Step::Key("checks"), Step::Item(at)], message, help);
        }
    }
}

/// The texts that a check wants to find.
fn expected(check: &Check) -> Vec<&str> {
    let kind = check.kind.strip_prefix('i').unwrap_or(&check.kind);
    if !["exact", "contains", "contains_all", "contains_any", "starts_with", "ends_with", "file_contains"]
        .contains(&kind)
    {
        return Vec::new();
    }
    let one = check.params.get("value").and_then(|value| value.as_str());
    let many = check.params.get("values").and_then(|values| values.as_array()).into_iter().flatten();
    one.into_iter().chain(many.filter_map(|value| value.as_str())).collect()
}

fn metric(linter: &mut Linter<'_>, n: usize, pattern: &str) {
    let at = [Step::Key("pattern")];
    if has_lookaround(pattern) {
        let help = "write it without look-around and back-references";
        return linter.report_case(rules::LOOKAROUND, n, &at, "the pattern needs look-around or back-references", help);
    }
    match Regex::new(pattern) {
        Ok(regex) if regex.captures_len() > 1 => {}
        Ok(_) => {
            let help = "put the number into parentheses: ^loss: ([0-9.]+)";
            linter.report_case(rules::METRIC_PATTERN, n, &at, "the pattern has no group", help);
        }
        Err(error) => {
            let message = format!("the pattern is not valid: {error}");
            linter.report_case(rules::REGEX, n, &at, message, "");
        }
    }
}

/// A set of queries that all should trigger is passed by a skill that always triggers.
fn triggers(linter: &mut Linter<'_>) {
    let mut sides = [None; 2];
    for (n, case) in linter.suite().cases.iter().enumerate() {
        if let Task::Trigger { should_trigger, .. } = &case.task {
            sides[usize::from(*should_trigger)].get_or_insert(n);
        }
    }
    if let [Some(n), None] | [None, Some(n)] = sides {
        let word = if sides[1].is_some() { "should" } else { "should not" };
        let message = format!("all queries {word} trigger the skill");
        let help = "add queries of the other side; near misses tell the most";
        linter.report_case(rules::ONE_SIDED, n, &[Step::Key("should_trigger")], message, help);
    }
}
