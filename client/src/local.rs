//! Skills from this machine: a folder or a packed skill that no registry has. They are checked as leniently as agents read, signed
//! by nobody, and locked by their tree and the path that they came from.

use std::{
    collections::BTreeMap,
    path::{Component, Path, PathBuf},
};

use skill_bundle::{Package, check, pack};
use skill_schema::{
    Fault, Limits, Scope, SkillId, Version, VersionReq, codes,
    lint::{Finding, Level, Options},
    lock::{self, Lock, Locked},
    manifest::{self, Manifest},
    name,
    skill_md::{self, SkillMd},
    version::parse_requirement,
};

use crate::{
    agents::Place,
    context::Context,
    files::{self, Durable, Mode},
    findings,
    resolve::satisfies,
    source::{self, Local},
    store::{State, Store},
    workspace::{Root, Workspace},
};

/// A skill of this machine, packed and checked.
#[derive(Debug, Clone)]
pub struct Opened {
    /// What is to be locked.
    pub locked: Locked,
    package: Package,
    archive: Vec<u8>,
    needs: BTreeMap<SkillId, VersionReq>,
}

impl Opened {
    /// The wish for exactly what was opened.
    ///
    /// # Errors
    /// None for a version that was parsed.
    pub fn root(&self, agents: Option<Vec<String>>, copy: bool) -> Result<Root, Fault> {
        let req = parse_requirement(&format!("={}", self.locked.version))?;
        Ok(Root { req, registry: None, agents, copy, one_off: true })
    }

    /// Whether everything that it needs is installed beside it: that is not installed along with it, since the lock of a skill from
    /// a path does not say which versions it needs.
    ///
    /// # Errors
    /// [`codes::NO_SOLUTION`].
    pub fn check_needs(&self, lock: &Lock, roots: &BTreeMap<SkillId, Root>) -> Result<(), Fault> {
        let fits = |id: &SkillId, req| lock.get(id).is_some_and(|locked| satisfies(req, &locked.version));
        match self.needs.iter().find(|(id, req)| !(roots.contains_key(id) && fits(id, req))) {
            None => Ok(()),
            Some((id, req)) => {
                let detail = format!("it needs {id} {req}, which is not installed; first: skill install '{id}@{req}'");
                Err(Fault::new(codes::NO_SOLUTION).at(self.locked.name.to_string()).detail(detail))
            }
        }
    }
}

/// Whether an argument is a path and not the name of a published skill.
pub fn is_path(text: &str) -> bool {
    matches!(text, "." | "..") || ["./", "../", "/", lock::PATH].iter().any(|start| text.starts_with(start))
}

/// Opens what somebody typed, and says what is odd about it.
///
/// # Errors
/// [`codes::NO_PATH`]; every rule of the archive and the lenient rules of contents and SKILL.md; [`codes::USAGE`] if the project
/// lies in the skill, or for a path that cannot stand in `skills.lock`.
pub fn open(context: &Context, workspace: &Workspace, typed: &str) -> anyhow::Result<Opened> {
    let path = Path::new(typed.strip_prefix(lock::PATH).unwrap_or(typed));
    let found = Local::find(&context.cwd.join(path))?;
    let origin = origin(workspace, &found)?;
    read(context, &found, path, origin)
}

/// Opens once more what is locked.
///
/// # Errors
/// As [`open`]; [`codes::USAGE`] if another skill is there now.
pub fn reopen(context: &Context, workspace: &Workspace, locked: &Locked) -> anyhow::Result<Opened> {
    let path = Path::new(locked.path().unwrap_or_default());
    let found = Local::find(&workspace.root.join(path))?;
    let opened = read(context, &found, path, locked.origin.clone())?;
    if opened.locked.name != locked.name {
        let detail = format!("{} is there now; skill remove {} first", opened.locked.name, locked.name);
        return Err(Fault::new(codes::USAGE).at(path.display().to_string()).detail(detail).into());
    }
    Ok(opened)
}

/// What the store lacks of a lock's skills from paths: taken from `fresh`, or from where they were.
///
/// # Errors
/// [`codes::LOCK_OUTDATED`] if the path holds something else by now; as [`open`].
pub fn missing(
    context: &Context,
    store: &Store,
    workspace: &Workspace,
    lock: &Lock,
    fresh: &BTreeMap<SkillId, Opened>,
) -> anyhow::Result<Vec<Opened>> {
    let mut missing = Vec::new();
    for locked in lock.skills.iter().filter(|locked| locked.path().is_some()) {
        if store.state(&locked.tree)? == State::Intact {
            continue;
        }
        let opened = match fresh.get(&locked.name) {
            Some(opened) => opened.clone(),
            None => reopen(context, workspace, locked).map_err(|error| match error.downcast_ref::<Fault>() {
                Some(fault) if fault.code == codes::NO_PATH => outdated(locked, "is not there any more").into(),
                _ => error,
            })?,
        };
        if opened.locked.tree != locked.tree {
            return Err(outdated(locked, "has other files now; skill update takes them").into());
        }
        missing.push(opened);
    }
    Ok(missing)
}

fn outdated(locked: &Locked, what: &str) -> Fault {
    let path = locked.path().unwrap_or_default();
    let detail = format!("{path}, from where {} was installed, {what}", locked.name);
    Fault::new(codes::LOCK_OUTDATED).detail(detail)
}

