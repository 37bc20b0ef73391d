//! Rules for the relative links of SKILL.md: they lead to files of the package, inside its folder, and no further.
//!
//! A small scanner instead of a Markdown parser: it finds inline links, images and reference definitions outside of code, which
//! is all that is asked. What it cannot read as a link it leaves alone.

use std::{collections::BTreeSet, ops::Range};

use super::{Issue, check::File, rules};

/// Links of one text that are looked at: bounds the work on a text made of nothing else.
const MAX_LINKS: usize = 2_000;
/// Findings about links; more would say nothing new.
const MAX_ISSUES: usize = 50;

pub(super) fn check(text: &str, body: Range<usize>, files: &[File<'_>]) -> Vec<Issue> {
    let package = Package::new(files);
    let mut issues = Vec::new();
    let mut linked = Vec::new();
    for (target, span) in links(&text[body.clone()]) {
        let span = span.start + body.start..span.end + body.start;
        match resolve("", &target) {
            Target::Path(path) if package.has(&path) => linked.push((path, span)),
            Target::Path(path) => {
                let message = format!("the link leads to `{path}`, which is not in the package");
                let help = package.suggest(&path).unwrap_or_else(|| "add the file or remove the link".to_owned());
                issues.push(Issue::new(rules::LINK_BROKEN, span, message).help(help));
            }
            Target::Outside => issues.push(
                Issue::new(rules::LINK_OUTSIDE, span, format!("the link `{target}` leaves the skill's folder"))
                    .help("an installed skill finds only its own files: copy what it needs into its folder"),
            ),
            Target::Elsewhere => {}
        }
        if issues.len() >= MAX_ISSUES {
            break;
        }
    }
    issues.extend(chains(&package, linked));
    issues
}

/// Links from a linked Markdown file to further ones that SKILL.md itself does not name.
fn chains(package: &Package<'_>, linked: Vec<(String, Range<usize>)>) -> Vec<Issue> {
    let named: BTreeSet<String> = linked.iter().map(|(path, _)| path.clone()).collect();
    let mut seen = BTreeSet::new();
    let mut issues = Vec::new();
    for (path, span) in linked {
        if !is_markdown(&path)
            || path == crate::skill_md::FILE
            || !seen.insert(path.clone())
            || issues.len() >= MAX_ISSUES
        {
            continue;
        }
        let Some(text) = package.text(&path) else { continue };
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let further = links(text).into_iter().find_map(|(target, _)| match resolve(folder, &target) {
            Target::Path(next) if is_markdown(&next) && next != path && package.text(&next).is_some() => {
                (next != crate::skill_md::FILE && !named.contains(&next)).then_some(next)
            }
            _ => None,
        });
        if let Some(next) = further {
            let message = format!("`{path}` leads on to `{next}`, which SKILL.md does not name");
            issues.push(
                Issue::new(rules::LINK_DEPTH, span, message)
                    .help("link it from SKILL.md: agents may not follow a second step"),
            );
        }
    }
    issues
}

fn is_markdown(path: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(_, ext)| ext.eq_ignore_ascii_case("md") || ext.eq_ignore_ascii_case("markdown"))
}

/// The files of a package, and the folders that they make.
struct Package<'a> {
    files: &'a [File<'a>],
    paths: BTreeSet<&'a str>,
}

impl<'a> Package<'a> {
    fn new(files: &'a [File<'a>]) -> Self {
        let mut paths = BTreeSet::new();
        for file in files {
            paths.insert(file.path);
            paths.extend(file.path.match_indices('/').map(|(at, _)| &file.path[..at]));
        }
        Self { files, paths }
    }

    fn has(&self, path: &str) -> bool {
        path.is_empty() || self.paths.contains(path)
    }

    fn text(&self, path: &str) -> Option<&'a str> {
        let file = self.files.iter().find(|file| file.path == path)?;
        std::str::from_utf8(file.content).ok()
    }

    /// A path that differs in case, or one that is nearly the same.
    fn suggest(&self, path: &str) -> Option<String> {
        let other = self.paths.iter().find(|other| other.eq_ignore_ascii_case(path)).copied();
        let paths: Vec<_> = self.paths.iter().copied().collect();
        other.or_else(|| super::closest(path, &paths)).map(|other| format!("there is `{other}`"))
    }
}

