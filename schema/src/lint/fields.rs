//! Rules for the keys and values of the frontmatter.

use std::ops::Range;

use super::{Issue, Options, Rule, closest, profile::Profile, profile::SPECIFIED, rules, tokens};
use crate::{
    name,
    skill_md::{
        Document,
        scalar::Kind,
        yaml::{Node, Value},
    },
};

/// Characters of a description (specification, `description`).
pub const MAX_DESCRIPTION: usize = 1024;
/// Characters of a compatibility (specification, `compatibility`).
pub const MAX_COMPATIBILITY: usize = 500;
/// Tokens that a skill's name and description should cost in every session (client guide: 50 to 100).
pub const DESCRIPTION_TOKENS: usize = 100;

/// Every rule that the frontmatter breaks. `folder` is the name that `name` must equal, if it is known.
pub(super) fn check(document: &Document<'_>, folder: Option<&str>, options: Options) -> Vec<Issue> {
    let mut checker = Checker { document, issues: Vec::new() };
    checker.keys(options.profile);
    checker.name(folder);
    checker.description();
    checker.license();
    checker.compatibility();
    checker.metadata(options.profile);
    checker.allowed_tools(options.profile);
    checker.issues
}

struct Checker<'d, 'a> {
    document: &'d Document<'a>,
    issues: Vec<Issue>,
}

