//! Choosing the next token: greedy, or by temperature and nucleus with a seed. Ours rather than llama.cpp's, so that a seed means
//! the same in every build.

use crate::llama::{Grammar, Token};

/// Tokens whose odds against the best are worse than e^30 are never chosen: less than one in 10^13.
const FLOOR: f64 = -30.0;

/// How one answer chooses its tokens.
#[derive(Debug, Clone)]
pub struct Sampler {
    temperature: f64,
    top_p: f64,
    state: u64,
}

impl Sampler {
    /// Temperature 0 (or less, or no number) is greedy; a nucleus outside of 0 to 1 is everything.
    pub fn new(temperature: f64, top_p: f64, seed: u64) -> Self {
        let temperature = if temperature.is_finite() { temperature.max(0.0) } else { 0.0 };
        let top_p = if top_p > 0.0 && top_p < 1.0 { top_p } else { 1.0 };
        Self { temperature, top_p, state: seed }
    }

    /// The next token.
    pub fn next(&mut self, logits: &[f32]) -> Option<Token> {
        self.choose(logits)
    }

    /// The next token that the grammar allows and that `fits`; `None` where there is none. The token is chosen freely first, and
    /// again among those allowed if it is not one of them, which gives the same odds as asking for all of them at once.
    pub fn next_in(&mut self, logits: &[f32], grammar: &Grammar, fits: impl Fn(Token) -> bool) -> Option<Token> {
        let free = self.choose(logits)?;
        if grammar.allows(free) && fits(free) {
            return Some(free);
        }
        let mut masked = grammar.mask(logits);
        loop {
            let token = self.choose(&masked)?;
            if fits(token) {
                return Some(token);
            }
            if let Some(logit) = usize::try_from(token).ok().and_then(|token| masked.get_mut(token)) {
                *logit = f32::NEG_INFINITY;
            }
        }
    }

    fn choose(&mut self, logits: &[f32]) -> Option<Token> {
        let (best, top) = best(logits)?;
        if self.temperature == 0.0 {
            return Some(best);
        }
        let mut odds: Vec<(Token, f64)> = (0..)
            .zip(logits)
            .map(|(token, &logit)| (token, (f64::from(logit) - f64::from(top)) / self.temperature))
            .filter(|(_, odds)| *odds >= FLOOR)
            .map(|(token, odds)| (token, odds.exp()))
            .collect();
        if self.top_p < 1.0 {
            nucleus(&mut odds, self.top_p);
        }
        let mut left = self.uniform() * odds.iter().map(|(_, odds)| odds).sum::<f64>();
        for (token, odds) in &odds {
            left -= odds;
            if left < 0.0 {
                return Some(*token);
            }
        }
        odds.last().map(|(token, _)| *token)
    }

    /// A number from 0 to below 1: SplitMix64 (Steele, Lea and Flood, 2014).
    fn uniform(&mut self) -> f64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        #[expect(clippy::cast_precision_loss, reason = "53 bits are what a double holds")]
        let high = ((z ^ (z >> 31)) >> 11) as f64;
        high / 9_007_199_254_740_992.0
    }
}

/// The likeliest token and its log-odds; of equal ones the first. Neither infinite nor undefined ones count.
fn best(logits: &[f32]) -> Option<(Token, f32)> {
    let finite = (0..).zip(logits.iter().copied()).filter(|(_, logit)| logit.is_finite());
    finite.reduce(|best, next| if next.1 > best.1 { next } else { best })
}

/// Leaves the likeliest tokens that together have this share.
fn nucleus(odds: &mut Vec<(Token, f64)>, share: f64) {
    odds.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let mut left = share * odds.iter().map(|(_, odds)| odds).sum::<f64>();
    let enough = odds.iter().position(|(_, odds)| {
        left -= odds;
        left <= 0.0
    });
    odds.truncate(enough.map_or(odds.len(), |at| at + 1));
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGITS: [f32; 5] = [f32::NEG_INFINITY, 1.0, 3.0, f32::NAN, 3.0];

    #[test]
    fn greedy_takes_the_first_of_the_best() {
        assert_eq!(Sampler::new(0.0, 1.0, 1).choose(&LOGITS), Some(2));
        assert_eq!(Sampler::new(f64::NAN, 1.0, 1).choose(&LOGITS), Some(2));
        assert_eq!(Sampler::new(0.0, 1.0, 1).choose(&[f32::NEG_INFINITY]), None);
    }

    #[test]
    fn a_seed_gives_the_same_tokens_and_another_seed_others() {
        let draw = |seed| -> Vec<_> {
            let mut sampler = Sampler::new(1.0, 1.0, seed);
            (0..64).map(|_| sampler.choose(&LOGITS)).collect()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn the_odds_are_those_of_the_softmax() {
        let mut sampler = Sampler::new(2.0, 1.0, 7);
        let mut counts = [0_u32; 5];
        for _ in 0..100_000 {
            let token = sampler.choose(&LOGITS).expect("a token");
            counts[usize::try_from(token).expect("in range")] += 1;
        }
        // e^(-1) : 1 : 1.
        let expected = 100_000.0 * (-1.0_f64).exp() / (2.0 + (-1.0_f64).exp());
        assert!((f64::from(counts[1]) - expected).abs() < 500.0, "{counts:?}");
        assert_eq!((counts[0], counts[3]), (0, 0));
        assert!(counts[2].abs_diff(counts[4]) < 1000, "{counts:?}");
    }

    #[test]
    fn a_nucleus_leaves_the_likeliest() {
        let mut sampler = Sampler::new(1.0, 0.5, 7);
        // Odds 0.4683 each for the two best: one alone is less than half.
        let found: std::collections::BTreeSet<_> = (0..200).filter_map(|_| sampler.choose(&LOGITS)).collect();
        assert_eq!(found, [2, 4].into());
        let mut narrow = Sampler::new(1.0, 0.4, 7);
        assert!((0..200).all(|_| narrow.choose(&LOGITS) == Some(2)));
    }
}
