//! What a person types to name a skill: `[registry:]scope/name[@which]`.

use std::{fmt, str::FromStr};

use crate::{Digest, Fault, SkillId, Version, VersionReq, codes, version};

/// A skill, and perhaps which version of it and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// Name of a configured registry, if given.
    pub registry: Option<String>,
    /// The skill.
    pub id: SkillId,
    /// Which version.
    pub which: Which,
}

/// Which version of a skill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// The highest installable release (also written `@latest`).
    Latest,
    /// The best-scored version: `@best`.
    Best,
    /// Exactly this one: `@1.4.0`.
    Exact(Version),
    /// The highest one in a range: `@^1.2`.
    Range(VersionReq),
    /// The one with this tree digest: `@sha256:…`.
    Tree(Digest),
}

impl FromStr for Which {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        match text {
            "latest" => return Ok(Self::Latest),
            "best" => return Ok(Self::Best),
            _ => {}
        }
        if let Some(hex) = text.strip_prefix("sha256:") {
            let digest = hex.parse().map_err(|e| Fault::new(codes::SPEC).at(text).detail(format!("{e}")))?;
            return Ok(Self::Tree(digest));
        }
        let starts_like_a_version = text.starts_with(|c: char| c.is_ascii_digit()) || text.starts_with('v');
        if starts_like_a_version
            && (text.matches('.').count() >= 2 || text.starts_with('v'))
            && !text.contains([',', '*'])
        {
            return Ok(Self::Exact(version::parse_version(text)?));
        }
        Ok(Self::Range(version::parse_requirement(text)?))
    }
}

impl FromStr for Spec {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        let (name, which) = match text.split_once('@') {
            Some((name, which)) => (name, which.parse()?),
            None => (text, Which::Latest),
        };
        let (registry, id) = match name.split_once(':') {
            Some(("", _)) => return Err(Fault::new(codes::SPEC).at(text)),
            Some((registry, id)) => (Some(registry.to_owned()), id),
            None => (None, name),
        };
        Ok(Self { registry, id: id.parse()?, which })
    }
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latest => f.write_str("latest"),
            Self::Best => f.write_str("best"),
            Self::Exact(version) => write!(f, "{version}"),
            Self::Range(range) => write!(f, "{range}"),
            Self::Tree(digest) => write!(f, "sha256:{digest}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specifiers() {
        let spec = |text: &str| text.parse::<Spec>().map(|s| (s.registry, s.id.to_string(), s.which.to_string()));
        let some = |r: Option<&str>, w: &str| Ok((r.map(str::to_owned), "acme/notes".to_owned(), w.to_owned()));
        assert_eq!(spec("acme/notes"), some(None, "latest"));
        assert_eq!(spec("work:acme/notes@best"), some(Some("work"), "best"));
        assert_eq!(spec("acme/notes@1.4.0"), some(None, "1.4.0"));
        assert_eq!(spec("acme/notes@1.4"), some(None, "^1.4"));
        assert_eq!(spec("acme/notes@>=1.2.0, <2"), some(None, ">=1.2.0, <2"));
        for bad in [
            "notes",
            "acme/",
            ":acme/notes",
            "acme/notes@",
            "acme/notes@v1.0.0",
            "acme/notes@1.0.0+b",
            "acme/notes@sha256:12",
            "Acme/notes",
            "../notes",
            "acme/notes/more",
        ] {
            assert!(spec(bad).is_err(), "{bad}");
        }
    }
}
