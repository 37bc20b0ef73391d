//! A suite whose truth is known: the skill's text says how likely each case succeeds, and each edit has an effect that its proposer knows.

use std::{cell::Cell, collections::BTreeMap, fs, path::Path, time::Duration};

use skill_schema::{Digest, Fault, codes, time::Timestamp};

use super::super::*;
use crate::{
    run::{Arm, Run, Status as Ended, Usage},
    suite::{Case, Suite, split::h64},
};

/// Classes of cases; a rule of the skill helps one of them.
pub(super) const CLASSES: usize = 12;
/// Train cases.
pub(super) const CASES: usize = 36;
/// Runs a case.
pub(super) const REPEATS: u32 = 2;
/// Lines that say nothing, at the start.
pub(super) const PADDING: usize = 60;
/// A holdout text.
pub(super) const SECRET: &str = "the quick auditor counted seventeen crimson ledgers before lunch on Friday";

/// How likely a case succeeds with this text.
pub(super) fn chance(text: &str, case: usize) -> u64 {
    let class = case % CLASSES;
    let count = |word: &str| text.lines().filter(|line| line.trim() == format!("- {word} {class}.")).count();
    if text.contains(&prompt(case)) {
        return 99;
    }
    match (count("Fix"), count("Break")) {
        (_, 1..) => 3,
        (0, _) if class < CLASSES / 3 => 96,
        (0, _) => 4,
        _ => 96,
    }
}

pub(super) fn truth(text: &str) -> f64 {
    let sum: u64 = (0..CASES).map(|case| chance(text, case)).sum();
    crate::ratio::quotient(sum.into(), 100 * CASES as i128)
}

pub(super) fn prompt(case: usize) -> String {
    format!("case {case} asks about parcel {case} of the northern depot in the year {}", 1900 + case)
}

pub(super) fn train() -> Vec<Case> {
    let cases: Vec<_> = (0..CASES)
        .map(|n| serde_json::json!({"id": format!("case-{n}"), "prompt": prompt(n), "checks": [{"kind": "contains", "value": "OK"}]}))
        .collect();
    let text = serde_json::json!({"skill_name": "notes", "evals": cases}).to_string();
    Suite::parse(text.as_bytes()).unwrap().cases
}

/// Measures by the text alone. After so many calls it fails, as a process that is killed does.
pub(super) struct World {
    pub(super) fuel: Cell<u32>,
    pub(super) tokens: u64,
}

impl Measure for World {
    async fn measure(&self, asked: Asked<'_>) -> Result<Measured, Fault> {
        let fuel = self.fuel.get();
        if fuel == 0 {
            return Err(Fault::new(codes::MODEL_UNAVAILABLE));
        }
        self.fuel.set(fuel - 1);
        let text = asked.folder.map(|folder| fs::read_to_string(folder.join("SKILL.md")).unwrap()).unwrap_or_default();
        let mut measured = Measured::default();
        for id in &asked.cases {
            let case: usize = id.trim_start_matches("case-").parse().unwrap();
            for repeat in asked.repeats.clone() {
                let draw = h64(&["run", id, &repeat.to_string(), &text]) % 100;
                measured.runs.push(run(id, repeat, draw < chance(&text, case), self.tokens));
            }
        }
        let used = used(&measured.runs);
        if asked.caps.tokens.is_some_and(|cap| used.tokens > cap) {
            return Ok(Measured { stopped: Some(Cap::Tokens), ..Measured::default() });
        }
        Ok(measured)
    }
}

pub(super) fn run(case: &str, repeat: u32, passed: bool, tokens: u64) -> Run {
    Run {
        arm: Arm::Cand,
        case: case.to_owned(),
        repeat,
        seed: 1,
        status: Ended::Ok,
        score: Some(if passed { 1000 } else { 0 }),
        checks: Vec::new(),
        usage: Usage { prompt_tokens: tokens, ..Usage::default() },
        transcript: Digest::ZERO,
    }
}

/// What an edit does, as the proposer knows and the loop does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Fix,
    Nothing,
    Break,
    Shorter,
    Memorise,
    Leak,
    Crash,
}

pub(super) fn kind(exp: u32) -> Kind {
    match h64(&["kind", &exp.to_string()]) % 20 {
        0..=4 => Kind::Fix,
        5..=9 => Kind::Nothing,
        10..=11 => Kind::Break,
        12..=16 => Kind::Shorter,
        17 => Kind::Memorise,
        18 => Kind::Leak,
        _ => Kind::Crash,
    }
}

pub(super) struct Scripted;

