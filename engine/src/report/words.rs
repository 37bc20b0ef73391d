//! The words and numbers that all reports share, each in one place: what stands beside a mean, and what a result means.

use serde_json::Value;

use super::Details;
use crate::record::{Baseline, Delta, Interval, MILLION, Order, Record};

/// Leaks that are named; one is enough to act on.
const LEAKS: usize = 5;

/// A label and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// The label, lower case.
    pub label: &'static str,
    /// The value, for people. It can hold text from outside: printers escape it.
    pub value: String,
}

/// Whether a result is good news.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// The skill is better.
    Good,
    /// It is worse.
    Bad,
    /// Nothing can be said.
    Open,
}

/// What a result means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conclusion {
    /// One sentence with its numbers, for people.
    pub sentence: String,
    /// Whether it is good news.
    pub tone: Tone,
}

/// A share in percent with one digit: `69.0 %`.
pub fn percent(ppm: i64) -> String {
    format!("{} %", tenths(ppm))
}

/// A difference in percentage points with its sign: `+18.0`, `−0.6`, `0.0`.
pub fn points(ppm: i64) -> String {
    let text = tenths(ppm.saturating_abs());
    match ppm.signum() {
        _ if text == "0.0" => text,
        -1 => format!("\u{2212}{text}"),
        _ => format!("+{text}"),
    }
}

/// Percent with one digit, half away from zero.
fn tenths(ppm: i64) -> String {
    let rounded = (ppm.saturating_abs() + 500) / 1_000;
    let sign = if ppm < 0 && rounded > 0 { "\u{2212}" } else { "" };
    format!("{sign}{}.{}", rounded / 10, rounded % 10)
}

/// An integer with thin groups of three: `1,840`.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Milliseconds in seconds: `1.5 s`.
pub fn seconds(ms: u64) -> String {
    format!("{}.{} s", ms / 1_000, ms % 1_000 / 100)
}

/// Millionths of a dollar: `$0.0031`.
pub fn dollars(micros: u64) -> String {
    format!("${}.{:04}", micros / 1_000_000, micros % 1_000_000 / 100)
}

/// The interval of a mean: `48.5 % to 70.5 %`. Of few cases it can reach past what a mean can be; it is shown up to there.
pub fn mean_interval(interval: Option<Interval>) -> String {
    interval.map_or_else(
        || "none (fewer than two groups)".to_owned(),
        |i| format!("{} to {}", percent(i.low_ppm.clamp(0, MILLION)), percent(i.high_ppm.clamp(0, MILLION))),
    )
}

/// The interval of a difference: `+7.1 to +28.9`, shown up to 100 points either way.
pub fn delta_interval(delta: &Delta) -> String {
    delta.interval.map_or_else(
        || "none (fewer than two groups)".to_owned(),
        |i| {
            let [low, high] = [i.low_ppm, i.high_ppm].map(|end| end.clamp(-MILLION, MILLION));
            format!("{} to {}", points(low), points(high))
        },
    )
}

/// What the skill was compared with, as the second half of "with the skill and …".
pub fn baseline(record: &Record) -> String {
    match &record.arms.baseline {
        Some(Baseline::NoSkill {}) => "without".to_owned(),
        Some(Baseline::Version { name, .. }) => name.clone(),
        None => "no baseline".to_owned(),
    }
}

/// What the result means. The interval says it, not the mean: what includes zero is not a difference.
pub fn conclusion(record: &Record) -> Conclusion {
    let result = &record.result;
    let title = record.skill.title();
    let open = |sentence: String| Conclusion { sentence, tone: Tone::Open };
    let Some(mean) = result.cand.mean_ppm else {
        return open(format!("Nothing was measured: none of {} cases has all its runs.", record.cases.len()));
    };
    let Some(delta) = &result.delta else {
        return open(format!(
            "{title} scores {} on {}. Without a baseline nothing says whether it helps.",
            percent(mean),
            count(result.cases, "case", "cases")
        ));
    };
    let other = match record.arms.baseline {
        Some(Baseline::Version { .. }) => baseline(record),
        _ => "no skill".to_owned(),
    };
    let size = points(delta.mean_ppm.saturating_abs()).trim_start_matches('+').to_owned();
    let range = delta_interval(delta);
    match delta.interval {
        None => open(format!(
            "{title} and {other} differ by {} points on {}: too few for an interval.",
            points(delta.mean_ppm),
            count(result.groups, "group of cases", "groups of cases")
        )),
        Some(i) if i.low_ppm > 0 => Conclusion {
            sentence: format!("{title} is better than {other} by {size} points, 95 % interval {range}."),
            tone: Tone::Good,
        },
        Some(i) if i.high_ppm < 0 => Conclusion {
            sentence: format!("{title} is worse than {other} by {size} points, 95 % interval {range}."),
            tone: Tone::Bad,
        },
        Some(_) => open(format!(
            "{title} and {other} cannot be told apart with these runs: {} points, 95 % interval {range}.",
            points(delta.mean_ppm)
        )),
    }
}

