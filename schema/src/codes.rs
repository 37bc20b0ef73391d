//! Every way this product says no: one stable code, one sentence, and what to do next.
//!
//! A [`Code`] is the whole contract of an error: its identifier (`E_UPPER_SNAKE`, never reused), the client's exit code,
//! the HTTP status, the sentence, the hint, and the long text that `skill explain CODE` prints. Codes live in one file per area;
//! [`all`] is the complete list. A [`Fault`] is one occurrence: a code, the place, and what was found there.

mod archive;
mod client;
mod content;
mod eval;
mod fork;
mod log;
mod measured;
mod name;
mod registry;
mod sealed;
mod statement;

pub use archive::*;
pub use client::*;
pub use content::*;
pub use eval::*;
pub use fork::*;
pub use log::*;
pub use measured::*;
pub use name::*;
pub use registry::*;
pub use sealed::*;
pub use statement::*;

/// The client's exit codes. Documented and stable (`skill help exit-codes`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Exit {
    /// The command failed; no narrower code fits.
    Failed = 1,
    /// The command line could not be understood, or a prompt was needed and is not possible.
    Usage = 2,
    /// What was named does not exist.
    NotFound = 3,
    /// Sign-in or a permission is needed.
    Auth = 4,
    /// Something stands in the way: it exists, differs, or the lock file is out of date.
    Conflict = 5,
    /// A digest or signature does not hold.
    Integrity = 6,
    /// The network or the registry is unavailable; trying again may help.
    Unavailable = 7,
    /// Measured, and not better (also `check --deny warnings` and `outdated --exit-code`).
    Gate = 8,
    /// A policy refuses it: yanked, quarantined, blocked.
    Policy = 9,
    /// The gate was not measured: the run is invalid.
    Invalid = 11,
    /// The budget ran out.
    Budget = 12,
    /// Interrupted by the user.
    Interrupted = 130,
}

/// One entry of the error catalogue.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Code {
    /// The stable identifier, `E_UPPER_SNAKE`.
    pub id: &'static str,
    /// The exit code of the client when this error ends a command.
    pub exit: Exit,
    /// The HTTP status with which the registry reports it.
    pub status: u16,
    /// One sentence, lower case, without a full stop: it follows `error[E_…]: `.
    pub title: &'static str,
    /// What to do next: it follows `help: `. Empty if there is nothing general to say.
    pub help: &'static str,
    /// Why the rule exists, as a paragraph of Markdown for `skill explain`.
    pub explain: &'static str,
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.id)
    }
}

impl serde::Serialize for Code {
    /// A code is its identifier.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id)
    }
}

/// One occurrence of an error: what ([`Code`]), where (a path, header field or name) and what was found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.sentence())]
pub struct Fault {
    /// What is wrong.
    pub code: &'static Code,
    /// The file, field or name it is about, if there is one. Untrusted: printers escape it.
    pub place: Option<String>,
    /// What exactly was found, if there is more to say than the code's title.
    pub detail: Option<String>,
}

impl Fault {
    /// A fault without place or detail.
    pub fn new(code: &'static Code) -> Self {
        Self { code, place: None, detail: None }
    }

    /// Names the file, field or name it is about.
    #[must_use]
    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.place = Some(place.into());
        self
    }

    /// Says what exactly was found.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Place, title and detail in one sentence, with control characters of the place escaped.
    pub fn sentence(&self) -> String {
        let mut text = String::new();
        if let Some(place) = &self.place {
            text.push_str(&escape(place));
            text.push_str(": ");
        }
        text.push_str(self.code.title);
        if let Some(detail) = &self.detail {
            text.push_str(" (");
            text.push_str(&escape(detail));
            text.push(')');
        }
        text
    }
}

/// Escapes what a terminal could mistake for a command or a reader for another text: control characters, and everything
/// outside printable ASCII that is invisible or reorders (bidirectional marks, zero width, tags).
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let hidden = matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e000}'..='\u{f8ff}' | '\u{e0000}'..='\u{10ffff}');
        if c.is_control() || hidden {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// Every code, sorted by identifier.
pub fn all() -> Vec<&'static Code> {
    let mut codes: Vec<_> = [
        archive::ALL,
        client::ALL,
        content::ALL,
        eval::ALL,
        fork::ALL,
        log::ALL,
        measured::ALL,
        name::ALL,
        registry::ALL,
        sealed::ALL,
        statement::ALL,
    ]
    .concat();
    codes.sort_by_key(|code| code.id);
    codes
}

/// The code with this identifier (case is ignored), if we know it.
pub fn find(id: &str) -> Option<&'static Code> {
    all().into_iter().find(|code| code.id.eq_ignore_ascii_case(id))
}

/// Declares the codes of one area as constants, and the area's list of them.
macro_rules! codes {
    ($($name:ident = $id:literal, $exit:ident, $status:literal, $title:literal, $help:literal, $explain:literal;)*) => {
        $(
            #[doc = concat!("`", $id, "`: ", $title, ".")]
            pub const $name: &$crate::Code = &$crate::Code {
                id: $id, exit: $crate::codes::Exit::$exit, status: $status, title: $title, help: $help, explain: $explain,
            };
        )*
        pub(super) const ALL: &[&$crate::Code] = &[$($name),*];
    };
}
use codes;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_unique_and_well_formed() {
        let codes = all();
        for pair in codes.windows(2) {
            assert_ne!(pair[0].id, pair[1].id);
        }
        for code in codes {
            assert!(code.id.starts_with("E_"), "{}", code.id);
            assert!(code.id.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_'), "{}", code.id);
            assert!(!code.title.is_empty() && !code.title.ends_with('.'), "{}", code.id);
            assert!(!code.explain.is_empty(), "{} explains nothing", code.id);
            assert!((400..600).contains(&code.status), "{}", code.id);
        }
    }

    #[test]
    fn a_place_cannot_carry_terminal_escapes() {
        let fault = Fault::new(PATH_CHARS).at("a\u{1b}[31mb\u{202e}c");
        assert!(fault.sentence().starts_with("a\\u{1b}[31mb\\u{202e}c: "));
    }
}
