//! The count behind both exact tests: in how many ways a sum over independent cases reaches a threshold.
//!
//! A dynamic program over the cases. A state is a sum so far and the number of ways to it, a whole number of as many 64-bit limbs
//! as the total needs. A sum that has reached the threshold is counted at once with all ways of the cases that are left; one that
//! cannot reach it any more is dropped; so only a narrow window of sums is carried on.

use num_bigint::BigUint;
use skill_schema::{Fault, codes};

use super::Chance;

/// Steps (one limb multiplied and added) up to which every digit is kept: about two seconds.
const EXACT_STEPS: u64 = 1_000_000_000;
/// Steps beyond which nothing is counted: about half a minute, for whoever recomputes a foreign verdict.
const MAX_STEPS: u64 = 20_000_000_000;
/// Limbs in one window at most: 128 MiB, and two windows exist at once.
const MAX_WINDOW: u64 = 1 << 24;
/// Limbs that are kept where not every digit is: 192 bits, of which never fewer than 120 hold digits of the total.
const KEPT_LIMBS: usize = 3;

/// The ways in which one case can add to the sum.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Spread {
    /// What is added, and in how many ways; ascending, the first adds 0. The numbers of ways have no common divisor.
    ways: Vec<(u64, u64)>,
    /// The common divisor that was taken out.
    common: u64,
}

impl Spread {
    /// From what is added, ascending from 0, and in how many ways (at least one each).
    pub(super) fn new(mut ways: Vec<(u64, u64)>) -> Self {
        let common = ways.iter().fold(0, |divisor, &(_, count)| gcd(divisor, count)).max(1);
        for (_, count) in &mut ways {
            *count /= common;
        }
        Self { ways, common }
    }

    fn reach(&self) -> u64 {
        self.ways.last().map_or(0, |&(added, _)| added)
    }

    fn count(&self) -> u64 {
        self.ways.iter().map(|&(_, count)| count).sum()
    }
}

pub(super) fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// How likely the sum over all cases is at least `threshold`, every way being equally likely.
pub(super) fn at_least(spreads: Vec<Spread>, threshold: u64) -> Result<Chance, Fault> {
    counted(spreads, threshold, EXACT_STEPS)
}

fn counted(mut spreads: Vec<Spread>, threshold: u64, exact_steps: u64) -> Result<Chance, Fault> {
    let common: BigUint = spreads.iter().map(|spread| BigUint::from(spread.common)).product();
    spreads.retain(|spread| spread.ways.len() > 1);
    let total: BigUint = spreads.iter().map(|spread| BigUint::from(spread.count())).product();
    let unit = spreads.iter().flat_map(|spread| &spread.ways).fold(0, |unit, &(added, _)| gcd(unit, added)).max(1);
    spreads.iter_mut().flat_map(|spread| &mut spread.ways).for_each(|(added, _)| *added /= unit);
    // One order for everyone, so that a count that is rounded is rounded alike.
    spreads.sort();
    let need = threshold.div_ceil(unit);
    let (favourable, rounded) = if need == 0 {
        (total.clone(), false)
    } else {
        let kept = if steps(&spreads, need, usize::MAX) <= exact_steps { usize::MAX } else { KEPT_LIMBS };
        if kept == KEPT_LIMBS && steps(&spreads, need, kept) > MAX_STEPS {
            return Err(Fault::new(codes::GATE_SIZE).detail(format!("{} cases with {need} steps", spreads.len())));
        }
        favourable(&spreads, need, &total, kept)
    };
    Ok(Chance::new(favourable * &common, total * common, rounded))
}

