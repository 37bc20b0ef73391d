//! Rules about the suite as a whole: its settings, its size, and its split.

use std::collections::{BTreeMap, HashSet};

use super::{Linter, Step, rules};
use crate::suite::{
    Case, Lock, Split,
    folder::{EVALS, LOCK},
};

/// Held-out cases, and groups of them, that the gate needs.
const GATE_CASES: usize = 8;
/// Runs of a case that the gate needs unless decoding is greedy.
const GATE_RUNS: u32 = 3;

/// Rules about settings.
pub(super) fn settings(linter: &mut Linter<'_>) {
    let suite = linter.suite();
    let settings = &suite.settings;
    let greedy = settings.sampling.temperature <= 0.0;
    if greedy {
        let steps = [Step::Key("suite"), Step::Key("sampling"), Step::Key("temperature")];
        let message = "with temperature 0 all runs of a case are the same and count as one";
        linter.report(rules::GREEDY, &steps, message, "");
    }
    if settings.runs_gate < GATE_RUNS && !greedy {
        let steps = [Step::Key("suite"), Step::Key("runs"), Step::Key("gate")];
        let message = format!("{} runs of a case at the gate; it needs {GATE_RUNS}", settings.runs_gate);
        linter.report(rules::TOO_FEW_RUNS, &steps, message, "5 are recommended");
    }
    if settings.sandbox == "network" {
        let steps = [Step::Key("suite"), Step::Key("sandbox")];
        linter.report(
            rules::NETWORK,
            &steps,
            "runs have the network",
            "what they read there can change and can hold answers",
        );
    }
    let folder = linter.opened.folder.path().file_name().and_then(|name| name.to_str());
    let beside = linter.opened.folder.holds(skill_schema::skill_md::FILE);
    if let Some(folder) = folder.filter(|folder| beside && !suite.skill_name.is_empty() && suite.skill_name != *folder)
    {
        let message = format!("skill_name is `{}`, and the skill beside it is called `{folder}`", suite.skill_name);
        linter.report(rules::SKILL_NAME, &[Step::Key("skill_name")], message, "");
    }
}

/// Rules about groups, the lock and the parts.
pub(super) fn check(linter: &mut Linter<'_>) {
    let suite = linter.suite();
    if suite.cases.is_empty() {
        return linter.report(
            rules::EMPTY,
            &[Step::Key("evals")],
            "there is no case",
            "skill suite new writes ten to start from",
        );
    }
    if spans_categories(linter) {
        return;
    }
    let lock = match linter.opened.lock() {
        Ok(lock) => lock,
        Err(fault) => {
            let message = fault.detail.as_deref().unwrap_or(fault.code.title);
            return linter.report_file(rules::LOCK, &format!("{EVALS}/{LOCK}"), message, fault.code.help);
        }
    };
    locked(linter, &lock);
    // Ids that stand twice were reported; they have no split.
    if let Ok(whole) = suite.split(&lock) {
        parts(linter, &whole);
    }
}

/// Whether a group has cases of several categories, which have no split.
fn spans_categories(linter: &mut Linter<'_>) -> bool {
    let mut groups: BTreeMap<&str, &Case> = BTreeMap::new();
    let mut found = false;
    for (n, case) in linter.suite().cases.iter().enumerate() {
        let first = groups.entry(&case.group).or_insert(case);
        if first.category != case.category {
            found = true;
            let message = format!(
                "the group `{}` has cases of the categories `{}` and `{}`",
                case.group, first.category, case.category
            );
            let help = "the split is made by category: give a group one category";
            linter.report_case(rules::SPANS_CATEGORIES, n, &[Step::Key("category")], message, help);
        }
    }
    found
}

fn locked(linter: &mut Linter<'_>, lock: &Lock) {
    let suite = linter.suite();
    for (n, case) in suite.cases.iter().enumerate() {
        let Some(entry) = lock.entry(&case.id) else { continue };
        for (key, is, was) in [("category", &case.category, &entry.category), ("group", &case.group, &entry.group)] {
            if is != was {
                let message = format!("the {key} of the case `{}` is `{is}`, and `{was}` in the lock", case.id);
                let help = "a locked case keeps its side; for another one, make a new case with another id";
                linter.report_case(rules::LOCK_DIFFERS, n, &[Step::Key(key)], message, help);
            }
        }
    }
    let open = suite.cases.iter().filter(|case| lock.get(&case.id).is_none()).count();
    if open > 0 {
        let message = format!("{open} of {} cases are not in the lock", suite.cases.len());
        linter.report_file(
            rules::NOT_SPLIT,
            &format!("{EVALS}/{LOCK}"),
            message,
            "run skill suite split and commit the file",
        );
    }
}

fn parts(linter: &mut Linter<'_>, lock: &Lock) {
    let suite = linter.suite();
    let at = if suite.document.is_array() { Vec::new() } else { vec![Step::Key("evals")] };
    let count = |split: Split| suite.part(lock, split).count();
    if count(Split::Train) == 0 {
        linter.report(rules::NO_TRAIN, &at, "no case is for training", "add cases");
    }
    if count(Split::Holdout) == 0 {
        return linter.report(rules::NO_HOLDOUT, &at, "no case is held out", "add cases: two of five are held out");
    }
    let held: HashSet<&str> = suite.part(lock, Split::Holdout).map(|case| case.group.as_str()).collect();
    let cases = count(Split::Holdout);
    if cases < GATE_CASES || held.len() < GATE_CASES {
        let message =
            format!("{cases} cases in {} groups are held out; the gate needs {GATE_CASES} in {GATE_CASES}", held.len());
        linter.report(rules::TOO_FEW_CASES, &at, message, "about 20 cases in groups of their own are enough to start");
    }
}
