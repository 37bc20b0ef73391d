//! Which configuration of a workspace is the candidate and which the baseline: by what its name means, never by its place in
//! the alphabet.

/// The roles of two configurations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roles {
    /// The one that is measured.
    pub candidate: String,
    /// The one that it is compared with.
    pub baseline: String,
}

/// Names that skill-creator and its users give to the candidate, the most usual first.
const CANDIDATES: &[&str] = &["with_skill", "new_skill", "candidate", "with-skill", "new-skill", "skill"];

/// Names of the baseline.
const BASELINES: &[&str] =
    &["without_skill", "old_skill", "baseline", "no_skill", "without-skill", "old-skill", "no-skill", "base"];

/// Baselines of a candidate that replaces an older version: the older version before no skill at all.
const OLDER_FIRST: &[&str] = &["old_skill", "old-skill"];

impl Roles {
    /// The roles that the names of configurations mean; none if there is no candidate or no baseline among them.
    pub fn find(configurations: &[&str]) -> Option<Self> {
        let first =
            |names: &[&str]| names.iter().find(|name| configurations.contains(name)).map(|name| (*name).to_owned());
        let candidate = first(CANDIDATES)?;
        let older = if candidate.starts_with("new") { first(OLDER_FIRST) } else { None };
        let baseline = older.or_else(|| first(BASELINES))?;
        Some(Self { candidate, baseline })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_follow_from_names_in_any_order() {
        for (names, roles) in [
            (&["with_skill", "without_skill"][..], Some(("with_skill", "without_skill"))),
            (&["without_skill", "with_skill"], Some(("with_skill", "without_skill"))),
            (&["old_skill", "with_skill"], Some(("with_skill", "old_skill"))),
            (&["baseline", "with_skill"], Some(("with_skill", "baseline"))),
            (&["new_skill", "old_skill", "without_skill"], Some(("new_skill", "old_skill"))),
            (&["new_skill", "without_skill"], Some(("new_skill", "without_skill"))),
            (&["aaa", "with_skill", "without_skill", "zzz"], Some(("with_skill", "without_skill"))),
            (&["with_skill"], None),
            (&["haiku", "opus"], None),
            (&[], None),
        ] {
            let found = Roles::find(names);
            let found = found.as_ref().map(|roles| (roles.candidate.as_str(), roles.baseline.as_str()));
            assert_eq!(found, roles, "{names:?}");
        }
    }
}
