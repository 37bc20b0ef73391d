//! Running a program to its end, and what came of it.

use std::{
    fmt,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// What a finished program left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The command line as a person would type it.
    pub line: String,
    /// Exit status; 128 and the signal's number if a signal ended it, as shells say it.
    pub status: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// Text that differs from run to run, and what a snapshot shows instead.
#[derive(Debug, Clone, Default)]
pub struct Redactions(Vec<(String, &'static str)>);

impl Redactions {
    /// Replaces each occurrence of a text.
    pub fn add(&mut self, text: impl Into<String>, shown: &'static str) {
        self.0.push((text.into(), shown));
        // Longer texts first: a path below another one has the more telling name.
        self.0.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
    }

    fn apply(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (found, shown) in &self.0 {
            text = text.replace(found, shown);
        }
        text
    }
}

/// Runs a program with exactly this environment.
pub fn run(
    program: &Path,
    args: &[&str],
    folder: &Path,
    environment: &[(String, String)],
    input: Option<&str>,
) -> Outcome {
    let mut command = Command::new(program);
    command.args(args).current_dir(folder).env_clear().envs(environment.iter().map(|(k, v)| (k, v)));
    command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    if let (Some(text), Some(mut stdin)) = (input, child.stdin.take()) {
        // A program that does not read its input closes it: no failure of the test.
        let _ = stdin.write_all(text.as_bytes());
    }
    let output = child.wait_with_output().expect("the program ends");
    Outcome {
        line: format!("{} {}", name(program), args.join(" ")),
        status: status_of(output.status),
        stdout: String::from_utf8(output.stdout).expect("UTF-8 on stdout"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8 on stderr"),
    }
}

/// The exit status as shells say it.
pub fn status_of(status: std::process::ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt as _;
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default())
}

fn name(program: &Path) -> String {
    program.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

impl Outcome {
    /// Fails the test unless the command succeeded.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.status, 0, "{self}");
        self
    }

    /// Fails the test unless the command ended with this exit status and this code in its message.
    #[track_caller]
    pub fn refused(self, status: i32, code: &str) -> Self {
        assert_eq!(self.status, status, "{self}");
        assert!(
            self.stderr.contains(&format!("error[{code}]")) || self.stdout.contains(&format!("\"{code}\"")),
            "{self}"
        );
        self
    }

    /// Fails the test unless standard output has the text.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.stdout.contains(text) || self.stderr.contains(text), "does not say {text:?}:\n{self}");
        self
    }

    /// Fails the test if standard output or error has the text.
    #[track_caller]
    pub fn does_not_say(self, text: &str) -> Self {
        assert!(!self.stdout.contains(text) && !self.stderr.contains(text), "says {text:?}:\n{self}");
        self
    }

    /// Standard output as JSON. Fails the test if it is not what `skill schema` says of it.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        let value = serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("not JSON: {e}\n{self}"));
        let problems = crate::schemas::problems(&value);
        assert!(problems.is_empty(), "{problems:#?}\n{self}");
        value
    }

    /// The same with texts replaced that differ from run to run: the given ones, digests, times and amounts of time.
    #[must_use]
    pub fn redacted(&self, redactions: &Redactions) -> Self {
        let redact = |text: &str| general(&redactions.apply(text));
        Self {
            line: redact(&self.line),
            status: self.status,
            stdout: redact(&self.stdout),
            stderr: redact(&self.stderr),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "$ {}", self.line)?;
        write!(f, "{}", self.stdout)?;
        if !self.stderr.is_empty() {
            write!(f, "--- stderr\n{}", self.stderr)?;
        }
        write!(f, "--- exit {}", self.status)
    }
}

/// Replaces what no run has in common with another: digests, the short form of digests and key ids (12 hex digits), the name
/// of a registry's log that was made from its key (`local-` and 8 hex digits), and times.
pub fn general(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let before = out.chars().next_back();
        let starts_word = !before.is_some_and(|b| b.is_ascii_alphanumeric());
        let hex = rest.bytes().take_while(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')).count();
        let whole_word = starts_word && !rest[hex..].starts_with(|c: char| c.is_ascii_alphanumeric());
        if whole_word && matches!(hex, 64 | 12) {
            out.push_str(if hex == 64 { "[digest]" } else { "[id]" });
            rest = &rest[hex..];
        } else if whole_word && hex == 8 && out.ends_with("local-") {
            out.push_str("[id]");
            rest = &rest[hex..];
        } else if let Some(length) = starts_word.then(|| time_length(rest)).flatten() {
            out.push_str("[time]");
            rest = &rest[length..];
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

/// Bytes of an RFC 3339 time or date at the start of the text.
fn time_length(text: &str) -> Option<usize> {
    let like = |pattern: &str| {
        let bytes = text.as_bytes().get(..pattern.len())?;
        let fits = bytes.iter().zip(pattern.bytes()).all(|(b, p)| if p == b'0' { b.is_ascii_digit() } else { *b == p });
        fits.then_some(pattern.len())
    };
    like("0000-00-00T00:00:00Z").or_else(|| like("0000-00-00"))
}

/// A folder's files, by path, with their contents: what "nothing changed" is compared with. A link counts as the path it points to.
pub fn contents(folder: &Path) -> std::collections::BTreeMap<PathBuf, Vec<u8>> {
    let mut found = std::collections::BTreeMap::new();
    collect(folder, folder, &mut found);
    found
}

fn collect(root: &Path, folder: &Path, found: &mut std::collections::BTreeMap<PathBuf, Vec<u8>>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.expect("an entry").path();
        let relative = path.strip_prefix(root).expect("below").to_owned();
        if path.is_symlink() {
            let target = std::fs::read_link(&path).expect("a link");
            found.insert(relative, target.to_string_lossy().into_owned().into_bytes());
        } else if path.is_dir() {
            collect(root, &path, found);
        } else {
            found.insert(relative, std::fs::read(&path).unwrap_or_default());
        }
    }
}

/// Writes a file even where its mode or its folder's mode forbids that: the hand of somebody who is allowed to do everything.
pub fn overwrite(file: &Path, bytes: &[u8]) {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = file.parent().expect("a folder");
    let modes = [folder, file].map(|path| std::fs::metadata(path).expect("it exists").permissions());
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).expect("permissions");
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o644)).expect("permissions");
    std::fs::write(file, bytes).expect("a writable file");
    std::fs::set_permissions(file, modes[1].clone()).expect("permissions");
    std::fs::set_permissions(folder, modes[0].clone()).expect("permissions");
}

#[test]
fn digests_and_times_are_redacted() {
    let digest = "ab".repeat(32);
    assert_eq!(
        general(&format!("tree sha256:{digest} at 2026-11-02T10:00:00Z, é")),
        "tree sha256:[digest] at [time], é"
    );
    assert_eq!(general("2026-11-02 1.2.3"), "[time] 1.2.3");
    assert_eq!(
        general("local-0123abcd/log, key 0123456789ab, 0123456789abc"),
        "local-[id]/log, key [id], 0123456789abc"
    );
}
