//! The one module that knows the YAML parser: frontmatter text to a tree of nodes with their places.
//!
//! The tree is built from parser events, so that anchors, aliases, merge keys, tags and duplicate keys are seen where they
//! stand, all of them in one pass, and nothing is ever expanded. Budgets bound the work.

use std::{collections::HashSet, ops::Range};

use serde_saphyr::granit_parser::{self as parser, Event, ScalarStyle, Span};

use super::scalar::{Kind, Scalar};
use crate::lint::{Issue, Rule, rules};

/// Scalars, lists and mappings in one frontmatter: far beyond any real one, far below what costs time.
pub const MAX_NODES: usize = 5_000;
/// Levels of lists and mappings inside each other.
pub const MAX_DEPTH: usize = 32;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    pub value: Value,
    /// Bytes of the text that was parsed. A mapping's or list's reaches from its first to its last character.
    pub span: Range<usize>,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Scalar(Scalar),
    /// A reference to another node, which is refused and never followed: its value is unknown.
    Alias,
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
}

/// What parsing gave: a tree if the text is YAML, and every rule that was broken.
#[derive(Debug, Default)]
pub(crate) struct Parsed {
    pub root: Option<Node>,
    pub issues: Vec<Issue>,
}

/// Parses one YAML document. Spans are bytes of `text` plus `offset`.
///
/// Half of the parsers in use refuse continued lines that are not indented further than their key, as the specification asks, and
/// half accept them. They are accepted here, and reported.
pub(crate) fn parse(text: &str, offset: usize) -> Parsed {
    let strict = parse_with(text, offset, true);
    if strict.root.is_some() || !strict.issues.iter().any(|issue| issue.rule == rules::INVALID) {
        return strict;
    }
    let mut relaxed = parse_with(text, offset, false);
    if relaxed.root.is_none() {
        return strict;
    }
    let refused = strict.issues.into_iter().filter(|issue| issue.rule == rules::INVALID);
    relaxed.issues.extend(refused.map(|issue| {
        let message = issue.message.replace("invalid frontmatter", "some agents refuse this indentation");
        Issue::new(rules::INDENTATION, issue.span, message)
            .help("indent what goes on in the next line further than its key")
    }));
    relaxed
}

fn parse_with(text: &str, offset: usize, strict_indentation: bool) -> Parsed {
    let options = parser::options! {
        disallow_directives: true,
        emit_anchor_events: true,
        emit_unresolved_aliases: true,
        flow_nesting_limit: MAX_DEPTH + 1,
        block_nesting_limit: MAX_DEPTH + 1,
        strict_indentation: strict_indentation,
    };
    let mut builder = Builder { offset, ..Builder::default() };
    for event in parser::Parser::new_from_str_with_options(text, options) {
        let stop = match event {
            Ok((event, span)) => builder.event(event, span).is_err(),
            Err(error) => {
                builder.refused(&error);
                true
            }
        };
        if stop {
            return Parsed { root: None, issues: builder.issues };
        }
    }
    builder.look_at_text(text);
    Parsed { root: builder.root, issues: builder.issues }
}

/// The budget is spent: stop.
struct Stop;

#[derive(Default)]
struct Builder {
    offset: usize,
    nodes: usize,
    documents: usize,
    stack: Vec<Open>,
    root: Option<Node>,
    /// Quoted and block scalars: what stands in them is text.
    quoted: Vec<Range<usize>>,
    issues: Vec<Issue>,
}

/// A list or mapping that is not closed yet.
struct Open {
    start: usize,
    kind: OpenKind,
}

enum OpenKind {
    List(Vec<Node>),
    Map { entries: Vec<(Node, Node)>, key: Option<Node>, seen: HashSet<String> },
}

