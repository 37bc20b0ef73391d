//! Operators: the kinds of edits, and how often each is asked for.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::suite::split::h64;

/// Discards in a row after which an operator is asked for half as often.
const PATIENCE: u32 = 3;

/// A kind of edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Operator {
    /// Look at what failed, find the cause, and say what prevents it.
    Reflect,
    /// Say the same with less.
    Simplify,
    /// Take the best of two versions.
    Merge,
    /// Move what is always the same into a script.
    Script,
    /// Say better when to take up the skill.
    Description,
}

impl Operator {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Reflect, Self::Simplify, Self::Merge, Self::Script, Self::Description];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Reflect => "reflect",
            Self::Simplify => "simplify",
            Self::Merge => "merge",
            Self::Script => "script",
            Self::Description => "description",
        }
    }

    /// How often it is asked for at first, against the others.
    fn weight(self) -> u32 {
        match self {
            Self::Reflect => 64,
            Self::Simplify | Self::Merge => 16,
            Self::Script | Self::Description => 8,
        }
    }
}

/// The weights, with how often each was discarded in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weights(BTreeMap<Operator, (u32, u32)>);

impl Weights {
    /// The first weights of these operators.
    pub fn new(operators: &[Operator]) -> Self {
        Self(operators.iter().map(|operator| (*operator, (operator.weight(), 0))).collect())
    }

    /// Draws one of those that apply. None if none does.
    pub fn draw(&self, salt: &str, experiment: u32, applies: impl Fn(Operator) -> bool) -> Option<Operator> {
        let open = || self.0.iter().filter(|(operator, _)| applies(**operator));
        let total: u64 = open().map(|(_, (weight, _))| u64::from(*weight)).sum();
        let mut at = draw(salt, "operator", experiment, total)?;
        for (operator, (weight, _)) in open() {
            match at.checked_sub(u64::from(*weight)) {
                Some(rest) => at = rest,
                None => return Some(*operator),
            }
        }
        None
    }

    /// Learns how an experiment ended: the third discard in a row halves the weight, down to 1; a keep restores it.
    pub fn learn(&mut self, operator: Operator, kept: bool) {
        let Some((weight, streak)) = self.0.get_mut(&operator) else { return };
        if kept {
            (*weight, *streak) = (operator.weight(), 0);
        } else {
            *streak += 1;
            if *streak == PATIENCE {
                (*weight, *streak) = ((*weight / 2).max(1), 0);
            }
        }
    }
}

/// A number below `total` that depends on the salt, what it is for, and the experiment; none if `total` is 0.
pub(super) fn draw(salt: &str, what: &str, experiment: u32, total: u64) -> Option<u64> {
    h64(&[salt, what, &experiment.to_string()]).checked_rem(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(weights: &Weights, wanted: Operator) -> usize {
        (0..1000).filter(|n| weights.draw("s", *n, |_| true) == Some(wanted)).count()
    }

    #[test]
    fn the_third_discard_in_a_row_halves_and_a_keep_restores() {
        let mut weights = Weights::new(&[Operator::Reflect, Operator::Simplify]);
        let first = share(&weights, Operator::Reflect);
        assert!((740..860).contains(&first), "{first}");
        weights.learn(Operator::Reflect, false);
        weights.learn(Operator::Reflect, false);
        assert_eq!(share(&weights, Operator::Reflect), first, "two are patience");
        weights.learn(Operator::Reflect, false);
        let second = share(&weights, Operator::Reflect);
        assert!((610..720).contains(&second), "32 of 48: {second}");
        for _ in 0..100 {
            weights.learn(Operator::Reflect, false);
        }
        assert!(share(&weights, Operator::Reflect) > 20, "it never dies out");
        weights.learn(Operator::Reflect, true);
        assert_eq!(share(&weights, Operator::Reflect), first);
    }

    #[test]
    fn what_does_not_apply_is_not_drawn() {
        let weights = Weights::new(&Operator::ALL);
        assert!((0..200).all(|n| weights.draw("s", n, |o| o != Operator::Merge) != Some(Operator::Merge)));
        assert_eq!(weights.draw("s", 0, |_| false), None);
    }
}
