//! Requirements as sets of versions.
//!
//! Cargo's syntax, with one difference in how sets are formed: an upper bound without a pre-release part keeps the pre-releases of
//! the bound out (`<2` has no `2.0.0-rc.1`). Whether a pre-release inside a set may be chosen at all is the resolver's decision.

use pubgrub::Ranges;
use semver::{Comparator, Op, Prerelease};
use skill_schema::{Version, VersionReq};

/// A set of versions.
pub(super) type Set = Ranges<Version>;

/// Whether a version meets a requirement.
pub fn satisfies(req: &VersionReq, version: &Version) -> bool {
    set_of(req).contains(version)
}

/// The set that a requirement describes.
pub(super) fn set_of(req: &VersionReq) -> Set {
    req.comparators.iter().fold(Set::full(), |set, comparator| set.intersection(&of(comparator)))
}

/// The lowest version with these numbers: below all their pre-releases.
fn floor(major: u64, minor: u64, patch: u64) -> Version {
    // `0` is the lowest pre-release identifier; should it ever not parse, the bound is only less sharp.
    Version { pre: Prerelease::new("0").unwrap_or_default(), ..Version::new(major, minor, patch) }
}

/// The floor of the first version that differs in the last number that the comparator names.
fn after(c: &Comparator) -> Version {
    match (c.minor, c.patch) {
        (None, _) => floor(c.major.saturating_add(1), 0, 0),
        (Some(minor), None) => floor(c.major, minor.saturating_add(1), 0),
        (Some(minor), Some(patch)) => floor(c.major, minor, patch.saturating_add(1)),
    }
}

/// The floor of the next version that may break what `^` relies on: the leftmost number that is not zero goes up.
fn breaking(c: &Comparator) -> Version {
    match (c.major, c.minor, c.patch) {
        (0, None, _) => floor(1, 0, 0),
        (0, Some(0), None) => floor(0, 1, 0),
        (0, Some(0), Some(patch)) => floor(0, 0, patch.saturating_add(1)),
        (0, Some(minor), _) => floor(0, minor.saturating_add(1), 0),
        (major, _, _) => floor(major.saturating_add(1), 0, 0),
    }
}

fn of(c: &Comparator) -> Set {
    let low = Version { pre: c.pre.clone(), ..Version::new(c.major, c.minor.unwrap_or(0), c.patch.unwrap_or(0)) };
    let whole = c.patch.is_some();
    let below = |high: Version| Set::between(low.clone(), high);
    match c.op {
        Op::Exact if whole => Set::singleton(low),
        Op::Exact | Op::Wildcard => below(after(c)),
        Op::Greater if whole => Set::strictly_higher_than(low),
        Op::Greater => Set::higher_than(Version { pre: Prerelease::EMPTY, ..after(c) }),
        Op::GreaterEq => Set::higher_than(low),
        Op::Less if c.pre.is_empty() => Set::strictly_lower_than(floor(low.major, low.minor, low.patch)),
        Op::Less => Set::strictly_lower_than(low),
        Op::LessEq if whole => Set::lower_than(low),
        Op::LessEq => Set::strictly_lower_than(after(c)),
        Op::Tilde => {
            let patchless = Comparator { patch: None, ..c.clone() };
            below(after(&patchless))
        }
        _ => below(breaking(c)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// For releases our sets are exactly what the semver crate matches.
    #[test]
    fn sets_agree_with_the_semver_crate_on_releases() {
        let requirements = [
            "*",
            "1",
            "1.2",
            "1.2.3",
            "^0",
            "^0.0",
            "^0.0.3",
            "^0.2",
            "^0.2.3",
            "^1.2.3",
            "~1",
            "~1.2",
            "~1.2.3",
            "=1",
            "=1.2",
            "=1.2.3",
            ">1",
            ">1.2",
            ">1.2.3",
            ">=1",
            ">=1.2",
            ">=1.2.3",
            "<1",
            "<1.2",
            "<1.2.3",
            "<=1",
            "<=1.2",
            "<=1.2.3",
            "1.*",
            "1.2.*",
            ">=1.1, <2",
            ">0.0.1, <=0.2",
            "<1, >2",
        ];
        for req in requirements {
            let req: VersionReq = req.parse().expect("a requirement");
            for (major, minor, patch) in (0..4).flat_map(|a| (0..4).flat_map(move |b| (0..5).map(move |c| (a, b, c)))) {
                let version = Version::new(major, minor, patch);
                assert_eq!(satisfies(&req, &version), req.matches(&version), "{req} {version}");
            }
        }
    }

    #[test]
    fn an_upper_bound_keeps_its_own_prereleases_out() {
        let has = |req: &str, version: &str| {
            satisfies(&req.parse().expect("a requirement"), &version.parse().expect("a version"))
        };
        assert!(!has("^1", "2.0.0-rc.1") && !has("<2", "2.0.0-rc.1") && !has("~1.2", "1.3.0-a"));
        assert!(has("<2.0.0-rc.2", "2.0.0-rc.1") && has("^1.0.0-rc.1", "1.0.0-rc.2") && has("=1.0.0-a", "1.0.0-a"));
        assert!(!has("^1", "1.0.0-rc.1"));
    }
}
