//! What every command gets: environment, configuration, output, clock and the global flags.

use std::path::{Path, PathBuf};

use skill_schema::{Fault, Scope, SkillId, codes};

use crate::{
    api::Api,
    clock::Clock,
    config::{Config, Registry, credentials},
    env::Env,
    global::Global,
    output::{Output, Settings},
};

/// Downloads at the same time, unless configured.
const JOBS: usize = 8;

/// The file that makes a folder a project.
pub const PROJECT_FILE: &str = "skills.toml";

/// What every command gets.
#[derive(Debug)]
pub struct Context {
    /// The environment.
    pub env: Env,
    /// The configuration.
    pub config: Config,
    /// Where output goes.
    pub output: Output,
    /// The time.
    pub clock: Clock,
    /// The global flags, with what the environment adds to them.
    pub global: Global,
    /// The working folder.
    pub cwd: PathBuf,
    /// The folder of the nearest `skills.toml`, here or above.
    pub project: Option<PathBuf>,
    /// What is wrong with the configuration, which is then empty. Only commands that help to repair it go on.
    pub damaged: Option<Fault>,
}

impl Context {
    /// Joins flags, environment and configuration.
    ///
    /// # Errors
    /// [`codes::USAGE`] for contradicting flags. A damaged configuration is no error yet: see [`Self::damaged`].
    pub fn new(env: Env, mut global: Global) -> Result<Self, Fault> {
        if let Some(folder) = &global.directory {
            std::env::set_current_dir(folder).map_err(|e| crate::files::fault(folder, &e))?;
        }
        let cwd = std::env::current_dir().map_err(|e| crate::files::fault(Path::new("."), &e))?;
        global.add_env(&env)?;
        let output = Output::new(Settings {
            json: global.json,
            quiet: global.quiet,
            verbose: global.verbose,
            animate: !global.no_progress && !env.ci && !env.dumb_terminal && global.quiet == 0,
            items: env.ci,
        });
        let project = find_project(&cwd);
        let (config, damaged) = match Config::load(&env, project.as_deref(), &global.config) {
            Ok(config) => (config, None),
            Err(fault) => (Config::unread(&env, project.as_deref()), Some(fault)),
        };
        Ok(Self { clock: env.clock(), env, config, output, global, cwd, project, damaged })
    }

    /// How many downloads may run at the same time.
    pub fn jobs(&self) -> usize {
        let configured = self.config.number("jobs").and_then(|n| usize::try_from(n).ok());
        self.global.jobs.or(configured).unwrap_or(JOBS).clamp(1, 64)
    }

    /// The registry for what names no scope: `--registry`, or the configured default.
    ///
    /// # Errors
    /// [`codes::REGISTRY_UNKNOWN`].
    pub fn default_registry(&self) -> Result<Registry, Fault> {
        match &self.global.registry {
            Some(name) => self.config.registry(name),
            None => self.config.default_registry(),
        }
    }

    /// The registry for a skill: the one in its specifier or project entry, then `--registry`, then the scope's.
    ///
    /// # Errors
    /// [`codes::SCOPE_UNMAPPED`], [`codes::REGISTRY_UNKNOWN`].
    pub fn registry_for(&self, id: &SkillId, named: Option<&str>) -> Result<Registry, Fault> {
        match named.or(self.global.registry.as_deref()) {
            Some(name) => self.config.registry(name),
            None => self.config.registry_for(&id.scope),
        }
    }

    /// The registry for a scope as such: `--registry`, or the scope's.
    ///
    /// # Errors
    /// [`codes::SCOPE_UNMAPPED`], [`codes::REGISTRY_UNKNOWN`].
    pub fn registry_of(&self, scope: &Scope) -> Result<Registry, Fault> {
        match &self.global.registry {
            Some(name) => self.config.registry(name),
            None => self.config.registry_for(scope),
        }
    }

    /// The client for a registry.
    ///
    /// # Errors
    /// [`codes::OFFLINE`] with `--offline`; a token that cannot be read.
    pub fn api(&self, registry: &Registry) -> Result<Api, Fault> {
        if self.global.offline {
            return Err(Fault::new(codes::OFFLINE).at(registry.label()));
        }
        Api::new(self, registry, credentials::token(self, registry)?)
    }
}

/// The nearest folder with a `skills.toml`, from here upwards.
fn find_project(from: &Path) -> Option<PathBuf> {
    from.ancestors().find(|folder| folder.join(PROJECT_FILE).is_file()).map(Path::to_path_buf)
}
