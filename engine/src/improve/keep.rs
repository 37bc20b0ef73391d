//! When a candidate is kept.

use super::compare::Difference;

/// The exact test's level on the train cases: an experiment without effect is kept at most this often.
pub const MAX_P: f64 = 0.20;
/// Share of the parent's tokens that a version may load at most to be kept for being shorter.
const SHORTER: f64 = 0.9;
/// Share of one that a thousand more tokens must gain: every run pays for them.
const PRICE: f64 = 0.02;
/// Sums of thousandths in floating point are off by less than this.
const EPSILON: f64 = 1e-9;

/// Tokens that a version loads into each run, by estimate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loaded {
    /// The parent.
    pub parent: u64,
    /// The candidate.
    pub cand: u64,
}

impl Loaded {
    /// Whether the candidate loads at least a tenth less.
    #[expect(clippy::cast_precision_loss, reason = "a skill has far fewer than 2^52 tokens")]
    pub fn is_shorter(self) -> bool {
        self.cand as f64 <= SHORTER * self.parent as f64
    }

    /// What its additional tokens must gain.
    #[expect(clippy::cast_precision_loss, reason = "a skill has far fewer than 2^52 tokens")]
    fn price(self) -> f64 {
        PRICE * self.cand.saturating_sub(self.parent) as f64 / 1000.0
    }
}

/// Whether the candidate is kept.
///
/// # Errors
/// Why not, in a few words.
pub fn judge(found: &Difference, sigma: f64, loaded: Loaded) -> Result<(), String> {
    let points = |share: f64| format!("{:+.1}", share * 100.0);
    if found.delta >= -EPSILON && loaded.is_shorter() {
        return Ok(());
    }
    let noise = sigma.max(found.se);
    if found.delta <= EPSILON || found.delta < noise - EPSILON {
        return Err(format!("{} points, the noise is {:.1}", points(found.delta), noise * 100.0));
    }
    if found.p_run > MAX_P + EPSILON {
        return Err(format!("{} points at p = {:.2}", points(found.delta), found.p_run));
    }
    if found.delta < loaded.price() - EPSILON {
        let more = loaded.cand - loaded.parent;
        return Err(format!("{} points for {more} more tokens", points(found.delta)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAME: Loaded = Loaded { parent: 1000, cand: 1000 };

    fn found(delta: f64, se: f64, p_run: f64) -> Difference {
        Difference { delta, se, p_run, cases: 10, is_same: false }
    }

    #[test]
    fn a_gain_must_reach_the_noise_and_the_level() {
        assert!(judge(&found(0.10, 0.10, 0.20), 0.05, SAME).is_ok());
        assert!(judge(&found(0.099, 0.10, 0.20), 0.05, SAME).is_err(), "below the standard error");
        assert!(judge(&found(0.10, 0.01, 0.20), 0.11, SAME).is_err(), "below the noise of A against A");
        assert!(judge(&found(0.10, 0.10, 0.201), 0.05, SAME).is_err(), "not significant");
        assert!(judge(&found(0.0, 0.0, 0.0), 0.0, SAME).is_err(), "a tie is no gain");
    }

    #[test]
    fn shorter_is_kept_if_it_is_no_worse() {
        let shorter = |cand| Loaded { parent: 1000, cand };
        assert!(judge(&found(0.0, 0.0, 1.0), 0.1, shorter(900)).is_ok());
        assert!(judge(&found(0.0, 0.0, 1.0), 0.1, shorter(901)).is_err());
        assert!(judge(&found(-0.001, 0.0, 1.0), 0.1, shorter(100)).is_err());
    }

    #[test]
    fn a_thousand_more_tokens_buy_two_points() {
        let longer = |cand| Loaded { parent: 1000, cand };
        assert!(judge(&found(0.02, 0.01, 0.1), 0.01, longer(2000)).is_ok());
        assert!(judge(&found(0.02, 0.01, 0.1), 0.01, longer(2001)).is_err());
    }
}
