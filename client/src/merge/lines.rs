//! The three-way merge of a text, line by line, by the rules of `git merge-file`.
//!
//! Two differences are computed, from the base to ours and from the base to theirs. What only one side changed is taken; where both
//! changed the same lines differently there is a conflict, which is then made as small as possible. The rules are those of git's
//! `xdiff/xmerge.c` at the level that `git merge-file` asks for (zealous, with few lines between two conflicts made part of both).

use std::ops::Range;

use imara_diff::{Algorithm, Diff, Interner, NoSliderHeuristic, Token, sources};

/// Lines between two conflicts up to which they are one: a reader would have to read them anyway (`xmerge.c`).
const CLOSE: usize = 3;

/// A merged text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// The text, with markers around each conflict.
    pub text: Vec<u8>,
    /// How many conflicts there are.
    pub conflicts: usize,
}

/// What the sides are called behind the markers.
#[derive(Debug, Clone, Copy)]
pub struct Labels<'a> {
    /// Behind `<<<<<<<`.
    pub ours: &'a str,
    /// Behind `>>>>>>>`.
    pub theirs: &'a str,
}

/// Merges what changed from `base` to `theirs` into `ours`.
pub fn merge(base: &[u8], ours: &[u8], theirs: &[u8], labels: Labels<'_>) -> Merged {
    let mut interner = Interner::new(1024);
    let [base, ours, theirs] = [base, ours, theirs].map(|text| Side::read(text, &mut interner));
    let count = interner.num_tokens();
    let merge = Merge { base, ours, theirs, count };
    merge.run(labels)
}

/// A text as lines, each with its line feed.
struct Side<'a> {
    lines: Vec<&'a [u8]>,
    tokens: Vec<Token>,
}

impl<'a> Side<'a> {
    fn read(text: &'a [u8], interner: &mut Interner<&'a [u8]>) -> Self {
        let lines: Vec<&[u8]> = sources::byte_lines(text).collect();
        let tokens = lines.iter().map(|line| interner.intern(line)).collect();
        Self { lines, tokens }
    }

    /// Whether the lines around this one end with CR LF; `None` if the text has no line that says so.
    fn is_crlf(&self, at: usize) -> Option<bool> {
        let ends = |line: &[u8]| line.ends_with(b"\r\n");
        let line = *self.lines.get(at)?;
        if line.ends_with(b"\n") {
            return Some(ends(line));
        }
        Some(ends(self.lines.get(at.checked_sub(1)?)?))
    }
}

/// Lines of one side that stand in the place of lines of the base.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Change {
    base: Range<usize>,
    side: Range<usize>,
}

/// Whose lines are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Take {
    Ours,
    Theirs,
    /// Both changed the same lines.
    Conflict,
    /// Both made the same change: it stands in ours already.
    Same,
}

/// A part of the result that is not simply common to all three.
#[derive(Debug, Clone)]
struct Part {
    take: Take,
    ours: Range<usize>,
    theirs: Range<usize>,
}

struct Merge<'a> {
    base: Side<'a>,
    ours: Side<'a>,
    theirs: Side<'a>,
    count: u32,
}