/// Adds a skill to the store, and its archive to the cache: with it `skill verify` can say which file was changed.
///
/// # Errors
/// [`codes::IO`].
pub fn keep(context: &Context, store: &Store, opened: &Opened) -> Result<(), Fault> {
    files::replace(&store.archive(&opened.locked.archive), &opened.archive, Mode::Normal, Durable::No)?;
    if let Some(aside) = store.add(&opened.package)? {
        let (name, aside) = (&opened.locked.name, aside.display());
        context.output.warn(format!("{name} had been changed in the store; the changed copy is in {aside}"));
    }
    Ok(())
}

/// The path for `skills.lock`: from the project's folder, or for what is installed for all projects absolute.
fn origin(workspace: &Workspace, found: &Local) -> Result<String, Fault> {
    let real = |path: &Path| path.canonicalize().map_err(|e| files::fault(path, &e));
    let path = real(found.path())?;
    let usage = |detail: &str| Fault::new(codes::USAGE).at(path.display().to_string()).detail(detail);
    let root = workspace.root.canonicalize().unwrap_or_else(|_| workspace.root.clone());
    if root.starts_with(&path) {
        let detail = "skills.lock would become a part of the skill; install it from another folder, or with -g";
        return Err(usage(detail));
    }
    let path_to_write = match &workspace.place {
        Place::Project(_) => relative(&root, &path),
        Place::Global(_) => path.clone(),
    };
    let text = path_to_write.to_str().filter(|text| !text.chars().any(char::is_control));
    let origin = text.map(|text| format!("{}{text}", lock::PATH)).filter(|o| o.chars().count() <= lock::MAX_ORIGIN);
    origin.ok_or_else(|| usage("skills.lock cannot name this path: it is too long, or has unusual characters"))
}

/// The way from a folder to a path, both absolute and without links.
fn relative(from: &Path, to: &Path) -> PathBuf {
    let common = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let up = from.components().skip(common).map(|_| Component::ParentDir);
    up.chain(to.components().skip(common)).collect()
}

/// Packs or opens and checks; `shown` is the path for people.
fn read(context: &Context, found: &Local, shown: &Path, origin: String) -> anyhow::Result<Opened> {
    let (limits, options) = (Limits::V1, Options::from(Level::Lenient));
    let at = |fault: Fault| {
        let inner = fault.place.as_deref().map(|inner| format!(": {inner}")).unwrap_or_default();
        fault.clone().at(format!("{}{inner}", shown.display()))
    };
    let (package, archive, report) = match found {
        Local::Folder(folder) => {
            let packed = pack::pack_dir(folder, &limits).map_err(at)?;
            let report = check::check_packed(folder, &packed, &limits, options);
            (packed.package, packed.archive, report)
        }
        Local::Archive(file) => {
            let bytes = source::read_archive(file).map_err(at)?;
            let package = Package::open(bytes.clone(), &limits).map_err(at)?;
            let report = check::check_package(&package, &limits, options);
            (package, bytes, report)
        }
    };
    findings::say(&report.findings, shown, &package, context);
    if let Some(code) = report.code {
        return Err(findings::refused(&report.findings, code, shown, context));
    }
    let (name, version, needs) = identity(&package).map_err(at)?;
    let locked = Locked {
        name,
        version,
        origin,
        tree: package.tree(),
        archive: package.digest(),
        signed: None,
        dependencies: Vec::new(),
        requirement: None,
        agents: None,
        copy: false,
    };
    Ok(Opened { locked, package, archive, needs })
}

/// Name, version and needs: of `skill.toml`, or the name of SKILL.md in a scope of its own.
fn identity(package: &Package) -> Result<(SkillId, Version, BTreeMap<SkillId, VersionReq>), Fault> {
    let first = |findings: Vec<Finding>, code| findings.first().map_or_else(|| Fault::new(code), Finding::to_fault);
    if let Some(file) = package.file(manifest::FILE) {
        let text = String::from_utf8_lossy(file.content);
        let manifest = Manifest::parse(&text).map_err(|findings| first(findings, codes::MANIFEST))?;
        return Ok((manifest.id, manifest.version, manifest.dependencies.into_iter().collect()));
    }
    let content = package.file(skill_md::FILE).map(|file| file.content).unwrap_or_default();
    let name = SkillMd::read(content).map_err(|findings| first(findings, codes::LINT))?.name;
    let scope: Scope = name::LOCAL.parse()?;
    let id = SkillId { scope, name: name.unwrap_or_default().parse()? };
    Ok((id, Version::new(0, 0, 0), BTreeMap::new()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_and_the_name_of_a_skill_are_told_apart() {
        for path in [".", "..", "./notes", "../notes", "/srv/notes", "path:notes", "./x.tar.gz"] {
            assert!(is_path(path), "{path}");
        }
        for name in ["notes", "acme/notes", "acme/notes@^1", "work:acme/notes", ".hidden", "~/notes", ""] {
            assert!(!is_path(name), "{name}");
        }
    }

    #[test]
    fn a_path_is_written_from_the_folder_of_the_project() {
        let way = |from: &str, to: &str| relative(Path::new(from), Path::new(to)).display().to_string();
        assert_eq!(way("/home/a/site", "/home/a/skills/notes"), "../skills/notes");
        assert_eq!(way("/home/a/site", "/home/a/site/skills/notes"), "skills/notes");
        assert_eq!(way("/home/a", "/srv/notes"), "../../srv/notes");
    }
}
