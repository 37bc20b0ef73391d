//! Commits in a git repository, made by `git fast-import` alone: no work tree, no index, no hooks, no filters, and nothing of the user's
//! own configuration. Whatever is checked out stays as it is.

use std::{
    ffi::OsString,
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use skill_bundle::pack::Packed;
use skill_schema::{Fault, codes, time::Timestamp};

/// Who commits. The address belongs to nobody (RFC 2606).
const WHO: &str = "skill improve <improve@skill.invalid>";
/// Bytes of git's answers that are read: names of objects, and a message where it fails.
const MAX_ANSWER: u64 = 64 * 1024;

/// A repository.
#[derive(Debug, Clone)]
pub struct Git {
    folder: PathBuf,
    path: OsString,
}

/// A commit that is to be made.
#[derive(Debug, Clone)]
pub struct Commit<'a> {
    /// The reference that will name it.
    pub reference: &'a str,
    /// Its parents; none begins a history.
    pub parents: &'a [String],
    /// When.
    pub when: Timestamp,
    /// What it says.
    pub message: &'a str,
    /// The folder in the repository that holds the skill, ending with `/`; empty is the root.
    pub prefix: &'a str,
    /// Files of that folder that are gone. Without parents there are none.
    pub removed: &'a [String],
    /// The files: path below the folder, contents, whether executable.
    pub files: &'a [(String, Vec<u8>, bool)],
}

impl Git {
    /// The repository at a folder; `path` is where programs are looked for.
    pub fn at(folder: &Path, path: Option<&OsString>) -> Self {
        Self { folder: folder.to_owned(), path: path.cloned().unwrap_or_else(|| "/usr/bin:/bin".into()) }
    }

    /// Makes a bare repository, unless there is one.
    ///
    /// # Errors
    /// [`codes::GIT`].
    pub fn init(&self) -> Result<(), Fault> {
        std::fs::create_dir_all(&self.folder).map_err(|e| fault(e.to_string()))?;
        self.run(&["init", "--quiet", "--bare", "--initial-branch=start", "."], b"").map(drop)
    }

    /// The folder of a repository's work tree that a path lies in, with the path's place in it; none if it lies in none.
    pub fn around(folder: &Path, path: Option<&OsString>) -> Option<(Self, String)> {
        let git = Self::at(folder, path);
        let answer = git.run(&["rev-parse", "--show-toplevel", "--show-prefix"], b"").ok()?;
        let mut lines = answer.lines();
        let top = PathBuf::from(lines.next()?);
        let prefix = lines.next().unwrap_or_default().to_owned();
        Some((Self { folder: top, ..git }, prefix))
    }

    /// What a name stands for; none if nothing.
    pub fn resolve(&self, name: &str) -> Option<String> {
        let answer = self.run(&["rev-parse", "--verify", "--quiet", "--end-of-options", name], b"").ok()?;
        Some(answer.trim().to_owned()).filter(|found| !found.is_empty())
    }

    /// Makes a commit and lets its reference name it.
    ///
    /// # Errors
    /// [`codes::GIT`].
    pub fn commit(&self, commit: &Commit<'_>) -> Result<String, Fault> {
        let mut stream = format!("feature done\ncommit {}\nmark :1\n", commit.reference).into_bytes();
        stream.extend(format!("committer {WHO} {} +0000\n", commit.when.unix()).into_bytes());
        data(&mut stream, commit.message.as_bytes());
        for (n, parent) in commit.parents.iter().enumerate() {
            stream.extend(format!("{} {parent}\n", if n == 0 { "from" } else { "merge" }).into_bytes());
        }
        if commit.prefix.is_empty() {
            stream.extend_from_slice(b"deleteall\n");
        }
        for path in commit.removed {
            stream.extend(format!("D {}\n", quoted(&format!("{}{path}", commit.prefix))).into_bytes());
        }
        for (path, content, executable) in commit.files {
            let mode = if *executable { "100755" } else { "100644" };
            stream.extend(format!("M {mode} inline {}\n", quoted(&format!("{}{path}", commit.prefix))).into_bytes());
            data(&mut stream, content);
        }
        stream.extend_from_slice(b"\nget-mark :1\ndone\n");
        let answer = self.run(&["fast-import", "--quiet", "--force", "--date-format=raw"], &stream)?;
        let name = answer.trim().to_owned();
        if name.len() < 40 || !name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(fault(format!("fast-import answered {name:?}")));
        }
        Ok(name)
    }

    /// Lets a reference name a commit, whatever it named before.
    ///
    /// # Errors
    /// [`codes::GIT`].
    pub fn point(&self, reference: &str, commit: &str) -> Result<(), Fault> {
        self.run(&["update-ref", reference, commit], b"").map(drop)
    }

    /// The repository's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn run(&self, args: &[&str], input: &[u8]) -> Result<String, Fault> {
        let mut child = Command::new("git")
            .args(["-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "gc.auto=0"])
            .args(args)
            .current_dir(&self.folder)
            .env_clear()
            .env("PATH", &self.path)
            .envs([
                ("GIT_CONFIG_NOSYSTEM", "1"),
                ("GIT_CONFIG_GLOBAL", "/dev/null"),
                ("GIT_TERMINAL_PROMPT", "0"),
                ("GIT_OPTIONAL_LOCKS", "0"),
                ("HOME", "/nonexistent"),
                ("LC_ALL", "C"),
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| fault(e.to_string()))?;
        let (mut stdin, stderr) = (child.stdin.take(), child.stderr.take());
        let wrote = std::thread::scope(|scope| {
            // What it says is read beside what it is told: neither pipe can fill up while the other waits.
            let said = scope.spawn(|| read(stderr));
            let wrote = stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(input));
            (wrote, said.join().unwrap_or_default())
        });
        let answer = read(child.stdout.take());
        let status = child.wait().map_err(|e| fault(e.to_string()))?;
        match wrote {
            (Ok(()), _) if status.success() => Ok(answer),
            (_, said) => {
                let verb = args.first().copied().unwrap_or_default();
                Err(fault(format!("git {verb}: {}", said.lines().next().unwrap_or("it failed"))))
            }
        }
    }
}

