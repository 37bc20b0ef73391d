//! Taint: whether a run saw what it must not see. After each run transcript and outputs are searched for the suite's paths, the
//! suite's canary, the other arm's folder, and ids of cases.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use regex::bytes::{RegexSet, RegexSetBuilder};
use serde::{Deserialize, Serialize};

use crate::run::{Transcript, TranscriptEvent};

/// Bytes of outputs that are searched; beyond them the answer is inconclusive.
const MAX_BYTES: u64 = 64 << 20;

/// Files and folders that are searched.
const MAX_ENTRIES: usize = 200_000;

/// Folders in folders that are searched.
const MAX_DEPTH: usize = 64;

/// Bytes of the compiled marks: some thousand ids.
const MAX_PROGRAM: usize = 64 << 20;

/// Characters of an id that is searched for. Shorter ones (`7`, `t1`) stand in every second text by chance.
const MIN_ID: usize = 6;

/// Characters of a path or canary that is searched for.
const MIN_MARK: usize = 8;

/// What a search found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Taint {
    /// Nothing.
    Clean,
    /// An id of a case, which may be chance, or not everything could be searched.
    Inconclusive,
    /// A path of the suite, the canary, or the other arm's folder.
    Tainted,
}

/// What a search found, worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Found {
    /// Nothing.
    Nothing,
    /// Not everything could be searched.
    Unsure,
    /// An id of a case.
    Id,
    /// The path of a folder that it must not know.
    Path,
    /// A canary.
    Canary,
}

impl Found {
    /// What it means for the run.
    pub fn taint(self) -> Taint {
        match self {
            Self::Nothing => Taint::Clean,
            Self::Unsure | Self::Id => Taint::Inconclusive,
            Self::Path | Self::Canary => Taint::Tainted,
        }
    }

    /// What was found, for people; none if nothing was.
    pub fn what(self) -> Option<&'static str> {
        match self {
            Self::Nothing | Self::Unsure => None,
            Self::Id => Some("an id of a case"),
            Self::Path => Some("the path of a folder that it must not know"),
            Self::Canary => Some("a canary, which stands only where no run may look"),
        }
    }
}

/// What must not turn up in a run: texts, and the automaton that finds them, which is made once for all runs.
#[derive(Debug, Default)]
pub struct Marks {
    paths: Vec<String>,
    canaries: Vec<String>,
    ids: Vec<String>,
    needles: OnceLock<Option<Needles>>,
}

impl Marks {
    /// Marks from three lists:
    ///
    /// * folders that the run must not know (the suite's, the other arm's), as they are named; those shorter than 8 bytes are left
    ///   out;
    /// * random texts that stand in the unreadable copies and nowhere else;
    /// * ids of cases; those shorter than 6 bytes, or of letters alone, are left out.
    pub fn new(paths: Vec<String>, canaries: Vec<String>, ids: Vec<String>) -> Self {
        Self { paths, canaries, ids, needles: OnceLock::new() }
    }

    /// The random texts.
    pub fn canaries(&self) -> &[String] {
        &self.canaries
    }

    /// What is searched for; none if it is more than can be searched for.
    fn needles(&self) -> Option<&Needles> {
        self.needles.get_or_init(|| self.compiled().ok()).as_ref()
    }

    /// What is searched for, with what finding it means. ASCII letters of either case are equal.
    fn compiled(&self) -> Result<Needles, regex::Error> {
        let long = |text: &&String| text.len() >= MIN_MARK;
        let telling = |id: &&String| id.len() >= MIN_ID && id.bytes().any(|b| !b.is_ascii_alphabetic());
        let (mut texts, mut meaning) = (Vec::new(), Vec::new());
        let mut add = |text: &str, found| {
            texts.push(regex::escape(text));
            meaning.push(found);
        };
        self.paths.iter().filter(long).for_each(|path| add(path, Found::Path));
        for canary in self.canaries.iter().filter(long) {
            add(canary, Found::Canary);
            add(&hex::encode(canary), Found::Canary);
            add(&canary.chars().rev().collect::<String>(), Found::Canary);
        }
        self.ids.iter().filter(telling).for_each(|id| add(id, Found::Id));
        let set = RegexSetBuilder::new(&texts).case_insensitive(true).unicode(false).size_limit(MAX_PROGRAM).build()?;
        Ok(Needles { set, meaning })
    }
}

/// All marks in one automaton.
#[derive(Debug)]
struct Needles {
    set: RegexSet,
    meaning: Vec<Found>,
}

impl Needles {
    /// The worst that is found.
    fn find(&self, haystack: &[u8]) -> Found {
        let found = self.set.matches(haystack).into_iter();
        found.map(|at| self.meaning[at]).max().unwrap_or(Found::Nothing)
    }
}

