//! Remarks on a suite and a comparison, from the runs alone: what tells nothing, what wavers, what it costs, what got worse.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    report::words,
    run::{Arm, Run},
};

/// Per-mille between the best and the worst run of a case and arm from which it is called flaky.
const FLAKY: u16 = 500;

/// Per-mille by which a category's mean must fall to be mentioned.
const FALL: i64 = 50;

/// A tenth more or less tokens or time is not worth a remark.
const COST: f64 = 1.1;

/// Milliseconds of a run, on average, below which a difference in time is the machine's mood.
const MIN_MS: f64 = 1_000.0;

/// One remark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remark {
    /// What kind it is.
    pub kind: Kind,
    /// What it is about: a case, `CASE/CHECK`, a category, or `tokens` and `time`.
    pub about: String,
    /// The remark in one sentence.
    pub text: String,
}

/// Kinds of remarks, in the order in which they are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A check that passes always, or never, in both arms.
    NonDiscriminating,
    /// A case whose runs differ much within an arm.
    Flaky,
    /// A category whose mean falls.
    CategoryFalls,
    /// What the difference in score costs or saves.
    Cost,
    /// Runs without a score.
    Missing,
}

/// Makes the remarks. `category` names a case's category. Sorted by kind, then by what they are about.
pub fn analyze(runs: &[Run], category: impl Fn(&str) -> String) -> Vec<Remark> {
    let mut remarks = non_discriminating(runs);
    remarks.extend(flaky(runs));
    remarks.extend(falling(runs, category));
    remarks.extend(cost(runs));
    remarks.extend(missing(runs));
    remarks.sort_by(|a, b| (a.kind, &a.about).cmp(&(b.kind, &b.about)));
    remarks
}

/// The runs that have a score, of one arm.
fn scored(runs: &[Run], arm: Arm) -> impl Iterator<Item = (&Run, u16)> {
    runs.iter().filter(move |run| run.arm == arm).filter_map(|run| Some((run, run.score?)))
}

fn non_discriminating(runs: &[Run]) -> Vec<Remark> {
    let mut passes: BTreeMap<(&str, &str), BTreeMap<Arm, Vec<bool>>> = BTreeMap::new();
    for run in runs {
        for check in run.checks.iter().filter(|check| check.value.is_some()) {
            let arms = passes.entry((&run.case, &check.id)).or_default();
            arms.entry(run.arm).or_default().push(check.passed());
        }
    }
    let remark = |((case, check), arms): (&(&str, &str), &BTreeMap<Arm, Vec<bool>>)| {
        let all: Vec<bool> = arms.values().flatten().copied().collect();
        let how = match (arms.len(), all.iter().all(|&passed| passed), all.iter().any(|&passed| passed)) {
            (2, true, _) => "passes in every run of both arms",
            (2, _, false) => "fails in every run of both arms",
            _ => return None,
        };
        let text = format!("the check {how}, so it says nothing about the skill");
        Some(Remark { kind: Kind::NonDiscriminating, about: format!("{case}/{check}"), text })
    };
    passes.iter().filter_map(remark).collect()
}

fn flaky(runs: &[Run]) -> Vec<Remark> {
    let mut remarks: BTreeMap<&str, Remark> = BTreeMap::new();
    for arm in [Arm::Base, Arm::Cand] {
        let mut scores: BTreeMap<&str, Vec<u16>> = BTreeMap::new();
        for (run, score) in scored(runs, arm) {
            scores.entry(&run.case).or_default().push(score);
        }
        for (case, scores) in scores {
            let (Some(&least), Some(&most)) = (scores.iter().min(), scores.iter().max()) else { continue };
            if most - least >= FLAKY {
                let name = if arm == Arm::Base { "baseline" } else { "candidate" };
                let [least, most] = [least, most].map(|score| words::percent(i64::from(score) * 1_000));
                let text = format!("its {} runs of the {name} score between {least} and {most}", scores.len());
                remarks.entry(case).or_insert(Remark { kind: Kind::Flaky, about: case.to_owned(), text });
            }
        }
    }
    remarks.into_values().collect()
}

fn falling(runs: &[Run], category: impl Fn(&str) -> String) -> Vec<Remark> {
    // Sum of case means: of each case the mean of its runs, of each category the mean of its cases that both arms have.
    let mut cases: BTreeMap<&str, [Vec<u16>; 2]> = BTreeMap::new();
    for (at, arm) in [Arm::Base, Arm::Cand].into_iter().enumerate() {
        for (run, score) in scored(runs, arm) {
            cases.entry(&run.case).or_default()[at].push(score);
        }
    }
    let mut categories: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for (case, [base, cand]) in &cases {
        if let (Some(base), Some(cand)) = (mean(base), mean(cand)) {
            categories.entry(category(case)).or_default().push(cand - base);
        }
    }
    let remark = |(name, differences): (String, Vec<f64>)| {
        let count = u32::try_from(differences.len()).ok().filter(|&count| count > 0)?;
        #[expect(clippy::cast_possible_truncation, reason = "per-mille")]
        let change = (differences.iter().sum::<f64>() / f64::from(count)).round() as i64;
        let over = words::count(count, "case", "cases");
        let text = format!("over {over} the mean falls by {} points", points(-change));
        (change <= -FALL).then_some(Remark { kind: Kind::CategoryFalls, about: name, text })
    };
    categories.into_iter().filter_map(remark).collect()
}

/// Per-mille as points, without a sign.
fn points(per_mille: i64) -> String {
    words::points(per_mille * 1_000).trim_start_matches('+').to_owned()
}

fn mean(scores: &[u16]) -> Option<f64> {
    let count = u32::try_from(scores.len()).ok().filter(|&count| count > 0)?;
    Some(scores.iter().map(|&score| f64::from(score)).sum::<f64>() / f64::from(count))
}