/// Where a link leads.
#[derive(Debug, PartialEq, Eq)]
enum Target {
    /// To another host, a place in the same text, or something that is no link at all.
    Elsewhere,
    /// Out of the folder.
    Outside,
    /// To this path of the package.
    Path(String),
}

/// Resolves a link's target against the folder of the file that holds it.
fn resolve(folder: &str, target: &str) -> Target {
    let path = target.split(['#', '?']).next().unwrap_or_default();
    let scheme = path.split_once(':').is_some_and(|(scheme, _)| scheme.len() > 1 && scheme.bytes().all(is_scheme_byte));
    let placeholder = path.contains(['{', '}', '<', '>', '$', '*', '|', '…']) || path.contains("...");
    if path.is_empty() || scheme || path.starts_with("//") || placeholder {
        return Target::Elsewhere;
    }
    if path.starts_with(['/', '\\', '~']) {
        return Target::Outside;
    }
    let decoded = percent_decode(path);
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in decoded.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                if parts.pop().is_none() {
                    return Target::Outside;
                }
            }
            part => parts.push(part),
        }
    }
    Target::Path(parts.join("/"))
}

fn is_scheme_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')
}

fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = bytes.get(at + 1..at + 3).and_then(|hex| std::str::from_utf8(hex).ok());
        if let Some(byte) = hex.filter(|_| bytes[at] == b'%').and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            out.push(byte);
            at += 3;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

/// The targets of inline links, images and reference definitions outside of code, with their places.
fn links(text: &str) -> Vec<(String, Range<usize>)> {
    let mut found = Vec::new();
    let mut at = 0;
    let mut fence: Option<&str> = None;
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim_start();
        let marker = ["```", "~~~"].into_iter().find(|marker| trimmed.starts_with(marker));
        match (fence, marker) {
            (None, Some(marker)) => fence = Some(marker),
            (Some(open), Some(marker)) if open == marker => fence = None,
            (Some(_), _) => {}
            (None, None) => links_of_line(line, at, &mut found),
        }
        at += line.len();
        if found.len() >= MAX_LINKS {
            break;
        }
    }
    found
}

fn links_of_line(line: &str, offset: usize, found: &mut Vec<(String, Range<usize>)>) {
    let plain = blank_code(line);
    let trimmed = plain.trim_start();
    if trimmed.starts_with('[')
        && !trimmed.starts_with("[^")
        && let Some(close) = plain.find("]:")
        && let Some(target) = take_target(&plain, close + 2)
    {
        found.push((plain[target.clone()].to_owned(), target.start + offset..target.end + offset));
        return;
    }
    let mut at = 0;
    while let Some(next) = plain[at..].find("](") {
        at += next + 2;
        if let Some(target) = take_target(&plain, at) {
            at = target.end;
            found.push((plain[target.clone()].to_owned(), target.start + offset..target.end + offset));
        }
    }
}

/// The target that starts at `at`: up to white space or the closing parenthesis, or between angle brackets.
fn take_target(line: &str, at: usize) -> Option<Range<usize>> {
    let start = at + (line[at..].len() - line[at..].trim_start_matches([' ', '\t']).len());
    let rest = &line[start..];
    if let Some(inner) = rest.strip_prefix('<') {
        let end = inner.find('>')?;
        return (end > 0).then_some(start + 1..start + 1 + end);
    }
    let mut depth = 0_usize;
    let end = rest
        .char_indices()
        .find(|(_, c)| match c {
            '(' => {
                depth += 1;
                false
            }
            ')' if depth == 0 => true,
            ')' => {
                depth -= 1;
                false
            }
            c => c.is_whitespace(),
        })
        .map_or(rest.len(), |(end, _)| end);
    (end > 0).then_some(start..start + end)
}

/// The line with its code spans replaced by spaces of the same length.
fn blank_code(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(open) = rest.find('`') {
        let ticks = rest[open..].bytes().take_while(|b| *b == b'`').count();
        let after = &rest[open + ticks..];
        let Some(close) = find_ticks(after, ticks) else { break };
        out.push_str(&rest[..open]);
        out.extend(std::iter::repeat_n(' ', ticks * 2 + close));
        rest = &after[close + ticks..];
    }
    out.push_str(rest);
    out
}

