//! The table of what can happen to a file, and git as a peer.

use std::process::Command;

use super::*;

const LABELS: Labels<'_> = Labels { ours: "ours", theirs: "acme/notes@1.1.0" };

fn files(all: &[(&str, &str)]) -> Files {
    let file = |(path, text): &(&str, &str)| {
        let (path, content) = ((*path).to_owned(), text.as_bytes().to_vec());
        (path.clone(), Owned { path, content, executable: false })
    };
    all.iter().map(file).collect()
}

/// What becomes of the one file `a`.
fn a(base: &str, ours: &str, theirs: &str) -> Option<(What, Option<String>)> {
    let side = |text: &str| if text == "-" { Files::new() } else { files(&[("a", text)]) };
    let mut steps = merge(&side(base), &side(ours), &side(theirs), LABELS);
    assert!(steps.len() <= 1);
    steps.pop().map(|step| {
        let text = match step.then {
            Then::Write(file) => Some(String::from_utf8(file.content).expect("text")),
            Then::Remove => Some("-".to_owned()),
            Then::Keep => None,
        };
        (step.what, text)
    })
}

#[test]
fn every_case_of_three_versions_of_a_file_has_its_answer() {
    let marked = "<<<<<<< ours\nours\n=======\ntheirs\n>>>>>>> acme/notes@1.1.0\n";
    for (base, ours, theirs, expected) in [
        ("x", "x", "x", None),
        ("x", "y", "x", None),
        ("x", "y", "y", None),
        ("x", "-", "-", None),
        ("-", "y", "-", None),
        ("-", "-", "y", Some((What::Added, Some("y")))),
        ("x", "x", "y", Some((What::Changed, Some("y")))),
        ("x", "x", "-", Some((What::Removed, Some("-")))),
        ("x", "-", "y", Some((What::RemovedHere, Some("y")))),
        ("x", "y", "-", Some((What::RemovedThere, None))),
        ("1\n2\n3\n4\n5\n", "0\n2\n3\n4\n5\n", "1\n2\n3\n4\n6\n", Some((What::Merged, Some("0\n2\n3\n4\n6\n")))),
        ("base\n", "ours\n", "theirs\n", Some((What::Conflict, Some(marked)))),
        ("-", "ours\n", "theirs\n", Some((What::Conflict, Some(marked)))),
        ("x\0", "y", "z", Some((What::Binary, None))),
        ("x", "y", "z\0", Some((What::Binary, None))),
    ] {
        let found = a(base, ours, theirs);
        let found = found.as_ref().map(|(what, text)| (*what, text.as_deref()));
        assert_eq!(found, expected, "{base:?} {ours:?} {theirs:?}");
    }
    assert_eq!((marker(marked.as_bytes()), marker(b"a\n<<<<<<<\n=======\n")), (Some(1), None));
}

#[test]
fn the_execute_bit_is_merged_beside_the_text() {
    let with = |executable, text: &str| {
        let mut all = files(&[("a", text)]);
        all.get_mut("a").expect("there").executable = executable;
        all
    };
    let steps = merge(&with(false, "1\n"), &with(false, "2\n"), &with(true, "1\n"), LABELS);
    assert!(matches!(&steps[0].then, Then::Write(file) if file.executable && file.content == b"2\n"), "{steps:?}");
    let steps = merge(&with(false, "1\n"), &with(true, "1\n"), &with(false, "2\n"), LABELS);
    assert!(matches!(&steps[0].then, Then::Write(file) if file.executable && file.content == b"2\n"), "{steps:?}");
}

#[test]
fn a_file_never_takes_the_place_of_a_folder_of_ours() {
    let whats = |base: &[_], ours: &[_], theirs: &[_]| {
        let steps = merge(&files(base), &files(ours), &files(theirs), LABELS);
        steps.into_iter().map(|step| (step.path, step.what)).collect::<Vec<_>>()
    };
    let one = |path: &str, what| vec![(path.to_owned(), what)];
    assert_eq!(whats(&[], &[("a/b", "x")], &[("a", "y")]), one("a", What::FileAndFolder));
    assert_eq!(whats(&[], &[("a", "x")], &[("a/b/c", "y")]), one("a/b/c", What::FileAndFolder));
    assert_eq!(whats(&[], &[("a-b", "x"), ("a.b", "x")], &[("a", "y")]), one("a", What::Added));
    // What theirs turned from a file into a folder, and ours had not touched, changes with it.
    let turned = whats(&[("a", "x")], &[("a", "x")], &[("a/b", "y")]);
    assert_eq!(turned, [("a".to_owned(), What::Removed), ("a/b".to_owned(), What::Added)]);
}

/// A sequence that is the same on every run (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits") % limit
    }

    fn line(&mut self, words: usize) -> String {
        const SHORT: [&str; 9] = ["", "}", "a", "b", "  c", "d e", "--", "f", "g"];
        let n = self.below(words);
        SHORT.get(n).map_or_else(|| format!("line {n}"), |word| (*word).to_owned())
    }

    fn edited(&mut self, base: &[String], words: usize) -> Vec<String> {
        let mut lines = base.to_vec();
        for _ in 0..=self.below(6) {
            let line = self.line(words);
            let at = self.below(lines.len() + 1);
            match self.below(3) {
                0 => lines.insert(at, line),
                1 if at < lines.len() => drop(lines.remove(at)),
                _ if at < lines.len() => lines[at] = line,
                _ => {}
            }
        }
        lines
    }

    fn text(&mut self, lines: &[String]) -> String {
        let end = if self.below(12) == 0 { "\r\n" } else { "\n" };
        let mut text = lines.join(end);
        if !lines.is_empty() && self.below(6) > 0 {
            text.push_str(end);
        }
        text
    }
}

#[test]
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn git_merges_the_same_to_the_same() {
    const RUNS: usize = 300;
    if Command::new("git").arg("version").output().is_err() {
        eprintln!("skipped: git is not installed");
        return;
    }
    let home = tempfile::tempdir().expect("a folder");
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let (mut conflicts, mut other) = (0, 0);
    for run in 0..RUNS {
        let words = [12, 40, 400][run % 3];
        let base: Vec<String> = (0..numbers.below(30)).map(|_| numbers.line(words)).collect();
        let sides = [base.clone(), numbers.edited(&base, words), numbers.edited(&base, words)];
        let texts = sides.map(|lines| numbers.text(&lines));
        for (name, text) in ["base", "ours", "theirs"].iter().zip(&texts) {
            std::fs::write(home.path().join(name), text).expect("written");
        }
        let mut git = Command::new("git");
        git.current_dir(home.path()).args(["merge-file", "-p", "-L", LABELS.ours, "-L", "base", "-L", LABELS.theirs]);
        let output = git.args(["ours", "base", "theirs"]).output().expect("git runs");
        let merged = lines::merge(texts[0].as_bytes(), texts[1].as_bytes(), texts[2].as_bytes(), LABELS);
        let count = usize::try_from(output.status.code().expect("a code")).expect("no error");
        conflicts += usize::from(count > 0);
        if (&merged.text, merged.conflicts) != (&output.stdout, count) {
            // Where a line stands many times, two differences can be equally short. Both are right.
            assert_eq!(merged.conflicts > 0, count > 0, "run {run}: {texts:?}");
            other += 1;
        }
    }
    assert!(conflicts > RUNS / 3 && conflicts < RUNS, "{conflicts} of {RUNS} have conflicts");
    assert!(other * 50 <= RUNS, "{other} of {RUNS} differ from git");
}
