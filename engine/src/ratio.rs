//! Exact ratios: rounding half to even, and the way to a float.

/// The integer nearest to `num / den`, a half going to the even neighbour.
///
/// # Panics
/// If `den` is not positive.
pub fn round_half_even(num: i128, den: i128) -> i128 {
    assert!(den > 0, "a denominator is positive");
    let (floor, rest) = (num.div_euclid(den), num.rem_euclid(den));
    // `rest` against its complement, so that nothing is doubled and nothing overflows.
    match rest.cmp(&(den - rest)) {
        std::cmp::Ordering::Less => floor,
        std::cmp::Ordering::Greater => floor + 1,
        std::cmp::Ordering::Equal => floor + floor.rem_euclid(2),
    }
}

/// The nearest float. The conversion is the same on every machine.
#[expect(clippy::cast_precision_loss, reason = "rounding to the nearest float is what it is for")]
pub fn float(value: i128) -> f64 {
    value as f64
}

/// `num / den` as a float: two conversions and one division, each rounded to nearest, so the same on every machine.
pub fn quotient(num: i128, den: i128) -> f64 {
    float(num) / float(den)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_half_goes_to_the_even_neighbour() {
        let rounded: Vec<i128> = [-5, -3, -1, 1, 3, 5, 7].into_iter().map(|num| round_half_even(num, 2)).collect();
        assert_eq!(rounded, [-2, -2, 0, 0, 2, 2, 4]);
        assert_eq!((round_half_even(-7, 3), round_half_even(-8, 3), round_half_even(8, 3)), (-2, -3, 3));
        assert_eq!(round_half_even(i128::MAX, i128::MAX), 1);
        assert_eq!(round_half_even(i128::MIN + 1, i128::MAX), -1);
    }
}
