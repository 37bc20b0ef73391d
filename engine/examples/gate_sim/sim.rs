//! Loops of candidates against a suite, and what several rules publish. Used by the example, and in a short form by a test.

use skill_engine::{
    gate::{Case, Cases, Input, Policy, Recorded, decide},
    stats::Alpha,
};

/// Holdout cases.
pub const CASES: usize = 20;
/// Runs a case and arm.
pub const RUNS: usize = 5;
/// Candidates in a loop.
pub const ATTEMPTS: u32 = 10;
/// Gain of the better candidates whose acceptance is counted, as a share.
pub const GAIN: f64 = 0.16;

/// What a rule published.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Published {
    /// Loops in which the candidate's mean was above the recorded one at least once.
    pub above_recorded: u32,
    /// Loops in which the parameter-free Ladder stepped at least once.
    pub ladder: u32,
    /// Loops in which the exact test was at most 5 % at least once.
    pub exact: u32,
    /// Loops in which the gate accepted at least once.
    pub gate: u32,
    /// The same with the strict policy.
    pub strict: u32,
}

impl Published {
    /// Both together.
    pub fn plus(self, other: Self) -> Self {
        Self {
            above_recorded: self.above_recorded + other.above_recorded,
            ladder: self.ladder + other.ladder,
            exact: self.exact + other.exact,
            gate: self.gate + other.gate,
            strict: self.strict + other.strict,
        }
    }
}

/// Splitmix64 (Steele, Lea & Flood 2014): small, and the same everywhere.
pub struct Random(u64);

impl Random {
    /// The sequence of one loop.
    pub fn of(seed: u64, index: u64) -> Self {
        let mut start = Self(seed ^ index.wrapping_mul(0xd134_2543_de82_ef95));
        Self(start.next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// At least 0 and below 1.
    fn share(&mut self) -> f64 {
        f64::from(u32::try_from(self.next() >> 32).expect("32 bits")) / 4_294_967_296.0
    }

    /// How likely each case passes: one in ten always or never, the others anything. The variance of a pair of runs is 0.3.
    fn cases(&mut self) -> Vec<f64> {
        (0..CASES)
            .map(|_| match self.share() {
                x if x < 0.05 => 0.0,
                x if x < 0.10 => 1.0,
                _ => self.share(),
            })
            .collect()
    }

    /// One measurement: scores of all runs of each case.
    fn measure(&mut self, cases: &[f64]) -> Vec<Vec<u16>> {
        let run = |random: &mut Self, chance: f64| if random.share() < chance { 1000 } else { 0 };
        cases.iter().map(|&chance| (0..RUNS).map(|_| run(self, chance)).collect()).collect()
    }
}

/// A loop of candidates that are exactly as good as their head. The head is recorded once; for the exact tests it runs again
/// beside every candidate.
pub fn equal_candidates(seed: u64, index: u64) -> Published {
    let mut random = Random::of(seed, index);
    let cases = random.cases();
    let recorded = random.measure(&cases);
    let mut found = Published::default();
    let (mut standard, mut strict) = (Ledger::new(Policy::Standard, &recorded), Ledger::new(Policy::Strict, &recorded));
    for _ in 0..ATTEMPTS {
        let (head, candidate) = (random.measure(&cases), random.measure(&cases));
        found.above_recorded |= u32::from(sum(&candidate) > sum(&recorded));
        found.ladder |= u32::from(ladder_steps(&recorded, &candidate));
        found.exact |= u32::from(standard.attempt(&head, &candidate));
        strict.attempt(&head, &candidate);
    }
    (found.gate, found.strict) = (u32::from(standard.accepted), u32::from(strict.accepted));
    found
}

/// A first candidate that is better by [`GAIN`] on the whole; evenly, or by twice as much in every second case. Whether `standard`
/// and `strict` accept it.
pub fn better_candidate(seed: u64, index: u64, is_even: bool) -> [bool; 2] {
    let mut random = Random::of(seed, index);
    let (head, better) = loop {
        let head = random.cases();
        if let Some(better) = raised(&head, is_even) {
            break (head, better);
        }
    };
    let (recorded, base, cand) = (random.measure(&head), random.measure(&head), random.measure(&better));
    [Policy::Standard, Policy::Strict].map(|policy| {
        let mut ledger = Ledger::new(policy, &recorded);
        ledger.attempt(&base, &cand);
        ledger.accepted
    })
}

/// The cases made better until the mean gain is [`GAIN`]; `None` if there is not so much to gain.
fn raised(head: &[f64], is_even: bool) -> Option<Vec<f64>> {
    let by = |gain: f64| -> Vec<f64> {
        let takes_part = |i: usize| is_even || i.is_multiple_of(2);
        head.iter().enumerate().map(|(i, &p)| if takes_part(i) { (p + gain).min(1.0) } else { p }).collect()
    };
    let total = |cases: &[f64]| cases.iter().sum::<f64>();
    let wanted = total(head) + GAIN * 20.0;
    let (mut low, mut high) = (0.0, 1.0);
    if total(&by(high)) < wanted {
        return None;
    }
    for _ in 0..50 {
        let middle = f64::midpoint(low, high);
        *(if total(&by(middle)) < wanted { &mut low } else { &mut high }) = middle;
    }
    Some(by(high))
}

/// Attempts under one policy.
struct Ledger {
    policy: Policy,
    recorded: Recorded,
    failed: u32,
    accepted: bool,
}

impl Ledger {
    fn new(policy: Policy, recorded: &[Vec<u16>]) -> Self {
        let recorded = Recorded { sum: sum(recorded), runs: (CASES * RUNS) as u64 };
        Self { policy, recorded, failed: 0, accepted: false }
    }

    /// One attempt; says whether the test alone was significant at 5 %.
    fn attempt(&mut self, base: &[Vec<u16>], cand: &[Vec<u16>]) -> bool {
        let pair =
            |(base, cand): (&Vec<u16>, &Vec<u16>)| Case { base: base.clone(), cand: cand.clone(), ..Case::default() };
        let input = Input {
            cases: Cases::new(base.iter().zip(cand).map(pair).collect()).expect("they fit"),
            policy: self.policy,
            alpha: Alpha::after(self.failed),
            recorded: Some(self.recorded),
            ..Input::default()
        };
        let verdict = decide(&input).expect("a small input");
        self.accepted |= verdict.is_accept();
        self.failed += 1;
        verdict.p().expect("it was measured").at_most(Alpha::FIRST)
    }
}

/// The parameter-free Ladder (Blum & Hardt 2015): the mean rises by the standard error of the paired differences to what is
/// recorded.
fn ladder_steps(recorded: &[Vec<u16>], candidate: &[Vec<u16>]) -> bool {
    let mean = |scores: &Vec<u16>| scores.iter().map(|&score| f64::from(score)).sum::<f64>() / 5.0;
    let differences: Vec<f64> = candidate.iter().zip(recorded).map(|(new, old)| mean(new) - mean(old)).collect();
    let gain = differences.iter().sum::<f64>() / 20.0;
    let variance = differences.iter().map(|difference| (difference - gain).powi(2)).sum::<f64>() / 19.0;
    gain > (variance / 20.0).sqrt()
}

fn sum(scores: &[Vec<u16>]) -> u64 {
    scores.iter().flatten().map(|&score| u64::from(score)).sum()
}
