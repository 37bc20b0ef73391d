//! SKILL.md: the frontmatter between its two fences, and the Markdown body.
//!
//! Reading is in two steps: `fence` finds the fences by line, `yaml` parses what is between them into a tree with places.
//! What the values must be is the business of [`crate::lint`]; [`SkillMd::read`] takes them as an agent would.

pub(crate) mod fence;
mod quote;
pub(crate) mod scalar;
pub(crate) mod yaml;

use std::{borrow::Cow, collections::BTreeMap, ops::Range};

use crate::{
    Limits,
    lint::{Finding, Issue, Level, Lines, Severity, rules},
};

use scalar::Kind;
use yaml::{Node, Value};

/// The file's name, at the top of a skill's folder, in exactly this case.
pub const FILE: &str = "SKILL.md";

/// A SKILL.md whose fences and YAML could be read, with everything that its YAML has against it.
#[derive(Debug)]
pub(crate) struct Document<'a> {
    /// The text that places refer to. It differs from the file's only where an unquoted colon was repaired; lines are the same.
    pub text: Cow<'a, str>,
    pub front: Range<usize>,
    pub body: Range<usize>,
    pub entries: Vec<(Node, Node)>,
    pub issues: Vec<Issue>,
}

/// Why a SKILL.md could not be read: the text as far as it was one, and what is wrong.
#[derive(Debug)]
pub(crate) struct Unreadable<'a> {
    pub text: &'a str,
    pub issues: Vec<Issue>,
}

impl<'a> Document<'a> {
    /// Finds the fences and parses the frontmatter; a value with an unquoted colon is quoted and the parse repeated.
    pub fn parse(content: &'a [u8]) -> Result<Self, Unreadable<'a>> {
        let text = decode(content)?;
        let fail = |issues| Unreadable { text, issues };
        let parts = fence::split(text).map_err(|issue| fail(vec![issue]))?;
        let (bytes, max) = (parts.front.len(), Limits::V1.frontmatter);
        if bytes > max {
            let message = format!("the frontmatter has {bytes} bytes, more than the limit of {max}");
            return Err(fail(vec![Issue::new(rules::TOO_LARGE, 0..3, message)]));
        }
        let mut parsed = yaml::parse(&text[parts.front.clone()], parts.front.start);
        let mut issues = bom(text);
        let mut document = Self {
            text: Cow::Borrowed(text),
            front: parts.front,
            body: parts.body,
            entries: Vec::new(),
            issues: Vec::new(),
        };
        let broken = parsed.root.is_none() && parsed.issues.iter().any(|issue| issue.rule == rules::INVALID);
        if let Some((repaired, reparsed, issue)) = broken.then(|| quote::repair(&document)).flatten() {
            (document, parsed) = (repaired, reparsed);
            issues.push(issue);
        }
        issues.append(&mut parsed.issues);
        match mapping(parsed.root, document.front.start, &mut issues) {
            Some(entries) => Ok(Self { entries, issues, ..document }),
            None => Err(fail(issues)),
        }
    }

    /// The value of a top-level key; the first one if the key stands twice.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries.iter().find(|(k, _)| k.text() == Some(key)).map(|(_, value)| value)
    }
}

/// The entries of the mapping that the frontmatter must be, or one more issue if none says yet why it is not.
fn mapping(root: Option<Node>, start: usize, issues: &mut Vec<Issue>) -> Option<Vec<(Node, Node)>> {
    match root {
        Some(Node { value: Value::Map(entries), .. }) => return Some(entries),
        Some(node) => issues.push(
            Issue::new(rules::NOT_A_MAPPING, node.span, "the frontmatter is not a mapping")
                .help("write one `key: value` a line"),
        ),
        None if issues.iter().any(|issue| issue.rule.lenient == Severity::Error) => {}
        None => issues.push(
            Issue::new(rules::NOT_A_MAPPING, start..start, "the frontmatter is empty")
                .help("write at least `name: …` and `description: …`"),
        ),
    }
    None
}

impl Node {
    /// The text of a scalar, whatever its type.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(scalar) => Some(&scalar.text),
            _ => None,
        }
    }

    /// What it is, for messages.
    pub fn describe(&self) -> &'static str {
        match &self.value {
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
            Value::Alias => "an alias",
            Value::Scalar(scalar) => match scalar.kind() {
                Kind::Text => "a string",
                Kind::Null => "empty",
                Kind::Boolean => "a boolean",
                Kind::Number => "a number",
            },
        }
    }
}

fn decode(content: &[u8]) -> Result<&str, Unreadable<'_>> {
    let text = std::str::from_utf8(content).map_err(|error| {
        let good = &content[..error.valid_up_to()];
        let text = std::str::from_utf8(good).unwrap_or_default();
        let message = format!("SKILL.md is not UTF-8 (byte {})", good.len() + 1);
        let issue = Issue::new(rules::ENCODING, good.len()..good.len() + 1, message).help("save the file as UTF-8");
        Unreadable { text, issues: vec![issue] }
    })?;
    match text.find('\0') {
        Some(at) => {
            let issue = Issue::new(rules::NUL, at..at + 1, "SKILL.md holds a NUL character").help("remove it");
            Err(Unreadable { text, issues: vec![issue] })
        }
        None => Ok(text),
    }
}

