//! Names: `scope/name`, and which names may not exist beside each other.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Fault, codes};

/// Characters of a skill's name (Agent Skills specification, `name`).
pub const MAX_NAME: usize = 64;
/// Characters of a scope.
pub const MAX_SCOPE: usize = 39;

/// Scopes that are addresses of the registry itself.
const RESERVED_SCOPES: &[&str] = &[
    "api",
    "index",
    "log",
    "blob",
    "s",
    "search",
    "docs",
    "suites",
    "a",
    "u",
    "v1",
    "dl",
    "badge",
    "compare",
    "admin",
    "snapshot",
    "root",
    "_operator",
];

/// The scope of the operator's own chain of statements. Not a valid [`Scope`]: nobody can register it.
pub const OPERATOR: &str = "_operator";

/// Under which the registry counts the statements that stand in no chain: attempts and results of evals. Not a valid [`Scope`].
pub const EVALS: &str = "_evals";

/// The scope of skills that a client installed from a path and that name none themselves. A valid [`Scope`], but registries give it
/// to nobody, so that such a skill is never mistaken for a published one.
pub const LOCAL: &str = "local";

/// The Agent Skills rule: 1 to `max` characters of `a-z`, `0-9` and single inner hyphens.
pub fn follows_rule(text: &str, max: usize) -> bool {
    !text.is_empty()
        && text.len() <= max
        && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        && !text.starts_with('-')
        && !text.ends_with('-')
        && !text.contains("--")
}

/// Whether the part of a file name before its first dot is a device on Windows, in any case.
pub fn is_windows_device(component: &str) -> bool {
    let stem = component.split('.').next().unwrap_or_default().trim_end().to_ascii_lowercase();
    match stem.as_str() {
        "con" | "prn" | "aux" | "nul" | "conin$" | "conout$" => true,
        _ => stem
            .strip_prefix("com")
            .or_else(|| stem.strip_prefix("lpt"))
            .is_some_and(|digit| matches!(digit.as_bytes(), [b'0'..=b'9'])),
    }
}

/// Folds what people confuse: `_` and `-`, `0` and `o`, `1`, `l` and `i`. Two names with the same fold may not both exist.
pub fn fold(name: &str) -> String {
    name.chars()
        .map(|c| match c.to_ascii_lowercase() {
            '_' => '-',
            '0' => 'o',
            '1' | 'l' => 'i',
            other => other,
        })
        .collect()
}

macro_rules! name_type {
    ($(#[$doc:meta])* $type:ident, $max:ident, $reserved:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(String);

        impl $type {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The form under which names must be unique: see [`fold`].
            pub fn folded(&self) -> String {
                fold(&self.0)
            }
        }

        impl FromStr for $type {
            type Err = Fault;

            fn from_str(text: &str) -> Result<Self, Fault> {
                if $reserved.contains(&text) || is_windows_device(text) {
                    return Err(Fault::new(codes::NAME_RESERVED).at(text));
                }
                if !follows_rule(text, $max) {
                    return Err(Fault::new(codes::NAME).at(text));
                }
                Ok(Self(text.to_owned()))
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        text_serde!($type);
    };
}

macro_rules! text_serde {
    ($type:ident) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

name_type!(
    /// Who publishes: a person or an organisation, `cisco`. Not one of the registry's own addresses.
    Scope, MAX_SCOPE, RESERVED_SCOPES
);
name_type!(
    /// The skill's own name, equal to the `name` of its frontmatter and to its folder: `codeguard`.
    SkillName, MAX_NAME, [] as [&str; 0]
);

/// A skill's full name: `cisco/codeguard`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SkillId {
    /// Who publishes it.
    pub scope: Scope,
    /// What it is called there.
    pub name: SkillName,
}

impl FromStr for SkillId {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        let (scope, name) = text.split_once('/').ok_or_else(|| Fault::new(codes::NAME).at(text))?;
        Ok(Self { scope: scope.parse()?, name: name.parse()? })
    }
}

impl fmt::Display for SkillId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.scope, self.name)
    }
}

text_serde!(SkillId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_agent_skills_rule_at_both_sides_of_each_limit() {
        for good in ["a", "codeguard", "pdf-forms", "3d", &"a".repeat(64)] {
            assert!(good.parse::<SkillName>().is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "a--b", "A", "a_b", "a.b", "é", "a b", "..", "%2f", &"a".repeat(65)] {
            assert_eq!(bad.parse::<SkillName>().map_err(|f| f.code), Err(codes::NAME), "{bad}");
        }
        assert!("a".repeat(39).parse::<Scope>().is_ok());
        assert!("a".repeat(40).parse::<Scope>().is_err());
    }

    #[test]
    fn reserved_names_are_refused() {
        for scope in ["api", "blob", "a", "_operator", "con"] {
            assert_eq!(scope.parse::<Scope>().map_err(|f| f.code), Err(codes::NAME_RESERVED), "{scope}");
        }
        for device in ["con", "nul", "com1", "lpt9"] {
            assert_eq!(device.parse::<SkillName>().map_err(|f| f.code), Err(codes::NAME_RESERVED), "{device}");
        }
        assert!("docs".parse::<SkillName>().is_ok() && "com10".parse::<SkillName>().is_ok());
        assert!(is_windows_device("AUX.txt") && is_windows_device("nul .md") && !is_windows_device("console"));
    }

    #[test]
    fn lookalikes_fold_together() {
        assert_eq!(fold("c0de-1ib"), fold("code_lib"));
        assert_ne!(fold("codeguard"), fold("codeguards"));
    }
}
