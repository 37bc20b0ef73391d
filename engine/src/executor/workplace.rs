//! The folders of one run: its inputs, where it works, its home. Their names say nothing, and they go with the value.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Component, Path, PathBuf},
};

use skill_schema::{Fault, codes};
use tempfile::TempDir;

use super::{
    Job, canary,
    sandbox::{Limits, Spec},
    skill::Skill,
};

mod seal;

/// Where suites keep input files; a run sees what comes after.
const PREFIXES: [&str; 2] = ["evals/files/", "evals/"];

/// The file beside the folders of a run, where no run may look.
const CANARY: &str = "canary.txt";

/// Bytes of one input file.
const MAX_INPUT: u64 = 64 << 20;

/// The folders of one run.
#[derive(Debug)]
pub struct Workplace {
    inputs: PathBuf,
    work: PathBuf,
    home: PathBuf,
    tmp: PathBuf,
    /// Deleted when this goes.
    folder: TempDir,
}

impl Workplace {
    /// Makes the folders and copies the input files (paths from `suite`) twice: once to keep and once to work on. A leading `evals/files/`
    /// or `evals/` is not part of the names that the run sees. `E_CASE_INPUT` for a path that leaves the folder, a link, a special file or
    /// more than 64 MiB; `E_IO` if the machine fails.
    pub fn new(suite: &Path, files: &[String]) -> Result<Self, Fault> {
        let folder = tempfile::Builder::new().prefix("").rand_bytes(20).tempdir().map_err(|e| io_fault(&e))?;
        // The sandbox shows folders under their real names.
        let root = folder.path().canonicalize().map_err(|e| io_fault(&e))?;
        let [inputs, work, home, tmp] = ["inputs", "work", "home", "tmp"].map(|name| root.join(name));
        let place = Self { inputs, work, home, tmp, folder };
        for path in [&place.inputs, &place.work, &place.home, &place.tmp] {
            fs::create_dir(path).map_err(|e| io_fault(&e))?;
        }
        for file in files {
            let from = source(suite, file)?;
            for root in [&place.inputs, &place.work] {
                let to = root.join(shown_as(file));
                fs::create_dir_all(to.parent().unwrap_or(root)).map_err(|e| io_fault(&e))?;
                fs::copy(&from, &to).map_err(|e| io_fault(&e))?;
            }
        }
        Ok(place)
    }

    /// The folders of a job, with the job's canaries beside them: another run that comes near is seen. As [`Workplace::new`].
    ///
    /// # Errors
    /// As [`Workplace::new`].
    pub fn of(job: &Job, files: &[String]) -> Result<Self, Fault> {
        let place = Self::new(&job.suite, files)?;
        let texts: String = job.marks.canaries().iter().map(|text| canary::content(text)).collect();
        if !texts.is_empty() {
            fs::write(place.folder.path().join(CANARY), texts).map_err(|e| io_fault(&e))?;
        }
        Ok(place)
    }

    /// Copies a skill's files to the folders of inputs and of work: for cases in which the skill is what is worked on.
    pub fn put(&self, skill: &Skill) -> Result<(), Fault> {
        for file in &skill.files {
            for root in [&self.inputs, &self.work] {
                let to = root.join(file);
                fs::create_dir_all(to.parent().unwrap_or(root)).map_err(|e| io_fault(&e))?;
                fs::copy(skill.folder().join(file), &to).map_err(|e| io_fault(&e))?;
            }
        }
        Ok(())
    }

    /// What the run was given, unchanged.
    pub fn inputs(&self) -> &Path {
        &self.inputs
    }

    /// Where the run works; after its end, what it leaves.
    pub fn work(&self) -> &Path {
        &self.work
    }

    /// Its home, empty at first.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// The names of the input files, as the run sees them, sorted.
    pub fn names(files: &[String]) -> Vec<String> {
        let mut names: Vec<String> = files.iter().map(|file| shown_as(file).to_owned()).collect();
        names.sort();
        names
    }

    /// A command that works here; `read` are further folders that it may read.
    pub fn spec(&self, argv: Vec<String>, read: Vec<PathBuf>, network: bool, limits: Limits) -> Spec {
        let path = |path: &Path| path.display().to_string();
        let env = [("HOME", path(&self.home)), ("TMPDIR", path(&self.tmp)), ("LANG", "C.UTF-8".to_owned())];
        Spec {
            argv,
            dir: self.work.clone(),
            write: vec![self.work.clone(), self.home.clone(), self.tmp.clone()],
            read,
            env: env.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<BTreeMap<_, _>>(),
            network,
            limits,
            allow_none: false,
        }
    }

