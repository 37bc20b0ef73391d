//! Bradley-Terry: strengths from who beat whom.

use std::collections::{BTreeMap, BTreeSet};

/// So many wins of one over another; a tie is half a win for each.
#[derive(Debug, Clone, PartialEq)]
pub struct Beaten {
    /// Who won.
    pub winner: String,
    /// Against whom.
    pub loser: String,
    /// How often; not negative.
    pub times: f64,
}

/// Rounds after which no more is done; what is connected has long settled by then.
const MAX_ROUNDS: usize = 100_000;
/// Change of a logarithm of strength below which a round has changed nothing.
const SETTLED: f64 = 1e-14;

/// Strengths (natural logarithms) by maximum likelihood. With a `prior`, everyone also won and lost so many times against a player
/// of strength 0, which keeps all strengths finite; without one they are centred on 0, and are meaningless where somebody never won
/// or never lost. Hunter's minorisation (2004), from equal strengths, in the order of names.
#[expect(clippy::missing_panics_doc, reason = "every name is collected first")]
pub fn bradley_terry(games: &[Beaten], prior: f64) -> BTreeMap<String, f64> {
    let names: BTreeSet<&str> = games.iter().flat_map(|game| [game.winner.as_str(), game.loser.as_str()]).collect();
    let names: Vec<&str> = names.into_iter().collect();
    let place = |name: &str| names.binary_search(&name).expect("collected from the games");
    let mut won = vec![prior; names.len()];
    let mut played = BTreeMap::new();
    for game in games.iter().filter(|game| game.winner != game.loser) {
        let (winner, loser) = (place(&game.winner), place(&game.loser));
        won[winner] += game.times;
        *played.entry((winner.min(loser), winner.max(loser))).or_insert(0.0) += game.times;
    }
    let mut strength = vec![1.0_f64; names.len()];
    for _ in 0..MAX_ROUNDS {
        let next = round(&strength, &won, &played, prior);
        let change = next.iter().zip(&strength).map(|(new, old)| (new / old).ln().abs()).fold(0.0, f64::max);
        strength = next;
        if change.is_nan() || change < SETTLED {
            break;
        }
    }
    names.into_iter().zip(strength).map(|(name, strength)| (name.to_owned(), strength.ln())).collect()
}

/// One round: everyone's wins over what they would be worth at the present strengths.
fn round(strength: &[f64], won: &[f64], played: &BTreeMap<(usize, usize), f64>, prior: f64) -> Vec<f64> {
    let mut worth: Vec<f64> = strength.iter().map(|strength| 2.0 * prior / (strength + 1.0)).collect();
    for (&(one, other), times) in played {
        let share = times / (strength[one] + strength[other]);
        worth[one] += share;
        worth[other] += share;
    }
    let next: Vec<f64> = won.iter().zip(&worth).map(|(won, worth)| won / worth).collect();
    if prior > 0.0 {
        return next;
    }
    let mean = next.iter().map(|strength| strength.ln()).sum::<f64>() / crate::ratio::float(next.len() as i128);
    next.iter().map(|strength| strength / mean.exp()).collect()
}

/// The chance that a player of strength `one` beats one of strength `other`.
pub fn beats(one: f64, other: f64) -> f64 {
    1.0 / (1.0 + (other - one).exp())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::float_cmp, reason = "floats that are equal or wrong")]

    use super::*;
    use crate::stats::vectors::{close, list};

    #[test]
    fn the_known_answers_hold() {
        let mut games = Vec::new();
        for known in list("bradley_terry") {
            if let Some(wins) = known["wins"].as_array() {
                games = wins
                    .iter()
                    .map(|win| Beaten {
                        winner: win[0].as_str().unwrap().to_owned(),
                        loser: win[1].as_str().unwrap().to_owned(),
                        times: win[2].as_f64().unwrap(),
                    })
                    .collect();
            }
            let found = bradley_terry(&games, known["prior"].as_f64().unwrap());
            for (name, theta) in &found {
                close(*theta, &known["theta"][name], &known);
            }
            assert_eq!(found.len(), 3);
            if known["p_a_beats_c"].is_number() {
                close(beats(found["a"], found["c"]), &known["p_a_beats_c"], &known);
            }
        }
    }

    #[test]
    fn it_ends_where_there_is_no_answer() {
        let game =
            |winner: &str, loser: &str| Beaten { winner: winner.to_owned(), loser: loser.to_owned(), times: 1.0 };
        assert!(bradley_terry(&[], 0.5).is_empty());
        assert_eq!(bradley_terry(&[game("a", "a")], 0.5)["a"], 0.0);
        let endless = bradley_terry(&[game("a", "b")], 0.0);
        assert!(endless["b"] == f64::NEG_INFINITY || endless["b"].is_nan());
    }
}
