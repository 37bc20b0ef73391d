//! `skills.toml`: the skills that a project wants.
//!
//! ```toml
//! [skills]
//! "cisco/codeguard" = "^1.4"
//! "acme/notes" = { version = "2", registry = "acme", agents = ["codex"] }
//!
//! [project]
//! agents = ["claude-code", "codex"]
//! ```

use std::{collections::BTreeMap, fmt};

use toml::{Spanned, de::DeValue};

use crate::{
    SkillId, VersionReq, codes,
    lint::Finding,
    manifest::MAX_REQUIREMENT,
    toml_doc::{Kind, Reader, Rules, Table, list, quote},
    version,
};

/// The file's name, at the top of a project.
pub const FILE: &str = "skills.toml";

/// Bytes of the file.
pub const MAX_BYTES: usize = 1024 * 1024;
/// Skills of a project: more than any agent can choose from.
pub const MAX_SKILLS: usize = 5_000;
/// Agents in a list.
pub const MAX_AGENTS: usize = 100;
/// Characters of an agent's or a registry's name.
pub const MAX_LABEL: usize = 64;

static KIND: Kind = Kind {
    file: FILE,
    code: codes::PROJECT,
    max_bytes: MAX_BYTES,
    rules: Rules {
        syntax: "project.syntax",
        unknown_key: "project.unknown-key",
        missing_key: "project.missing-key",
        value: "project.value",
        limit: "project.limit",
    },
};

/// The contents of a `skills.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Project {
    /// The wanted skills.
    pub skills: BTreeMap<SkillId, Wanted>,
    /// The agents to install for; empty if the file leaves it to the client.
    pub agents: Vec<String>,
}

/// What a project wants of one skill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The versions that will do.
    pub req: VersionReq,
    /// The configured registry to take it from; otherwise the one that its scope maps to.
    pub registry: Option<String>,
    /// The agents to install it for, if not those of the project.
    pub agents: Option<Vec<String>>,
    /// Whether to copy it into the agents' folders instead of linking.
    pub copy: bool,
}

impl Wanted {
    /// A range of versions, and nothing else said.
    pub fn new(req: VersionReq) -> Self {
        Self { req, registry: None, agents: None, copy: false }
    }
}

impl Project {
    /// Reads a project file. `Err` is the first error in the order of the file (see [`check`] for all of them).
    pub fn parse(text: &str) -> Result<Self, Box<Finding>> {
        check(text).map_err(|findings| Box::new(crate::toml_doc::first(findings, &KIND)))
    }
}

/// Reads a project file; `Err` holds every error, with its place.
pub fn check(text: &str) -> Result<Project, Vec<Finding>> {
    let (mut reader, document) = Reader::parse(&KIND, text)?;
    let mut root = Table::new("", document.get_ref(), 0..1);
    let skills = root.optional("skills").map(|value| read_skills(&mut reader, value));
    let agents = root.optional("project").and_then(|value| {
        let mut table = reader.table("project", value)?;
        let agents = table.optional("agents").map(|value| read_agents(&mut reader, value));
        reader.refuse_unknown(&table);
        agents
    });
    reader.refuse_unknown(&root);
    let findings = reader.finish();
    if findings.is_empty() {
        Ok(Project { skills: skills.unwrap_or_default(), agents: agents.unwrap_or_default() })
    } else {
        Err(findings)
    }
}

fn read_skills<'a>(reader: &mut Reader<'a>, value: &Spanned<DeValue<'a>>) -> BTreeMap<SkillId, Wanted> {
    let Some(table) = reader.table("skills", value) else { return BTreeMap::new() };
    let entries = table.entries();
    if entries.len() > MAX_SKILLS {
        reader.over_limit(table.span(), format!("{} skills, more than the limit of {MAX_SKILLS}", entries.len()));
        return BTreeMap::new();
    }
    let mut skills = BTreeMap::new();
    for (key, span, value) in entries {
        let id = reader.key(key, span);
        let wanted = read_wanted(reader, key, value);
        if let (Some(id), Some(wanted)) = (id, wanted) {
            skills.insert(id, wanted);
        }
    }
    skills
}

fn read_wanted<'a>(reader: &mut Reader<'a>, key: &str, value: &Spanned<DeValue<'a>>) -> Option<Wanted> {
    if value.get_ref().is_str() {
        return reader.parsed(key, value, MAX_REQUIREMENT, version::parse_requirement).map(Wanted::new);
    }
    if !value.get_ref().is_table() {
        reader.bad_value(value.span(), format!("`{key}` must be a version requirement or a table")).help =
            Some("write \"^1.4\" or { version = \"^1.4\", registry = \"…\", agents = [\"…\"] }".to_owned());
        return None;
    }
    let mut table = reader.table(key, value)?;
    let req = table
        .required(reader, "version")
        .and_then(|v| reader.parsed("version", v, MAX_REQUIREMENT, version::parse_requirement));
    let registry = table.optional("registry").and_then(|v| reader.string("registry", v, MAX_LABEL));
    let agents = table.optional("agents").map(|v| read_agents(reader, v));
    let copy = table.optional("copy").and_then(|v| reader.boolean("copy", v));
    reader.refuse_unknown(&table);
    Some(Wanted { req: req?, registry: registry.map(str::to_owned), agents, copy: copy.unwrap_or(false) })
}

pub(crate) fn read_agents<'a>(reader: &mut Reader<'a>, value: &Spanned<DeValue<'a>>) -> Vec<String> {
    reader.strings("agents", value, MAX_AGENTS, MAX_LABEL)
}