    /// The same without what was there to work on: for a run that could leave nothing.
    pub fn without_work(self) -> io::Result<Self> {
        fs::remove_dir_all(&self.work)?;
        fs::create_dir(&self.work)?;
        Ok(self)
    }

    /// Readies what the run left for being looked at: links and special files are removed, everything else can be read, and what lies in
    /// `outputs/` is moved up beside it. Gives back remarks for the transcript.
    pub fn seal(&self) -> io::Result<Vec<String>> {
        seal::seal(&self.work)
    }
}

/// The file in the suite's folder that a case names.
fn source(suite: &Path, file: &str) -> Result<PathBuf, Fault> {
    let wrong = |what: &str| Fault::new(codes::CASE_INPUT).at(file).detail(what);
    let path = Path::new(file);
    if file.is_empty() || !path.components().all(|part| matches!(part, Component::Normal(_))) {
        return Err(wrong("not a path in the suite's folder"));
    }
    let mut full = suite.to_owned();
    for part in path.components() {
        full.push(part);
        let meta = full.symlink_metadata().map_err(|e| wrong(&e.to_string()))?;
        if meta.is_symlink() {
            return Err(wrong("it leads over a link"));
        }
    }
    let meta = full.symlink_metadata().map_err(|e| wrong(&e.to_string()))?;
    match meta.is_file() {
        false => Err(wrong("not a regular file")),
        true if meta.len() > MAX_INPUT => Err(wrong("larger than 64 MiB")),
        true => Ok(full),
    }
}

fn shown_as(file: &str) -> &str {
    PREFIXES.iter().find_map(|prefix| file.strip_prefix(prefix)).unwrap_or(file)
}

fn io_fault(error: &io::Error) -> Fault {
    Fault::new(codes::IO).detail(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suite() -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("evals/files")).unwrap();
        fs::write(folder.path().join("evals/files/a.txt"), "a").unwrap();
        fs::write(folder.path().join("evals/evals.json"), "SECRET").unwrap();
        fs::write(folder.path().join("b.txt"), "b").unwrap();
        folder
    }

    #[test]
    fn a_run_gets_its_inputs_twice_and_nothing_else() {
        let suite = suite();
        let place = Workplace::new(suite.path(), &["evals/files/a.txt".to_owned(), "b.txt".to_owned()]).unwrap();
        fs::write(place.work().join("a.txt"), "changed").unwrap();
        assert_eq!(fs::read_to_string(place.inputs().join("a.txt")).unwrap(), "a");
        assert_eq!(fs::read_to_string(place.work().join("b.txt")).unwrap(), "b");
        assert_eq!(fs::read_dir(place.work()).unwrap().count(), 2);
        assert!(!place.work().display().to_string().contains("skill"));
        let work = place.work().to_owned();
        drop(place);
        assert!(!work.exists());
    }

    #[test]
    fn canaries_stand_beside_the_folders_and_in_none() {
        let mut job = super::super::testing::job(None, super::super::testing::prompt("p", &[]));
        assert!(!Workplace::of(&job, &[]).unwrap().folder.path().join(CANARY).exists());
        let canaries = vec!["Canary-93Kd02mz".to_owned()];
        job.marks = std::sync::Arc::new(super::super::Marks::new(vec![], canaries, vec![]));
        let place = Workplace::of(&job, &[]).unwrap();
        assert!(fs::read_to_string(place.folder.path().join(CANARY)).unwrap().contains("Canary-93Kd02mz"));
        let spec = place.spec(Vec::new(), Vec::new(), false, Limits::default());
        for folder in spec.write.iter().chain(&spec.read) {
            assert_eq!(fs::read_dir(folder).unwrap().count(), 0, "{}", folder.display());
        }
    }

    #[test]
    fn inputs_come_from_the_suite_alone() {
        let suite = suite();
        #[cfg(unix)]
        std::os::unix::fs::symlink("/etc", suite.path().join("evals/files/etc")).unwrap();
        for bad in
            ["", "/etc/passwd", "../x", "evals/../../x", "evals/files", "evals/files/none", "evals/files/etc/passwd"]
        {
            let fault = Workplace::new(suite.path(), &[bad.to_owned()]).unwrap_err();
            assert_eq!(fault.code.id, "E_CASE_INPUT", "{bad}");
        }
    }
}
