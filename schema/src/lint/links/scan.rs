//! A small scanner instead of a Markdown parser: it finds inline links, images and reference definitions outside of code, which
//! is all that is asked. What it cannot read as a link it leaves alone.

use std::ops::Range;

/// Places of one text that are looked at because a link could start there: bounds the work on a text made of nothing else.
const MAX_TRIES: usize = 1_000;
/// Bytes of a link's target: longer than any path of a package, with room for a fragment.
const MAX_TARGET: usize = 500;

/// The targets of inline links, images and reference definitions outside of code, with their places.
pub(super) fn links(text: &str) -> Vec<(String, Range<usize>)> {
    let mut found = Found { links: Vec::new(), tries: 0 };
    let mut at = 0;
    let mut fence: Option<&str> = None;
    for line in text.split_inclusive('\n') {
        match (fence, fence_of(line)) {
            (None, Some(marker)) => fence = Some(marker),
            (Some(open), Some(marker)) if marker.starts_with(open) && is_only(line, marker) => fence = None,
            (Some(_), _) => {}
            (None, None) => links_of_line(line, at, &mut found),
        }
        at += line.len();
        if found.tries >= MAX_TRIES {
            break;
        }
    }
    found.links
}

/// The links found so far, and how often one was looked for.
struct Found {
    links: Vec<(String, Range<usize>)>,
    tries: usize,
}

impl Found {
    /// Takes the target that is said to stand somewhere in a line that starts at `offset`.
    fn take(&mut self, line: &str, offset: usize, target: Option<Range<usize>>) {
        self.tries += 1;
        if let Some(target) = target {
            self.links.push((line[target.clone()].to_owned(), target.start + offset..target.end + offset));
        }
    }
}

fn links_of_line(line: &str, offset: usize, found: &mut Found) {
    let plain = blank_code(line);
    let definition = definition(&plain);
    if definition.is_some() {
        return found.take(&plain, offset, definition);
    }
    let mut at = 0;
    while let Some(next) = plain[at..].find("](") {
        at += next + 2;
        let target = take_target(&plain, at);
        at = target.as_ref().map_or(at, |target| target.end);
        found.take(&plain, offset, target);
        if found.tries >= MAX_TRIES {
            break;
        }
    }
}

/// The run of three or more backquotes or tildes that a line starts with.
fn fence_of(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let first = line.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let run = &line[..line.len() - line.trim_start_matches(first).len()];
    (run.len() >= 3).then_some(run)
}

fn is_only(line: &str, marker: &str) -> bool {
    line.trim() == marker
}

/// The target of a reference definition, `[label]: target "title"`. Nothing but a title may follow, so that `[Note]: see below` is
/// none.
fn definition(line: &str) -> Option<Range<usize>> {
    let label = line.trim_start().strip_prefix('[').filter(|label| !label.starts_with('^'))?;
    let (name, rest) = label.split_once(']')?;
    let after = line.len() - rest.strip_prefix(':')?.len();
    let target = take_target(line, after)?;
    let title = line[target.end..].trim_start_matches('>').trim();
    (!name.trim().is_empty() && (title.is_empty() || title.starts_with(['"', '\'', '(']))).then_some(target)
}

/// The target that starts at `at`: up to white space or the closing parenthesis, or between angle brackets.
fn take_target(line: &str, at: usize) -> Option<Range<usize>> {
    let start = at + (line[at..].len() - line[at..].trim_start_matches([' ', '\t']).len());
    let rest = &line[start..line.floor_char_boundary(start + MAX_TARGET)];
    let whole = start + rest.len() == line.len();
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
        .map(|(end, _)| end)
        .or_else(|| whole.then_some(rest.len()))?;
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
        assert_eq!(targets("[ref]: docs/r.md\n[^1]: note.md\n [t]: <a b.md> 'title'\n"), ["docs/r.md", "a b.md"]);
        assert_eq!(targets("[Note]: see a.md\n[]: a.md\n[x] [y]: a.md\n"), [] as [&str; 0]);
        assert_eq!(targets("`[a](x.md)` and ``[b](`y.md)`` but [c](z.md)"), ["z.md"]);
        assert_eq!(targets("```\n[a](x.md)\n```\n[b](y.md)\n~~~\n```\n[c](z.md)\n~~~\n"), ["y.md"]);
        assert_eq!(targets("````md\n```\n[a](x.md)\n```\n````\n[b](y.md)\n"), ["y.md"]);
        assert_eq!(targets("```sh\n```js\n[a](x.md)\n```  \n[b](y.md)\n"), ["y.md"]);
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
    fn a_target_that_never_ends_is_no_link() {
        let long = "x".repeat(MAX_TARGET);
        assert_eq!(targets(&format!("[a]({}.md)", &long[4..])).len(), 1);
        assert_eq!(targets(&format!("[a](<{long}>)")), [] as [&str; 0]);
        assert_eq!(targets(&format!("[a]({long}.md)")), [] as [&str; 0]);
    }

    #[test]
    fn a_text_of_nothing_but_links_is_bounded() {
        assert_eq!(targets(&"[a](x.md)\n".repeat(20_000)).len(), MAX_TRIES);
        assert_eq!(targets(&"[a](x.md)".repeat(20_000)).len(), MAX_TRIES);
        assert_eq!(targets(&"](".repeat(20_000)), [] as [&str; 0]);
    }
}
