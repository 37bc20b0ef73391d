//! HTML that is built from constants and escaped text: what comes from outside cannot become markup.

use std::fmt::Write as _;

/// A piece of HTML.
#[derive(Debug, Default)]
pub(crate) struct Html(String);

impl Html {
    /// Markup of this program.
    pub(crate) fn constant(markup: &'static str) -> Self {
        Self(markup.to_owned())
    }

    /// Adds markup of this program. Only constants fit the type.
    pub(crate) fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Adds other HTML.
    pub(crate) fn add(&mut self, other: &Self) -> &mut Self {
        self.0.push_str(&other.0);
        self
    }

    /// Adds text, for an element or a quoted attribute.
    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        text.chars().for_each(|c| escape(c, &mut self.0));
        self
    }

    /// Adds text, at most `most` bytes of it once escaped, and says how much was cut.
    pub(crate) fn cut(&mut self, text: &str, most: usize) -> &mut Self {
        let end = self.0.len() + most;
        for (at, c) in text.char_indices() {
            let before = self.0.len();
            escape(c, &mut self.0);
            if self.0.len() > end {
                self.0.truncate(before);
                let left = text[at..].chars().count();
                self.raw("<span class=\"cut\">… ").number(left as u64).raw(" more characters</span>");
                break;
            }
        }
        self
    }

    /// Adds text, at most `most` bytes of it once escaped, for an attribute: what was cut is marked by `…` alone.
    pub(crate) fn cut_plain(&mut self, text: &str, most: usize) -> &mut Self {
        let end = self.0.len() + most;
        for c in text.chars() {
            let before = self.0.len();
            escape(c, &mut self.0);
            if self.0.len() > end {
                self.0.truncate(before);
                self.0.push('…');
                break;
            }
        }
        self
    }

    /// Adds a number.
    pub(crate) fn number(&mut self, n: u64) -> &mut Self {
        self.0.push_str(&crate::report::words::grouped(n));
        self
    }

    /// Adds a place in percent of a width: `12.50%`.
    pub(crate) fn place(&mut self, share: f64) -> &mut Self {
        let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
        // Writing to a text cannot fail.
        let _ = write!(self.0, "{:.2}%", share * 100.0);
        self
    }

    /// Adds an element with this class (none if empty) and text.
    pub(crate) fn element(&mut self, tag: &'static str, class: &'static str, text: &str) {
        self.raw("<").raw(tag);
        if !class.is_empty() {
            self.raw(" class=\"").raw(class).raw("\"");
        }
        self.raw(">").text(text).raw("</").raw(tag).raw(">");
    }

    /// What was built.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Adds a character: markup escaped, and what a reader cannot see, or what reorders what he sees, as its number.
fn escape(c: char, out: &mut String) {
    match c {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '"' => out.push_str("&quot;"),
        '\'' => out.push_str("&#39;"),
        '\n' | '\t' | ' '..='~' => out.push(c),
        '\r' => {}
        c => {
            let mut buffer = [0; 4];
            out.push_str(&skill_schema::codes::escape(c.encode_utf8(&mut buffer)));
        }
    }
}