/// `1 case`, `2 cases`.
pub fn count(n: u32, one: &str, many: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{} {many}", grouped(n.into())) }
}

/// What stands beside every mean, in this order: difference and interval, lift over no skill, normalised gain, n, runs, tokens,
/// model, trust.
pub fn facts(record: &Record) -> Vec<Fact> {
    let result = &record.result;
    let fact = |label, value| Fact { label, value };
    let not = "not measured".to_owned();
    let lift = match record.lift() {
        Some(delta) => format!("{} points", points(delta.mean_ppm)),
        None => not.clone(),
    };
    let gain = record.normalised_gain().map_or(not, percent);
    let mut facts = Vec::new();
    if let Some(delta) = &result.delta {
        facts.push(fact("difference", format!("{} points", points(delta.mean_ppm))));
        facts.push(fact("95 % interval", delta_interval(delta)));
    } else {
        facts.push(fact("95 % interval", mean_interval(result.cand.interval)));
    }
    let runs = format!("{} a case and arm, {} in all", result.repeats, grouped(result.statuses.total().into()));
    facts.extend([
        fact("lift over no skill", lift),
        fact("normalised gain", gain),
        fact("cases", format!("{} in {}", result.cases, count(result.groups, "group", "groups"))),
        fact("runs", runs),
        fact("tokens a run", tokens(record)),
        fact("model", record.model.name.clone()),
        fact("trust", record.provenance.trust.word().to_owned()),
    ]);
    facts
}

fn tokens(record: &Record) -> String {
    let with = record.result.cand.tokens;
    match &record.result.base {
        Some(base) => {
            let more = if with >= base.tokens { "+" } else { "\u{2212}" };
            format!("{} ({more}{})", grouped(with), grouped(with.abs_diff(base.tokens)))
        }
        None => grouped(with),
    }
}

/// What makes a result doubtful or incomplete, one sentence each: shown with it, never hidden.
pub fn cautions(record: &Record, details: &Details) -> Vec<String> {
    let (result, statuses) = (&record.result, &record.result.statuses);
    let mut found: Vec<String> = details.leaks.iter().take(LEAKS).map(|leak| capital(&leak.sentence())).collect();
    if let Some(more) = details.leaks.len().checked_sub(LEAKS + 1) {
        found.push(format!("It holds such text in {} further places.", more + 1));
    }
    if !result.dropped.is_empty() {
        let n = count(u32::try_from(result.dropped.len()).unwrap_or(u32::MAX), "case is", "cases are");
        found.push(format!("{n} not counted, as runs are missing: {}.", result.dropped.join(", ")));
    }
    if let Some(runs) = record.verdict.pointer("/curtailed/runs_not_made").and_then(Value::as_u64) {
        let runs = count(u32::try_from(runs).unwrap_or(u32::MAX), "run was", "runs were");
        found.push(format!(
            "{runs} not made, as none could have changed the gate's verdict: means are of what was made."
        ));
    }
    for (n, what) in [
        (statuses.infra, "failed by the machine or the network"),
        (statuses.grader_error, "could not be graded"),
        (statuses.tainted, "read what no run may read"),
    ] {
        if n > 0 {
            found.push(format!("{} {what}.", count(n, "run", "runs")));
        }
    }
    if record.arms.baseline.is_some() && record.arms.order != Order::Interleaved {
        found.push("The arms did not take turns: what changed with time can look like the skill's effect.".to_owned());
    }
    found.extend(record.grader.flagged.iter().map(|remark| format!("The grader: {remark}.")));
    found
}

/// A sentence from one that is lower case and has no full stop.
fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), chars.as_str()))
}

/// The gate's verdict in one line: `accept`, or `reject: not_significant, below_step`; none without a gate.
pub fn gate(record: &Record) -> Option<String> {
    let verdict = record.verdict.get("verdict")?.as_str()?;
    let reasons: Vec<&str> =
        record.verdict["reasons"].as_array().into_iter().flatten().filter_map(|reason| reason.as_str()).collect();
    Some(if reasons.is_empty() { verdict.to_owned() } else { format!("{verdict}: {}", reasons.join(", ")) })
}

/// The suite and the part of it that was run: `acme/pdf-forms 2.1.0, holdout`.
pub fn suite(record: &Record) -> String {
    let suite = &record.suite;
    let mut text = suite.id.clone().unwrap_or_else(|| "a suite without a name".to_owned());
    if let Some(version) = &suite.version {
        text = format!("{text} {version}");
    }
    match suite.part {
        Some(crate::suite::Split::Holdout) => format!("{text}, {}holdout", if suite.sealed { "sealed " } else { "" }),
        Some(crate::suite::Split::Train) => format!("{text}, train"),
        None => text,
    }
}

