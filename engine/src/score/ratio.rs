//! A fraction of at least 0, exact, in lowest terms.

use std::{cmp::Ordering, fmt};

use super::{FULL, permille};

/// What numerator and denominator may be: a thousand times as much still fits 128 bits, so that rounding is always exact.
const MAX: u128 = 1 << 118;

/// An exact fraction of at least 0. Arithmetic that leaves its bounds gives `None` and never a wrong number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ratio {
    num: u128,
    den: u128,
}

impl Ratio {
    /// 0.
    pub const ZERO: Self = Self { num: 0, den: 1 };
    /// 1.
    pub const ONE: Self = Self { num: 1, den: 1 };

    /// `num / den`; `None` if `den` is 0, or if one of the two is above 2^118 in lowest terms.
    pub fn new(num: u128, den: u128) -> Option<Self> {
        let divisor = gcd(num, den);
        let (num, den) = (num / divisor, den / divisor);
        (den > 0 && num <= MAX && den <= MAX).then_some(Self { num, den })
    }

    /// Numerator in lowest terms.
    pub fn num(self) -> u128 {
        self.num
    }

    /// Denominator in lowest terms; never 0.
    pub fn den(self) -> u128 {
        self.den
    }

    /// The sum.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        let divisor = gcd(self.den, other.den);
        let (left, right) = (other.den / divisor, self.den / divisor);
        let num = self.num.checked_mul(left)?.checked_add(other.num.checked_mul(right)?)?;
        Self::new(num, self.den.checked_mul(left)?)
    }

    /// The product with a whole number.
    #[must_use]
    pub fn times(self, factor: u128) -> Option<Self> {
        let divisor = gcd(factor, self.den);
        Self::new(self.num.checked_mul(factor / divisor)?, self.den / divisor)
    }

    /// The quotient by a whole number; `None` for 0.
    #[must_use]
    pub fn by(self, divisor: u128) -> Option<Self> {
        let common = gcd(self.num, divisor);
        if divisor == 0 {
            return None;
        }
        Self::new(self.num / common, self.den.checked_mul(divisor / common)?)
    }

    /// In thousandths, half to even. A fraction above 1 counts as 1.
    pub fn permille(self) -> u16 {
        if self.num >= self.den {
            return FULL;
        }
        let rounded = permille(self.num, self.den).unwrap_or(FULL.into());
        u16::try_from(rounded).unwrap_or(FULL)
    }
}

impl PartialOrd for Ratio {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ratio {
    /// By value: whole parts first, then the fractions turned over, as in a continued fraction, so that nothing overflows.
    fn cmp(&self, other: &Self) -> Ordering {
        let (mut a, mut b) = (*self, *other);
        let mut turned = false;
        loop {
            let (whole_a, whole_b) = (a.num / a.den, b.num / b.den);
            let (rest_a, rest_b) = (a.num % a.den, b.num % b.den);
            let order = match whole_a.cmp(&whole_b) {
                Ordering::Equal if rest_a == 0 || rest_b == 0 => rest_a.min(1).cmp(&rest_b.min(1)),
                Ordering::Equal => {
                    (a, b) = (Self { num: a.den, den: rest_a }, Self { num: b.den, den: rest_b });
                    turned = !turned;
                    continue;
                }
                order => order,
            };
            return if turned { order.reverse() } else { order };
        }
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.num, self.den)
    }
}

fn gcd(mut a: u128, mut b: u128) -> u128 {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a.max(1)
}