/// How many limb steps the count takes; the largest number if a window would be too wide.
fn steps(spreads: &[Spread], need: u64, kept: usize) -> u64 {
    let mut rest: u64 = spreads.iter().map(Spread::reach).sum();
    let (mut low, mut high, mut digits, mut sum) = (0, 0, 1_u64, 0_u64);
    for spread in spreads {
        rest -= spread.reach();
        let limbs = digits.div_ceil(64).min(kept as u64);
        let width = (high + 1_u64).saturating_sub(low);
        let ways = spread.ways.len() as u64;
        if width.saturating_mul(limbs) > MAX_WINDOW {
            return u64::MAX;
        }
        sum = sum.saturating_add((width * limbs).saturating_mul(ways));
        digits += u64::from(spread.count().ilog2()) + 1;
        (low, high) = (need.saturating_sub(rest), (high + spread.reach()).min(need - 1));
    }
    sum
}

/// How many of the ways reach `need`, and whether that was rounded up.
fn favourable(spreads: &[Spread], need: u64, total: &BigUint, kept: usize) -> (BigUint, bool) {
    let mut rest_reach: u64 = spreads.iter().map(Spread::reach).sum();
    let mut rest_total = total.clone();
    let mut so_far = BigUint::from(1_u32);
    let mut window = Window { low: 0, limbs: 1, cells: vec![1] };
    let (mut sum, mut dropped) = (BigUint::ZERO, 0_u64);
    for spread in spreads {
        rest_reach -= spread.reach();
        rest_total /= spread.count();
        so_far *= spread.count();
        // Two more, since rounding up can make the sum of all cells a little larger than what it stands for.
        let digits = so_far.bits().saturating_sub(64 * dropped) + 2;
        let limbs = usize::try_from(digits.div_ceil(64)).expect("a few hundred");
        let (next, reached) = window.step(spread, limbs, need, rest_reach);
        sum += (big(&reached) * &rest_total) << (64 * dropped);
        window = next;
        while window.limbs > kept {
            window.drop_limb();
            dropped += 1;
        }
    }
    (sum, dropped > 0)
}

/// The sums that are still open, and in how many ways each came about.
struct Window {
    /// The smallest sum.
    low: u64,
    /// Limbs of a cell.
    limbs: usize,
    /// A cell a sum, ascending; the limbs of a cell from the lowest.
    cells: Vec<u64>,
}

impl Window {
    /// The window after one more case, and how many ways have reached `need` with it. `rest` is what later cases can still add.
    fn step(&self, spread: &Spread, limbs: usize, need: u64, rest: u64) -> (Self, Vec<u64>) {
        let count = (self.cells.len() / self.limbs) as u64;
        let low = self.low.max(need.saturating_sub(rest));
        let end = (self.low + count + spread.reach()).min(need);
        let mut next = Self { low, limbs, cells: vec![0; index(end.saturating_sub(low)) * limbs] };
        let mut reached = vec![0; limbs];
        for &(added, ways) in &spread.ways {
            // Cells before `from` fall below the new window, cells from `until` on reach the threshold.
            let until = need.saturating_sub(added).saturating_sub(self.low).min(count);
            let from = low.saturating_sub(added).saturating_sub(self.low).min(until);
            let to = index((self.low + from + added).saturating_sub(low)) * limbs;
            let open = &self.cells[index(from) * self.limbs..index(until) * self.limbs];
            let targets = next.cells.get_mut(to..).unwrap_or_default().chunks_exact_mut(limbs);
            for (target, cell) in targets.zip(open.chunks_exact(self.limbs)) {
                add_product(target, cell, ways);
            }
            for cell in self.cells[index(until) * self.limbs..].chunks_exact(self.limbs) {
                add_product(&mut reached, cell, ways);
            }
        }
        (next, reached)
    }

    /// Drops the lowest limb of every cell; what is not zero is rounded up.
    fn drop_limb(&mut self) {
        let limbs = self.limbs - 1;
        let mut cells = Vec::with_capacity(self.cells.len() / self.limbs * limbs);
        for cell in self.cells.chunks_exact(self.limbs) {
            let begin = cells.len();
            cells.extend_from_slice(&cell[1..]);
            add_product(&mut cells[begin..], &[u64::from(cell[0] != 0)], 1);
        }
        (self.limbs, self.cells) = (limbs, cells);
    }
}

