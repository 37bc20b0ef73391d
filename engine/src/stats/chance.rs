//! A probability as what it is: so many favourable outcomes of so many.

use num_bigint::BigUint;

use super::Alpha;

/// A probability as an exact fraction, not reduced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chance {
    favourable: BigUint,
    total: BigUint,
    rounded: bool,
}

impl Chance {
    /// `favourable` of `total`; `rounded` if the count was rounded up. More than all becomes all; of nothing is certain.
    pub(super) fn new(favourable: BigUint, total: BigUint, rounded: bool) -> Self {
        let favourable = favourable.min(total.clone());
        Self { favourable, total, rounded }
    }

    /// How many outcomes are at least as extreme as the observed one.
    pub fn favourable(&self) -> &BigUint {
        &self.favourable
    }

    /// How many outcomes there are.
    pub fn total(&self) -> &BigUint {
        &self.total
    }

    /// Whether the count was too long to be kept to its last digit and was rounded up. The probability is then too large by less
    /// than 10^-25, and never too small.
    pub fn is_rounded(&self) -> bool {
        self.rounded
    }

    /// Whether it is at most this level; compared in integers.
    pub fn at_most(&self, alpha: Alpha) -> bool {
        (&self.favourable * 20_u32) << alpha.failed <= self.total
    }

    /// The nearest float, a half going to the even one; 0 below the smallest float.
    #[expect(clippy::missing_panics_doc, reason = "the quotient has 65 digits at most")]
    pub fn value(&self) -> f64 {
        let (top, bottom) = (self.favourable.bits(), self.total.bits());
        if top == 0 {
            return 0.0;
        }
        // Above 2^-1022 a float has 53 digits wherever it is: take 64 or 65, the last of which says whether anything follows, and
        // let the conversion round. Below 2^-1021 its last place is 2^-1074: round there.
        let is_small = top + 1021 < bottom;
        let places = if is_small { 1074 } else { bottom + 64 - top };
        let shifted = &self.favourable << places;
        let (quotient, rest) = (&shifted / &self.total, &shifted % &self.total);
        let digits = u128::try_from(&quotient).expect("at most 65 digits");
        let rounded = if is_small {
            let twice: BigUint = rest << 1;
            digits + u128::from(twice > self.total || (twice == self.total && digits & 1 == 1))
        } else {
            digits | u128::from(rest != BigUint::ZERO)
        };
        scale_down(rounded, places)
    }

    /// In parts per million, rounded up, as statements carry it.
    #[expect(clippy::missing_panics_doc, reason = "a probability is a million at most")]
    pub fn ppm(&self) -> u32 {
        let scaled = &self.favourable * 1_000_000_u32;
        let up = (&scaled + &self.total - 1_u32) / &self.total;
        u32::try_from(&up).expect("at most a million")
    }
}

/// `digits · 2^(−places)`, in two steps, since the smallest float is smaller than any that its own power makes at once.
#[expect(clippy::cast_precision_loss, reason = "rounding to the nearest float is what it is for")]
fn scale_down(digits: u128, places: u64) -> f64 {
    let power = |exponent: u64| f64::from_bits((1023 - exponent) << 52);
    digits as f64 * power(places / 2) * power(places - places / 2)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::float_cmp, reason = "floats that are equal or wrong")]

    use super::*;

    fn chance(favourable: u64, total: u64) -> Chance {
        Chance::new(favourable.into(), total.into(), false)
    }

    #[test]
    fn it_becomes_the_nearest_float() {
        assert_eq!(chance(1, 3).value(), 1.0 / 3.0);
        assert_eq!(chance(2, 3).value(), 2.0 / 3.0);
        assert_eq!(chance(7, 7).value(), 1.0);
        assert_eq!(chance(0, 7).value(), 0.0);
        // 2^53 + 1 halves of the last place: to the even one, unless something follows.
        let two = |exponent: u32| BigUint::from(1_u32) << exponent;
        let half = (two(53) + 1_u32, two(54));
        assert_eq!(Chance::new(half.0.clone(), half.1.clone(), false).value(), 0.5);
        assert_eq!(Chance::new(half.0 * 1000_u32 + 1_u32, half.1 * 1000_u32, false).value(), 0.5 + 2.0_f64.powi(-53));
        assert_eq!(Chance::new(1_u32.into(), two(1074), false).value(), f64::from_bits(1));
        assert_eq!(Chance::new(3_u32.into(), two(1075), false).value(), f64::from_bits(2));
        assert_eq!(Chance::new(1_u32.into(), two(1075), false).value(), 0.0);
        assert_eq!(Chance::new(two(4000), two(8000), false).value(), 0.0);
        assert_eq!(Chance::new(two(4000), two(4001), false).value(), 0.5);
    }

    #[test]
    fn it_agrees_with_division_where_that_is_exact_enough() {
        for total in [3_u32, 7, 252, 1023, 65_537, 4_294_967_291] {
            for step in 1..50_u32 {
                let favourable = total / 50 * step;
                let (found, known) =
                    (chance(favourable.into(), total.into()).value(), f64::from(favourable) / f64::from(total));
                assert_eq!(found, known, "{favourable}/{total}");
            }
        }
    }

    #[test]
    fn parts_per_million_are_rounded_up() {
        assert_eq!(chance(1, 1_000_000).ppm(), 1);
        assert_eq!(chance(1, 999_999).ppm(), 2);
        assert_eq!(chance(1, u64::MAX).ppm(), 1);
        assert_eq!(chance(0, 5).ppm(), 0);
        assert_eq!(chance(9, 9).ppm(), 1_000_000);
    }

    #[test]
    fn a_level_is_reached_exactly_or_not() {
        assert!(chance(1, 20).at_most(Alpha::FIRST));
        assert!(!chance(1_000_001, 20_000_000).at_most(Alpha::FIRST));
        assert!(chance(1, 160).at_most(Alpha::after(3)));
        assert!(!chance(1, 159).at_most(Alpha::after(3)));
        assert!(chance(0, 1).at_most(Alpha::after(1000)));
    }
}
