//! The code in an answer: what stands in fenced blocks (CommonMark 4.5), and the same without comments, so that a remark such as
//! "never use eval here" is not taken for a use.

/// What stands in fenced blocks, joined by line feeds; the whole text if there are no fences. A fence that is never closed runs to the
/// end, as it does in an answer that was cut.
pub(super) fn fenced(text: &str) -> String {
    let mut code = String::new();
    let mut found = false;
    for (line, place) in places(text) {
        match place {
            Place::Inside => {
                code.push_str(line);
                code.push('\n');
            }
            Place::Fence => found = true,
            Place::Outside => {}
        }
    }
    if found { code } else { text.to_owned() }
}

/// What stands outside of fenced blocks.
pub(super) fn prose(text: &str) -> String {
    let lines: Vec<&str> = places(text).filter(|(_, place)| *place == Place::Outside).map(|(line, _)| line).collect();
    lines.join("\n")
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Inside,
    Outside,
    Fence,
}

/// Each line and where it stands. Any indentation is allowed, since answers put blocks into lists.
fn places(text: &str) -> impl Iterator<Item = (&str, Place)> {
    let mut open: Option<(char, usize)> = None;
    text.lines().map(move |line| {
        let mark = mark(line);
        let place = match (open, mark) {
            (None, Some((sign, length, info))) if sign == '~' || !info.contains('`') => {
                open = Some((sign, length));
                Place::Fence
            }
            (Some((sign, length)), Some((other, longer, info)))
                if sign == other && longer >= length && info.trim().is_empty() =>
            {
                open = None;
                Place::Fence
            }
            (Some(_), _) => Place::Inside,
            (None, _) => Place::Outside,
        };
        (line, place)
    })
}

/// The sign of a fence, its length and what follows.
fn mark(line: &str) -> Option<(char, usize, &str)> {
    let line = line.trim_start();
    let sign = line.chars().next().filter(|sign| matches!(sign, '`' | '~'))?;
    let rest = line.trim_start_matches(sign);
    let length = line.len() - rest.len();
    (length >= 3).then_some((sign, length, rest))
}

/// The code without comments, in most languages: lines that begin with `//`, `# `, `-- ` or `<!--`, the rest of a line after ` // ` or
/// ` # ` outside of quotes, blocks `/* … */`, and the documentation strings of Python. It is a rule of thumb, the same for everybody.
pub(super) fn without_comments(code: &str) -> String {
    let lines: Vec<&str> = code.lines().collect();
    let mut kept = String::new();
    let (mut at, mut opens_block) = (0, true);
    while at < lines.len() {
        let trimmed = lines[at].trim();
        if let Some(skipped) = block(&lines[at..], opens_block) {
            at += skipped;
            continue;
        }
        if !trimmed.is_empty() {
            opens_block = trimmed.ends_with(':');
        }
        if !is_comment(trimmed) {
            kept.push_str(before_comment(lines[at]));
            kept.push('\n');
        }
        at += 1;
    }
    kept
}

/// How many lines a comment takes that begins with the first of these; `None` if it is not one, never ends, or has code behind it.
fn block(lines: &[&str], opens_block: bool) -> Option<usize> {
    let signs = [("/*", "*/"), ("<!--", "-->")];
    let strings = [("\"\"\"", "\"\"\""), ("'''", "'''")];
    let first = lines.first()?.trim();
    let (begin, end) =
        signs.iter().chain(strings.iter().filter(|_| opens_block)).find(|(begin, _)| first.starts_with(begin))?;
    if let Some((_, rest)) = first[begin.len()..].split_once(end) {
        return rest.trim().is_empty().then_some(1);
    }
    let last = lines.iter().skip(1).position(|line| line.contains(end))? + 1;
    lines[last].trim().ends_with(end).then_some(last + 1)
}

fn is_comment(trimmed: &str) -> bool {
    let begins =
        |sign: &str| trimmed == sign || trimmed.strip_prefix(sign).is_some_and(|rest| rest.starts_with([' ', '\t']));
    trimmed.starts_with("//") || begins("#") || begins("--")
}

/// What stands before ` # ` or ` // `, unless that is inside of quotes.
fn before_comment(line: &str) -> &str {
    for sign in [" # ", " // ", "\t# ", "\t// "] {
        for (at, _) in line.match_indices(sign) {
            let before = &line[..at];
            if ['"', '\'', '`'].iter().all(|quote| before.matches(*quote).count() % 2 == 0) {
                return before;
            }
        }
    }
    line
}