fn cost(runs: &[Run]) -> Vec<Remark> {
    #[expect(clippy::cast_precision_loss, reason = "a remark in per cent")]
    let average = |arm, of: &dyn Fn(&Run) -> u64| {
        let values: Vec<f64> = scored(runs, arm).map(|(run, _)| of(run) as f64).collect();
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    };
    let score = |arm| mean(&scored(runs, arm).map(|(_, score)| score).collect::<Vec<_>>());
    let (Some(before), Some(after)) = (score(Arm::Base), score(Arm::Cand)) else { return Vec::new() };
    let tokens = |run: &Run| run.usage.prompt_tokens + run.usage.output_tokens;
    #[expect(clippy::cast_possible_truncation, reason = "per-mille")]
    let gain = words::points((after - before).round() as i64 * 1_000);
    let remark = |name: &str, least: f64, of: &dyn Fn(&Run) -> u64| {
        let (base, cand) = (average(Arm::Base, of)?, average(Arm::Cand, of)?);
        let is_small = base <= 0.0 || cand <= 0.0 || base.max(cand) < least;
        if is_small || (cand < base * COST && base < cand * COST) {
            return None;
        }
        let more = format!("{:+.0}", (cand / base - 1.0) * 100.0).replace('-', "\u{2212}");
        let text = format!("{more} % {name} for {gain} points");
        Some(Remark { kind: Kind::Cost, about: name.to_owned(), text })
    };
    [remark("tokens", 0.0, &tokens), remark("time", MIN_MS, &|run| run.usage.ms)].into_iter().flatten().collect()
}

fn missing(runs: &[Run]) -> Vec<Remark> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for run in runs.iter().filter(|run| run.score.is_none()) {
        *counts.entry(&run.case).or_default() += 1;
    }
    let remark = |(case, count): (&str, usize)| {
        let text = format!("{count} of its runs {} no score", if count == 1 { "has" } else { "have" });
        Remark { kind: Kind::Missing, about: case.to_owned(), text }
    };
    counts.into_iter().map(remark).collect()
}

#[cfg(test)]
mod tests {
    use skill_schema::Digest;

    use super::*;
    use crate::run::{CheckResult, Status, Usage};

    fn run(arm: Arm, case: &str, score: Option<u16>, checks: &[(&str, u64)], tokens: u64) -> Run {
        let check = |&(id, value): &(&str, u64)| CheckResult {
            id: id.to_owned(),
            kind: "contains".to_owned(),
            weight: 1,
            required: false,
            value: Some([value, 1]),
            judged: false,
            evidence: String::new(),
        };
        Run {
            arm,
            case: case.to_owned(),
            repeat: 0,
            seed: 0,
            status: if score.is_some() { Status::Ok } else { Status::Infra },
            score,
            checks: checks.iter().map(check).collect(),
            usage: Usage { prompt_tokens: tokens, ms: 100, ..Usage::default() },
            transcript: Digest::ZERO,
        }
    }

    fn remarks(runs: &[Run]) -> Vec<(Kind, String)> {
        let category = |case: &str| case[..1].to_owned();
        analyze(runs, category).into_iter().map(|remark| (remark.kind, remark.about)).collect()
    }

    #[test]
    fn what_says_nothing_wavers_costs_falls_and_lacks_is_remarked() {
        use Arm::{Base, Cand};
        let runs = [
            run(Base, "a1", Some(500), &[("always", 1), ("never", 0), ("telling", 0)], 100),
            run(Cand, "a1", Some(1000), &[("always", 1), ("never", 0), ("telling", 1)], 200),
            run(Base, "b1", Some(900), &[("alone", 1)], 100),
            run(Cand, "b1", Some(1000), &[], 200),
            run(Cand, "b1", Some(500), &[], 200),
            run(Cand, "c1", None, &[], 0),
        ];
        let text = |text: &str| text.to_owned();
        let expected = [
            (Kind::NonDiscriminating, text("a1/always")),
            (Kind::NonDiscriminating, text("a1/never")),
            (Kind::Flaky, text("b1")),
            (Kind::CategoryFalls, text("b")),
            (Kind::Cost, text("tokens")),
            (Kind::Missing, text("c1")),
        ];
        assert_eq!(remarks(&runs), expected);
        let all = analyze(&runs, |case| case[..1].to_owned());
        assert_eq!(all[4].text, "+100 % tokens for +13.3 points");
        assert_eq!(all[3].text, "over 1 case the mean falls by 15.0 points");
    }

    #[test]
    fn small_differences_are_not_remarked() {
        let pair = |base, cand, tokens| {
            [run(Arm::Base, "a1", Some(base), &[], 1000), run(Arm::Cand, "a1", Some(cand), &[], tokens)]
        };
        assert_eq!(remarks(&pair(600, 551, 1099)), []);
        assert_eq!(remarks(&pair(600, 550, 1099)), [(Kind::CategoryFalls, "a".to_owned())]);
        assert_eq!(remarks(&pair(600, 600, 1101)), [(Kind::Cost, "tokens".to_owned())]);
        assert_eq!(remarks(&[]), []);
        let mut slow = pair(600, 600, 1000);
        (slow[0].usage.ms, slow[1].usage.ms) = (100, 999);
        assert_eq!(remarks(&slow), []);
        slow[1].usage.ms = 1000;
        assert_eq!(remarks(&slow), [(Kind::Cost, "time".to_owned())]);
        let wavering = |low| [run(Arm::Base, "a1", Some(1000), &[], 1), run(Arm::Base, "a1", Some(low), &[], 1)];
        assert_eq!(remarks(&wavering(501)), []);
        assert_eq!(remarks(&wavering(500)), [(Kind::Flaky, "a1".to_owned())]);
    }
}
