//! pass@k (at least one of k runs passes) and pass^k (all k do), without bias from n runs.

/// The chance that at least one of `k` runs passes, from `c` passes in `n` runs: `1 − C(n−c, k) / C(n, k)`. `None` unless
/// `1 ≤ k ≤ n` and `c ≤ n`.
pub fn pass_at_k(n: u32, c: u32, k: u32) -> Option<f64> {
    is_drawn(n, c, k).then(|| 1.0 - ratio_of_choices(n - c, n, k))
}

/// The chance that all of `k` runs pass, from `c` passes in `n` runs: `C(c, k) / C(n, k)`. `None` as for [`pass_at_k`].
pub fn pass_hat_k(n: u32, c: u32, k: u32) -> Option<f64> {
    is_drawn(n, c, k).then(|| ratio_of_choices(c, n, k))
}

fn is_drawn(n: u32, c: u32, k: u32) -> bool {
    (1..=n).contains(&k) && c <= n
}

/// `C(from, k) / C(n, k)`.
fn ratio_of_choices(from: u32, n: u32, k: u32) -> f64 {
    if from < k {
        return 0.0;
    }
    (0..k).map(|i| f64::from(from - i) / f64::from(n - i)).product()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::vectors::{close, list};

    #[test]
    fn the_known_answers_hold() {
        for known in list("passk") {
            let number = |name: &str| u32::try_from(known[name].as_u64().unwrap()).unwrap();
            let (n, c, k) = (number("n"), number("c"), number("k"));
            close(pass_at_k(n, c, k).unwrap(), &known["pass_at_k"], &known);
            close(pass_hat_k(n, c, k).unwrap(), &known["pass_hat_k"], &known);
        }
    }

    #[test]
    fn what_cannot_be_drawn_has_no_chance() {
        for (n, c, k) in [(3, 1, 0), (3, 1, 4), (3, 4, 1), (0, 0, 1)] {
            assert_eq!((pass_at_k(n, c, k), pass_hat_k(n, c, k)), (None, None));
        }
    }
}
