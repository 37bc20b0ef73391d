//! The configuration: where each value comes from, and which registry answers for which scope.
//!
//! Later layers win: defaults, `/etc/skill/config.toml`, the user's `config.toml`, `.skill/config.toml` of the project, then
//! `--config` on the command line. Every value keeps its origin, so that `skill config list` can show it. Unknown keys are refused.

pub mod credentials;
pub mod edit;
mod keys;
mod layer;
mod registry;

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use skill_schema::{Fault, codes};

pub use keys::{KEYS, Key, Kind, find_key, unknown as unknown_key};
pub use registry::{Registry, normal_url};

use crate::{env::Env, files};

/// Where the machine's administrator configures.
const SYSTEM: &str = "/etc/skill/config.toml";
/// Where a project configures, below the folder of its `skills.toml`.
pub const PROJECT: &str = ".skill/config.toml";
/// Bytes of a configuration file: far more than anybody writes by hand.
const MAX_FILE: usize = 1024 * 1024;

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The machine's file.
    System(PathBuf),
    /// The user's file.
    User(PathBuf),
    /// The project's file.
    Project(PathBuf),
    /// A file named by `--config`.
    File(PathBuf),
    /// `--config KEY=VALUE`.
    Flag,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System(path) | Self::User(path) | Self::Project(path) | Self::File(path) => {
                write!(f, "{}", path.display())
            }
            Self::Flag => f.write_str("--config"),
        }
    }
}

/// A configured value.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(untagged)]
pub enum Value {
    /// Text.
    Text(String),
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Number(u64),
    /// A list of texts.
    List(Vec<String>),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number(value) => write!(f, "{value}"),
            Self::List(items) => f.write_str(&items.join(", ")),
        }
    }
}

/// A value and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The value.
    pub value: Value,
    /// The layer that set it last.
    pub origin: Origin,
}

/// All layers, folded.
#[derive(Debug, Clone, Default)]
pub struct Config {
    settings: BTreeMap<String, Setting>,
    files: Vec<Origin>,
}

impl Config {
    /// Reads all layers. `flags` are the arguments of `--config`: a file, or `KEY=VALUE`.
    ///
    /// # Errors
    /// [`codes::CONFIG`] with file, line and column for anything that is not understood.
    pub fn load(env: &Env, project: Option<&Path>, flags: &[String]) -> Result<Self, Fault> {
        let mut config = Self::default();
        config.add_file(Origin::System(PathBuf::from(SYSTEM)), Path::new(SYSTEM), false)?;
        let user = env.user_config();
        config.add_file(Origin::User(user.clone()), &user, env.config_file.is_some())?;
        if let Some(folder) = project {
            let path = folder.join(PROJECT);
            config.add_file(Origin::Project(path.clone()), &path, false)?;
        }
        for flag in flags {
            match flag.split_once('=') {
                Some((key, value)) => {
                    let value = keys::parse_flag(key, value)?;
                    config.settings.insert(key.to_owned(), Setting { value, origin: Origin::Flag });
                }
                None => config.add_file(Origin::File(flag.into()), Path::new(flag), true)?,
            }
        }
        Ok(config)
    }

    /// No values, only the files that would be looked at: for commands that help to repair them.
    pub fn unread(env: &Env, project: Option<&Path>) -> Self {
        let mut files = vec![Origin::System(PathBuf::from(SYSTEM)), Origin::User(env.user_config())];
        files.extend(project.map(|folder| Origin::Project(folder.join(PROJECT))));
        Self { settings: BTreeMap::new(), files }
    }

    /// The settings of one file's text by itself, as if it were the user's.
    ///
    /// # Errors
    /// [`codes::CONFIG`] with the path, line and column.
    pub fn of_text(text: &str, path: &Path) -> Result<Self, Fault> {
        let mut config = Self::default();
        config.add_text(&Origin::User(path.to_owned()), text, path)?;
        Ok(config)
    }

    fn add_text(&mut self, origin: &Origin, text: &str, path: &Path) -> Result<(), Fault> {
        for (key, value) in layer::parse(text).map_err(|e| e.fault(text, path))? {
            self.settings.insert(key, Setting { value, origin: origin.clone() });
        }
        Ok(())
    }