impl Builder {
    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Stop> {
        let range = self.range(span);
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    let message = "invalid frontmatter: there is a second YAML document";
                    self.issues.push(Issue::new(rules::INVALID, range, message).help("remove the line ..."));
                    return Err(Stop);
                }
            }
            Event::Anchor(_, name) => self.issue(rules::ANCHOR, range, format!("YAML anchor `&{name}`")),
            Event::Alias(_) => {
                self.issue(rules::ALIAS, range.clone(), "YAML alias");
                self.leaf(Value::Alias, range)?;
            }
            Event::UnresolvedAlias(name) => {
                self.issue(rules::ALIAS, range.clone(), format!("`*{name}` is read as a YAML alias"));
                self.leaf(Value::Alias, range)?;
            }
            Event::Scalar(text, style, _, tag) => {
                self.tag(tag.is_some(), span);
                let plain = style == ScalarStyle::Plain;
                if !plain {
                    self.quoted.push(range.clone());
                }
                self.scalar(text.into_owned(), plain, range)?;
            }
            Event::SequenceStart(_, _, tag) => {
                self.tag(tag.is_some(), span);
                self.open(range.start, OpenKind::List(Vec::new()))?;
            }
            Event::MappingStart(_, _, tag) => {
                self.tag(tag.is_some(), span);
                self.open(range.start, OpenKind::Map { entries: Vec::new(), key: None, seen: HashSet::new() })?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(range.end),
            _ => {}
        }
        Ok(())
    }

    fn range(&self, span: Span) -> Range<usize> {
        let range = span.byte_range().unwrap_or(0..0);
        range.start + self.offset..range.end + self.offset
    }

    fn issue(&mut self, rule: &'static Rule, range: Range<usize>, message: impl Into<String>) {
        self.issues.push(Issue::new(rule, range, message).help("write the value out; put it in quotes if it is text"));
    }

    fn tag(&mut self, tagged: bool, span: Span) {
        if tagged {
            let range = self.range(span.tag_span().unwrap_or(span));
            self.issue(rules::TAG, range, "YAML tag");
        }
    }

    fn count(&mut self, at: usize) -> Result<(), Stop> {
        self.nodes += 1;
        if self.nodes > MAX_NODES || self.stack.len() > MAX_DEPTH {
            let message = if self.nodes > MAX_NODES {
                format!("the frontmatter has more than {MAX_NODES} values")
            } else {
                format!("the frontmatter is nested deeper than {MAX_DEPTH} levels")
            };
            self.issues.push(Issue::new(rules::TOO_LARGE, at..at + 1, message));
            return Err(Stop);
        }
        Ok(())
    }

    /// The parser refuses the text.
    fn refused(&mut self, error: &parser::ScanError) {
        let at = self.offset + error.marker().byte_offset().unwrap_or(0);
        let message = format!("invalid frontmatter: {}", error.info());
        self.issues.push(match error.kind() {
            parser::ErrorKind::RecursionLimitExceeded => Issue::new(rules::TOO_LARGE, at..at + 1, message),
            _ => Issue::new(rules::INVALID, at..at + 1, message)
                .help("indent with spaces, and put text that has : # or quotes in it between double quotes"),
        });
    }

    /// What no event shows: marks that parsers disagree on. One of each kind is enough.
    fn look_at_text(&mut self, text: &str) {
        let start = self.root.as_ref().map_or(0, |root| root.span.start - self.offset);
        if let Some(at) = text[..start].find("...") {
            let at = at + self.offset;
            let message = "invalid frontmatter: a document ends before it starts";
            self.issues.push(Issue::new(rules::INVALID, at..at + 3, message).help("remove the line ..."));
            self.root = None;
        }
        let breaks = text.char_indices().find(|(_, c)| matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}'));
        if let Some((at, c)) = breaks {
            let (at, message) = (at + self.offset, format!("U+{:04X} is a line break for some parsers", u32::from(c)));
            self.issues.push(Issue::new(rules::AMBIGUOUS, at..at + c.len_utf8(), message).help("write a space"));
        }
        let is_text = |at: usize| self.quoted.iter().any(|span| span.contains(&(at + self.offset)));
        let in_comment = |at: usize| text[..at].rsplit('\n').next().is_some_and(|line| line.contains('#'));
        if let Some((at, _)) = text.match_indices('\t').find(|(at, _)| !is_text(*at) && !in_comment(*at)) {
            let at = at + self.offset;
            let message = "some parsers refuse a tab outside of quotes";
            self.issues.push(Issue::new(rules::AMBIGUOUS, at..at + 1, message).help("write spaces"));
        }
    }

    fn scalar(&mut self, text: String, plain: bool, span: Range<usize>) -> Result<(), Stop> {
        let mut scalar = Scalar { text, plain };
        if scalar.kind() == Kind::Null {
            scalar.text.clear();
        }
        self.leaf(Value::Scalar(scalar), span)
    }

    fn leaf(&mut self, value: Value, span: Range<usize>) -> Result<(), Stop> {
        self.count(span.start)?;
        self.add(Node { value, span });
        Ok(())
    }

    fn open(&mut self, start: usize, kind: OpenKind) -> Result<(), Stop> {
        self.stack.push(Open { start, kind });
        self.count(start)
    }

    fn close(&mut self, end: usize) {
        let Some(open) = self.stack.pop() else { return };
        let value = match open.kind {
            OpenKind::List(items) => Value::List(items),
            OpenKind::Map { entries, .. } => Value::Map(entries),
        };
        self.add(Node { value, span: open.start..end });
    }

    /// Puts a finished node where it belongs.
    fn add(&mut self, node: Node) {
        match self.stack.last_mut().map(|open| &mut open.kind) {
            None => self.root = Some(node),
            Some(OpenKind::List(items)) => items.push(node),
            Some(OpenKind::Map { entries, key, seen }) => {
                if let Some(key) = key.take() {
                    self.issues.extend(check_value(&node));
                    entries.push((key, node));
                } else {
                    self.issues.extend(check_key(&node, seen));
                    *key = Some(node);
                }
            }
        }
    }
}