/// Order in which cases are shown: those on which the skill is worse first, then those that it fails, then the rest; equal ones
/// in the order of the suite.
pub fn failures_first(record: &Record) -> Vec<usize> {
    let mut order: Vec<usize> = (0..record.result.by_case.len()).collect();
    order.sort_by_key(|i| {
        let case = &record.result.by_case[*i];
        let mean = case.cand.as_ref().and_then(|arm| arm.mean_ppm);
        (case.complete, case.delta_ppm.unwrap_or(0).min(0), mean)
    });
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::sample::{cases, of, record, run};
    use crate::run::Arm;

    #[test]
    fn numbers_are_written_with_sign_and_one_digit() {
        for (ppm, text) in [
            (690_000, "+69.0"),
            (-6_000, "\u{2212}0.6"),
            (0, "0.0"),
            (499, "0.0"),
            (-499, "0.0"),
            (500, "+0.1"),
            (1_000_000, "+100.0"),
        ] {
            assert_eq!(points(ppm), text);
        }
        assert_eq!(
            (percent(999_499), percent(999_500), percent(-1_000)),
            ("99.9 %".into(), "100.0 %".into(), "\u{2212}0.1 %".into())
        );
        assert_eq!(
            (grouped(0), grouped(999), grouped(1_840), grouped(1_234_567)),
            ("0".into(), "999".into(), "1,840".into(), "1,234,567".into())
        );
        assert_eq!(
            (seconds(1_250), dollars(3_100), dollars(2_500_000)),
            ("1.2 s".into(), "$0.0031".into(), "$2.5000".into())
        );
    }

    #[test]
    fn only_an_interval_beside_zero_is_a_difference() {
        let good = conclusion(&record());
        assert_eq!(good.tone, Tone::Good);
        assert_eq!(
            good.sentence,
            "acme/pdf-forms 2.3.0 is better than no skill by 18.0 points, 95 % interval +7.1 to +28.9."
        );
        let mut turned = record();
        for run in &mut turned.runs {
            run.arm = if run.arm == Arm::Base { Arm::Cand } else { Arm::Base };
        }
        let turned = of(turned.runs, cases(20), Some(Baseline::NoSkill {}));
        assert_eq!(conclusion(&turned).tone, Tone::Bad);
        let even = of(
            vec![
                run(Arm::Base, 0, 0, 0),
                run(Arm::Cand, 0, 0, 1_000),
                run(Arm::Base, 1, 0, 1_000),
                run(Arm::Cand, 1, 0, 0),
            ],
            cases(2),
            Some(Baseline::NoSkill {}),
        );
        assert_eq!(conclusion(&even).tone, Tone::Open);
        assert!(conclusion(&even).sentence.contains("cannot be told apart"));
        assert!(
            conclusion(&even).sentence.ends_with("95 % interval \u{2212}100.0 to +100.0."),
            "no difference is larger"
        );
        let one = of(vec![run(Arm::Base, 0, 0, 0), run(Arm::Cand, 0, 0, 1_000)], cases(1), Some(Baseline::NoSkill {}));
        assert!(conclusion(&one).sentence.contains("too few for an interval"));
        let alone = of(vec![run(Arm::Cand, 0, 0, 1_000)], cases(1), None);
        assert!(conclusion(&alone).sentence.contains("Without a baseline"));
        let none = of(vec![], cases(3), None);
        assert!(conclusion(&none).sentence.contains("Nothing was measured"));
    }

    #[test]
    fn what_must_stand_beside_a_mean_does() {
        let labels: Vec<&str> = facts(&record()).iter().map(|fact| fact.label).collect();
        assert_eq!(
            labels,
            [
                "difference",
                "95 % interval",
                "lift over no skill",
                "normalised gain",
                "cases",
                "runs",
                "tokens a run",
                "model",
                "trust"
            ]
        );
        let mut alone = record();
        alone.runs.retain(|run| run.arm == Arm::Cand);
        let alone = facts(&of(alone.runs, cases(20), None));
        assert_eq!(alone[0], Fact { label: "95 % interval", value: "57.4 % to 80.6 %".to_owned() });
        assert_eq!(alone[1].value, "not measured", "a lift needs a run without the skill");
    }

    #[test]
    fn a_leak_is_named_first_and_without_its_text() {
        let leak = |n: usize| crate::executor::leak::Leak {
            case: format!("case-{n}"),
            field: "prompt".to_owned(),
            file: "SKILL.md".to_owned(),
            line: 4,
            text: "SECRET".to_owned(),
            words: true,
        };
        let mut details = Details { leaks: (0..LEAKS).map(leak).collect(), ..Details::default() };
        let said = cautions(&record(), &details);
        assert_eq!(said[0], "The skill holds text of the held-out case case-0 (prompt): SKILL.md, line 4.");
        assert_eq!(said.len(), LEAKS);
        details.leaks.push(leak(9));
        details.leaks.push(leak(10));
        assert_eq!(cautions(&record(), &details)[LEAKS], "It holds such text in 2 further places.");
        assert!(cautions(&record(), &Details::default()).is_empty());
    }

    #[test]
    fn a_verdict_is_read_where_there_is_one() {
        let mut one = record();
        assert_eq!(gate(&one), None);
        one.verdict = serde_json::json!({ "verdict": "reject", "reasons": ["below_step", "not_significant"] });
        assert_eq!(gate(&one).as_deref(), Some("reject: below_step, not_significant"));
    }
}