/// Searches a run. The prompt, which is the harness's own text, is left out. `outputs` holds no links.
pub fn scan(transcript: &Transcript, outputs: Option<&Path>, marks: &Marks) -> Found {
    let Some(needles) = marks.needles() else { return Found::Unsure };
    if needles.meaning.is_empty() {
        return Found::Nothing;
    }
    let mut worst = Found::Nothing;
    for event in &transcript.events {
        for text in texts(event) {
            worst = worst.max(needles.find(text.as_bytes()));
        }
    }
    if let Some(outputs) = outputs {
        let mut search = Search { needles, bytes: MAX_BYTES, entries: 0, worst };
        search.folder(outputs, 0);
        worst = search.worst;
    }
    worst
}

fn texts(event: &TranscriptEvent) -> Vec<&str> {
    match event {
        TranscriptEvent::Prompt { .. } => Vec::new(),
        TranscriptEvent::Answer { text } | TranscriptEvent::Note { text } => vec![text],
        TranscriptEvent::SkillActivated { name } => vec![name],
        TranscriptEvent::ToolCall { name, arguments } => vec![name, arguments],
        TranscriptEvent::ToolResult { output, .. } => vec![output],
    }
}

struct Search<'a> {
    needles: &'a Needles,
    /// That may still be read.
    bytes: u64,
    entries: usize,
    worst: Found,
}

impl Search<'_> {
    fn folder(&mut self, folder: &Path, depth: usize) {
        let Ok(entries) = folder.read_dir() else { return self.unsure() };
        for entry in entries {
            self.entries += 1;
            let Ok(entry) = entry else { return self.unsure() };
            if self.entries > MAX_ENTRIES || depth > MAX_DEPTH {
                return self.unsure();
            }
            self.worst = self.worst.max(self.needles.find(entry.file_name().as_encoded_bytes()));
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => self.folder(&entry.path(), depth + 1),
                Ok(kind) if kind.is_file() => self.file(&entry.path()),
                _ => {}
            }
        }
    }

    fn file(&mut self, path: &PathBuf) {
        let mut content = Vec::new();
        let read = File::open(path).and_then(|file| file.take(self.bytes + 1).read_to_end(&mut content));
        let length = content.len() as u64;
        if read.is_err() || length > self.bytes {
            self.unsure();
        }
        self.bytes = self.bytes.saturating_sub(length);
        self.worst = self.worst.max(self.needles.find(&content));
    }

    fn unsure(&mut self) {
        self.worst = self.worst.max(Found::Unsure);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks() -> Marks {
        let text = |text: &str| text.to_owned();
        Marks::new(
            vec![text("/srv/suites/pdf-forms"), text("/x")],
            vec![text("Canary-93Kd02mz")],
            vec![text("fill-w9-2"), text("7"), text("summary")],
        )
    }

    fn answer(text: &str) -> Transcript {
        Transcript { events: vec![TranscriptEvent::Answer { text: text.to_owned() }] }
    }

    #[test]
    fn paths_and_canaries_taint_ids_are_doubt_and_short_marks_are_nothing() {
        let hex = hex::encode("Canary-93Kd02mz");
        for (text, expected) in [
            ("I read /srv/suites/pdf-forms/evals/evals.json", Found::Path),
            ("canary-93kd02MZ in /srv/suites/pdf-forms", Found::Canary),
            (hex.as_str(), Found::Canary),
            ("zm20dK39-yranaC", Found::Canary),
            ("this is case fill-w9-2", Found::Id),
            ("7 summary /x Canary-93", Found::Nothing),
            ("", Found::Nothing),
        ] {
            assert_eq!(scan(&answer(text), None, &marks()), expected, "{text}");
        }
        assert_eq!(scan(&answer("/srv/suites/pdf-forms"), None, &Marks::default()), Found::Nothing);
    }

    #[test]
    fn the_prompt_is_ours_and_tool_results_are_not() {
        let mut transcript =
            Transcript { events: vec![TranscriptEvent::Prompt { text: "Canary-93Kd02mz".to_owned() }] };
        assert_eq!(scan(&transcript, None, &marks()), Found::Nothing);
        let output = "x Canary-93Kd02mz".to_owned();
        transcript.events.push(TranscriptEvent::ToolResult { name: "run".to_owned(), output, failed: false });
        assert_eq!(scan(&transcript, None, &marks()), Found::Canary);
    }

    #[test]
    fn contents_and_names_of_outputs_are_searched() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("sub")).unwrap();
        std::fs::write(folder.path().join("sub/a.bin"), b"\xff\x00Canary-93Kd02mz\xff").unwrap();
        assert_eq!(scan(&answer(""), Some(folder.path()), &marks()), Found::Canary);
        std::fs::write(folder.path().join("sub/a.bin"), b"CanaryCanary-93").unwrap();
        assert_eq!(scan(&answer(""), Some(folder.path()), &marks()), Found::Nothing);
        std::fs::write(folder.path().join("fill-w9-2.txt"), b"").unwrap();
        assert_eq!(scan(&answer(""), Some(folder.path()), &marks()), Found::Id);
        assert_eq!(scan(&answer(""), Some(&folder.path().join("none")), &marks()), Found::Unsure);
    }
}
