//! Hosts that a skill names: links that lead elsewhere than they say, and hosts that only scripts know of.

use std::collections::BTreeSet;

use skill_schema::lint::Finding;

use super::{Found, evidence, place, text};
use crate::archive::File;

/// Files that run: by extension, where neither the execute bit nor `#!` says so.
const SCRIPTS: &[&str] = &[
    "bash", "bat", "cjs", "cmd", "cs", "go", "java", "js", "jsx", "kt", "lua", "mjs", "php", "pl", "ps1", "py", "r",
    "rb", "rs", "sh", "swift", "ts", "tsx", "zsh",
];

/// Endings of names that are hosts rather than files, where a link's text has no scheme.
const TOP_LEVEL: &[&str] = &["ai", "app", "cloud", "co", "com", "dev", "edu", "gov", "info", "io", "net", "org"];

/// Hosts that reach nobody else: the machine itself and names reserved for examples (RFC 2606).
const HARMLESS: &[&str] = &["localhost", "127.0.0.1", "0.0.0.0", "example.com", "example.org", "example.net"];

/// Bytes of a host name (RFC 1035 §2.3.4).
const MAX_HOST: usize = 253;

/// Bytes of a link's text and of its address that are looked at: a bound on the work that a line of brackets makes.
const MAX_LINK: usize = 300;

/// A Markdown link whose text names another host than its address.
pub(super) struct Misleading<'a> {
    pub says: &'a str,
    pub leads: &'a str,
    pub at: usize,
    pub len: usize,
}

/// Notes hosts that a script names and SKILL.md, which is what people read, does not.
pub(super) fn check(files: &[File<'_>], found: &mut Found) {
    const RULE: &str = "content.undeclared-host";
    let skill_md = files.iter().find(|file| file.path == super::SKILL_MD).and_then(|file| text::of(file.content));
    let mut known: BTreeSet<_> = skill_md.unwrap_or_default().split(|c| !is_of_host(c)).map(trimmed).collect();
    for (file, text) in evidence::searched(files).filter(|(file, _)| is_script(file)) {
        for (index, line) in text::lines(text).filter(|(_, line)| line.contains("://")) {
            for (at, host) in hosts(line) {
                if found.is_full(RULE) {
                    return;
                }
                if HARMLESS.iter().any(|name| is_within(host, name)) || !known.insert(host) {
                    continue;
                }
                let message = format!("names the host {host}, which SKILL.md does not mention");
                let finding = Finding::note(RULE, message).file(file.path);
                found.add(finding.place(place(index + 1, line, at, host.len())));
            }
        }
    }
}

fn is_script(file: &File<'_>) -> bool {
    let extension = file.path.rsplit_once('.').map_or("", |(_, extension)| extension).to_ascii_lowercase();
    file.executable || file.content.starts_with(b"#!") || SCRIPTS.contains(&extension.as_str())
}

/// Hosts after `http://` and `https://` in a line, with their offsets.
fn hosts(line: &str) -> impl Iterator<Item = (usize, &str)> {
    line.match_indices("://").filter_map(|(at, separator)| {
        let ends = |scheme: &str| {
            at.checked_sub(scheme.len())
                .and_then(|from| line.get(from..at))
                .is_some_and(|s| s.eq_ignore_ascii_case(scheme))
        };
        if !ends("http") && !ends("https") {
            return None;
        }
        let start = at + separator.len();
        host_at(&line[start..]).map(|host| (start, host))
    })
}

fn is_of_host(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-')
}

/// A host without the full stop of the sentence that it ends.
fn trimmed(host: &str) -> &str {
    host.trim_end_matches('.')
}

/// The host at the start of a text: letters, digits, dots and hyphens, with at least one dot, or `localhost`.
fn host_at(text: &str) -> Option<&str> {
    let end = text.find(|c| !is_of_host(c)).unwrap_or(text.len());
    if end > MAX_HOST {
        return None;
    }
    let host = trimmed(&text[..end]);
    (host.contains('.') || host == "localhost").then_some(host)
}

/// Whether a host is this name or a part of it.
fn is_within(host: &str, name: &str) -> bool {
    let (host, name) = (host.to_ascii_lowercase(), name.to_ascii_lowercase());
    host == name || host.strip_suffix(name.as_str()).is_some_and(|rest| rest.ends_with('.'))
}

/// Inline links `[text](address)` of one line whose text is itself an address or host, of another host.
pub(super) fn misleading_links(line: &str) -> impl Iterator<Item = Misleading<'_>> {
    line.match_indices("](").filter_map(|(middle, separator)| {
        let start = floor(line, middle.saturating_sub(MAX_LINK));
        let open = start + line[start..middle].rfind('[')?;
        let text = line[open + 1..middle].trim_matches(['`', '*', '_', ' ', '<', '>']);
        let address = &line[middle + separator.len()..];
        let address = &address[..floor(address, MAX_LINK)];
        let address = address.split([')', ' ']).next()?;
        let (_, leads) = hosts(address).next()?;
        let says = match hosts(text).next() {
            Some((_, host)) => host,
            None => host_at(text).filter(|host| is_bare_host(text, host))?,
        };
        let same = is_within(says, leads)
            || is_within(leads, says)
            || says.strip_prefix("www.").is_some_and(|s| is_within(leads, s));
        (!same).then_some(Misleading { says, leads, at: open, len: middle - open + 1 })
    })
}

