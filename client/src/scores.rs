//! A version's score in words, in one place: what stands beside a mean wherever one is shown.

use skill_engine::report::words;
use skill_schema::{
    api::leaderboard::{Lift, gain},
    index::Score,
};

/// What is said of a score that does not beat no skill, or of which nobody knows it.
pub const UNPROVEN: &str = "unproven";
/// Millionths in one per mille.
const PPM: i64 = 1_000;

/// The compact form for a column: mean, interval, cases and runs, gain over no skill, trust.
pub fn cell(score: &Score) -> String {
    let uplift = score.uplift.map_or(String::new(), |uplift| format!(" {}", words::points(uplift * PPM)));
    format!("{}{uplift} {}", mean(score), word(score, None))
}

/// The same for a version that may have no score.
pub fn cell_or_dash(score: Option<&Score>) -> String {
    score.map_or_else(|| "-".to_owned(), cell)
}

/// Everything that is known of a score, in a line.
pub fn line(score: &Score, lift: Option<&Lift>, model: Option<&str>, tokens: Option<u64>) -> String {
    let mut parts = vec![mean(score)];
    parts.push(match score.uplift {
        Some(_) => format!("{} over no skill", gained(score, lift)),
        None => "gain over no skill not known".to_owned(),
    });
    parts.extend(tokens.map(|tokens| format!("{} tokens a run", words::grouped(tokens))));
    parts.extend(model.map(skill_schema::codes::escape));
    parts.push(word(score, lift));
    parts.join(", ")
}

/// `82.2 % [75.1, 88.0] 20×5`: the mean with its interval, cases and runs.
pub fn mean(score: &Score) -> String {
    format!("{}{} {}×{}", words::percent(score.mean * PPM), ends(score.lo, score.hi, plain), score.n, score.k)
}

/// `+18.2 [+9.0, +27.4], 50.5 % of what was left`: the gain over no skill; `-` if no skill was not measured.
pub fn gained(score: &Score, lift: Option<&Lift>) -> String {
    let Some(uplift) = score.uplift else { return "-".to_owned() };
    let interval = lift.map(|lift| ends(lift.lo, lift.hi, |pm| words::points(pm * PPM))).unwrap_or_default();
    let part = gain(score).filter(|gain| *gain > 0);
    let part = part.map(|gain| format!(", {} of what was left", words::percent(gain * PPM))).unwrap_or_default();
    format!("{}{interval}{part}", words::points(uplift * PPM))
}

/// The word of trust, and whether it is unproven. Without its interval a gain is only known to be unproven where it is none.
pub fn word(score: &Score, lift: Option<&Lift>) -> String {
    let trust = skill_schema::codes::escape(&score.trust);
    let proven = match lift {
        Some(lift) => lift.is_proven(),
        None => score.uplift.is_some_and(|uplift| uplift > 0),
    };
    if proven { trust } else { format!("{trust}, {UNPROVEN}") }
}

fn plain(pm: i64) -> String {
    words::percent(pm * PPM).trim_end_matches(" %").to_owned()
}

fn ends(lo: Option<i64>, hi: Option<i64>, number: impl Fn(i64) -> String) -> String {
    match (lo, hi) {
        (Some(lo), Some(hi)) => format!(" [{}, {}]", number(lo), number(hi)),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use skill_schema::Digest;

    use super::*;

    fn score() -> Score {
        let (lo, hi, trust) = (Some(751), Some(880), "claimed".to_owned());
        Score { key: Digest::ZERO, n: 20, k: 5, mean: 822, lo, hi, uplift: Some(182), trust }
    }

    #[test]
    fn a_mean_never_stands_alone() {
        assert_eq!(cell(&score()), "82.2 % [75.1, 88.0] 20×5 +18.2 claimed");
        let lift = Lift { mean: 182, lo: Some(90), hi: Some(274) };
        assert_eq!(
            line(&score(), Some(&lift), Some("qwen"), Some(1_840)),
            "82.2 % [75.1, 88.0] 20×5, +18.2 [+9.0, +27.4], 50.5 % of what was left over no skill, 1,840 tokens a run, \
             qwen, claimed"
        );
    }

    #[test]
    fn what_does_not_beat_no_skill_is_unproven() {
        let around = Lift { mean: 182, lo: Some(0), hi: Some(364) };
        assert_eq!(word(&score(), Some(&around)), "claimed, unproven");
        assert_eq!(word(&Score { uplift: None, ..score() }, None), "claimed, unproven");
        assert_eq!(word(&Score { uplift: Some(0), ..score() }, None), "claimed, unproven");
        assert_eq!(gained(&Score { uplift: None, ..score() }, None), "-");
    }

    #[test]
    fn a_word_of_trust_is_text_from_outside() {
        assert_eq!(word(&Score { trust: "x\u{1b}[2J".to_owned(), ..score() }, None), "x\\u{1b}[2J");
    }
}