fn bom(text: &str) -> Vec<Issue> {
    if text.starts_with('\u{feff}') {
        let issue = Issue::new(rules::BOM, 0..3, "SKILL.md starts with a byte-order mark");
        vec![issue.help(
            "save the file as UTF-8 without a byte-order mark: some agents do not find the frontmatter behind one",
        )]
    } else {
        Vec::new()
    }
}

/// What a SKILL.md says, as an agent that reads leniently takes it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SkillMd {
    /// The name, if there is one; a number or boolean counts as its text.
    pub name: Option<String>,
    /// When to use the skill. Never empty.
    pub description: String,
    /// A licence's name or file.
    pub license: Option<String>,
    /// What the skill needs around it.
    pub compatibility: Option<String>,
    /// Free keys and values; nested ones are left out.
    pub metadata: BTreeMap<String, String>,
    /// The tools that it may use without asking, from a list or a string with spaces.
    pub allowed_tools: Vec<String>,
    /// The instructions: everything after the closing fence.
    pub body: String,
}

impl SkillMd {
    /// Reads the bytes of a SKILL.md. `Err` holds the errors of the lenient level: what keeps any agent from loading it.
    pub fn read(content: &[u8]) -> Result<Self, Vec<Finding>> {
        let document = Document::parse(content).map_err(|bad| findings(bad.text, bad.issues))?;
        let fatal: Vec<_> = document.issues.iter().filter(|i| i.rule.lenient == Severity::Error).cloned().collect();
        if !fatal.is_empty() {
            return Err(findings(&document.text, fatal));
        }
        let text = |key: &str| {
            document.get(key).and_then(Node::text).map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned)
        };
        let Some(description) = text("description") else {
            let start = document.front.start;
            let issue = Issue::new(rules::DESCRIPTION_MISSING, start..start, "there is no description");
            return Err(findings(&document.text, vec![issue]));
        };
        Ok(Self {
            name: text("name"),
            description,
            license: text("license"),
            compatibility: text("compatibility"),
            metadata: metadata(document.get("metadata")),
            allowed_tools: tools(document.get("allowed-tools")),
            body: document.text[document.body.clone()].to_owned(),
        })
    }
}

fn findings(text: &str, issues: Vec<Issue>) -> Vec<Finding> {
    let lines = Lines::new(text);
    issues
        .into_iter()
        .map(|issue| {
            let place = lines.place(issue.span.clone());
            issue.finding(Level::Lenient, place)
        })
        .filter(Finding::is_error)
        .collect()
}

fn metadata(node: Option<&Node>) -> BTreeMap<String, String> {
    let Some(Node { value: Value::Map(entries), .. }) = node else { return BTreeMap::new() };
    entries.iter().filter_map(|(key, value)| Some((key.text()?.to_owned(), value.text()?.to_owned()))).collect()
}

fn tools(node: Option<&Node>) -> Vec<String> {
    match node.map(|node| &node.value) {
        Some(Value::List(items)) => items.iter().filter_map(|item| Some(item.text()?.to_owned())).collect(),
        Some(Value::Scalar(scalar)) => split_tools(&scalar.text),
        _ => Vec::new(),
    }
}

/// Splits `Bash(git add:*) Read, Write` at white space and commas outside of parentheses.
fn split_tools(text: &str) -> Vec<String> {
    let mut depth = 0_usize;
    let parts = text.split(|c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && (c.is_whitespace() || c == ',')
    });
    parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_reads_the_fields_and_the_body() {
        let text = "---\nname: notes\ndescription: >\n  Takes\n  notes.\nlicense: MIT\nallowed-tools: Bash(git add:*) Read, Write\n\
                    metadata:\n  author: me\n  nested: {a: b}\n---\n# Notes\n";
        let skill = SkillMd::read(text.as_bytes()).expect("readable");
        assert_eq!(
            skill,
            SkillMd {
                name: Some("notes".to_owned()),
                description: "Takes notes.".to_owned(),
                license: Some("MIT".to_owned()),
                compatibility: None,
                metadata: [("author".to_owned(), "me".to_owned())].into(),
                allowed_tools: ["Bash(git add:*)", "Read", "Write"].map(str::to_owned).to_vec(),
                body: "# Notes\n".to_owned(),
            }
        );
    }

    #[test]
    fn what_an_agent_can_do_without_may_be_missing_or_odd() {
        let skill =
            SkillMd::read(b"\xef\xbb\xbf---\ndescription: 42\nlicense:\nallowed-tools: [Read]\n---").expect("readable");
        assert_eq!((skill.name, skill.description.as_str(), skill.license), (None, "42", None));
        assert_eq!(skill.allowed_tools, ["Read"]);
    }

    #[test]
    fn without_a_description_there_is_no_skill() {
        for text in [
            "---\nname: notes\n---\n",
            "---\nname: notes\ndescription: {}\n---\n",
            "---\nname: n\ndescription: ' '\n---\n",
        ] {
            let errors = SkillMd::read(text.as_bytes()).expect_err("no description");
            assert_eq!(errors.iter().map(|f| f.rule).collect::<Vec<_>>(), ["description.missing"], "{text:?}");
        }
    }
}
