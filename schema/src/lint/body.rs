//! Rules for the Markdown body: how much of the context it takes.

use std::ops::Range;

use super::{Issue, Lines, rules};

/// Lines of the body that the specification recommends at most.
pub const MAX_LINES: usize = 500;
/// Tokens of the body that the specification recommends at most.
pub const MAX_TOKENS: usize = 5_000;

pub(super) fn check(text: &str, body: Range<usize>) -> Vec<Issue> {
    let content = &text[body.clone()];
    let mut issues = Vec::new();
    let lines = Lines::new(content).count();
    let help = "move details into files under references/, which agents read only when they need them";
    if lines > MAX_LINES {
        let at: usize = content.split_inclusive('\n').take(MAX_LINES).map(str::len).sum();
        let message = format!("the body has {lines} lines, more than the recommended {MAX_LINES}");
        issues.push(Issue::new(rules::BODY_LINES, first_line(text, body.start + at), message).help(help));
    }
    let cost = tokens(content);
    if cost > MAX_TOKENS {
        let message = format!("the body costs about {cost} tokens, more than the recommended {MAX_TOKENS}");
        issues.push(Issue::new(rules::BODY_TOKENS, first_line(text, body.start), message).help(help));
    }
    issues
}

/// The text on the first line from here that has some.
fn first_line(text: &str, from: usize) -> Range<usize> {
    let start = text.len() - text[from..].trim_start().len();
    start..start + text[start..].lines().next().unwrap_or_default().trim_end().len()
}

/// About how many tokens a text costs: four ASCII characters or one and a half others a token. Tokenisers of different
/// models differ by more than this estimate is off.
pub fn tokens(text: &str) -> usize {
    let ascii = text.bytes().filter(u8::is_ascii).count();
    let others = text.chars().count() - ascii;
    (ascii * 3 + others * 8).div_ceil(12)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(body: &str) -> Vec<&'static str> {
        check(body, 0..body.len()).into_iter().map(|issue| issue.rule.id).collect()
    }

    #[test]
    fn both_sides_of_the_line_limit() {
        assert_eq!(ids(&"x\n".repeat(500)), [] as [&str; 0]);
        assert_eq!(ids(&format!("{}x", "x\n".repeat(499))), [] as [&str; 0]);
        assert_eq!(ids(&"x\n".repeat(501)), ["body.lines"]);
        let issue = &check(&"x\n".repeat(501), 0..1002)[0];
        assert_eq!(issue.span, 1000..1001, "the first line too many");
        let issue = &check(&format!("\n # Title \n{}", "word ".repeat(5_000)), 0..25_010)[0];
        assert_eq!((issue.rule.id, issue.span.clone()), ("body.tokens", 2..9));
    }

    #[test]
    fn both_sides_of_the_token_limit() {
        assert_eq!(ids(&"word".repeat(5_000)), [] as [&str; 0]);
        assert_eq!(ids(&format!("{}x", "word".repeat(5_000))), ["body.tokens"]);
    }

    #[test]
    fn tokens_are_estimated_by_script() {
        assert_eq!(tokens(""), 0);
        assert_eq!(tokens("word"), 1);
        assert_eq!(tokens("words"), 2);
        assert_eq!(tokens("漢字仮"), 2);
    }
}
