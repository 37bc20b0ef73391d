//! What graders are told, and where it comes from.

use std::path::{Component, Path};

/// The name of the instructions in this program.
pub const BUILTIN: &str = "builtin:grader@1";

/// For expectations.
const EXPECTATION: &str = include_str!("prompts/expectation.md");

/// For rubrics.
pub(super) const RUBRIC: &str = include_str!("prompts/rubric.md");

/// For comparisons.
pub(super) const COMPARE: &str = include_str!("prompts/compare.md");

/// Bytes of a suite's own instructions.
const MAX_BYTES: u64 = 64 << 10;

/// The instructions of this name: ours, or a file in the suite's folder. The error is in words.
pub(super) fn load(name: &str, suite: &Path) -> Result<String, String> {
    if name == BUILTIN {
        return Ok(EXPECTATION.to_owned());
    }
    if name.starts_with("builtin:") {
        return Err(format!("the only instructions of this program are {BUILTIN}"));
    }
    let path = Path::new(name);
    if name.is_empty() || !path.components().all(|part| matches!(part, Component::Normal(_))) {
        return Err("not a path in the suite's folder".to_owned());
    }
    let meta = suite.join(path).symlink_metadata().map_err(|e| e.to_string())?;
    if !meta.is_file() || meta.len() > MAX_BYTES {
        return Err("not a regular file of at most 64 KiB".to_owned());
    }
    std::fs::read_to_string(suite.join(path)).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_are_ours_or_the_suites() {
        let suite = tempfile::tempdir().unwrap();
        std::fs::write(suite.path().join("mine.md"), "MINE").unwrap();
        std::fs::write(suite.path().join("long.md"), "x".repeat(64 * 1024 + 1)).unwrap();
        assert_eq!(load("mine.md", suite.path()).as_deref(), Ok("MINE"));
        assert_eq!(load(BUILTIN, suite.path()).as_deref(), Ok(EXPECTATION));
        for bad in ["builtin:grader@2", "", "../mine.md", "/etc/passwd", "none.md", "long.md", "."] {
            assert!(load(bad, suite.path()).is_err(), "{bad}");
        }
    }
}