/// Where a run of exactly `ticks` backquotes starts.
fn find_ticks(text: &str, ticks: usize) -> Option<usize> {
    let mut at = 0;
    while let Some(next) = text[at..].find('`') {
        at += next;
        let run = text[at..].bytes().take_while(|b| *b == b'`').count();
        if run == ticks {
            return Some(at);
        }
        at += run;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(text: &str) -> Vec<String> {
        links(text).into_iter().map(|(target, _)| target).collect()
    }

    #[test]
    fn links_are_found_outside_of_code() {
        assert_eq!(targets("See [a](x.md), ![b](img/y.png \"t\") and [c](<z w.md>)."), ["x.md", "img/y.png", "z w.md"]);
        assert_eq!(targets("[ref]: docs/r.md\n[^1]: note.md\n"), ["docs/r.md"]);
        assert_eq!(targets("`[a](x.md)` and ``[b](`y.md)`` but [c](z.md)"), ["z.md"]);
        assert_eq!(targets("```\n[a](x.md)\n```\n[b](y.md)\n~~~\n```\n[c](z.md)\n~~~\n"), ["y.md"]);
        assert_eq!(targets("[a](b(c).md) [d]( e.md ) []( ) [f]("), ["b(c).md", "e.md"]);
        assert_eq!(targets("an open ` tick and [a](x.md)"), ["x.md"]);
    }

    #[test]
    fn places_are_those_of_the_target() {
        let text = "# é\n\nSee [a](x.md).\n";
        let (target, span) = &links(text)[0];
        assert_eq!((target.as_str(), &text[span.clone()]), ("x.md", "x.md"));
    }

    #[test]
    fn targets_resolve_inside_the_package_only() {
        let path = |p: &str| Target::Path(p.to_owned());
        for (folder, target, expected) in [
            ("", "a.md#top", path("a.md")),
            ("", "./a/b.md?x", path("a/b.md")),
            ("docs", "../a.md", path("a.md")),
            ("docs", "b%20c.md", path("docs/b c.md")),
            ("", "100%.md", path("100%.md")),
            ("", "../a.md", Target::Outside),
            ("", "a/../../b.md", Target::Outside),
            ("", "/etc/passwd", Target::Outside),
            ("", "~/x", Target::Outside),
            ("", "#top", Target::Elsewhere),
            ("", "https://example.com/a.md", Target::Elsewhere),
            ("", "mailto:a@b", Target::Elsewhere),
            ("", "//host/a", Target::Elsewhere),
            ("", "{{path}}.md", Target::Elsewhere),
            ("", "<url>", Target::Elsewhere),
        ] {
            assert_eq!(resolve(folder, target), expected, "{target}");
        }
    }

    fn file<'a>(path: &'a str, text: &'a str) -> File<'a> {
        File { path, content: text.as_bytes(), executable: false }
    }

    fn found(body: &str, files: &[File<'_>]) -> Vec<(&'static str, String)> {
        check(body, 0..body.len(), files).into_iter().map(|issue| (issue.rule.id, issue.message)).collect()
    }

    #[test]
    fn broken_and_outside_links_are_reported_and_good_ones_are_not() {
        let files = [file("SKILL.md", ""), file("references/a.md", "no links"), file("assets/x/y.png", "")];
        assert_eq!(found("[a](references/a.md) [b](assets/x) [c](./) [d](SKILL.md)", &files), []);
        assert_eq!(
            found("[a](references/b.md)", &files),
            [("link.broken", "the link leads to `references/b.md`, which is not in the package".to_owned())]
        );
        assert_eq!(found("[a](../x.md)", &files)[0].0, "link.outside");
        let help = check("[a](References/A.md)", 0..20, &files).remove(0).help;
        assert_eq!(help.as_deref(), Some("there is `references/a.md`"));
    }

    #[test]
    fn a_second_step_is_reported_unless_skill_md_names_the_file_too() {
        let files = [
            file("SKILL.md", ""),
            file("a.md", "[on](docs/b.md)"),
            file("docs/b.md", "[back](../a.md) [home](../SKILL.md)"),
        ];
        assert_eq!(
            found("[a](a.md)", &files),
            [("link.depth", "`a.md` leads on to `docs/b.md`, which SKILL.md does not name".to_owned())]
        );
        assert_eq!(found("[a](a.md) [b](docs/b.md)", &files), []);
    }

    #[test]
    fn a_text_of_nothing_but_links_is_bounded() {
        let body = "[a](x.md) ".repeat(20_000);
        assert!(found(&body.replace(") ", ")\n"), &[]).len() <= MAX_ISSUES);
    }
}
