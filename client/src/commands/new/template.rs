//! What a new skill starts with.

use clap::ValueEnum;
use skill_schema::{SkillId, SkillName};

/// What to start with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Template {
    /// SKILL.md alone.
    Basic,
    /// With a script that the agent runs.
    Scripts,
    /// With a reference that the agent reads when it needs to.
    References,
}

/// What is known of the skill.
pub(super) struct Skill<'a> {
    pub name: &'a SkillName,
    pub id: Option<&'a SkillId>,
    pub description: Option<&'a str>,
    pub license: Option<&'a str>,
}

/// A file to write.
pub(in crate::commands) struct File {
    pub path: &'static str,
    pub text: String,
    pub executable: bool,
}

const DESCRIPTION: &str = "Say here what the skill does, in one sentence. Then say when to use it, \
                           in the words that people use when they ask for it.";
const BASIC: &str = include_str!("templates/basic.md");
const SCRIPTS: &str = include_str!("templates/scripts.md");
const SCRIPT: &str = include_str!("templates/count-words.py");
const REFERENCES: &str = include_str!("templates/references.md");
const REFERENCE: &str = include_str!("templates/format.md");

/// The files of a template.
pub(super) fn files(template: Template, skill: &Skill<'_>) -> Vec<File> {
    let plain = |path, text: &str| File { path, text: text.to_owned(), executable: false };
    let body = match template {
        Template::Basic => BASIC,
        Template::Scripts => SCRIPTS,
        Template::References => REFERENCES,
    };
    let mut files = vec![plain("SKILL.md", &skill_md(skill, body))];
    match template {
        Template::Basic => {}
        Template::Scripts => {
            files.push(File { path: "scripts/count-words.py", text: SCRIPT.to_owned(), executable: true });
        }
        Template::References => files.push(plain("references/format.md", REFERENCE)),
    }
    if let Some(id) = skill.id {
        files.push(plain("skill.toml", &manifest(id, "0.1.0", skill.license)));
    }
    files
}

fn skill_md(skill: &Skill<'_>, body: &str) -> String {
    let body = body.replace("{title}", &title(skill.name.as_str()));
    text_of(skill.name, skill.description.unwrap_or(DESCRIPTION), skill.license, &body)
}

/// A SKILL.md with this body.
pub(in crate::commands) fn text_of(name: &SkillName, description: &str, license: Option<&str>, body: &str) -> String {
    let license = license.map(|license| format!("license: {}\n", yaml(license))).unwrap_or_default();
    format!("---\nname: {name}\ndescription: {}\n{license}---\n\n{body}", yaml(description.trim()))
}

/// A skill.toml.
pub(in crate::commands) fn manifest(id: &SkillId, version: &str, license: Option<&str>) -> String {
    let text = |text: &str| toml_edit::Value::from(text).to_string();
    let license = license.map(|license| format!("license = {}\n", text(license))).unwrap_or_default();
    format!("[skill]\nname = \"{id}\"\nversion = {}\n{license}", text(version))
}

/// A text as a YAML value: quoted unless it is plainly a sentence. A JSON string is a YAML string.
fn yaml(text: &str) -> String {
    let words = text.contains(' ') || text.contains('.') || text.contains('-');
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || " .,;()/-".contains(c))
        && !text.ends_with(' ');
    if plain && words { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}

/// `pdf-forms` as a heading: `Pdf forms`.
fn title(name: &str) -> String {
    let mut chars = name.chars();
    let first = chars.next().map(|c| c.to_ascii_uppercase()).into_iter();
    first.chain(chars).map(|c| if c == '-' { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_quoted_where_yaml_would_read_something_else() {
        assert_eq!(yaml("Fill PDF forms, fast."), "Fill PDF forms, fast.");
        assert_eq!(yaml("Apache-2.0"), "Apache-2.0");
        assert_eq!(yaml("yes"), "\"yes\"");
        assert_eq!(yaml("Use when: now"), "\"Use when: now\"");
        assert_eq!(yaml("# x"), "\"# x\"");
        assert_eq!(yaml("2026-01-01"), "\"2026-01-01\"");
    }
}