/// What a packed version's files are to a commit.
pub fn files_of(packed: &Packed) -> Vec<(String, Vec<u8>, bool)> {
    packed.package.files().map(|file| (file.path.to_owned(), file.content.to_vec(), file.executable)).collect()
}

fn read(pipe: Option<impl std::io::Read>) -> String {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        let mut limited = pipe.take(MAX_ANSWER);
        let _ = limited.read_to_end(&mut bytes);
        // The rest is read and dropped, so that git does not wait for a reader.
        let _ = std::io::copy(&mut limited.into_inner(), &mut std::io::sink());
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn data(stream: &mut Vec<u8>, bytes: &[u8]) {
    stream.extend(format!("data {}\n", bytes.len()).into_bytes());
    stream.extend_from_slice(bytes);
    stream.push(b'\n');
}

/// A path as fast-import reads it.
fn quoted(path: &str) -> String {
    format!("\"{}\"", path.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

fn fault(detail: String) -> Fault {
    Fault::new(codes::GIT).detail(detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(git: &Git, args: &[&str]) -> String {
        git.run(args, b"").unwrap()
    }

    fn files(all: &[(&str, &str)]) -> Vec<(String, Vec<u8>, bool)> {
        all.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec(), false)).collect()
    }

    fn commit<'a>(
        reference: &'a str,
        parents: &'a [String],
        prefix: &'a str,
        removed: &'a [String],
        files: &'a [(String, Vec<u8>, bool)],
    ) -> Commit<'a> {
        Commit {
            reference,
            parents,
            when: Timestamp::from_unix(1_700_000_000),
            message: "A\n\nb",
            prefix,
            removed,
            files,
        }
    }

    #[test]
    fn commits_are_the_same_everywhere_and_hold_exactly_the_files() {
        let place = tempfile::tempdir().unwrap();
        let git = Git::at(&place.path().join("repo.git"), None);
        git.init().unwrap();
        git.init().unwrap();
        let first = git
            .commit(&commit("refs/heads/a", &[], "", &[], &files(&[("SKILL.md", "one"), ("a \"b\"/c.md", "x")])))
            .unwrap();
        let parents = [first.clone()];
        let second = git.commit(&commit("refs/heads/b", &parents, "", &[], &files(&[("SKILL.md", "two")]))).unwrap();
        assert_eq!(
            show(&git, &["show", "-s", "--format=%P %an %at", &second]).trim(),
            format!("{first} skill improve 1700000000")
        );
        assert_eq!(
            show(&git, &["-c", "core.quotePath=false", "ls-tree", "-r", "--name-only", "-z", &first]),
            "SKILL.md\0a \"b\"/c.md\0"
        );
        assert_eq!(show(&git, &["ls-tree", "-r", "--name-only", &second]), "SKILL.md\n");
        let again = git
            .commit(&commit("refs/heads/a", &[], "", &[], &files(&[("SKILL.md", "one"), ("a \"b\"/c.md", "x")])))
            .unwrap();
        assert_eq!(again, first);
        assert_eq!(git.resolve("refs/heads/b"), Some(second));
        assert_eq!(git.resolve("refs/heads/none"), None);
    }

    #[test]
    fn a_branch_in_a_larger_repository_leaves_everything_else_alone() {
        let place = tempfile::tempdir().unwrap();
        let git = Git::at(place.path(), None);
        git.run(&["init", "--quiet", "."], b"").unwrap();
        let folder = place.path().join("skills/notes");
        std::fs::create_dir_all(&folder).unwrap();
        let base = files(&[("README", "r"), ("skills/notes/SKILL.md", "one"), ("skills/notes/old.md", "o")]);
        let head = git.commit(&commit("refs/heads/master", &[], "", &[], &base)).unwrap();
        let hook = place.path().join(".git/hooks/reference-transaction");
        std::fs::write(&hook, "#!/bin/sh\ntouch ran\n").unwrap();
        let (top, prefix) = Git::around(&folder, None).unwrap();
        assert_eq!(prefix, "skills/notes/");
        let (parents, removed) = ([head.clone()], ["old.md".to_owned()]);
        let made = top
            .commit(&commit("refs/heads/improve/x", &parents, &prefix, &removed, &files(&[("SKILL.md", "two")])))
            .unwrap();
        assert_eq!(show(&top, &["ls-tree", "-r", "--name-only", &made]), "README\nskills/notes/SKILL.md\n");
        assert_eq!(show(&top, &["show", &format!("{made}:skills/notes/SKILL.md")]), "two");
        assert_eq!(top.resolve("HEAD"), Some(head), "what is checked out stays");
        assert!(!folder.join("SKILL.md").exists() && !place.path().join("ran").exists());
        assert!(Git::around(&std::env::temp_dir(), None).is_none());
    }
}
