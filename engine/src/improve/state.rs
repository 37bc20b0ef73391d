//! What a journal means: the versions, what was tried, what it took.

use std::collections::BTreeMap;

use skill_schema::{Digest, Fault, codes};

use super::{
    compare::sigma,
    journal::{Begin, Entry, Experiment, FORMAT, Gated, Preflight, Recheck, Status, Used},
    operator::{Operator, Weights},
    pareto::{Runner, fronts},
    scores::{Facts, Scores, noise, strength},
    stop::Stop,
};
use crate::suite::Case;

/// A version that is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Version {
    /// The experiment that made it; 0 is the start.
    pub exp: u32,
    /// Its parent's experiment; none of the start.
    pub parent: Option<u32>,
    /// Its commit.
    pub commit: String,
    /// Its tree.
    pub tree: Digest,
    /// Tokens that it loads.
    pub tokens: u64,
    /// Its scores, with the seeds that all versions have.
    pub scores: Scores,
    /// Its scores with the latest fresh seeds, if it was measured again.
    pub fresh: Option<Scores>,
    /// Whether it, or one that it comes from, holds text of train cases that the start does not hold.
    pub memorised: bool,
}

/// The state of a loop.
#[derive(Debug, Clone)]
pub struct State {
    /// What is improved.
    pub begin: Begin,
    /// The start as it was measured; none before that.
    pub preflight: Option<Preflight>,
    /// The train cases.
    pub facts: BTreeMap<String, Facts>,
    /// The noise of a difference, as a share of one.
    pub sigma: f64,
    /// The versions, the start first.
    pub versions: Vec<Version>,
    /// All experiments.
    pub experiments: Vec<Experiment>,
    /// Measured again.
    pub rechecks: Vec<Recheck>,
    /// What the gate said.
    pub gates: Vec<Gated>,
    /// The weights of the operators.
    pub weights: Weights,
    /// Experiments since the last keep, or since the loop was continued.
    pub without_keep: u32,
    /// The experiment from which on the breakers count.
    pub(super) counted_from: usize,
    /// The cap that was reached, until it is said.
    pub(super) capped: Option<String>,
    /// Why the loop ended, and with how many experiments asked for; none while it goes on.
    pub stopped: Option<(Stop, u32)>,
    /// What it took.
    pub used: Used,
}

impl State {
    /// The state that a journal's lines give, on the train cases of the suite.
    ///
    /// # Errors
    /// [`codes::IMPROVE`] if the lines are no journal of this form.
    pub fn of(entries: &[Entry], train: &[Case]) -> Result<Self, Fault> {
        let wrong = |detail: &str| Fault::new(codes::IMPROVE).at("journal.jsonl").detail(detail);
        let Some((Entry::Begin(begin), rest)) = entries.split_first() else {
            return Err(wrong("it has no first line: the run never began"));
        };
        if begin.format != FORMAT {
            return Err(wrong("it was written by a program of another version"));
        }
        let mut state = Self::new(begin.clone(), train);
        for entry in rest {
            if matches!(entry, Entry::Begin(_)) {
                return Err(wrong("it begins twice"));
            }
            state.apply(entry);
        }
        Ok(state)
    }

    /// The state after the first line.
    pub fn new(begin: Begin, train: &[Case]) -> Self {
        let start = Version {
            exp: 0,
            parent: None,
            commit: begin.commit.clone(),
            tree: begin.tree,
            tokens: begin.tokens,
            scores: Scores::new(),
            fresh: None,
            memorised: false,
        };
        Self {
            weights: Weights::new(&begin.operators),
            begin,
            preflight: None,
            facts: train.iter().map(|case| (case.id.clone(), Facts::from(case))).collect(),
            sigma: 0.0,
            versions: vec![start],
            experiments: Vec::new(),
            rechecks: Vec::new(),
            gates: Vec::new(),
            without_keep: 0,
            counted_from: 0,
            capped: None,
            stopped: None,
            used: Used::default(),
        }
    }

    /// Takes one more line.
    pub fn apply(&mut self, entry: &Entry) {
        match entry {
            Entry::Begin(_) => {}
            Entry::Preflight(preflight) => self.start(preflight),
            Entry::Experiment(experiment) => self.experiment(experiment),
            Entry::Recheck(recheck) => {
                for (exp, scores) in &recheck.scores {
                    if let Some(version) = self.versions.iter_mut().find(|version| version.exp == *exp) {
                        version.fresh = Some(scores.clone());
                    }
                }
                self.used.add(recheck.used);
                self.rechecks.push(recheck.clone());
            }
            Entry::Stopped { why, goal } => {
                self.stopped = Some((why.clone(), *goal));
                self.capped = None;
            }
            Entry::Gated(gated) => self.gates.push(gated.clone()),
        }
    }

    fn start(&mut self, preflight: &Preflight) {
        noise(&preflight.scores, &preflight.again, &mut self.facts);
        self.sigma = sigma(&preflight.scores, &preflight.again, &self.facts);
        self.versions[0].scores.clone_from(&preflight.scores);
        self.used.add(preflight.used);
        self.preflight = Some(preflight.clone());
    }