    /// Adds a file as the next layer.
    fn add_file(&mut self, origin: Origin, path: &Path, must_exist: bool) -> Result<(), Fault> {
        match files::read_text(path, MAX_FILE)? {
            Some(text) => self.add_text(&origin, &text, path)?,
            // A file that the user named must be there, but for the one that `skill config set` is about to write.
            None if must_exist && matches!(origin, Origin::File(_)) => {
                return Err(Fault::new(codes::CONFIG).at(path.display().to_string()).detail("there is no such file"));
            }
            None => {}
        }
        self.files.push(origin);
        Ok(())
    }

    /// The value of a key and its origin.
    pub fn get(&self, key: &str) -> Option<&Setting> {
        self.settings.get(key)
    }

    /// All values that are set, sorted by key.
    pub fn settings(&self) -> impl Iterator<Item = (&str, &Setting)> {
        self.settings.iter().map(|(key, setting)| (key.as_str(), setting))
    }

    /// The files that are looked at, weakest first; they need not exist.
    pub fn files(&self) -> &[Origin] {
        &self.files
    }

    /// A text value.
    pub fn text(&self, key: &str) -> Option<&str> {
        match &self.get(key)?.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A yes-or-no value.
    pub fn flag(&self, key: &str) -> Option<bool> {
        match self.get(key)?.value {
            Value::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// A number.
    pub fn number(&self, key: &str) -> Option<u64> {
        match self.get(key)?.value {
            Value::Number(value) => Some(value),
            _ => None,
        }
    }

    /// A list.
    pub fn list(&self, key: &str) -> Option<&[String]> {
        match &self.get(key)?.value {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    /// The second parts of all keys of the form `table.NAME.…`, sorted, each once.
    pub fn names(&self, table: &str) -> Vec<&str> {
        let mut names: Vec<&str> = self
            .settings
            .keys()
            .filter_map(|key| key.strip_prefix(table)?.strip_prefix('.'))
            .map(|rest| rest.rsplit_once('.').map_or(rest, |(name, _)| name))
            .collect();
        names.dedup();
        names
    }
}

#[cfg(test)]
impl Config {
    /// A configuration from the text of one user file.
    pub(crate) fn for_testing(text: &str) -> Self {
        Self::of_text(text, Path::new("config.toml")).expect("a valid configuration")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(folder: &Path) -> Env {
        Env { config_dir: folder.to_path_buf(), ..Env::default() }
    }

    #[test]
    fn later_layers_win_and_keep_their_origin() {
        let dir = tempfile::tempdir().expect("temporary folder");
        std::fs::write(dir.path().join("config.toml"), "jobs = 2\n[install]\ncopy = true\n").expect("written");
        std::fs::create_dir_all(dir.path().join("p/.skill")).expect("folder");
        std::fs::write(dir.path().join("p/.skill/config.toml"), "jobs = 3\n").expect("written");
        let flags = ["network.retries=0".to_owned(), "install.agents=codex, amp".to_owned()];
        let config = Config::load(&env(dir.path()), Some(&dir.path().join("p")), &flags).expect("valid");
        assert_eq!(config.number("jobs"), Some(3));
        assert!(matches!(config.get("jobs").map(|s| &s.origin), Some(Origin::Project(_))));
        assert_eq!(config.flag("install.copy"), Some(true));
        assert_eq!(config.number("network.retries"), Some(0));
        assert_eq!(config.list("install.agents"), Some(&["codex".to_owned(), "amp".to_owned()][..]));
    }

    #[test]
    fn a_misspelt_key_is_refused_with_its_place() {
        let dir = tempfile::tempdir().expect("temporary folder");
        std::fs::write(dir.path().join("config.toml"), "[install]\n  copi = true\n").expect("written");
        let fault = Config::load(&env(dir.path()), None, &[]).expect_err("unknown key");
        assert_eq!(fault.code, codes::CONFIG);
        assert!(fault.place.as_deref().is_some_and(|p| p.ends_with("config.toml:2:3")), "{fault:?}");
        assert!(fault.detail.as_deref().is_some_and(|d| d.contains("did you mean `install.copy`?")), "{fault:?}");
        let fault = Config::load(&env(&dir.path().join("none")), None, &["jobs=many".to_owned()]).expect_err("type");
        assert_eq!(fault.code, codes::CONFIG);
    }
}
