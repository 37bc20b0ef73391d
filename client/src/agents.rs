//! Where agents look for skills. A table in the binary, which the configuration extends and overrides.

use std::{
    collections::BTreeMap,
    path::{Component, Path, PathBuf},
};

use serde::Deserialize;
use skill_schema::{Fault, codes};

use crate::config::{Config, Origin};

/// The table, as data.
const TABLE: &str = include_str!("agents.toml");
/// Where skills go unless somebody says otherwise: what most agents read, and what Claude Code reads.
pub const DEFAULT: [&str; 2] = ["shared", "claude-code"];

/// An agent's folders.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agent {
    /// Folder of skills, relative to a project.
    pub project: Option<String>,
    /// Folder of skills for all projects; `~/` is the home folder.
    pub global: Option<String>,
    /// What shows that the agent is there; by default the folder above `global`.
    pub detect: Option<Vec<String>>,
}

/// The known agents, by name.
#[derive(Debug, Clone)]
pub struct Agents(BTreeMap<String, Agent>);

/// Where skills are installed for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A project's folder.
    Project(PathBuf),
    /// All projects of the user with this home folder.
    Global(PathBuf),
}

impl Agents {
    /// The table in the binary with what the configuration says.
    ///
    /// # Errors
    /// [`codes::CONFIG`] for a folder that leads out of the project, or that a project's file sets outside of it.
    pub fn load(config: &Config) -> Result<Self, Fault> {
        let table = toml::from_str(TABLE);
        let mut agents: BTreeMap<String, Agent> =
            table.map_err(|e: toml::de::Error| Fault::new(codes::CONFIG).at("agents.toml").detail(e.to_string()))?;
        for name in config.names("agents") {
            let agent = agents.entry(name.to_owned()).or_default();
            let key = |field: &str| format!("agents.{name}.{field}");
            if let Some(folder) = config.text(&key("project")) {
                agent.project = Some(relative(folder).ok_or_else(|| outside(&key("project"), folder))?);
            }
            if let Some(folder) = config.text(&key("global")) {
                let setting = config.get(&key("global"));
                if setting.is_some_and(|s| matches!(s.origin, Origin::Project(_))) {
                    return Err(outside(&key("global"), folder));
                }
                agent.global = Some(folder.to_owned());
            }
            if let Some(paths) = config.list(&key("detect")) {
                agent.detect = Some(paths.to_vec());
            }
        }
        Ok(Self(agents))
    }

    /// All agents, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Agent)> {
        self.0.iter().map(|(name, agent)| (name.as_str(), agent))
    }

    /// The folder of an agent's skills in a place.
    ///
    /// # Errors
    /// [`codes::AGENT_UNKNOWN`] for a name that is not in the table, or an agent without such a folder.
    pub fn folder(&self, name: &str, place: &Place) -> Result<PathBuf, Fault> {
        let agent = self.0.get(name).ok_or_else(|| self.unknown(name))?;
        let folder = match place {
            Place::Project(root) => agent.project.as_deref().map(|path| root.join(path)),
            Place::Global(home) => agent.global.as_deref().map(|path| expand(path, home)),
        };
        folder.ok_or_else(|| {
            let scope = if matches!(place, Place::Global(_)) { "global" } else { "project" };
            Fault::new(codes::AGENT_UNKNOWN).at(name).detail(format!("it has no {scope} folder of skills"))
        })
    }

    /// The agents that seem to be installed for this user.
    pub fn detected(&self, home: &Path) -> Vec<&str> {
        let is_there = |agent: &Agent| match (&agent.detect, &agent.global) {
            (Some(paths), _) => paths.iter().any(|path| expand(path, home).exists()),
            (None, Some(global)) => expand(global, home).parent().is_some_and(Path::exists),
            (None, None) => false,
        };
        self.iter().filter(|(_, agent)| is_there(agent)).map(|(name, _)| name).collect()
    }

    fn unknown(&self, name: &str) -> Fault {
        let near = self.0.keys().map(|known| (strsim::damerau_levenshtein(known, name), known)).min();
        let fault = Fault::new(codes::AGENT_UNKNOWN).at(name);
        match near {
            Some((distance, known)) if distance <= 3 => fault.detail(format!("did you mean {known}?")),
            _ => fault,
        }
    }
}

fn outside(key: &str, folder: &str) -> Fault {
    Fault::new(codes::CONFIG).at(key).detail(format!("{folder} leads out of the project"))
}

/// A path that stays below the folder that it is joined to.
fn relative(path: &str) -> Option<String> {
    let mut components = Path::new(path).components();
    let inside = !path.is_empty() && components.all(|c| matches!(c, Component::Normal(_) | Component::CurDir));
    inside.then(|| path.to_owned())
}

fn expand(path: &str, home: &Path) -> PathBuf {
    match path.strip_prefix("~/") {
        Some(rest) => home.join(rest),
        None => home.join(path), // an absolute path replaces the home folder
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_knows_every_agent_of_the_published_list() {
        let agents = Agents::load(&Config::default()).expect("a valid table");
        assert!(agents.iter().count() >= 74, "{}", agents.iter().count());
        for (name, agent) in agents.iter() {
            let project = agent.project.as_deref().and_then(relative);
            assert!(project.is_some_and(|p| p.ends_with("skills")), "{name}");
            assert!(agent.global.as_deref().is_none_or(|g| g.starts_with("~/") && g.ends_with("/skills")), "{name}");
        }
        let (project, home) = (Place::Project("/p".into()), Place::Global("/h".into()));
        assert_eq!(agents.folder("windsurf", &home), Ok("/h/.codeium/windsurf/skills".into()));
        assert_eq!(agents.folder("openclaw", &project), Ok("/p/skills".into()));
        assert!(agents.folder("eve", &home).is_err());
        let fault = agents.folder("claud-code", &project).expect_err("a typo");
        assert_eq!(fault.detail.as_deref(), Some("did you mean claude-code?"));
    }

    #[test]
    fn the_configuration_adds_and_overrides() {
        let config = Config::for_testing(
            "[agents.mine]\nproject = \"ai/skills\"\nglobal = \"/opt/skills\"\n[agents.codex]\nproject = \".codex/skills\"",
        );
        let agents = Agents::load(&config).expect("valid");
        assert_eq!(agents.folder("mine", &Place::Global("/h".into())), Ok("/opt/skills".into()));
        assert_eq!(agents.folder("codex", &Place::Project("/p".into())), Ok("/p/.codex/skills".into()));
        for bad in ["../up", "/etc", "a/../../b"] {
            let config = Config::for_testing(&format!("[agents.mine]\nproject = \"{bad}\""));
            assert!(Agents::load(&config).is_err(), "{bad}");
        }
    }

    #[test]
    fn agents_are_detected_by_their_folders() {
        let home = tempfile::tempdir().expect("temporary folder");
        std::fs::create_dir_all(home.path().join(".claude")).expect("folder");
        std::fs::create_dir_all(home.path().join(".codex")).expect("folder");
        let agents = Agents::load(&Config::default()).expect("a valid table");
        assert_eq!(agents.detected(home.path()), ["claude-code", "codex"]);
    }
}
