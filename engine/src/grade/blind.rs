//! Two sides' answers to the same cases, compared blind by a grader: who is preferred how often, and whether chance would do as well.

use std::{collections::BTreeMap, fmt::Write as _};

use skill_schema::Fault;

use super::{
    Grader,
    compare::{Comparison, Pair, Preference, compare},
};
use crate::{
    record::Record,
    report::{Details, RunDetails, RunId},
    run::{Arm, Run, Usage},
    stats::sign_flip,
};

/// Characters of an answer, its files included, that are shown: two of them and the task fit most models.
const MAX_ANSWER: usize = 24_000;

/// One side: an arm of a record, with what its runs answered.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// The record.
    pub record: &'a Record,
    /// Its answers.
    pub details: &'a Details,
    /// The arm.
    pub arm: Arm,
}

/// One pair of answers, and what was said about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// The case.
    pub case: String,
    /// Which repeat, from 0.
    pub repeat: u32,
    /// What the grader said: `a` is the first side.
    pub said: Comparison,
}

/// What came of all pairs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contest {
    /// The pairs, in the order of the first side's cases and repeats.
    pub pairs: Vec<Compared>,
    /// Pairs in which the first side is preferred, the second, and neither.
    pub counts: [u32; 3],
    /// Pairs that have no answer in one of the orders at least.
    pub unanswered: u32,
    /// Pairs in which both orders said the same: a grader that prefers a place says little else.
    pub steady: u32,
    /// The chance, in millionths, that sides that are alike differ as much either way, over cases (both tails of the sign test).
    pub p_ppm: u32,
    /// What all calls used.
    pub usage: Usage,
}

/// The pairs of two sides: the answers of both to the same case in the same repeat. A case that was changed between them is none.
pub fn pairs(first: Side<'_>, second: Side<'_>) -> Vec<(RunId, Pair)> {
    let other: BTreeMap<(&str, u32), &Run> = scored(second).map(|run| ((run.case.as_str(), run.repeat), run)).collect();
    let hash = |record: &Record, id: &str| record.cases.iter().find(|case| case.id == id).map(|case| case.hash);
    let pair = |run: &Run| {
        let matching = other.get(&(run.case.as_str(), run.repeat))?;
        let is_same = hash(first.record, &run.case) == hash(second.record, &run.case);
        let (a, b) = (first.details.of(run)?, second.details.of(matching)?);
        let task = first.details.cases.get(&run.case)?.prompt.clone();
        let key = format!("{}/{}", run.case, run.repeat);
        is_same.then(|| (RunId::from(run), Pair { key, task, a: answer(a), b: answer(b) }))
    };
    let order = |id: &str| first.record.cases.iter().position(|case| case.id == id);
    let mut runs: Vec<&Run> = scored(first).collect();
    runs.sort_by_key(|run| (order(&run.case), run.repeat));
    runs.into_iter().filter_map(pair).collect()
}

/// The runs of a side that have a score: what the machine or a leak spoilt is no answer.
fn scored(side: Side<'_>) -> impl Iterator<Item = &Run> {
    side.record.runs.iter().filter(move |run| run.arm == side.arm && run.score.is_some())
}

