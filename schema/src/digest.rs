//! SHA-256 digests as values. Hashing itself happens in `bundle`; here a digest is only parsed, compared and printed.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A SHA-256 digest (FIPS 180-4), printed as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// 32 zero bytes: `prev` of the first statement of a chain.
    pub const ZERO: Self = Self([0; 32]);

    /// The form `sha256:<hex>` of lock files.
    pub fn prefixed(&self) -> String {
        format!("sha256:{self}")
    }

    /// Parses `sha256:<hex>`.
    pub fn parse_prefixed(text: &str) -> Option<Self> {
        text.strip_prefix("sha256:")?.parse().ok()
    }

    /// The first 12 hex digits, for people.
    pub fn short(&self) -> String {
        hex::encode(&self.0[..6])
    }
}

/// The text is not 64 lower-case hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a SHA-256 digest: 64 lower-case hex digits are expected")]
pub struct NotADigest;

impl FromStr for Digest {
    type Err = NotADigest;

    fn from_str(text: &str) -> Result<Self, NotADigest> {
        if text.len() != 64 || !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(NotADigest);
        }
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| NotADigest)?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lower_case_hex_of_full_length_is_a_digest() {
        let hex = "ab".repeat(32);
        assert_eq!(hex.parse::<Digest>().map(|d| d.to_string()), Ok(hex.clone()));
        for bad in [hex.to_uppercase(), hex[1..].to_owned(), format!("{hex}0"), "é".repeat(32)] {
            assert_eq!(bad.parse::<Digest>(), Err(NotADigest), "{bad}");
        }
        assert!(Digest::parse_prefixed(&format!("sha256:{hex}")).is_some());
        assert!(Digest::parse_prefixed(&hex).is_none());
    }
}