impl fmt::Display for Project {
    /// Writes the file anew. Editing a file that a person wrote, comments and all, is the client's work.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "[skills]")?;
        for (id, wanted) in &self.skills {
            let req = quote(&wanted.req.to_string());
            let more: Vec<_> = [
                wanted.registry.as_ref().map(|registry| format!("registry = {}", quote(registry))),
                wanted.agents.as_ref().map(|agents| format!("agents = {}", list(agents))),
                wanted.copy.then(|| "copy = true".to_owned()),
            ]
            .into_iter()
            .flatten()
            .collect();
            if more.is_empty() {
                writeln!(f, "\"{id}\" = {req}")?;
            } else {
                writeln!(f, "\"{id}\" = {{ version = {req}, {} }}", more.join(", "))?;
            }
        }
        if !self.agents.is_empty() {
            writeln!(f, "\n[project]\nagents = {}", list(&self.agents))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rules(text: &str) -> Vec<&'static str> {
        check(text).err().unwrap_or_default().iter().map(|f| f.rule).collect()
    }

    #[test]
    fn every_key_is_read() {
        let text = "[skills]\n\"cisco/codeguard\" = \"^1.4\"\n\"acme/notes\" = { version = \"2\", registry = \"acme\", agents = [\"codex\"], \
                    copy = true }\n[project]\nagents = [\"claude-code\", \"codex\"]\n";
        let project = Project::parse(text).unwrap();
        assert_eq!(project.agents, ["claude-code", "codex"]);
        assert_eq!(project.skills[&"cisco/codeguard".parse().unwrap()], Wanted::new("^1.4".parse().unwrap()));
        let notes = &project.skills[&"acme/notes".parse().unwrap()];
        assert_eq!((notes.req.to_string().as_str(), notes.registry.as_deref(), notes.copy), ("^2", Some("acme"), true));
        assert_eq!(Project::parse("").unwrap(), Project::default());
    }

    #[test]
    fn what_is_wrong_is_refused_with_its_place() {
        for (text, rule) in [
            ("skills", "project.syntax"),
            ("[skill]\n", "project.unknown-key"),
            ("[project]\nagent = []\n", "project.unknown-key"),
            ("[skills]\n\"acme/notes\" = { version = \"1\", agent = [] }\n", "project.unknown-key"),
            ("[skills]\n\"acme/notes\" = { registry = \"a\" }\n", "project.missing-key"),
            ("[skills]\n\"notes\" = \"1\"\n", "project.value"),
            ("[skills]\n\"acme/notes\" = 1\n", "project.value"),
            ("[skills]\n\"acme/notes\" = \"latest\"\n", "project.value"),
            ("[skills]\n\"acme/notes\" = { version = \"1\", copy = 1 }\n", "project.value"),
            ("[project]\nagents = \"codex\"\n", "project.value"),
            ("[project]\nagents = [\"codex\", \"codex\"]\n", "project.value"),
            ("skills = 1\n", "project.value"),
        ] {
            assert_eq!(rules(text), [rule], "{text}");
        }
        let error = Project::parse("[skills]\n\"acme/notes\" = \"one\"\n").unwrap_err();
        assert_eq!(
            (error.code, error.line, error.column, error.len),
            (Some(codes::PROJECT), Some(2), Some(16), Some(5))
        );
    }

    #[test]
    fn both_sides_of_each_limit() {
        let skills = |n: usize| {
            format!("[skills]\n{}", (0..n).map(|i| format!("\"a1/s{i}\" = \"1\"")).collect::<Vec<_>>().join("\n"))
        };
        assert_eq!(rules(&skills(MAX_SKILLS)), [] as [&str; 0]);
        assert_eq!(rules(&skills(MAX_SKILLS + 1)), ["project.limit"]);
        let label = |n: usize| format!("[project]\nagents = [\"{}\"]\n", "a".repeat(n));
        assert_eq!(rules(&label(MAX_LABEL)), [] as [&str; 0]);
        assert_eq!(rules(&label(MAX_LABEL + 1)), ["project.limit"]);
        assert_eq!(rules(&format!("#{}", " ".repeat(MAX_BYTES))), ["project.limit"]);
    }

    prop_compose! {
        fn wanted()(
            req in prop_oneof!["\\^[0-9]\\.[0-9]", "=[0-9]\\.[0-9]\\.[0-9]", ">=[0-9], <[1-9][0-9]", "\\*"],
            registry in proptest::option::of("[ -~]{1,64}"),
            agents in proptest::option::of(proptest::collection::btree_set("[ -~é]{1,20}", 0..4)),
            copy in any::<bool>(),
        ) -> Wanted {
            Wanted { req: req.parse().unwrap(), registry, agents: agents.map(|a| a.into_iter().collect()), copy }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_the_same(
            skills in proptest::collection::btree_map("[b-z]{2,9}/[b-z0-9]{2,9}".prop_filter_map("a name", |n| n.parse::<SkillId>().ok()), wanted(), 0..6),
            agents in proptest::collection::btree_set("[a-z-]{1,20}", 0..4),
        ) {
            let project = Project { skills, agents: agents.into_iter().collect() };
            prop_assert_eq!(Project::parse(&project.to_string()), Ok(project));
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC*") {
            let _ = Project::parse(&text);
            let _ = crate::manifest::check(&text);
        }
    }
}
