//! A suite as an artifact of its own, `skill-suite/v1`: the archive profile of skills with `evals.json` at the root.
//!
//! A whole suite holds every file of its folder. One without the holdout holds the cases for training, the files that these name, and
//! the lock without the names of what is held out; a file that only a held-out case needs, or that no case names, is not in it.

use std::path::Path;

use serde_json::Value;
use skill_bundle::{
    Kind, Package, extract,
    hash::sha256,
    pack::{self, Owned, Packed},
};
use skill_schema::{Digest, Fault, Limits, codes};

use super::{
    Case, Lock, Opened, Split, Suite,
    folder::{EVALS, FILE, LOCK},
    hash::Digests,
};

/// Which cases are in a packed suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Contents {
    /// All: whoever has it can run the gate.
    Whole,
    /// Those for training: the holdout stays where it is.
    Train,
}

/// A packed suite that was opened and checked.
#[derive(Debug)]
pub struct Sealed {
    /// The archive.
    pub package: Package,
    /// The suite in it.
    pub suite: Suite,
    /// The lock in it.
    pub lock: Lock,
}

/// Packs a suite. The lock beside it must know every case.
///
/// # Errors
/// [`codes::SPLIT_LOCK`] if the lock does not hold or lacks a case; [`codes::NO_SUITE`] if the file is not called `evals.json`; what
/// [`pack::read_dir`] refuses; a file of a case that is missing.
pub fn pack(opened: &Opened, contents: Contents) -> Result<Packed, Fault> {
    let lock = opened.lock()?;
    // Every case is locked and every input file can be read: otherwise the artifact would have no digests.
    opened.suite.digests(&lock, &opened.folder)?;
    let (files, skipped) = pack::read_dir(Kind::Suite, &opened.evals_path(), &Limits::V1)?;
    let files = match contents {
        Contents::Whole => files,
        Contents::Train => train_files(opened, &lock, files),
    };
    let packed = pack::pack_files(Kind::Suite, &files, &Limits::V1)?;
    // The artifact stands by itself: whoever opens it can compute its digests.
    open(&packed.archive)?.digests()?;
    Ok(Packed { skipped, ..packed })
}

/// The files of a suite without its holdout.
fn train_files(opened: &Opened, lock: &Lock, files: Vec<Owned>) -> Vec<Owned> {
    let mut train = opened.suite.clone();
    train.cases.retain(|case| lock.get(&case.id) == Some(Split::Train));
    let named = |split: Split| -> Vec<String> { opened.suite.part(lock, split).flat_map(references).collect() };
    let (wanted, withheld) = (named(Split::Train), named(Split::Holdout));
    let grader = opened.suite.settings.grader.prompt.strip_prefix("evals/");
    let exactly = |names: &[String], path: &str| names.iter().any(|name| name == path);
    let under = |names: &[String], path: &str| names.iter().any(|name| holds(name, path));
    let mut kept: Vec<Owned> = files
        .into_iter()
        .filter(|file| file.path != FILE && file.path != LOCK)
        .filter(|file| {
            let path = file.path.as_str();
            grader == Some(path) || exactly(&wanted, path) || under(&wanted, path) && !under(&withheld, path)
        })
        .collect();
    let plain =
        |path: &str, content: String| Owned { path: path.to_owned(), content: content.into(), executable: false };
    kept.push(plain(FILE, train.to_text(Some(&opened.source))));
    kept.push(plain(LOCK, lock.without_names(&opened.suite.settings.salt).text()));
    kept
}

