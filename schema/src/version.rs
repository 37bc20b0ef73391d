//! Versions (SemVer 2.0.0 without build metadata) and requirements (cargo's syntax).

use crate::{Fault, codes};

pub use semver::{Version, VersionReq};

/// Bytes of a version: long enough for any real one, short enough for a path component.
pub const MAX_VERSION: usize = 64;

/// Parses `MAJOR.MINOR.PATCH[-pre]`. A leading `v`, missing numbers and `+build` are refused.
pub fn parse_version(text: &str) -> Result<Version, Fault> {
    let fault = |detail: &str| Fault::new(codes::VERSION).at(text).detail(detail);
    if text.len() > MAX_VERSION {
        return Err(fault("at most 64 characters"));
    }
    let version = Version::parse(text).map_err(|e| fault(&e.to_string()))?;
    if !version.build.is_empty() {
        return Err(fault("build metadata is not allowed"));
    }
    Ok(version)
}

/// Parses a requirement such as `^1.4`, `1.4`, `~1.4.2`, `>=1, <3` or `*`.
pub fn parse_requirement(text: &str) -> Result<VersionReq, Fault> {
    VersionReq::parse(text).map_err(|e| Fault::new(codes::REQUIREMENT).at(text).detail(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_strict() {
        for good in ["0.1.0", "1.4.0", "1.0.0-rc.1", "10.20.30-alpha-7"] {
            assert_eq!(parse_version(good).map(|v| v.to_string()).as_deref(), Ok(good));
        }
        for bad in ["", "1", "1.0", "v1.0.0", "1.0.0+build", "01.0.0", "1.0.0-01", "1.0.0 ", "99999999999999999999.0.0"]
        {
            assert!(parse_version(bad).is_err(), "{bad}");
        }
        assert!(parse_version(&format!("1.0.0-{}", "a".repeat(59))).is_err());
    }
}
