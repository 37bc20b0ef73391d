//! Rules for the relative links of SKILL.md: they lead to files of the package, inside its folder, and no further.

mod scan;

use std::{collections::BTreeSet, ops::Range};

use super::{Issue, check::File, rules};
use scan::links;

/// Findings about links; more would say nothing new.
const MAX_ISSUES: usize = 50;
/// Linked files that are read for further links, and bytes of each: bounds the work on a large package.
const MAX_CHAINS: usize = 50;
const MAX_CHAIN_BYTES: usize = 256 * 1024;

pub(super) fn check(text: &str, body: Range<usize>, files: &[File<'_>]) -> Vec<Issue> {
    let package = Package::new(files);
    let mut issues = Vec::new();
    let mut linked = Vec::new();
    for (target, span) in links(&text[body.clone()]) {
        let span = span.start + body.start..span.end + body.start;
        match resolve("", &target) {
            Target::Path(path) if package.has(&path) => linked.push((path, span)),
            // A bare word is more often an example of a link than one.
            Target::Path(path) if !path.contains(['.', '/']) => {}
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
        if !is_markdown(&path) || path == crate::skill_md::FILE || !seen.insert(path.clone()) {
            continue;
        }
        if seen.len() > MAX_CHAINS || issues.len() >= MAX_ISSUES {
            break;
        }
        let Some(text) = package.text(&path).filter(|text| text.len() <= MAX_CHAIN_BYTES) else { continue };
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

    /// A path that differs in case only, or the only file of the same name in another folder.
    fn suggest(&self, path: &str) -> Option<String> {
        let name = path.rsplit('/').next().unwrap_or(path);
        let other = self.paths.iter().find(|other| other.eq_ignore_ascii_case(path)).or_else(|| {
            let mut same = self.paths.iter().filter(|other| other.rsplit('/').next() == Some(name));
            same.next().filter(|_| same.next().is_none())
        });
        other.map(|other| format!("there is `{other}`"))
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

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(found("like [text](url)", &files), []);
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
        assert_eq!(found(&"[a](x.md)\n".repeat(20_000), &[]).len(), MAX_ISSUES);
    }
}