/// Whether a path of a case is this file or a folder that holds it.
fn holds(name: &str, path: &str) -> bool {
    path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// What a case names in the suite's folder: every word of its texts that begins with `evals/`, without that.
fn references(case: &Case) -> Vec<String> {
    fn collect(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::String(text) => found.extend(
                text.split_whitespace()
                    .filter_map(|word| word.strip_prefix("evals/"))
                    .map(|path| path.trim_end_matches('/').to_owned())
                    .filter(|path| !path.is_empty()),
            ),
            Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
            Value::Object(map) => map.values().for_each(|value| collect(value, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    case.raw.values().for_each(|value| collect(value, &mut found));
    found
}

/// Opens a packed suite: archive profile, `evals.json`, lock.
///
/// # Errors
/// What breaks the archive profile; [`codes::NO_SUITE`], [`codes::SUITE`], [`codes::SPLIT_LOCK`].
pub fn open(archive: &[u8]) -> Result<Sealed, Fault> {
    let package = Package::open_as(Kind::Suite, archive, &Limits::V1)?;
    let file = package.file(FILE).ok_or_else(|| Fault::new(codes::NO_SUITE))?;
    let suite = Suite::parse(file.content)?;
    let lock = package.file(LOCK).map_or(b"".as_slice(), |file| file.content);
    let lock = Lock::parse(lock, &suite.settings.salt)?;
    Ok(Sealed { package, suite, lock })
}

impl Sealed {
    /// The digests of what is in the archive.
    ///
    /// # Errors
    /// [`codes::NO_PATH`] if a file of a case is not in it; [`codes::SPLIT_LOCK`] if a case is not locked.
    pub fn digests(&self) -> Result<Digests, Fault> {
        self.suite.digests_with(&self.lock, |path| self.digest(path))
    }

    /// SHA-256 of a file that a case names.
    pub(crate) fn digest(&self, path: &str) -> Result<Digest, Fault> {
        let file = path.strip_prefix("evals/").and_then(|path| self.package.file(path));
        file.map(|file| sha256(file.content)).ok_or_else(|| Fault::new(codes::NO_PATH).at(path))
    }

    /// Compares the archive with what was stated about the suite, and says which cases are in it.
    ///
    /// # Errors
    /// [`codes::SUITE_DIGEST`] if it is another suite; as [`Sealed::digests`].
    pub fn verify(&self, stated: &Digests) -> Result<Contents, Fault> {
        let found = self.digests()?;
        if found == *stated {
            return Ok(Contents::Whole);
        }
        let same_train = (found.train, found.train_cases) == (stated.train, stated.train_cases);
        if same_train && found.holdout_cases == 0 {
            return Ok(Contents::Train);
        }
        let part = if same_train { "the holdout differs" } else { "the cases for training differ" };
        Err(Fault::new(codes::SUITE_DIGEST).detail(part))
    }

    /// Unpacks the suite to `evals/` in a skill's folder.
    ///
    /// # Errors
    /// [`codes::EXISTS`] if there is an `evals` already, and nothing changes; [`codes::IO`].
    pub fn unpack(&self, skill: &Path) -> Result<(), Fault> {
        extract::extract(&self.package, skill, EVALS)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;

    /// A skill with forty cases, each with a file and half of them with a script.
    fn skill() -> (tempfile::TempDir, Opened) {
        let home = tempfile::tempdir().unwrap();
        let evals = home.path().join("evals");
        fs::create_dir_all(evals.join("files")).unwrap();
        fs::create_dir_all(evals.join("lib")).unwrap();
        fs::write(home.path().join("SKILL.md"), "---\nname: s\ndescription: d\n---\n").unwrap();
        fs::write(evals.join("unnamed.txt"), "answers").unwrap();
        fs::write(evals.join("lib/common.py"), "").unwrap();
        let cases: Vec<Value> = (0..40)
            .map(|n| {
                fs::write(evals.join(format!("files/{n}.txt")), format!("secret{n}!")).unwrap();
                json!({"id": n, "prompt": format!("question{n}!"), "files": [format!("evals/files/{n}.txt")],
                    "checks": [{"kind": "script", "run": "python3 evals/lib/common.py", "needs": ["evals/lib", "evals/files/"]}]})
            })
            .collect();
        fs::write(evals.join(FILE), serde_json::to_string_pretty(&json!({"skill_name": "s", "evals": cases})).unwrap())
            .unwrap();
        let opened = Suite::read(home.path()).unwrap();
        opened.suite.split(&Lock::default()).unwrap().write(&opened.lock_path()).unwrap();
        (home, opened)
    }

    #[test]
    fn a_whole_suite_has_the_digests_of_its_folder() {
        let (_home, opened) = skill();
        let stated = opened.suite.digests(&opened.lock().unwrap(), &opened.folder).unwrap();
        let packed = pack(&opened, Contents::Whole).unwrap();
        let sealed = open(&packed.archive).unwrap();
        assert_eq!(sealed.verify(&stated), Ok(Contents::Whole));
        assert_eq!(
            (sealed.suite, sealed.lock),
            (opened.suite, Lock::parse(&fs::read(opened.folder.path_of("evals/split.lock")).unwrap(), "s").unwrap())
        );
        assert_eq!(packed.package.file_count(), 44);
        assert!(packed.package.file("SKILL.md").is_none());
    }

    #[test]
    fn nothing_of_the_holdout_is_in_a_suite_for_training() {
        let (_home, opened) = skill();
        let lock = opened.lock().unwrap();
        let stated = opened.suite.digests(&lock, &opened.folder).unwrap();
        let packed = pack(&opened, Contents::Train).unwrap();
        let sealed = open(&packed.archive).unwrap();
        assert_eq!(sealed.verify(&stated), Ok(Contents::Train));
        assert!(sealed.package.file("lib/common.py").is_some());
        assert!(sealed.package.file("unnamed.txt").is_none());
        let all: Vec<u8> =
            sealed.package.files().flat_map(|file| [file.path.as_bytes(), b"\n", file.content].concat()).collect();
        let all = String::from_utf8(all).unwrap();
        for case in &opened.suite.cases {
            let train = lock.get(&case.id) == Some(Split::Train);
            for text in [
                format!("question{}!", case.id),
                format!("secret{}!", case.id),
                format!("files/{}.txt\n", case.id),
                format!("\"id\":\"{}\"", case.id),
            ] {
                assert_eq!(all.contains(&text), train, "{text}");
            }
        }
    }

    #[test]
    fn another_suite_is_noticed() {
        let (_home, opened) = skill();
        let stated = opened.suite.digests(&opened.lock().unwrap(), &opened.folder).unwrap();
        let split = |split: Split| opened.suite.part(&opened.lock().unwrap(), split).next().unwrap().id.clone();
        for id in [split(Split::Train), split(Split::Holdout)] {
            let file = opened.folder.path_of(&format!("evals/files/{id}.txt"));
            let before = fs::read(&file).unwrap();
            fs::write(&file, "changed").unwrap();
            let sealed = open(&pack(&opened, Contents::Whole).unwrap().archive).unwrap();
            assert_eq!(sealed.verify(&stated).unwrap_err().code, codes::SUITE_DIGEST);
            fs::write(&file, before).unwrap();
        }
    }

    #[test]
    fn a_suite_that_is_not_split_or_lacks_a_file_is_not_packed() {
        let (home, opened) = skill();
        fs::remove_file(home.path().join("evals/files/3.txt")).unwrap();
        assert_eq!(pack(&opened, Contents::Whole).unwrap_err().code, codes::NO_PATH);
        fs::write(home.path().join("evals/files/3.txt"), "").unwrap();
        fs::remove_file(opened.lock_path()).unwrap();
        assert_eq!(pack(&opened, Contents::Whole).unwrap_err().code, codes::SPLIT_LOCK);
    }

    #[test]
    fn a_suite_is_unpacked_beside_a_skill_and_never_over_another_one() {
        let (_home, opened) = skill();
        let sealed = open(&pack(&opened, Contents::Whole).unwrap().archive).unwrap();
        let other = tempfile::tempdir().unwrap();
        sealed.unpack(other.path()).unwrap();
        let again = Suite::read(other.path()).unwrap();
        assert_eq!(again.suite, opened.suite);
        assert_eq!(again.lock().unwrap(), opened.lock().unwrap());
        assert_eq!(sealed.unpack(other.path()).unwrap_err().code, codes::EXISTS);
    }

    #[test]
    fn a_skill_and_garbage_are_no_suites() {
        let (home, _opened) = skill();
        let packed = pack::pack_dir(home.path(), &Limits::V1).unwrap();
        assert!(packed.package.files().all(|file| !file.path.starts_with("evals")), "a skill never holds its suite");
        assert_eq!(open(&packed.archive).unwrap_err().code, codes::NO_SUITE);
        assert_eq!(open(b"PK").unwrap_err().code, codes::NOT_GZIP);
        let owned = |content: &str| Owned { path: FILE.to_owned(), content: content.into(), executable: false };
        let bad = pack::pack_files(Kind::Suite, &[owned("{")], &Limits::V1).unwrap();
        assert_eq!(open(&bad.archive).unwrap_err().code, codes::SUITE);
    }
}