impl Propose for Scripted {
    async fn propose(&self, brief: &Brief, folder: &Path, _within: Duration) -> Result<Proposed, NoProposal> {
        let path = folder.join("SKILL.md");
        let mut text = fs::read_to_string(&path).unwrap();
        let failing = brief
            .evidence
            .iter()
            .find(|seen| seen.score != Some(1000))
            .map_or(0, |seen| seen.case.trim_start_matches("case-").parse::<usize>().unwrap());
        let exp = brief.experiment;
        let line = match kind(exp) {
            Kind::Fix => format!("- Fix {}.\n", failing % CLASSES),
            Kind::Nothing => format!("- Note {exp}.\n"),
            Kind::Break => format!("- Break {}.\n", exp as usize % CLASSES),
            Kind::Shorter => String::new(),
            Kind::Memorise => format!("- {}\n", prompt(failing)),
            Kind::Leak => format!("- Remember that {SECRET}.\n"),
            Kind::Crash => return Err(NoProposal::Failed("it answered nothing".to_owned())),
        };
        if kind(exp) == Kind::Shorter {
            let padding = text.lines().filter(|line| line.starts_with("Padding")).count();
            let keep = padding.saturating_sub(padding.div_ceil(6) + exp as usize % 3);
            let mut seen = 0;
            text = text
                .lines()
                .filter(|line| {
                    !line.starts_with("Padding") || {
                        seen += 1;
                        seen <= keep
                    }
                })
                .collect::<Vec<_>>()
                .join("\n")
                + "\n";
        }
        fs::write(path, text + &line).unwrap();
        Ok(Proposed { idea: format!("{:?} {exp}", kind(exp)), tokens: 10, cost_micros: 0 })
    }
}

/// A brief that says nothing.
pub(in crate::improve) fn brief() -> Brief {
    Brief {
        schema: brief::SCHEMA.to_owned(),
        experiment: 1,
        task: Task::of(Operator::Reflect),
        skill: "notes".to_owned(),
        files: BTreeMap::new(),
        other: None,
        score: 0.5,
        tokens: 10,
        evidence: Vec::new(),
        discarded: Vec::new(),
    }
}

/// A state with something of everything, whose texts all are this one.
pub(in crate::improve) fn state(text: &str) -> State {
    let train = train();
    let scores: Scores =
        train.iter().map(|case| (case.id.clone(), CaseScores { scores: vec![1000, 0], numbers: Vec::new() })).collect();
    let begin = Begin {
        format: journal::FORMAT,
        tag: "night".to_owned(),
        when: Timestamp::from_unix(1_700_000_000),
        source: text.to_owned(),
        name: text.to_owned(),
        tree: Digest::ZERO,
        commit: "0".repeat(40),
        tokens: 100,
        identity: Identity {
            suite: Digest::ZERO,
            key: Digest::ZERO,
            engine: text.to_owned(),
            proposer: text.to_owned(),
        },
        cases: train.iter().map(|case| case.id.clone()).collect(),
        repeats: 2,
        operators: Operator::ALL.to_vec(),
        interactive: false,
    };
    let mut state = State::new(begin, &train);
    let (used, none) = (journal::Used::default(), None);
    state.apply(&Entry::Preflight(Preflight {
        again: scores.clone(),
        scores: scores.clone(),
        without: Some(1),
        empty: none,
        oracle: none,
        used,
    }));
    for (n, status) in [Status::Keep, Status::Discard, Status::Crash, Status::Leak, Status::Invalid, Status::Budget]
        .into_iter()
        .enumerate()
    {
        let exp = u32::try_from(n).unwrap() + 1;
        state.apply(&Entry::Experiment(Box::new(Experiment {
            exp,
            parent: 0,
            other: Some(0),
            operator: Operator::ALL[n % 5],
            status,
            idea: text.to_owned(),
            why: text.to_owned(),
            stage: 2,
            delta: Some(0.1),
            se: Some(0.01),
            p_run: Some(0.1),
            score: Some(0.6),
            scores: Some(scores.clone()),
            same: false,
            memorised: true,
            commit: "1".repeat(40),
            tree: Some(Digest::ZERO),
            tokens: 90,
            capped: None,
            used,
        })));
    }
    state.apply(&Entry::Gated(Gated {
        exp: 1,
        verdict: "reject".to_owned(),
        sentence: text.to_owned(),
        train_gain: 0.3,
        holdout_gain: Some(0.0),
        overfit: Some(text.to_owned()),
        record: text.to_owned(),
    }));
    state
}
