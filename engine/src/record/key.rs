//! The score key: a digest of everything that must be the same before two scores may be compared.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize};
use skill_bundle::{hash::sha256, jcs};
use skill_schema::{Digest, Fault};

use crate::{
    model::{Fingerprint, Sampling},
    suite,
};

/// The parts of a score key. Its JSON members are exactly these, in canonical form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoreKey {
    /// Split hash of the measured cases.
    pub split: Digest,
    /// SHA-256 of the model's weights in hex; for a provider's model its id and date.
    pub weights: String,
    /// Quantisation of the weights.
    pub quantisation: String,
    /// Name of the engine.
    pub engine: String,
    /// Build of the engine, with all that changes low bits.
    pub build: String,
    /// How tokens are chosen.
    pub sampling: KeySampling,
    /// What one run may use.
    pub limits: KeyLimits,
    /// Digest of the sandbox's profile.
    pub sandbox: Digest,
    /// Major version of the harness.
    pub harness: u32,
    /// Weights of the grader's model, as `weights`; empty if no model grades.
    pub grader: String,
    /// Digest of the grader's prompt; zeros if no model grades.
    pub grader_prompt: Digest,
}

/// How tokens are chosen, without floating point.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeySampling {
    /// 0 is greedy.
    pub temperature: Decimal,
    /// Nucleus.
    pub top_p: Decimal,
    /// Tokens generated at most.
    pub max_tokens: u32,
}

/// What one run may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyLimits {
    /// Turns at most.
    pub turns: u32,
    /// Tokens at most.
    pub tokens: u64,
    /// Seconds at most.
    pub seconds: u64,
}

impl ScoreKey {
    /// The part that a back end contributes, with the rest left for the caller to fill in.
    pub fn new(split: Digest, model: &Fingerprint, sampling: &Sampling, limits: suite::Limits) -> Self {
        Self {
            split,
            weights: model.weights.clone(),
            quantisation: model.quantisation.clone(),
            engine: model.engine.clone(),
            build: model.build.clone(),
            sampling: KeySampling {
                temperature: Decimal::from_f64(sampling.temperature),
                top_p: Decimal::from_f64(sampling.top_p),
                max_tokens: sampling.max_tokens,
            },
            limits: KeyLimits { turns: limits.turns, tokens: limits.tokens, seconds: limits.seconds },
            sandbox: Digest::ZERO,
            harness: 0,
            grader: String::new(),
            grader_prompt: Digest::ZERO,
        }
    }

    /// SHA-256 of the canonical JSON of the parts.
    ///
    /// # Errors
    /// If a limit is past 2⁵³-1.
    pub fn digest(&self) -> Result<Digest, Fault> {
        Ok(sha256(&jcs::to_vec(self)?))
    }
}

/// A decimal as text, spelt in one way: the shortest that reads back as the same double, without exponent, sign of zero,
/// leading zeros, or zeros at the end of a fraction.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Decimal(String);

/// The text is not a decimal in its one spelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a decimal like 0.7, in its shortest spelling")]
pub struct NotADecimal;

impl Decimal {
    /// The decimal of a finite double; others are 0.
    pub fn from_f64(value: f64) -> Self {
        // `Display` gives the shortest digits that read back, and never an exponent.
        Self(if value.is_finite() && value != 0.0 { value.to_string() } else { "0".to_owned() })
    }

    /// The double that it stands for.
    pub fn value(&self) -> f64 {
        self.0.parse().unwrap_or_default()
    }
}

impl FromStr for Decimal {
    type Err = NotADecimal;

    fn from_str(text: &str) -> Result<Self, NotADecimal> {
        let value: f64 = text.parse().map_err(|_| NotADecimal)?;
        let decimal = Self::from_f64(value);
        if value.is_finite() && decimal.0 == text { Ok(decimal) } else { Err(NotADecimal) }
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_decimal_has_one_spelling() {
        for good in ["0", "1", "0.7", "-2.5", "0.0000001", "4096", "100000000000000000000000"] {
            assert_eq!(good.parse::<Decimal>().map(|d| d.to_string()), Ok(good.to_owned()));
        }
        for bad in
            ["", "1.0", "0.70", ".7", "7.", "-0", "+1", "1e3", "01", "NaN", "inf", " 1", "0,7", "0.1000000000000000055"]
        {
            assert_eq!(bad.parse::<Decimal>(), Err(NotADecimal), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn every_double_reads_back(bits in any::<u64>()) {
            let value = f64::from_bits(bits);
            prop_assume!(value.is_finite());
            let decimal = Decimal::from_f64(value);
            prop_assert_eq!(decimal.to_string().parse::<Decimal>(), Ok(decimal.clone()));
            prop_assert!((decimal.value() - value).abs() == 0.0);
        }
    }
}
