//! The one module that knows the YAML parser: frontmatter text to a tree of nodes with their places.
//!
//! The tree is built from parser events, so that anchors, aliases, merge keys, tags and duplicate keys are seen where they
//! stand, all of them in one pass, and nothing is ever expanded. Budgets bound the work.

use std::{collections::HashSet, ops::Range};

use serde_saphyr::granit_parser::{self as parser, Event, ScalarStyle, Span};

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
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
}

/// A scalar: its text after escapes and folding, and whether it was written bare.
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

/// What parsing gave: a tree if the text is YAML, and every rule that was broken.
#[derive(Debug, Default)]
pub(crate) struct Parsed {
    pub root: Option<Node>,
    pub issues: Vec<Issue>,
}

/// Parses one YAML document. Spans are bytes of `text` plus `offset`.
pub(crate) fn parse(text: &str, offset: usize) -> Parsed {
    let options = parser::options! {
        disallow_directives: true,
        emit_anchor_events: true,
        emit_unresolved_aliases: true,
        flow_nesting_limit: MAX_DEPTH + 1,
        block_nesting_limit: MAX_DEPTH + 1,
    };
    let mut builder = Builder { offset, ..Builder::default() };
    for event in parser::Parser::new_from_str_with_options(text, options) {
        match event {
            Ok((event, span)) => {
                if builder.event(event, span).is_err() {
                    return Parsed { root: None, issues: builder.issues };
                }
            }
            Err(error) => {
                let at = offset + error.marker().byte_offset().unwrap_or(0);
                let rule = match error.kind() {
                    parser::ErrorKind::RecursionLimitExceeded => rules::TOO_LARGE,
                    _ => rules::INVALID,
                };
                builder.issues.push(Issue::new(rule, at..at + 1, format!("invalid frontmatter: {}", error.info())));
                return Parsed { root: None, issues: builder.issues };
            }
        }
    }
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
                    self.issue(rules::INVALID, range, "invalid frontmatter: there is a second YAML document");
                    return Err(Stop);
                }
            }
            Event::Anchor(_, name) => self.issue(rules::ANCHOR, range, format!("YAML anchor `&{name}`")),
            Event::Alias(_) => {
                self.issue(rules::ALIAS, range.clone(), "YAML alias");
                self.scalar(String::new(), true, range)?;
            }
            Event::UnresolvedAlias(name) => {
                self.issue(rules::ALIAS, range.clone(), format!("`*{name}` is read as a YAML alias"));
                self.scalar(String::new(), true, range)?;
            }
            Event::Scalar(text, style, _, tag) => {
                self.tag(tag.is_some(), span);
                self.scalar(text.into_owned(), style == ScalarStyle::Plain, range)?;
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

    fn scalar(&mut self, text: String, plain: bool, span: Range<usize>) -> Result<(), Stop> {
        self.count(span.start)?;
        self.add(Node { value: Value::Scalar(Scalar { text, plain }), span });
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
        let issue = match self.stack.last_mut().map(|open| &mut open.kind) {
            None => {
                self.root = Some(node);
                None
            }
            Some(OpenKind::List(items)) => {
                items.push(node);
                None
            }
            Some(OpenKind::Map { entries, key, seen }) => match key.take() {
                Some(key) => {
                    entries.push((key, node));
                    None
                }
                None => {
                    let issue = check_key(&node, seen);
                    *key = Some(node);
                    issue
                }
            },
        };
        self.issues.extend(issue);
    }
}

/// What is wrong with a key, given the keys before it.
fn check_key(node: &Node, seen: &mut HashSet<String>) -> Option<Issue> {
    let span = node.span.clone();
    let Value::Scalar(scalar) = &node.value else {
        return Some(Issue::new(rules::KEY, span, "a list or mapping cannot be a key"));
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
        let boolean = ["y", "yes", "n", "no", "on", "off"].iter().any(|word| {
            text == *word
                || text == word.to_ascii_uppercase()
                || (text[..1] == word[..1].to_ascii_uppercase() && text[1..] == word[1..])
        });
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let date = text.len() >= 10
            && text.is_char_boundary(10)
            && text[..10].split('-').map(str::len).eq([4, 2, 2])
            && text[..10].split('-').all(digits);
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
