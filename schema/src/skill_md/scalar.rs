//! The types of YAML scalars: what a bare word is, and what older parsers take it for.

/// A scalar: its text after escapes and folding (nothing for a null), and whether it was written bare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scalar {
    pub text: String,
    pub plain: bool,
}

/// The type that a scalar has under YAML 1.2's core schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Null,
    Boolean,
    Number,
}

impl Scalar {
    /// The type under YAML 1.2's core schema (chapter 10.3): only a bare scalar can be other than text.
    pub fn kind(&self) -> Kind {
        if !self.plain {
            return Kind::Text;
        }
        match self.text.as_str() {
            "" | "~" | "null" | "Null" | "NULL" => Kind::Null,
            "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => Kind::Boolean,
            text if is_number(text) => Kind::Number,
            _ => Kind::Text,
        }
    }

    /// Whether parsers of YAML 1.1, which many agents still use, read this text as a boolean, date or number.
    pub fn is_other_in_yaml_1_1(&self) -> bool {
        if !self.plain || self.kind() != Kind::Text {
            return false;
        }
        let text = self.text.as_str();
        let boolean =
            matches!(text, "yes" | "Yes" | "YES" | "no" | "No" | "NO" | "on" | "On" | "ON" | "off" | "Off" | "OFF");
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let date = text.get(..10).is_some_and(|day| {
            day.split('-').map(str::len).eq([4, 2, 2])
                && day.split('-').all(digits)
                && !text[10..].starts_with(|c: char| c != 'T' && c != ' ')
        });
        let sexagesimal = text.contains(':') && text.split(':').all(digits);
        let underscored =
            text.contains('_') && is_number(&text.replace('_', "")) && text.starts_with(|c: char| c.is_ascii_digit());
        boolean || date || sexagesimal || underscored
    }
}

/// Integers and floats of the core schema: `[-+]?[0-9]+`, `0o7`, `0xF`, `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`,
/// `.inf`, `.nan`.
fn is_number(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if let Some(rest) = text.strip_prefix("0o") {
        return !rest.is_empty() && rest.bytes().all(|b| matches!(b, b'0'..=b'7'));
    }
    if let Some(rest) = text.strip_prefix("0x") {
        return !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_hexdigit());
    }
    if matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        return true;
    }
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['-', '+']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let mantissa_fits = match mantissa.split_once('.') {
        Some((whole, part)) => {
            (digits(whole) && (part.is_empty() || digits(part))) || (whole.is_empty() && digits(part))
        }
        None => digits(mantissa),
    };
    mantissa_fits && exponent.is_none_or(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scalar(text: &str) -> Scalar {
        Scalar { text: text.to_owned(), plain: true }
    }

    #[test]
    fn bare_words_have_the_types_of_the_core_schema() {
        for text in
            ["0", "-12", "+1", "0755", "0o17", "0xFf", "1.", "1.5", ".5", "-1e3", "1.5E+10", ".inf", "-.INF", ".NaN"]
        {
            assert_eq!(scalar(text).kind(), Kind::Number, "{text}");
        }
        for text in ["", "~", "null", "NULL"] {
            assert_eq!(scalar(text).kind(), Kind::Null, "{text}");
        }
        for text in ["true", "False", "TRUE"] {
            assert_eq!(scalar(text).kind(), Kind::Boolean, "{text}");
        }
        for text in
            ["a", "1a", "1.2.3", "-", "+", ".", "e5", "1e", "0o8", "0x", "0xg", "tRUE", "nULL", "-.nan", "yes", "1_000"]
        {
            assert_eq!(scalar(text).kind(), Kind::Text, "{text}");
        }
        assert_eq!(Scalar { text: "1".to_owned(), plain: false }.kind(), Kind::Text);
    }

    #[test]
    fn words_that_older_parsers_read_as_another_type_are_known() {
        for text in ["yes", "On", "OFF", "2026-01-01", "2026-01-01T00:00:00Z", "2026-01-01 10:00", "12:30:45", "1_000"]
        {
            assert!(scalar(text).is_other_in_yaml_1_1(), "{text}");
        }
        for text in
            ["yeS", "y", "note", "2026-01", "2026-01-01x", "a:b", "12:3x", "a_1", "é", "笔记", "", "1", "2026-1-010"]
        {
            assert!(!scalar(text).is_other_in_yaml_1_1(), "{text}");
        }
        assert!(!Scalar { text: "yes".to_owned(), plain: false }.is_other_in_yaml_1_1());
    }
}