/// Adds `cell · ways`; the target is never shorter and has room for the result.
#[expect(clippy::cast_possible_truncation, reason = "the lower limb is meant")]
fn add_product(target: &mut [u64], cell: &[u64], ways: u64) {
    let mut carry = 0_u64;
    let (low, high) = target.split_at_mut(cell.len());
    for (limb, factor) in low.iter_mut().zip(cell) {
        let sum = u128::from(*factor) * u128::from(ways) + u128::from(*limb) + u128::from(carry);
        (*limb, carry) = (sum as u64, (sum >> 64) as u64);
    }
    for limb in high {
        if carry == 0 {
            return;
        }
        let (sum, over) = limb.overflowing_add(carry);
        (*limb, carry) = (sum, u64::from(over));
    }
    debug_assert_eq!(carry, 0, "a cell has room for all ways");
}

fn index(value: u64) -> usize {
    usize::try_from(value).expect("bounded by MAX_WINDOW")
}

fn big(limbs: &[u64]) -> BigUint {
    BigUint::from_bytes_le(&limbs.iter().flat_map(|limb| limb.to_le_bytes()).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every choice of one way a case, one after the other.
    fn by_hand(spreads: &[Spread], threshold: u64) -> (u64, u64) {
        let mut sums = vec![(0, 1)];
        for spread in spreads {
            let one = |&(sum, ways): &(u64, u64)| {
                let common = spread.common;
                spread.ways.iter().map(move |(added, count)| (sum + added, ways * count * common)).collect::<Vec<_>>()
            };
            sums = sums.iter().flat_map(one).collect();
        }
        let count = |least: u64| sums.iter().filter(|(sum, _)| *sum >= least).map(|(_, ways)| ways).sum();
        (count(threshold), count(0))
    }

    fn spread() -> impl Strategy<Value = Spread> {
        let rest = prop::collection::btree_map(1..60_u64, 1..9_u64, 0..4);
        (1..9_u64, rest).prop_map(|(first, rest)| Spread::new([(0, first)].into_iter().chain(rest).collect()))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn it_counts_as_one_does_by_hand(spreads in prop::collection::vec(spread(), 0..7), threshold in 0..300_u64) {
            let (favourable, total) = by_hand(&spreads, threshold);
            let found = at_least(spreads.clone(), threshold).unwrap();
            prop_assert_eq!(found.favourable(), &BigUint::from(favourable));
            prop_assert_eq!(found.total(), &BigUint::from(total));
            prop_assert!(!found.is_rounded());
        }

        #[test]
        fn a_count_that_is_rounded_is_hardly_larger(
            spreads in prop::collection::vec(spread(), 60..120), share in 0..1000_u64,
        ) {
            let threshold = spreads.iter().map(Spread::reach).sum::<u64>() * share / 1000;
            let exact = at_least(spreads.clone(), threshold).unwrap();
            let found = counted(spreads.clone(), threshold, 0).unwrap();
            prop_assert_eq!(found.total(), exact.total());
            prop_assert!(found.favourable() >= exact.favourable());
            let more = found.favourable() - exact.favourable();
            prop_assert!(more << 85 < *found.total());
            let mut turned = spreads;
            turned.reverse();
            prop_assert_eq!(counted(turned, threshold, 0).unwrap(), found);
        }
    }

    #[test]
    fn what_would_take_too_long_is_refused() {
        let wide = Spread::new((0..250).map(|i| (i * 37, i + 1)).collect());
        let narrow = |count: usize| at_least(vec![Spread::new(vec![(0, 1), (1, 1)]); count], count as u64 / 2);
        assert!(!narrow(1000).unwrap().is_rounded());
        assert_eq!(steps(&vec![wide.clone(); 1000], 4_600_000, usize::MAX), u64::MAX, "the window is too wide");
        let fault = at_least(vec![wide; 1000], 4_600_000).unwrap_err();
        assert_eq!(fault.code, codes::GATE_SIZE);
    }
}