    fn experiment(&mut self, experiment: &Experiment) {
        self.go_on();
        self.used.add(experiment.used);
        self.capped.clone_from(&experiment.capped);
        let kept = experiment.status == Status::Keep;
        self.weights.learn(experiment.operator, kept);
        self.without_keep = if kept { 0 } else { self.without_keep + 1 };
        if let (true, Some(scores), Some(tree)) = (kept, &experiment.scores, experiment.tree) {
            let parents = [Some(experiment.parent), experiment.other];
            let inherits = parents.into_iter().flatten().any(|exp| self.version(exp).memorised);
            self.versions.push(Version {
                exp: experiment.exp,
                parent: Some(experiment.parent),
                commit: experiment.commit.clone(),
                tree,
                tokens: experiment.tokens,
                scores: scores.clone(),
                fresh: None,
                memorised: experiment.memorised || inherits,
            });
        }
        self.experiments.push(experiment.clone());
    }

    /// Whoever goes on where a loop ended gives the breakers a new count.
    pub(super) fn go_on(&mut self) {
        if self.stopped.take().is_some() {
            (self.without_keep, self.counted_from) = (0, self.experiments.len());
        }
    }

    /// Experiments that were made.
    pub fn done(&self) -> u32 {
        u32::try_from(self.experiments.len()).unwrap_or(u32::MAX)
    }

    /// Versions that were kept, without the start.
    pub fn keeps(&self) -> u32 {
        u32::try_from(self.versions.len() - 1).unwrap_or(u32::MAX)
    }

    /// The version that an experiment made; the start if it made none.
    pub fn version(&self, exp: u32) -> &Version {
        self.versions.iter().find(|version| version.exp == exp).unwrap_or(&self.versions[0])
    }

    /// The start.
    pub fn first(&self) -> &Version {
        &self.versions[0]
    }

    /// How good scores are, from 0 to 1.
    pub fn strength(&self, scores: &Scores) -> f64 {
        strength(scores, &self.versions[0].scores, &self.facts)
    }

    /// How good a version is: with fresh seeds where it was measured again.
    pub fn score_of(&self, version: &Version) -> f64 {
        self.strength(version.fresh.as_ref().unwrap_or(&version.scores))
    }

    /// The best version: the shorter and then the earlier one of equals.
    pub fn best(&self) -> &Version {
        let mut best = &self.versions[0];
        for version in &self.versions[1..] {
            let (score, most) = (self.score_of(version), self.score_of(best));
            if score > most || (score >= most && version.tokens < best.tokens) {
                best = version;
            }
        }
        best
    }

    /// The best version's score.
    pub fn best_score(&self) -> f64 {
        if self.preflight.is_none() { 0.0 } else { self.score_of(self.best()) }
    }

    /// The experiment that already made this tree; 0 is the start.
    pub fn made(&self, tree: &Digest) -> Option<u32> {
        if self.begin.tree == *tree {
            return Some(0);
        }
        self.experiments.iter().find(|experiment| experiment.tree.as_ref() == Some(tree)).map(|e| e.exp)
    }

    /// The versions that no other dominates, with how many cases each is best at.
    pub(super) fn fronts(&self) -> Vec<(usize, u64)> {
        let runner = |version| -> Runner<'_> {
            let version: &Version = version;
            Runner { scores: &version.scores, tokens: version.tokens }
        };
        let runners: Vec<Runner<'_>> = self.versions.iter().map(runner).collect();
        fronts(&runners, &self.facts)
    }

    /// Share of experiments that were kept, by operator, for reports.
    pub fn by_operator(&self) -> Vec<(Operator, u32, u32)> {
        let count = |operator: Operator, kept: bool| {
            let of = self.experiments.iter().filter(|e| e.operator == operator);
            u32::try_from(of.filter(|e| !kept || e.status == Status::Keep).count()).unwrap_or(u32::MAX)
        };
        let all =
            self.begin.operators.iter().map(|operator| (*operator, count(*operator, false), count(*operator, true)));
        all.filter(|(_, tried, _)| *tried > 0).collect()
    }

    /// The gain of the best version on the train cases over the start, and its standard error, with the seeds that both have.
    ///
    /// # Errors
    /// `E_GATE_SIZE`.
    pub fn gain(&self) -> Result<(f64, f64), Fault> {
        let (first, best) = (self.first(), self.best());
        let found = super::compare(&first.scores, &best.scores, &self.facts)?;
        Ok(found.map_or((0.0, 0.0), |found| (found.delta, found.se.max(self.sigma))))
    }

    /// The chain of versions from the start to this one, by first parents; the start is left out.
    pub fn chain(&self, version: &Version) -> Vec<&Version> {
        let mut chain = Vec::new();
        let mut at = self.versions.iter().find(|other| other.exp == version.exp);
        while let Some(version) = at.filter(|version| version.exp != 0) {
            chain.push(version);
            at = version.parent.map(|exp| self.version(exp));
        }
        chain.reverse();
        chain
    }
}
