//! Student's t and the normal distribution.
//!
//! The t distribution is computed with `+ − × ÷ √` alone, which every machine rounds alike, since intervals stand in records: the
//! finite sums of Abramowitz & Stegun 26.7.3 and 26.7.4 for whole degrees of freedom.

use std::f64::consts::{FRAC_2_PI, SQRT_2};

/// `P(T ≥ t)` of Student's t with `df` degrees of freedom (at least 1; 0 counts as 1). Absolute error below 1e-13.
pub fn t_sf(t: f64, df: u32) -> f64 {
    let within = t_within(t.abs(), df.max(1));
    if t >= 0.0 { f64::midpoint(1.0, -within) } else { f64::midpoint(1.0, within) }
}

/// The `t` with `P(T ≤ t) = p`, for `p` strictly between 0 and 1; an infinity at and beyond these ends.
pub fn t_ppf(p: f64, df: u32) -> f64 {
    if p < 0.5 {
        return -t_ppf(1.0 - p, df);
    }
    if p.is_nan() || p >= 1.0 {
        return f64::INFINITY;
    }
    let (tail, mut low, mut high) = (1.0 - p, 0.0, 1.0);
    while t_sf(high, df) > tail && high < 1e18 {
        high *= 2.0;
    }
    // Halve until the two are neighbours.
    loop {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            return middle;
        }
        *(if t_sf(middle, df) > tail { &mut low } else { &mut high }) = middle;
    }
}

/// The `z` with `P(Z ≤ z) = p` of the standard normal distribution. For planning and for intervals of proportions; no verdict
/// depends on it.
pub fn norm_ppf(p: f64) -> f64 {
    -SQRT_2 * statrs::function::erf::erfc_inv(2.0 * p)
}

/// `P(|T| ≤ t)` for `t ≥ 0`.
fn t_within(t: f64, df: u32) -> f64 {
    let nu = f64::from(df);
    let square = nu + t * t;
    let (sine, cosine2) = (t / square.sqrt(), nu / square);
    // 1 + a·c + a·b·c² + …: for even df 1/2, 3/4, 5/6 …, for odd df 2/3, 4/5, 6/7 …
    let (mut term, mut sum) = (1.0, 1.0);
    let mut numerator = if df.is_multiple_of(2) { 1 } else { 2 };
    while numerator + 2 < df {
        term *= f64::from(numerator) / f64::from(numerator + 1) * cosine2;
        sum += term;
        numerator += 2;
    }
    if df.is_multiple_of(2) {
        return sine * sum;
    }
    let angle = arc_tangent(t / nu.sqrt());
    let series = if df == 1 { 0.0 } else { sine * cosine2.sqrt() * sum };
    FRAC_2_PI * (angle + series)
}

/// The angle whose tangent is `x ≥ 0`: halved until it is small, then the series.
fn arc_tangent(mut x: f64) -> f64 {
    const HALVINGS: i32 = 4;
    if x.is_infinite() {
        return std::f64::consts::FRAC_PI_2;
    }
    for _ in 0..HALVINGS {
        x /= 1.0 + (1.0 + x * x).sqrt();
    }
    // Below 1/10 by now, so the twelfth term is below 1e-25.
    let series = (0..12_u32).rev().fold(0.0, |sum, k| 1.0 / f64::from(2 * k + 1) - x * x * sum);
    x * series * 2.0_f64.powi(HALVINGS)
}

#[cfg(test)]
mod tests {
    use statrs::distribution::{ContinuousCDF as _, StudentsT};

    use super::*;
    use crate::stats::vectors::{close, list};

    fn df(value: &serde_json::Value) -> u32 {
        u32::try_from(value["df"].as_u64().unwrap()).unwrap()
    }

    #[test]
    fn the_known_answers_hold() {
        for known in list("t_sf") {
            close(t_sf(known["t"].as_f64().unwrap(), df(&known)), &known["out"], &known);
        }
        for known in list("t_ppf") {
            close(t_ppf(known["p"].as_f64().unwrap(), df(&known)), &known["out"], &known);
        }
        for known in list("norm_ppf") {
            close(norm_ppf(known["p"].as_f64().unwrap()), &known["out"], &known);
        }
    }

    #[test]
    fn it_agrees_with_another_implementation() {
        for df in (1..60).chain([99, 100, 499, 500, 998, 999]) {
            let other = StudentsT::new(0.0, 1.0, f64::from(df)).unwrap();
            for t in [0.0, 1e-3, 0.3, 1.0, 1.7, 2.5, 4.0, 11.0] {
                assert!(
                    (t_sf(t, df) - other.sf(t)).abs() < 1e-10,
                    "t = {t}, df = {df}: {} {}",
                    t_sf(t, df),
                    other.sf(t)
                );
                assert!((t_sf(t, df) + t_sf(-t, df) - 1.0).abs() < 1e-15);
            }
        }
    }

    #[test]
    fn a_quantile_leads_back() {
        for df in [1, 2, 3, 7, 8, 19, 999] {
            for p in [0.01, 0.4, 0.5, 0.6, 0.9, 0.975, 0.9999] {
                let back = 1.0 - t_sf(t_ppf(p, df), df);
                assert!((back - p).abs() < 1e-13, "p = {p}, df = {df}: {back}");
            }
        }
        assert_eq!((t_ppf(1.0, 5), t_ppf(0.0, 5)), (f64::INFINITY, f64::NEG_INFINITY));
        assert_eq!((t_sf(f64::INFINITY, 1), t_sf(1.0, 0)), (0.0, t_sf(1.0, 1)));
    }
}