/// Two bare words that parsers of YAML 1.1 refuse as a value, wherever they stand.
fn check_value(node: &Node) -> Option<Issue> {
    let Value::Scalar(Scalar { text, plain: true }) = &node.value else { return None };
    matches!(text.as_str(), "=" | "<<").then(|| {
        let message = format!("parsers of YAML 1.1 refuse a bare `{text}`");
        Issue::new(rules::AMBIGUOUS, node.span.clone(), message).help(format!("write \"{text}\""))
    })
}

/// What is wrong with a key, given the keys before it.
fn check_key(node: &Node, seen: &mut HashSet<String>) -> Option<Issue> {
    let span = node.span.clone();
    let scalar = match &node.value {
        Value::Scalar(scalar) => scalar,
        Value::Alias => return None,
        Value::List(_) | Value::Map(_) => {
            return Some(Issue::new(rules::KEY, span, "a list or mapping cannot be a key"));
        }
    };
    if scalar.plain && scalar.text == "<<" {
        return Some(Issue::new(rules::MERGE_KEY, span, "YAML merge key `<<`").help("write the merged values out"));
    }
    if !seen.insert(scalar.text.clone()) {
        let message = format!("the key `{}` stands twice", scalar.text);
        return Some(
            Issue::new(rules::DUPLICATE_KEY, span, message)
                .help("keep one of the two: parsers disagree on which one counts"),
        );
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree as text: scalars with their spans.
    fn show(node: &Node) -> String {
        match &node.value {
            Value::Scalar(scalar) => format!("{}@{:?}", scalar.text, node.span),
            Value::Alias => "alias".to_owned(),
            Value::List(items) => format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(" ")),
            Value::Map(entries) => {
                let entries: Vec<_> = entries.iter().map(|(k, v)| format!("{}={}", show(k), show(v))).collect();
                format!("{{{}}}", entries.join(" "))
            }
        }
    }

    #[test]
    fn nodes_know_their_bytes_whatever_the_line_ends() {
        let parsed = parse("a: é b\nc: [x, 'y']\n", 4);
        assert_eq!(parsed.issues, []);
        assert_eq!(
            parsed.root.map(|n| show(&n)).unwrap_or_default(),
            "{a@4..5=é b@7..11 c@12..13=[x@16..17 y@19..22]}"
        );
        let parsed = parse("a: b\r\nc: d\r\n", 0);
        assert_eq!(parsed.root.map(|n| show(&n)).unwrap_or_default(), "{a@0..1=b@3..4 c@6..7=d@9..10}");
    }

    #[test]
    fn a_null_is_an_empty_text() {
        for text in ["a:", "a: ~", "a: null"] {
            let parsed = parse(text, 0);
            let Some(Node { value: Value::Map(entries), .. }) = parsed.root else { panic!("a mapping") };
            assert_eq!(entries[0].1.text(), Some(""), "{text}");
        }
        let quoted = parse("a: \"null\"", 0);
        let Some(Node { value: Value::Map(entries), .. }) = quoted.root else { panic!("a mapping") };
        assert_eq!(entries[0].1.text(), Some("null"));
    }
}