impl Merge<'_> {
    fn run(&self, labels: Labels<'_>) -> Merged {
        let ours = self.changes(&self.base.tokens, &self.ours.tokens);
        let theirs = self.changes(&self.base.tokens, &self.theirs.tokens);
        if ours.is_empty() {
            return Merged { text: self.theirs.lines.concat(), conflicts: 0 };
        }
        if theirs.is_empty() {
            return Merged { text: self.ours.lines.concat(), conflicts: 0 };
        }
        let parts = close_together(self.refined(self.parts(&ours, &theirs)), &self.ours);
        self.write(&parts, labels)
    }

    /// The difference as git computes it: Myers, and changes that could stand at several places moved down.
    fn changes(&self, before: &[Token], after: &[Token]) -> Vec<Change> {
        let mut diff = Diff::default();
        diff.compute_with(Algorithm::Myers, before, after, self.count);
        diff.postprocess_with(before, after, NoSliderHeuristic);
        let range = |range: Range<u32>| range.start as usize..range.end as usize;
        diff.hunks().map(|hunk| Change { base: range(hunk.before), side: range(hunk.after) }).collect()
    }

    /// Walks along both differences at once.
    fn parts(&self, ours: &[Change], theirs: &[Change]) -> Vec<Part> {
        let mut parts = Parts::default();
        let (mut a, mut b) = (ours, theirs);
        // How far a line that one side did not touch has been moved by the other.
        let (mut moved_a, mut moved_b) = (0isize, 0isize);
        loop {
            match (a.split_first(), b.split_first()) {
                (Some((x, rest)), next) if next.is_none_or(|(y, _)| x.base.end < y.base.start) => {
                    parts.push(Take::Ours, x.side.clone(), shifted(&x.base, moved_b));
                    moved_a = growth(x);
                    a = rest;
                }
                (next, Some((y, rest))) if next.is_none_or(|(x, _)| y.base.end < x.base.start) => {
                    parts.push(Take::Theirs, shifted(&y.base, moved_a), y.side.clone());
                    moved_b = growth(y);
                    b = rest;
                }
                (Some((x, rest_a)), Some((y, rest_b))) => {
                    if !self.is_same(x, y) {
                        let base = x.base.start.min(y.base.start)..x.base.end.max(y.base.end);
                        parts.push(Take::Conflict, widened(x, &base), widened(y, &base));
                    }
                    let (end_a, end_b) = (x.base.end, y.base.end);
                    if end_a >= end_b {
                        moved_b = growth(y);
                        b = rest_b;
                    }
                    if end_b >= end_a {
                        moved_a = growth(x);
                        a = rest_a;
                    }
                }
                // Both are at their end: the guards above take every case with one side left.
                _ => return parts.0,
            }
        }
    }

    /// Whether both sides made the same change.
    fn is_same(&self, x: &Change, y: &Change) -> bool {
        x.base == y.base && self.ours.tokens[x.side.clone()] == self.theirs.tokens[y.side.clone()]
    }

    /// Takes out of each conflict what both sides have in common.
    fn refined(&self, parts: Vec<Part>) -> Vec<Part> {
        let mut out = Vec::with_capacity(parts.len());
        for part in parts {
            if part.take != Take::Conflict || part.ours.is_empty() || part.theirs.is_empty() {
                out.push(part);
                continue;
            }
            let changes = self.changes(&self.ours.tokens[part.ours.clone()], &self.theirs.tokens[part.theirs.clone()]);
            if changes.is_empty() {
                out.push(Part { take: Take::Same, ..part });
                continue;
            }
            let within = |start: usize, range: &Range<usize>| start + range.start..start + range.end;
            out.extend(changes.iter().map(|change| Part {
                take: Take::Conflict,
                ours: within(part.ours.start, &change.base),
                theirs: within(part.theirs.start, &change.side),
            }));
        }
        out
    }

    fn write(&self, parts: &[Part], labels: Labels<'_>) -> Merged {
        let (mut text, mut conflicts, mut at) = (Vec::new(), 0, 0);
        for part in parts {
            if part.take == Take::Same {
                continue;
            }
            text.extend(self.ours.lines[at..part.ours.start].concat());
            match part.take {
                Take::Ours | Take::Same => text.extend(self.ours.lines[part.ours.clone()].concat()),
                Take::Theirs => text.extend(self.theirs.lines[part.theirs.clone()].concat()),
                Take::Conflict => {
                    conflicts += 1;
                    self.write_conflict(part, labels, &mut text);
                }
            }
            at = part.ours.end;
        }
        text.extend(self.ours.lines[at..].concat());
        Merged { text, conflicts }
    }

    fn write_conflict(&self, part: &Part, labels: Labels<'_>, text: &mut Vec<u8>) {
        let end: &[u8] = if self.wants_cr(part) { b"\r\n" } else { b"\n" };
        let mut line = |words: &[&[u8]]| text.extend([words.concat().as_slice(), end].concat());
        line(&[b"<<<<<<< ", labels.ours.as_bytes()]);
        let sides = [&self.ours.lines[part.ours.clone()], &self.theirs.lines[part.theirs.clone()]];
        for (n, lines) in sides.into_iter().enumerate() {
            if n == 1 {
                text.extend([b"=======", end].concat());
            }
            text.extend(lines.concat());
            if lines.last().is_some_and(|last| !last.ends_with(b"\n")) {
                text.extend(end);
            }
        }
        text.extend([b">>>>>>> ", labels.theirs.as_bytes(), end].concat());
    }

    /// Whether a marker ends with CR LF: where both sides do before the conflict, or else the base does.
    fn wants_cr(&self, part: &Part) -> bool {
        let mut wants = self.ours.is_crlf(part.ours.start.saturating_sub(1));
        if wants != Some(false) {
            wants = self.theirs.is_crlf(part.theirs.start.saturating_sub(1));
        }
        if wants != Some(false) {
            wants = self.base.is_crlf(0);
        }
        wants.unwrap_or(false)
    }
}

/// Parts in the order of the text; one that touches the one before becomes a part of it.
#[derive(Default)]
struct Parts(Vec<Part>);

impl Parts {
    fn push(&mut self, take: Take, ours: Range<usize>, theirs: Range<usize>) {
        match self.0.last_mut() {
            Some(last) if ours.start <= last.ours.end || theirs.start <= last.theirs.end => {
                if last.take != take {
                    last.take = Take::Conflict;
                }
                last.ours.end = ours.end;
                last.theirs.end = theirs.end;
            }
            _ => self.0.push(Part { take, ours, theirs }),
        }
    }
}

/// Makes one conflict of two that have few lines between them, or none that say anything.
fn close_together(parts: Vec<Part>, ours: &Side<'_>) -> Vec<Part> {
    let mut out: Vec<Part> = Vec::with_capacity(parts.len());
    for part in parts {
        match out.last_mut() {
            Some(last) if last.take == Take::Conflict && part.take == Take::Conflict => {
                let between = last.ours.end..part.ours.start;
                let says = |line: &&[u8]| line.iter().any(u8::is_ascii_alphanumeric);
                if between.len() > CLOSE && ours.lines[between].iter().any(says) {
                    out.push(part);
                } else {
                    last.ours.end = part.ours.end;
                    last.theirs.end = part.theirs.end;
                }
            }
            _ => out.push(part),
        }
    }
    out
}

/// By how many lines a text is longer than the base behind a change.
fn growth(change: &Change) -> isize {
    change.side.end.cast_signed() - change.base.end.cast_signed()
}

fn shifted(range: &Range<usize>, by: isize) -> Range<usize> {
    range.start.saturating_add_signed(by)..range.end.saturating_add_signed(by)
}

/// The lines of a side that stand for a wider range of the base.
fn widened(change: &Change, base: &Range<usize>) -> Range<usize> {
    let before = change.base.start - base.start;
    let after = base.end - change.base.end;
    change.side.start.saturating_sub(before)..change.side.end + after
}
