//! What the gate says, for people and as JSON.

use serde::{Serialize, Serializer};
use skill_schema::{Fault, codes, codes::Exit};

use super::{Policy, Reason};
use crate::stats::{Alpha, Chance};

/// How it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Not measured.
    Invalid,
    /// Measured, and not better.
    Reject,
    /// Better.
    Accept,
}

impl Outcome {
    /// The word, as statements write it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Reject => "reject",
            Self::Accept => "accept",
        }
    }
}

/// What an accept may claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Label {
    /// Better on cases of this kind: `p_case ≤ 0.05`.
    General,
    /// Better on these cases.
    SuiteOnly,
}

/// Means and ends of the interval as integers per mille, as statements carry them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PerMille {
    /// Mean of the head, rounded half to even.
    pub base: i32,
    /// Mean of the candidate, rounded half to even.
    pub cand: i32,
    /// The gain, rounded half to even from the exact one, so it can differ by 1 from the difference of the two means.
    pub delta: i32,
    /// Lower end of the gain's interval, rounded down.
    pub lo: i32,
    /// Upper end of the gain's interval, rounded up.
    pub hi: i32,
}

/// What was measured. Floats are per mille.
#[derive(Debug, Clone, PartialEq)]
pub struct Numbers {
    /// Mean of the head.
    pub mean_base: f64,
    /// Mean of the candidate.
    pub mean_cand: f64,
    /// The gain, candidate − head.
    pub delta: f64,
    /// Its standard error, from the sums of groups.
    pub se: f64,
    /// Its 95 % interval.
    pub interval: [f64; 2],
    /// Exact test of these cases.
    pub p_run: Chance,
    /// Exact test of cases of this kind.
    pub p_case: Chance,
    /// Level of the verdict.
    pub alpha: Alpha,
    /// Whether the policy's p is at most the level.
    pub is_significant: bool,
    /// Cases that the candidate did better.
    pub wins: usize,
    /// Cases that it did worse.
    pub losses: usize,
    /// Cases without a difference.
    pub ties: usize,
    /// The same as integers.
    pub permille: PerMille,
}

/// What the gate says.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// How it ends.
    pub outcome: Outcome,
    /// Why it is not an accept, in the order of [`Reason`].
    pub reasons: Vec<Reason>,
    /// Cases.
    pub n: usize,
    /// Runs a case and arm; 1 if greedy.
    pub k: usize,
    /// Groups of cases.
    pub clusters: usize,
    /// Which test decided.
    pub policy: Policy,
    /// Of a maintenance release, what the candidate may be worse by, per mille.
    pub margin: Option<u16>,
    /// What was measured; `None` if invalid.
    pub numbers: Option<Numbers>,
}

impl Verdict {
    /// Whether it is an accept.
    pub fn is_accept(&self) -> bool {
        self.outcome == Outcome::Accept
    }

    /// What an accept of an improvement may claim; `None` for every other verdict.
    pub fn label(&self) -> Option<Label> {
        let numbers = self.numbers.as_ref().filter(|_| self.is_accept() && self.margin.is_none())?;
        Some(if numbers.p_case.at_most(Alpha::FIRST) { Label::General } else { Label::SuiteOnly })
    }

    /// The policy's p; `None` if invalid.
    pub fn p(&self) -> Option<&Chance> {
        self.numbers.as_ref().map(|numbers| match self.policy {
            Policy::Standard => &numbers.p_run,
            Policy::Strict => &numbers.p_case,
        })
    }

    /// The exit code of a command that ends with this verdict; `None` for an accept.
    pub fn exit(&self) -> Option<Exit> {
        self.fault().map(|fault| fault.code.exit)
    }

    /// The error that a reject or an invalid verdict is, with its sentence; `None` for an accept.
    pub fn fault(&self) -> Option<Fault> {
        let code = match self.outcome {
            Outcome::Accept => return None,
            Outcome::Reject => codes::GATE_REJECTED,
            Outcome::Invalid => codes::GATE_INVALID,
        };
        let sentence = self.sentence();
        // The code says "not measured" itself.
        let detail = sentence.strip_prefix("not measured: ").unwrap_or(&sentence).to_owned();
        Some(Fault::new(code).detail(detail))
    }
}

/// The members in their order; those without a value are left out.
#[derive(Serialize)]
struct Members<'a> {
    n: usize,
    k: usize,
    reasons: &'a [Reason],
    #[serde(flatten)]
    measured: Option<MeasuredMembers>,
    #[serde(skip_serializing_if = "Option::is_none")]
    margin: Option<u16>,
    verdict: Outcome,
}

#[derive(Serialize)]
struct MeasuredMembers {
    mean_base: f64,
    mean_cand: f64,
    delta: f64,
    se_case: f64,
    clusters: usize,
    ci95: [f64; 2],
    p_run: f64,
    p_case: f64,
    alpha: f64,
    wins: usize,
    losses: usize,
    ties: usize,
    policy: Policy,
    generalises: bool,
}

impl Serialize for Verdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let measured = self.numbers.as_ref().map(|numbers| MeasuredMembers {
            mean_base: numbers.mean_base,
            mean_cand: numbers.mean_cand,
            delta: numbers.delta,
            se_case: numbers.se,
            clusters: self.clusters,
            ci95: numbers.interval,
            p_run: numbers.p_run.value(),
            p_case: numbers.p_case.value(),
            alpha: numbers.alpha.value(),
            wins: numbers.wins,
            losses: numbers.losses,
            ties: numbers.ties,
            policy: self.policy,
            generalises: self.label() == Some(Label::General),
        });
        let (n, k, reasons, margin, verdict) = (self.n, self.k, &self.reasons[..], self.margin, self.outcome);
        Members { n, k, reasons, measured, margin, verdict }.serialize(serializer)
    }
}
