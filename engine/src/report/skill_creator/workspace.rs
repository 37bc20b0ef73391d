//! A workspace of skill-creator as it lies in a folder: an eval a folder, in it a configuration a folder, in that `grading.json`
//! and its companions, at once or in `run-1`, `run-2` and so on.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::de::DeserializeOwned;
use skill_schema::{Fault, codes};

use super::files::{EvalMetadata, Grading, Id, Metrics, Timing, read};

/// Folders read at most in one folder: a workspace has tens.
const FOLDERS: usize = 5_000;

/// Bytes of one document at most, checked before it is read.
const BYTES: u64 = 32 << 20;

/// A workspace.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Workspace {
    /// Its evals, by the name of their folders.
    pub evals: Vec<Eval>,
    /// What could not be read, one sentence each.
    pub warnings: Vec<String>,
}

/// One eval.
#[derive(Debug, Clone, PartialEq)]
pub struct Eval {
    /// The name of its folder.
    pub folder: String,
    /// Its id: of `eval_metadata.json`, else the number in the folder's name, else that name.
    pub id: Id,
    /// `eval_metadata.json`; empty if there is none.
    pub metadata: EvalMetadata,
    /// By the name of their folders.
    pub configurations: Vec<Configuration>,
}

/// One configuration of an eval.
#[derive(Debug, Clone, PartialEq)]
pub struct Configuration {
    /// `with_skill`, `without_skill`, or another name.
    pub name: String,
    /// Its graded runs, by number.
    pub runs: Vec<WorkspaceRun>,
}

/// One graded run.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkspaceRun {
    /// From 1; 1 in the layout without `run-N/`.
    pub number: u64,
    /// `grading.json`.
    pub grading: Grading,
    /// `timing.json`.
    pub timing: Option<Timing>,
    /// `outputs/metrics.json`.
    pub metrics: Option<Metrics>,
    /// The run's folder.
    pub folder: PathBuf,
}

impl Workspace {
    /// Reads a workspace (`iteration-1`, or a benchmark with `runs/`). Links are not followed.
    ///
    /// # Errors
    /// [`codes::WORKSPACE`] if the folder cannot be read or holds no eval. What is wrong with single runs is a warning.
    pub fn read(root: &Path) -> Result<Self, Fault> {
        let inner = root.join("runs");
        let root = if is_folder(&inner) { &inner } else { root };
        let mut workspace = Self::default();
        for (folder, path) in folders(root)? {
            let metadata = document(&path.join("eval_metadata.json"), &mut workspace.warnings);
            let configurations = configurations(&path, &mut workspace.warnings)?;
            if configurations.is_empty() {
                continue;
            }
            let metadata: EvalMetadata = metadata.unwrap_or_default();
            let number = folder.strip_prefix("eval-").and_then(|rest| rest.split('-').next());
            let named = number.and_then(|text| text.parse().ok()).map_or_else(|| Id::Text(folder.clone()), Id::Number);
            let id = metadata.eval_id.clone().unwrap_or(named);
            workspace.evals.push(Eval { folder, id, metadata, configurations });
        }
        if workspace.evals.is_empty() {
            return Err(fault(root, "no folder in it holds a configuration with grading.json".to_owned()));
        }
        Ok(workspace)
    }

    /// Names of all configurations, each once, sorted.
    pub fn configurations(&self) -> Vec<&str> {
        let mut names: Vec<&str> =
            self.evals.iter().flat_map(|eval| &eval.configurations).map(|one| one.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

fn configurations(eval: &Path, warnings: &mut Vec<String>) -> Result<Vec<Configuration>, Fault> {
    let mut found = Vec::new();
    for (name, path) in folders(eval)? {
        let inner: Vec<(String, PathBuf)> =
            folders(&path)?.into_iter().filter(|(folder, _)| folder.starts_with("run-")).collect();
        let mut runs = Vec::new();
        if inner.is_empty() {
            if !path.join("grading.json").is_file() {
                continue;
            }
            runs.extend(run(1, path, warnings));
        }
        for (folder, path) in inner {
            match folder["run-".len()..].parse() {
                Ok(number) => runs.extend(run(number, path, warnings)),
                Err(_) => warnings.push(format!("{}: not a number after run-", path.display())),
            }
        }
        runs.sort_by_key(|run| run.number);
        found.push(Configuration { name, runs });
    }
    Ok(found)
}

/// The run in this folder; none, with a warning, if it was not graded.
fn run(number: u64, folder: PathBuf, warnings: &mut Vec<String>) -> Option<WorkspaceRun> {
    let grading = folder.join("grading.json");
    if !grading.is_file() {
        warnings.push(format!("{}: there is no grading.json, so the run is not counted", folder.display()));
        return None;
    }
    let grading = document(&grading, warnings)?;
    let timing = document(&folder.join("timing.json"), warnings);
    let metrics = document(&folder.join("outputs").join("metrics.json"), warnings);
    Some(WorkspaceRun { number, grading, timing, metrics, folder })
}

/// A document; none if it is not there, or, with a warning, if it cannot be read.
fn document<T: DeserializeOwned>(path: &Path, warnings: &mut Vec<String>) -> Option<T> {
    let bytes = match fs::symlink_metadata(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return None,
        Ok(found) if !found.is_file() || found.len() > BYTES => {
            warnings.push(format!("{}: not a file of at most {BYTES} bytes", path.display()));
            return None;
        }
        _ => fs::read(path),
    };
    let document = bytes.map_err(|e| e.to_string()).and_then(|bytes| read(&bytes).map_err(|fault| fault.sentence()));
    document.map_err(|e| warnings.push(format!("{}: {e}", path.display()))).ok()
}

/// The folders in a folder, by name.
fn folders(path: &Path) -> Result<Vec<(String, PathBuf)>, Fault> {
    let mut found = Vec::new();
    for entry in fs::read_dir(path).map_err(|e| fault(path, e.to_string()))? {
        let entry = entry.map_err(|e| fault(path, e.to_string()))?;
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if let (true, Ok(name)) = (is_folder, entry.file_name().into_string()) {
            found.push((name, entry.path()));
        }
        if found.len() > FOLDERS {
            return Err(fault(path, format!("more than {FOLDERS} folders")));
        }
    }
    found.sort();
    Ok(found)
}

fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_dir())
}

fn fault(path: &Path, detail: String) -> Fault {
    Fault::new(codes::WORKSPACE).at(path.display().to_string()).detail(detail)
}
