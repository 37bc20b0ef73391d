//! Whether a grader can be relied on: its size, whether it agrees with itself, and how much of the score hangs on it.

use serde::{Deserialize, Serialize};

use super::Agreement;
use crate::{
    model::Fingerprint,
    run::{CheckResult, Run},
};

/// Millions of parameters below which a model is no judge: four billion by name, some of which have a little less.
pub const MIN_MILLIONS: u64 = 3_500;

/// Per-mille of agreement with itself below which a grader is flagged.
pub const MIN_AGREEMENT: u16 = 900;

/// Questions that must have been asked twice before a lack of agreement says something.
pub const MIN_AUDITED: u64 = 10;

/// What a record says about its grader.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JudgeReport {
    /// Per-mille of questions that got the same value when asked again; `None` if none was.
    pub self_agreement: Option<u16>,
    /// Questions that were asked again.
    pub audited: u64,
    /// Whether readers should doubt it.
    pub flagged: bool,
    /// Why, in words.
    pub reason: Option<String>,
    /// Per-mille of the checks' weight that a model judged.
    pub share_of_judged_weight: u16,
    /// Whether the grader is the model that was graded.
    pub same_model: bool,
}

impl JudgeReport {
    /// Reports on a grader. `executor` is the model whose work it judged, if one did the work.
    pub fn new(grader: &Fingerprint, executor: Option<&Fingerprint>, audit: &Agreement, runs: &[Run]) -> Self {
        let share = share_of_judged_weight(runs.iter().flat_map(|run| &run.checks));
        let same_model = executor.is_some_and(|executor| executor.weights == grader.weights);
        let agreement = audit.permille();
        let doubt = match (millions(&grader.model), agreement) {
            (Some(size), _) if size < MIN_MILLIONS => {
                Some(format!("a model of {} parameters is too small to judge", shown(size)))
            }
            (_, Some(agreement)) if audit.total >= MIN_AUDITED && agreement < MIN_AGREEMENT => {
                Some(format!("it gave the same verdict in {} of {} questions", audit.agreed, audit.total))
            }
            _ => None,
        };
        // Where nothing is judged the grader is nobody's trouble.
        let reason = doubt.filter(|_| share > 0);
        Self {
            self_agreement: agreement,
            audited: audit.total,
            flagged: reason.is_some(),
            reason,
            share_of_judged_weight: share,
            same_model,
        }
    }
}

/// Per-mille of the checks' weight that a model judged, rounded up: a little is not nothing.
pub fn share_of_judged_weight<'a>(checks: impl IntoIterator<Item = &'a CheckResult>) -> u16 {
    let (mut judged, mut all) = (0_u64, 0_u64);
    for check in checks {
        all += u64::from(check.weight);
        judged += if check.judged { u64::from(check.weight) } else { 0 };
    }
    if all == 0 { 0 } else { u16::try_from((judged * 1000).div_ceil(all)).unwrap_or(1000) }
}

/// Millions of parameters that a model's name tells: `Qwen3-4B`, `SmolLM2-135M`, `Mixtral-8x7B`; `None` if it tells nothing.
pub fn millions(model: &str) -> Option<u64> {
    let is_part = |c: char| !(c.is_ascii_alphanumeric() || c == '.');
    let sizes = model.split(is_part).filter_map(|word| {
        let word = word.to_ascii_lowercase();
        let (number, unit) = word.split_at_checked(word.len().checked_sub(1)?)?;
        let unit = match unit {
            "b" => 1_000.0,
            "m" => 1.0,
            _ => return None,
        };
        let product = number.split('x').map(|factor| factor.parse::<f64>().ok()).product::<Option<f64>>()? * unit;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
        (1.0..1e9).contains(&product).then_some(product as u64)
    });
    sizes.max()
}

fn shown(millions: u64) -> String {
    if millions < 1_000 {
        format!("{millions} million")
    } else {
        format!("{}.{} billion", millions / 1_000, millions % 1_000 / 100)
    }
}

#[cfg(test)]
mod tests {
    use skill_schema::Digest;

    use super::*;
    use crate::run::{Arm, Status, Usage};

    #[test]
    fn names_tell_sizes() {
        for (name, expected) in [
            ("Qwen3-4B-Instruct-2507-Q4_K_M.gguf", Some(4_000)),
            ("SmolLM2-135M-Instruct.Q4_1.gguf", Some(135)),
            ("Qwen3-1.7B", Some(1_700)),
            ("Mixtral-8x7B-v0.1", Some(56_000)),
            ("gemma-3-270m-q4_k_m", Some(270)),
            ("gpt-4o-2024-08-06", None),
            ("claude-sonnet", None),
            ("", None),
            ("b", None),
            ("0.0b", None),
        ] {
            assert_eq!(millions(name), expected, "{name}");
        }
    }

    fn fingerprint(model: &str) -> Fingerprint {
        let text = |text: &str| text.to_owned();
        Fingerprint {
            model: text(model),
            weights: text(model),
            quantisation: text("unknown"),
            engine: text("x"),
            build: text("x"),
            device: text("x"),
        }
    }

    fn run(weights: &[(u32, bool)]) -> Run {
        let check = |&(weight, judged): &(u32, bool)| CheckResult {
            id: "c".to_owned(),
            kind: "contains".to_owned(),
            weight,
            required: false,
            value: Some([1, 1]),
            judged,
            evidence: String::new(),
        };
        Run {
            arm: Arm::Cand,
            case: "1".to_owned(),
            repeat: 0,
            seed: 0,
            status: Status::Ok,
            score: Some(1000),
            checks: weights.iter().map(check).collect(),
            usage: Usage::default(),
            transcript: Digest::ZERO,
        }
    }

    #[test]
    fn a_small_or_unsteady_judge_is_flagged_where_something_hangs_on_it() {
        let judged = [run(&[(1, true), (3, false)])];
        let report = |model: &str, agreed, total, runs: &[Run]| {
            let audit = Agreement { agreed, total, table: [0; 4] };
            JudgeReport::new(&fingerprint(model), Some(&fingerprint("exec-8B")), &audit, runs)
        };
        let good = report("judge-8B", 9, 10, &judged);
        assert_eq!((good.flagged, good.self_agreement, good.share_of_judged_weight), (false, Some(900), 250));
        assert!(report("judge-3B", 10, 10, &judged).flagged);
        assert!(!report("judge-3.5B", 10, 10, &judged).flagged);
        assert!(report("judge-8B", 8, 10, &judged).reason.unwrap().contains("8 of 10"));
        assert!(!report("judge-8B", 0, 9, &judged).flagged, "nine say nothing");
        assert!(!report("judge-3B", 0, 20, &[run(&[(1, false)])]).flagged, "nothing is judged");
        assert!(report("exec-8B", 1, 1, &judged).same_model && !good.same_model);
        assert_eq!(report("judge-8B", 0, 0, &[]).self_agreement, None);
    }

    #[test]
    fn a_little_judged_weight_is_not_nothing() {
        assert_eq!(share_of_judged_weight(&run(&[(1, true), (9_999, false)]).checks), 1);
        assert_eq!(share_of_judged_weight(&run(&[(1, true)]).checks), 1000);
        assert_eq!(share_of_judged_weight(&run(&[]).checks), 0);
    }
}
