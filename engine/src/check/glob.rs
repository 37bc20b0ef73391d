//! Patterns of paths inside the folder that a run left, or inside the suite.

use skill_schema::{Fault, codes};

use super::{
    folder::{Entry, Kind},
    params::Params,
};

/// Bytes of a pattern or path.
const MAX_BYTES: usize = 240;

/// Braces of a pattern: the library keeps ten at most, and alternatives multiply.
const MAX_BRACES: usize = 4;

/// What the folder of outputs is called in suites.
const OUTPUTS: &str = "outputs/";

/// A pattern of paths: `*`, `**`, `?`, `[…]`, `{a,b}`.
#[derive(Debug, Clone)]
pub(super) struct Glob(String);

impl Glob {
    /// The pattern in this parameter; a leading `outputs/` is taken away.
    pub(super) fn param(params: &Params<'_>, name: &str) -> Result<Self, Fault> {
        Self::new(params, name, params.filled_text(name)?)
    }

    pub(super) fn new(params: &Params<'_>, name: &str, text: &str) -> Result<Self, Fault> {
        let text = text.strip_prefix(OUTPUTS).unwrap_or(text);
        path_like(params, name, text)?;
        if text.starts_with('!') || text.matches('{').count() > MAX_BRACES {
            return Err(params.fault(
                codes::CHECK_GLOB,
                name,
                format!("at most {MAX_BRACES} braces, and no leading `!`"),
            ));
        }
        Ok(Self(text.to_owned()))
    }

    pub(super) fn matches(&self, path: &str) -> bool {
        glob_match::glob_match(&self.0, path)
    }

    /// The regular files that match, in order.
    pub(super) fn files<'a>(&self, entries: &'a [Entry]) -> Vec<&'a Entry> {
        entries.iter().filter(|entry| entry.kind == Kind::File && self.matches(&entry.path)).collect()
    }

    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

/// A path inside the suite's folder, without patterns.
pub(super) fn suite_path(params: &Params<'_>, name: &str, text: &str) -> Result<String, Fault> {
    path_like(params, name, text)?;
    Ok(text.trim_end_matches('/').to_owned())
}

/// A path inside the folder of outputs, without patterns; empty is the folder itself.
pub(super) fn output_path(params: &Params<'_>, name: &str, text: &str) -> Result<String, Fault> {
    let text = if text == "outputs" { "" } else { text.strip_prefix(OUTPUTS).unwrap_or(text) };
    if !text.is_empty() {
        path_like(params, name, text)?;
    }
    Ok(text.trim_end_matches('/').to_owned())
}

fn path_like(params: &Params<'_>, name: &str, text: &str) -> Result<(), Fault> {
    let refuse = |detail: &str| Err(params.fault(codes::CHECK_GLOB, name, detail));
    if text.is_empty() || text.len() > MAX_BYTES {
        return refuse("it is empty or longer than 240 bytes");
    }
    if text.starts_with('/') || text.contains('\\') || text.chars().any(char::is_control) {
        return refuse("it begins with `/`, or has a backslash or a control character");
    }
    if text.trim_end_matches('/').split('/').any(|part| part.is_empty() || part == ".." || part == ".") {
        return refuse("one of its parts is empty, `.` or `..`");
    }
    Ok(())
}
