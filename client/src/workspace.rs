//! What is wanted and what is locked, in a project or for all projects: `skills.toml`, `skills.lock`, and what we put where.

mod inventory;
mod locked;
mod manifest;

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fs::File,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use skill_bundle::hash::sha256;
use skill_schema::{
    Fault, SkillId, VersionReq, codes,
    lint::Finding,
    lock::{self, Lock, Locked},
    project::{self, Project},
};

pub use inventory::{Inventory, Placed};
pub use locked::{agents_of, lock_problem, reachable, registry_of};
pub use manifest::Manifest;

use crate::{
    agents::{Agents, DEFAULT, Place},
    config::Config,
    context::Context,
    files::{self, Durable, Mode},
};

/// How long to wait for another command that works on the same project.
const PATIENCE: Duration = Duration::from_mins(1);
/// Before this long, waiting is not worth a line.
const QUIET: Duration = Duration::from_millis(300);

/// A project (or the pseudo-project of global installs), read.
#[derive(Debug)]
pub struct Workspace {
    /// Where agents' folders are.
    pub place: Place,
    /// The folder of `skills.toml` and `skills.lock`.
    pub root: PathBuf,
    /// `skills.toml`, as it stands.
    pub manifest: Option<Manifest>,
    /// `skills.toml`, read; empty if there is none.
    pub project: Project,
    /// `skills.lock`, if there is one.
    pub lock: Option<Lock>,
    /// What we put into agents' folders before.
    pub inventory: Inventory,
    lock_text: String,
    /// Folders whose links were followed: the same few are asked for every skill.
    followed: RefCell<BTreeMap<PathBuf, PathBuf>>,
    /// Keeps other commands out while it lives.
    _guard: Option<File>,
}

/// Something that is wanted directly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// The versions that will do.
    pub req: VersionReq,
    /// The configured registry to take it from, if not the scope's.
    pub registry: Option<String>,
    /// The agents to install it for, if not the usual ones.
    pub agents: Option<Vec<String>>,
    /// Whether to copy it instead of linking.
    pub copy: bool,
    /// Whether `skills.lock` alone knows of it.
    pub one_off: bool,
}

/// Whether a command will write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Other commands may run at the same time.
    Read,
    /// Others that write wait.
    Write,
}

impl Workspace {
    /// Reads the project that the command works on, or with `global` the user's own.
    ///
    /// # Errors
    /// [`codes::PROJECT`], [`codes::LOCK_FILE`] with the place of what is wrong; [`codes::BUSY`]; [`codes::IO`].
    pub fn open(context: &Context, global: bool, access: Access) -> Result<Self, Fault> {
        let (place, root) = if global {
            (Place::Global(context.env.home.clone()), context.env.data_dir.join("global"))
        } else {
            let root = project_root(context);
            (Place::Project(root.clone()), root)
        };
        let key = sha256(root.as_os_str().as_encoded_bytes());
        let guard = match access {
            Access::Write => Some(wait(context, &context.env.data_dir.join("locks").join(format!("{key}.lock")))?),
            Access::Read => None,
        };
        if access == Access::Write {
            files::tidy(&root, &[project::FILE, lock::FILE])?;
        }
        let manifest = Manifest::read(&root.join(project::FILE))?;
        let project = match &manifest {
            Some(manifest) => {
                Project::parse(manifest.text()).map_err(|finding| placed(&root, &finding, codes::PROJECT))?
            }
            None => Project::default(),
        };
        let lock_text = files::read_text(&root.join(lock::FILE), lock::MAX_BYTES)?;
        let lock = lock_text
            .as_deref()
            .map(|text| Lock::parse(text).map_err(|finding| placed(&root, &finding, codes::LOCK_FILE)));
        let inventory = Inventory::read(&context.env.data_dir.join("installs").join(format!("{key}.json")), &root)?;
        Ok(Self {
            place,
            root,
            manifest,
            project,
            lock: lock.transpose()?,
            inventory,
            lock_text: lock_text.unwrap_or_default(),
            followed: RefCell::default(),
            _guard: guard,
        })
    }

    /// As [`Self::open`], for commands that make no sense without a project.
    ///
    /// # Errors
    /// [`codes::NO_PROJECT`] if there is neither `skills.toml` nor `skills.lock`.
    pub fn open_existing(context: &Context, global: bool, access: Access) -> Result<Self, Fault> {
        let workspace = Self::open(context, global, access)?;
        if workspace.manifest.is_none() && workspace.lock.is_none() && !global {
            return Err(Fault::new(codes::NO_PROJECT).at(context.cwd.display().to_string()));
        }
        Ok(workspace)
    }

    /// All that is wanted directly: what `skills.toml` lists, and the one-offs of `skills.lock`.
    pub fn roots(&self, config: &Config) -> BTreeMap<SkillId, Root> {
        let one_offs = self.locked().filter_map(|locked| {
            let (req, agents) = (locked.requirement.clone()?, locked.agents.clone());
            let registry = registry_of(config, locked);
            Some((locked.name.clone(), Root { req, registry, agents, copy: locked.copy, one_off: true }))
        });
        let listed = self.project.skills.iter().map(|(id, wanted)| {
            let (req, registry) = (wanted.req.clone(), wanted.registry.clone());
            (id.clone(), Root { req, registry, agents: wanted.agents.clone(), copy: wanted.copy, one_off: false })
        });
        one_offs.chain(listed).collect()
    }