impl<'d> Checker<'d, '_> {
    fn report(&mut self, rule: &'static Rule, span: Range<usize>, message: impl Into<String>, help: impl Into<String>) {
        let help: String = help.into();
        let mut issue = Issue::new(rule, span, message);
        issue.help = (!help.is_empty()).then_some(help);
        self.issues.push(issue);
    }

    /// The opening fence: where a missing key is reported.
    fn fence(&self) -> Range<usize> {
        let start = if self.document.text.starts_with('\u{feff}') { 3 } else { 0 };
        start..start + 3
    }

    /// The help for a missing field that stands there under a misspelt name.
    fn misspelt(&self, field: &str) -> Option<String> {
        let mut keys = self.document.entries.iter().filter_map(|(key, _)| key.text());
        let key = keys.find(|key| !SPECIFIED.contains(key) && closest(key, &SPECIFIED) == Some(field))?;
        Some(format!("rename the field `{key}` to `{field}`"))
    }

    fn keys(&mut self, profile: Profile) {
        for (key, _) in &self.document.entries {
            let Some(text) = key.text().filter(|text| !profile.knows(text) && *text != "<<") else { continue };
            let others: Vec<_> = Profile::of_key(text).into_iter().map(Profile::as_str).collect();
            let mut known = SPECIFIED.to_vec();
            known.extend(profile.extensions());
            let (message, help) = if others.is_empty() {
                let fields = format!("known fields: {}", known.join(", "));
                match closest(text, &known) {
                    Some(guess) => (format!("unknown field `{text}`, did you mean `{guess}`?"), fields),
                    None => (format!("unknown field `{text}`"), format!("{fields}; your own belong under metadata")),
                }
            } else {
                (
                    format!("`{text}` is not in the specification: other agents ignore it"),
                    format!("known with --profile {}; free keys belong under metadata", others.join(" or --profile ")),
                )
            };
            self.report(rules::UNKNOWN_KEY, key.span.clone(), message, help);
        }
    }

    /// The text of a string field. A value of another type is reported, and its text returned if it has one.
    fn string(&mut self, key: &str, wrong_type: &'static Rule) -> Option<(&'d str, &'d Node)> {
        let node = self.document.get(key)?;
        let scalar = match &node.value {
            Value::Scalar(scalar) => scalar,
            Value::Alias => return None,
            Value::List(_) | Value::Map(_) => {
                let message = format!("`{key}` must be a string, not {}", node.describe());
                self.report(wrong_type, node.span.clone(), message, "");
                return None;
            }
        };
        match scalar.kind() {
            Kind::Text => {
                if scalar.is_other_in_yaml_1_1() {
                    let message = format!("`{}` is not text for parsers of YAML 1.1", scalar.text);
                    self.report(rules::AMBIGUOUS, node.span.clone(), message, format!("write \"{}\"", scalar.text));
                }
            }
            Kind::Null => {}
            Kind::Boolean | Kind::Number => {
                let message = format!("`{key}` must be a string, not {}", node.describe());
                self.report(wrong_type, node.span.clone(), message, format!("put it in quotes: \"{}\"", scalar.text));
            }
        }
        Some((&scalar.text, node))
    }

    /// A string field that must not be longer than `max` characters.
    fn length(&mut self, key: &str, rule: &'static Rule, text: &str, span: Range<usize>, max: usize) {
        let count = text.chars().count();
        if count > max {
            let message = format!("`{key}` has {count} characters, more than the limit of {max}");
            self.report(rule, span, message, format!("shorten it by {} characters", count - max));
        }
    }

    fn name(&mut self, folder: Option<&str>) {
        if self.document.get("name").is_none() {
            let help = self.misspelt("name").unwrap_or_else(|| match folder {
                Some(folder) if name::follows_rule(folder, name::MAX_NAME) => format!("add the line `name: {folder}`"),
                _ => "add a line `name: …`".to_owned(),
            });
            return self.report(rules::NAME_MISSING, self.fence(), "there is no `name`", help);
        }
        let Some((text, node)) = self.string("name", rules::NAME_TYPE) else { return };
        let span = node.span.clone();
        if text.trim().is_empty() {
            return self.report(rules::NAME_EMPTY, span, "`name` is empty", "write the folder's name");
        }
        self.length("name", rules::NAME_LENGTH, text, span.clone(), name::MAX_NAME);
        if !name::follows_rule(text, usize::MAX) {
            let message = format!("`{text}` is not a skill name: {}", why_not_a_name(text));
            self.report(rules::NAME_FORMAT, span.clone(), message, name_help(text));
        } else if name::is_windows_device(text) {
            let message = format!("`{text}` is a device on Windows, where no folder can have this name");
            self.report(rules::NAME_RESERVED, span.clone(), message, "choose another name");
        }
        if let Some(folder) = folder.filter(|folder| *folder != text) {
            let message = format!("the name `{text}` differs from the folder's, `{folder}`");
            self.report(rules::NAME_FOLDER, span, message, "rename one of the two: agents find a skill by its folder");
        }
    }

    fn description(&mut self) {
        let Some(node) = self.document.get("description") else {
            let help = self.misspelt("description").unwrap_or_else(|| {
                "add a line `description: …` that says what the skill does and when to use it".to_owned()
            });
            return self.report(rules::DESCRIPTION_MISSING, self.fence(), "there is no `description`", help);
        };
        if matches!(node.value, Value::List(_) | Value::Map(_)) {
            let message = format!("`description` must be a string, not {}", node.describe());
            return self.report(
                rules::DESCRIPTION_EMPTY,
                node.span.clone(),
                message,
                "write it as one text, in quotes",
            );
        }
        let Some((text, node)) = self.string("description", rules::DESCRIPTION_TYPE) else { return };
        let span = node.span.clone();
        if text.trim().is_empty() {
            let help = "say what the skill does and when to use it";
            return self.report(rules::DESCRIPTION_EMPTY, span, "`description` is empty", help);
        }
        self.length("description", rules::DESCRIPTION_LENGTH, text, span.clone(), MAX_DESCRIPTION);
        if text.contains(['<', '>']) {
            let at = self.document.text[span.clone()].find(['<', '>']).map_or(span.clone(), |at| {
                let at = span.start + at;
                at..at + 1
            });
            let help = "write it in words: the description is put between XML tags in the agent's prompt";
            self.report(rules::DESCRIPTION_ANGLE, at, "`description` has an angle bracket", help);
        }
        let cost = tokens(text) + self.document.get("name").and_then(Node::text).map_or(0, tokens);
        if cost > DESCRIPTION_TOKENS {
            let message = format!("name and description cost about {cost} tokens in every session");
            self.report(
                rules::DESCRIPTION_BUDGET,
                span,
                message,
                format!("about {DESCRIPTION_TOKENS} are recommended"),
            );
        }
    }

    fn license(&mut self) {
        let Some((text, node)) = self.string("license", rules::LICENSE_TYPE) else { return };
        if text.trim().is_empty() {
            let help = "name a licence or a file of the skill, or remove the line";
            self.report(rules::LICENSE_TYPE, node.span.clone(), "`license` is empty", help);
        }
    }

    fn compatibility(&mut self) {
        let Some((text, node)) = self.string("compatibility", rules::COMPATIBILITY_TYPE) else { return };
        let span = node.span.clone();
        if text.trim().is_empty() {
            let help = "say what the skill needs, or remove the line";
            return self.report(rules::COMPATIBILITY_EMPTY, span, "`compatibility` is empty", help);
        }
        self.length("compatibility", rules::COMPATIBILITY_LENGTH, text, span, MAX_COMPATIBILITY);
    }

    fn metadata(&mut self, profile: Profile) {
        let Some(node) = self.document.get("metadata") else { return };
        let Value::Map(entries) = &node.value else {
            if node.value == Value::Alias {
                return;
            }
            let message = match node.describe() {
                "empty" => "`metadata` is empty".to_owned(),
                what => format!("`metadata` must be a mapping, not {what}"),
            };
            return self.report(
                rules::METADATA_TYPE,
                node.span.clone(),
                message,
                "write `key: \"value\"` lines under it",
            );
        };
        for (key, value) in entries {
            let Some(key) = key.text() else { continue };
            match &value.value {
                Value::Scalar(scalar) if scalar.kind() != Kind::Text || scalar.is_other_in_yaml_1_1() => {
                    let message = match scalar.kind() {
                        Kind::Text => format!("`metadata.{key}` is not text for parsers of YAML 1.1"),
                        _ => format!("`metadata.{key}` is {}; the values are strings", value.describe()),
                    };
                    let help = format!("write {key}: \"{}\"", scalar.text);
                    self.report(rules::METADATA_VALUE, value.span.clone(), message, help);
                }
                Value::Scalar(_) | Value::Alias => {}
                Value::List(_) | Value::Map(_) if profile.allows_nested_metadata() => {}
                Value::List(_) | Value::Map(_) => {
                    let message = format!("`metadata.{key}` is {}; the values are strings", value.describe());
                    let help = "agents of the specification ignore it; --profile openclaw accepts it";
                    self.report(rules::METADATA_NESTED, value.span.clone(), message, help);
                }
            }
        }
    }

    fn allowed_tools(&mut self, profile: Profile) {
        let Some(node) = self.document.get("allowed-tools") else { return };
        match &node.value {
            Value::Alias => {}
            Value::Scalar(_) => {
                let Some((text, node)) = self.string("allowed-tools", rules::TOOLS_TYPE) else { return };
                if text.trim().is_empty() {
                    let help = "name tools, separated by spaces, or remove the line";
                    self.report(rules::TOOLS_TYPE, node.span.clone(), "`allowed-tools` is empty", help);
                }
            }
            Value::List(items) if items.iter().all(|item| matches!(item.value, Value::Scalar(_))) => {
                if !profile.allows_tool_lists() {
                    let tools: Vec<_> = items.iter().filter_map(Node::text).collect();
                    let help = format!("write one string: allowed-tools: {}", tools.join(" "));
                    self.report(rules::TOOLS_LIST, node.span.clone(), "`allowed-tools` is a list", help);
                }
            }
            Value::List(_) | Value::Map(_) => {
                let message = format!("`allowed-tools` must be a string, not {}", node.describe());
                let help = "name tools, separated by spaces: allowed-tools: Bash(git:*) Read";
                self.report(rules::TOOLS_TYPE, node.span.clone(), message, help);
            }
        }
    }
}

fn why_not_a_name(text: &str) -> String {
    let bad = text.chars().find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '-'));
    match bad {
        Some(c) if c.is_uppercase() => "it has upper-case letters".to_owned(),
        Some(' ') => "it has a space".to_owned(),
        Some(c) => format!("it has the character `{c}`"),
        None if text.starts_with('-') || text.ends_with('-') => "it starts or ends with a hyphen".to_owned(),
        None => "it has two hyphens in a row".to_owned(),
    }
}

/// Offers the name that was probably meant.
fn name_help(text: &str) -> String {
    let rule = "use a-z, 0-9 and single inner hyphens";
    let mut offer = String::new();
    for c in text.trim().chars().flat_map(char::to_lowercase) {
        match c {
            'a'..='z' | '0'..='9' => offer.push(c),
            ' ' | '_' | '-' | '.' if !offer.is_empty() && !offer.ends_with('-') => offer.push('-'),
            ' ' | '_' | '-' | '.' => {}
            _ => return rule.to_owned(),
        }
    }
    let offer = offer.trim_end_matches('-');
    if name::follows_rule(offer, name::MAX_NAME) { format!("{rule}, for example `{offer}`") } else { rule.to_owned() }
}