/// The last answer and the files that the run left, cut at the limit.
fn answer(run: &RunDetails) -> String {
    let mut text = run.transcript.final_text().to_owned();
    for file in &run.files {
        let shown = file.text.as_deref().unwrap_or("not text");
        let _ = write!(text, "\n\nFile {} ({} bytes):\n{shown}", file.path, file.size);
    }
    match text.char_indices().nth(MAX_ANSWER) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

/// Has a grader compare the sides.
///
/// # Errors
/// `E_GATE_SIZE` if there are more cases than the test counts.
pub async fn contest(grader: &Grader, first: Side<'_>, second: Side<'_>) -> Result<Contest, Fault> {
    let pairs = pairs(first, second);
    let asked: Vec<Pair> = pairs.iter().map(|(_, pair)| pair.clone()).collect();
    let (said, usage) = compare(grader, &asked).await;
    let mut contest = Contest { pairs: Vec::new(), counts: [0; 3], unanswered: 0, steady: 0, p_ppm: 1_000_000, usage };
    let mut by_case: BTreeMap<&str, i64> = BTreeMap::new();
    for ((run, _), said) in pairs.iter().zip(said) {
        let balance = by_case.entry(&run.case).or_default();
        match said.preference {
            Some(Preference::A) => (contest.counts[0], *balance) = (contest.counts[0] + 1, *balance - 1),
            Some(Preference::B) => (contest.counts[1], *balance) = (contest.counts[1] + 1, *balance + 1),
            Some(Preference::Tie) => contest.counts[2] += 1,
            None => contest.unanswered += 1,
        }
        contest.steady += u32::from(matches!(said.orders, [Some(one), Some(other)] if one == other));
        contest.pairs.push(Compared { case: run.case.clone(), repeat: run.repeat, said });
    }
    let balances: Vec<i64> = by_case.into_values().collect();
    contest.p_ppm = two_sided(&balances)?;
    Ok(contest)
}

/// Both tails: twice the smaller one, at most 1.
fn two_sided(balances: &[i64]) -> Result<u32, Fault> {
    let turned: Vec<i64> = balances.iter().map(|balance| -balance).collect();
    let least = sign_flip(balances)?.ppm().min(sign_flip(&turned)?.ppm());
    Ok(least.saturating_mul(2).min(1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        executor::testing::Scripted,
        grade::BUILTIN,
        record::{Baseline, sample},
        report::{OutputFile, sample as texts},
        suite::GraderSettings,
    };

    fn grader(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Grader {
        let settings = GraderSettings { prompt: BUILTIN.to_owned(), votes: 1 };
        let engine = Scripted::new(move |messages, _| Ok(answer(&messages[1].content)));
        Grader::new(engine, &settings, std::path::Path::new("/nonexistent"), 1).unwrap()
    }

    /// Prefers the answer with `superior` in it, wherever it stands.
    fn fair(text: &str) -> String {
        let second = text.find("Second answer").unwrap();
        let winner = match (text[..second].contains("superior"), text[second..].contains("superior")) {
            (true, false) => "first",
            (false, true) => "second",
            _ => "tie",
        };
        format!("{{\"reason\": \"r\", \"winner\": \"{winner}\"}}")
    }

    fn measured(better: impl Fn(usize) -> bool) -> (Record, Details) {
        let runs = (0..8)
            .flat_map(|case| [sample::run(Arm::Base, case, 0, 0), sample::run(Arm::Cand, case, 0, 1_000)])
            .collect();
        let record = sample::of(runs, sample::cases(8), Some(Baseline::NoSkill {}));
        let details = texts::of(&record, |record, n| {
            let run = &record.runs[n];
            let case = run.case.trim_start_matches("case-").parse().unwrap();
            if run.arm == Arm::Cand && better(case) { "superior".to_owned() } else { "plain".to_owned() }
        });
        (record, details)
    }

    async fn held(better: impl Fn(usize) -> bool, answer: fn(&str) -> String) -> Contest {
        let (record, details) = measured(better);
        let side = |arm| Side { record: &record, details: &details, arm };
        contest(&grader(answer), side(Arm::Base), side(Arm::Cand)).await.unwrap()
    }

    #[tokio::test]
    async fn who_is_preferred_in_both_orders_wins_and_chance_is_counted_over_cases() {
        let all = held(|_| true, fair).await;
        assert_eq!((all.counts, all.unanswered, all.steady, all.pairs.len()), ([0, 8, 0], 0, 8, 8));
        assert_eq!(all.p_ppm, 2 * 1_000_000_u32.div_ceil(256));
        let half = held(|case| case < 4, fair).await;
        assert_eq!((half.counts, half.p_ppm), ([0, 4, 4], 2 * 1_000_000 / 16));
        let none = held(|_| false, fair).await;
        assert_eq!((none.counts, none.p_ppm), ([0, 0, 8], 1_000_000));
    }

    #[tokio::test]
    async fn a_grader_that_prefers_a_place_says_nothing() {
        let placed = held(|_| true, |_| "{\"reason\": \"\", \"winner\": \"first\"}".to_owned()).await;
        assert_eq!((placed.counts, placed.steady, placed.p_ppm), ([0, 0, 8], 0, 1_000_000));
        let silent = held(|_| true, |_| "hm".to_owned()).await;
        assert_eq!((silent.counts, silent.unanswered), ([0, 0, 0], 8));
    }

    #[test]
    fn a_pair_is_the_same_case_and_repeat_on_both_sides() {
        let (record, details) = measured(|_| true);
        let (mut other, mut texts) = (record.clone(), details.clone());
        other.cases[1].hash = skill_bundle::hash::sha256(b"changed");
        other.runs.retain(|run| run.case != "case-2");
        let spoilt = other.runs.iter_mut().find(|run| run.case == "case-3" && run.arm == Arm::Cand).unwrap();
        spoilt.score = None;
        let file = OutputFile { path: "a.txt".to_owned(), size: 30_000, text: Some("x".repeat(30_000)) };
        let of = texts.runs.iter_mut().find(|(id, _)| id.case == "case-0" && id.arm == Arm::Cand).unwrap().1;
        of.files = vec![file];
        let first = Side { record: &record, details: &details, arm: Arm::Cand };
        let found = pairs(first, Side { record: &other, details: &texts, arm: Arm::Cand });
        let names: Vec<&str> = found.iter().map(|(run, _)| run.case.as_str()).collect();
        assert_eq!(names, ["case-0", "case-4", "case-5", "case-6", "case-7"]);
        let shown = &found[0].1.b;
        assert!(
            shown.starts_with("superior\n\nFile a.txt (30000 bytes):\nxxx") && shown.chars().count() == MAX_ANSWER + 1
        );
    }
}