/// The start of the character that an offset is in.
fn floor(text: &str, mut at: usize) -> usize {
    at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Whether a text without a scheme is a host, perhaps with a path, rather than a file's name or a sentence.
fn is_bare_host(text: &str, host: &str) -> bool {
    let rest = &text[host.len()..];
    let ending = host.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    (rest.is_empty() || rest.starts_with('/')) && TOP_LEVEL.contains(&ending.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn undeclared(files: &[(&str, &str, bool)]) -> Vec<String> {
        let files: Vec<_> = files
            .iter()
            .map(|(path, content, executable)| File { path, content: content.as_bytes(), executable: *executable })
            .collect();
        let mut found = Found::default();
        check(&files, &mut found);
        found.finish().into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn a_host_that_only_a_script_knows_is_noted_once() {
        let skill = ("SKILL.md", "calls https://api.known.example/v1", false);
        let script = "x = 'https://api.known.example/v1'\ny = 'HTTPS://evil.test/a'\nz = 'https://evil.test/b'";
        assert_eq!(undeclared(&[skill, ("a.py", script, false)]).len(), 1, "evil.test");
        assert_eq!(undeclared(&[skill, ("tool", script, true)]).len(), 1);
        assert_eq!(undeclared(&[skill, ("notes.md", script, false)]).len(), 0, "a text cites, a script calls");
        assert_eq!(
            undeclared(&[skill, ("a.sh", "curl http://localhost:8080 https://www.example.com", false)]).len(),
            0
        );
    }

    #[test]
    fn links_that_say_one_host_and_lead_to_another_are_found() {
        let found =
            |line| misleading_links(line).map(|link| (link.says.to_owned(), link.leads.to_owned())).collect::<Vec<_>>();
        let pair = |a: &str, b: &str| vec![(a.to_owned(), b.to_owned())];
        assert_eq!(found("see [https://good.com/x](https://evil.net/x)"), pair("good.com", "evil.net"));
        assert_eq!(found("[good.com](https://good.com.evil.net)"), pair("good.com", "good.com.evil.net"));
        assert_eq!(found("[`docs.good.com/a`](http://evil.net)"), pair("docs.good.com", "evil.net"));
        for fine in [
            "[good.com](https://docs.good.com/x)",
            "[docs.good.com](https://good.com)",
            "[www.good.com](https://good.com)",
            "[reference.md](https://good.com/reference.md)",
            "[the documentation](https://good.com)",
            "[good.com](reference.md)",
            "[](https://good.com)",
            "](https://x.com)",
        ] {
            assert!(found(fine).is_empty(), "{fine}");
        }
    }
}