    /// The locked skills.
    pub fn locked(&self) -> impl Iterator<Item = &Locked> {
        self.lock.iter().flat_map(|lock| &lock.skills)
    }

    /// The agents for a skill that names none: of the environment, the project, the configuration, or the usual ones.
    pub fn default_agents(&self, context: &Context) -> Vec<String> {
        let listed = [
            self.project.agents.as_slice(),
            context.env.agents.as_slice(),
            context.config.list("install.agents").unwrap_or_default(),
        ];
        match listed.into_iter().find(|list| !list.is_empty()) {
            Some(list) => list.to_vec(),
            None => DEFAULT.map(str::to_owned).to_vec(),
        }
    }

    /// The agents of each locked skill, for these roots.
    pub fn agents_of(
        &self,
        context: &Context,
        roots: &BTreeMap<SkillId, Root>,
        instead: Option<&Vec<String>>,
    ) -> BTreeMap<SkillId, Vec<String>> {
        let usual = self.default_agents(context);
        self.lock.as_ref().map(|lock| agents_of(lock, roots, instead, &usual)).unwrap_or_default()
    }

    /// The folders of agents, each once, with the agents that read it: two agents may share one, also through a link.
    ///
    /// # Errors
    /// [`codes::AGENT_UNKNOWN`].
    pub fn folders(&self, agents: &Agents, names: &[String]) -> Result<BTreeMap<PathBuf, Vec<String>>, Fault> {
        let mut folders: BTreeMap<PathBuf, Vec<String>> = BTreeMap::new();
        for name in names {
            let folder = agents.folder(name, &self.place)?;
            let folder = self.followed.borrow_mut().entry(folder).or_insert_with_key(|f| resolved(f)).clone();
            let readers = folders.entry(folder).or_default();
            if !readers.contains(name) {
                readers.push(name.clone());
            }
        }
        Ok(folders)
    }

    /// Writes `skills.lock` if it changes. True if it did.
    ///
    /// # Errors
    /// [`codes::IO`].
    pub fn save_lock(&mut self, lock: &Lock) -> Result<bool, Fault> {
        let text = lock.to_string();
        if text == self.lock_text || (lock.skills.is_empty() && self.lock.is_none()) {
            return Ok(false);
        }
        files::replace(&self.root.join(lock::FILE), text.as_bytes(), Mode::Normal, Durable::Yes)?;
        self.lock_text = text;
        self.lock = Some(lock.clone());
        Ok(true)
    }
}

/// The nearest folder with a `skills.toml`, else with a `skills.lock`, else the working folder.
fn project_root(context: &Context) -> PathBuf {
    let with_lock = || context.cwd.ancestors().find(|folder| folder.join(lock::FILE).is_file()).map(Path::to_path_buf);
    context.project.clone().or_else(with_lock).unwrap_or_else(|| context.cwd.clone())
}

/// A folder with the links in the part that exists followed.
fn resolved(folder: &Path) -> PathBuf {
    for ancestor in folder.ancestors() {
        if let (Ok(real), Ok(rest)) = (ancestor.canonicalize(), folder.strip_prefix(ancestor)) {
            return if rest.as_os_str().is_empty() { real } else { real.join(rest) };
        }
    }
    folder.to_path_buf()
}

/// A finding about a file of the project as a fault with its path.
fn placed(root: &Path, finding: &Finding, code: &'static skill_schema::Code) -> Fault {
    let file = root.join(finding.file.as_deref().unwrap_or_default());
    let place = match (finding.line, finding.column) {
        (Some(line), Some(column)) => format!("{}:{line}:{column}", file.display()),
        _ => file.display().to_string(),
    };
    let help = finding.help.as_deref().map(|help| format!("; {help}")).unwrap_or_default();
    Fault::new(code).at(place).detail(format!("{}{help}", finding.message))
}

/// Waits until no other command works here, and keeps others out.
fn wait(context: &Context, path: &Path) -> Result<File, Fault> {
    let io = |e: std::io::Error| files::fault(path, &e);
    if let Some(folder) = path.parent() {
        files::make_folder(folder, Mode::Normal)?;
    }
    let file = File::options().create(true).append(true).open(path).map_err(io)?;
    let started = Instant::now();
    let mut said = false;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(std::fs::TryLockError::Error(e)) => return Err(io(e)),
            Err(std::fs::TryLockError::WouldBlock) if started.elapsed() > PATIENCE => {
                return Err(Fault::new(codes::BUSY).detail(format!("waited {} s", PATIENCE.as_secs())));
            }
            Err(std::fs::TryLockError::WouldBlock) => {
                if !said && started.elapsed() > QUIET {
                    context.output.status("Waiting", "for another skill command that is at work here");
                    said = true;
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_does_not_exist_yet_is_found_through_links() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let real = dir.path().canonicalize().expect("real").join("real");
        std::fs::create_dir(&real).expect("folder");
        std::os::unix::fs::symlink(&real, dir.path().join("link")).expect("link");
        assert_eq!(resolved(&dir.path().join("link/a/b")), real.join("a/b"));
    }
}
