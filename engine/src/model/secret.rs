//! Keys of providers, which are never printed.

use std::{fmt, path::Path};

use super::EngineError;

/// Bytes of a key's file at most.
const MAX_KEY: u64 = 4096;

/// A provider's key. It has no way into a message, a record or a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A key as the environment holds it; white space around it is dropped.
    ///
    /// # Errors
    /// [`EngineError::Refused`] if it is empty or could not stand in a header.
    pub fn new(text: &str) -> Result<Self, EngineError> {
        let text = text.trim();
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(EngineError::Refused("the key is empty, or has characters that no key has".to_owned()));
        }
        Ok(Self(text.to_owned()))
    }

    /// The key that a file holds.
    ///
    /// # Errors
    /// [`EngineError::Refused`] if the file cannot be read, is too large, or holds no key.
    pub fn from_file(path: &Path) -> Result<Self, EngineError> {
        let refused = |detail: String| EngineError::Refused(format!("the key in {}: {detail}", path.display()));
        let size = std::fs::metadata(path).map_err(|e| refused(e.to_string()))?.len();
        if size > MAX_KEY {
            return Err(refused(format!("{size} bytes; at most {MAX_KEY}")));
        }
        let text = std::fs::read_to_string(path).map_err(|e| refused(e.to_string()))?;
        Self::new(&text).map_err(|e| refused(e.to_string()))
    }

    /// The key itself, for a header.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }

    /// The text without the key, should a peer have repeated it.
    pub(super) fn hide(&self, text: &str) -> String {
        text.replace(&self.0, "…")
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_never_printed() {
        let key = Secret::new(" sk-123\n").expect("a key");
        assert_eq!(format!("{key:?}"), "Secret(…)");
        assert_eq!(key.reveal(), "sk-123");
        assert_eq!(key.hide("not sk-123 again"), "not … again");
        assert!(Secret::new(" \n").is_err());
        assert!(Secret::new("a b").is_err());
    }
}
