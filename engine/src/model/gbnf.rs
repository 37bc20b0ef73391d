//! Grammars for answers: what a [`Constraint`] means, in the GBNF of llama.cpp.
//!
//! Of JSON Schema the subset that graders need is translated: objects, arrays, strings, numbers, `enum`, `const`, `anyOf`,
//! `oneOf` and local `$ref`. What cannot be expressed is refused rather than ignored, so an answer that satisfies the grammar
//! satisfies the schema (of `oneOf` it satisfies at least one). Members of an object come in the order of `required`, then the others by name; JSON is written
//! without white space, which also saves tokens.

mod schema;

use std::fmt::Write as _;

use super::{Constraint, EngineError};

/// Bytes of a grammar at most, as llama.cpp reads it; a hostile one could otherwise take all memory.
const MAX_GRAMMAR: usize = 256 * 1024;
/// Choices at most.
const MAX_CHOICES: usize = 1000;

/// The grammar of a constraint; `None` where any text will do. The root rule is `root`.
///
/// # Errors
/// [`EngineError::Refused`] for a schema outside of the subset, for no or too many choices, and for a grammar that is too long.
pub fn grammar(constraint: &Constraint) -> Result<Option<String>, EngineError> {
    let text = match constraint {
        Constraint::None => return Ok(None),
        Constraint::Choice(choices) => choice(choices).map_err(EngineError::Refused)?,
        Constraint::JsonSchema(schema) => {
            schema::grammar(schema).map_err(|e| EngineError::Refused(format!("this JSON schema: {e}")))?
        }
        Constraint::Gbnf(text) => text.clone(),
    };
    if text.len() > MAX_GRAMMAR {
        return Err(EngineError::Refused(format!("a grammar of {} bytes; at most {MAX_GRAMMAR}", text.len())));
    }
    if text.contains('\0') {
        return Err(EngineError::Refused("a grammar with a NUL byte".to_owned()));
    }
    Ok(Some(text))
}

fn choice(choices: &[String]) -> Result<String, String> {
    if choices.is_empty() || choices.len() > MAX_CHOICES {
        return Err(format!("{} choices; 1 to {MAX_CHOICES} are possible", choices.len()));
    }
    let literals: Vec<String> = choices.iter().map(|text| literal(text)).collect();
    Ok(format!("root ::= {}\n", literals.join(" | ")))
}

/// A text as a GBNF literal.
fn literal(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if (c as u32) < 0x20 || c as u32 == 0x7f => {
                let _ = write!(out, "\\x{:02X}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_literals() {
        let choices = vec!["yes".to_owned(), "a \"b\"\n\\".to_owned()];
        let text = grammar(&Constraint::Choice(choices)).expect("a grammar").expect("some");
        assert_eq!(text, "root ::= \"yes\" | \"a \\\"b\\\"\\n\\\\\"\n");
        assert_eq!(grammar(&Constraint::None), Ok(None));
        assert!(grammar(&Constraint::Choice(vec![])).is_err());
    }

    #[test]
    fn a_grammar_has_a_longest_length() {
        let text = |n: usize| grammar(&Constraint::Gbnf("a".repeat(n)));
        assert!(text(MAX_GRAMMAR).is_ok());
        assert!(text(MAX_GRAMMAR + 1).is_err());
        assert!(grammar(&Constraint::Gbnf("a\0".to_owned())).is_err());
    }
}
