//! A difference for people: the frontmatter first, then a unified diff, or a line for each file.

use skill_schema::codes::escape;

use super::compare::{Diff, FileDiff, Status};
use crate::{
    output::{BAD, DIM, GOOD, HEAD, Output, bytes, count},
    render::lines,
};

/// Says what differs.
pub(super) fn say(diff: &Diff, stat: bool, out: &Output) {
    let (from, to) = (escape(&diff.from.name), escape(&diff.to.name));
    if diff.same {
        out.status("Same", format!("{from} and {to} have the same files"));
        return;
    }
    if stat {
        let rows: Vec<Vec<String>> = diff.files.iter().map(row).collect();
        out.table(&["file", "added", "removed", "what"], &rows);
    } else {
        frontmatter(diff, out);
        diff.files.iter().for_each(|file| print(file, diff, out));
    }
    let added: usize = diff.files.iter().map(|file| file.added).sum();
    let removed: usize = diff.files.iter().map(|file| file.removed).sum();
    let files = count(diff.files.len(), "file");
    let changed =
        format!("{from} -> {to}: {files}, {} added, {} removed", count(added, "line"), count(removed, "line"));
    out.status("Changed", changed);
}

fn row(file: &FileDiff) -> Vec<String> {
    let what = match (file.status, file.binary) {
        (Status::Changed, false) if file.added + file.removed == 0 => mode(file),
        (_, true) => format!("{}, {}", status(file.status), sizes(file)),
        _ => status(file.status).to_owned(),
    };
    vec![escape(&file.path), file.added.to_string(), file.removed.to_string(), what]
}

fn status(status: Status) -> &'static str {
    match status {
        Status::Added => "new",
        Status::Removed => "gone",
        Status::Changed => "changed",
    }
}

/// Above everything else, since it decides when an agent uses the skill and what it may do then.
fn frontmatter(diff: &Diff, out: &Output) {
    if diff.frontmatter.is_empty() {
        return;
    }
    out.data(format!("{HEAD}frontmatter{HEAD:#}"));
    for field in &diff.frontmatter {
        out.data(format!("  {}", escape(&field.key)));
        for (sign, style, value) in [('-', BAD, &field.old), ('+', GOOD, &field.new)] {
            for line in value.iter().flat_map(|value| lines(value).lines().map(str::to_owned).collect::<Vec<_>>()) {
                out.data(format!("    {style}{sign} {line}{style:#}"));
            }
        }
    }
    out.data("");
}

fn print(file: &FileDiff, diff: &Diff, out: &Output) {
    let path = escape(&file.path);
    let side =
        |name: &str, there: bool| if there { format!("{}/{path}", escape(name)) } else { "/dev/null".to_owned() };
    out.data(format!("{HEAD}--- {}{HEAD:#}", side(&diff.from.name, file.old.is_some())));
    out.data(format!("{HEAD}+++ {}{HEAD:#}", side(&diff.to.name, file.new.is_some())));
    if file.old.as_ref().zip(file.new.as_ref()).is_some_and(|(old, new)| old.executable != new.executable) {
        out.data(mode(file));
    }
    if file.binary {
        out.data(format!("binary file: {}", sizes(file)));
    }
    for line in file.diff.lines() {
        match line.as_bytes().first() {
            Some(b'+') => out.data(format!("{GOOD}{line}{GOOD:#}")),
            Some(b'-') => out.data(format!("{BAD}{line}{BAD:#}")),
            Some(b'@' | b'\\') => out.data(format!("{DIM}{line}{DIM:#}")),
            _ => out.data(line),
        }
    }
}

fn mode(file: &FileDiff) -> String {
    let executable = file.new.as_ref().is_some_and(|new| new.executable);
    if executable { "now executable".to_owned() } else { "no longer executable".to_owned() }
}

/// `12.0 KiB sha256:0123… -> 13.1 KiB sha256:4567…`.
fn sizes(file: &FileDiff) -> String {
    let sides = [&file.old, &file.new];
    let words: Vec<String> = sides
        .into_iter()
        .map(|side| match side {
            Some(facts) => format!("{} sha256:{}…", bytes(facts.size), facts.digest.short()),
            None => "nothing".to_owned(),
        })
        .collect();
    words.join(" -> ")
}
