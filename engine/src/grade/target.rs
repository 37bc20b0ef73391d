//! What a grader examines of a run.

use std::{fmt::Write as _, fs, io::Read as _, path::Path};

use crate::run::{Finished, Transcript, TranscriptEvent};

/// Bytes of one output that are shown.
const MAX_FILE: u64 = 32 << 10;

/// Outputs that are shown; the others are counted.
const MAX_FILES: usize = 50;

/// Folders in folders that are looked into.
const MAX_DEPTH: usize = 16;

/// What is shown to the grader, and in what its evidence must stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The whole, with headings.
    pub shown: String,
    /// The run's own words, without our headings.
    pub parts: Vec<String>,
}

impl Target {
    /// A text without headings.
    pub fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { shown: text.clone(), parts: vec![text] }
    }

    /// What this target of a check is in a run: `final`, `transcript`, `exit`, `usage`, `outputs/PATH`; anything else is `run`, the final
    /// answer with all outputs, which is what expectations are about.
    pub fn of(run: &Finished<'_>, target: &str) -> Self {
        match target {
            "final" => Self::text(run.transcript.final_text()),
            "transcript" => Self::transcript(run.transcript),
            "exit" => Self::text(run.exit.to_string()),
            "usage" => Self::text(serde_json::to_string(run.usage).unwrap_or_default()),
            _ => {
                if let Some(path) = target.strip_prefix("outputs/") {
                    return Self::outputs(run, Some(path), Self { shown: String::new(), parts: Vec::new() });
                }
                let last = run.transcript.final_text().to_owned();
                let shown = format!("Final answer:\n{last}\n");
                Self::outputs(run, None, Self { shown, parts: vec![last] })
            }
        }
    }

    fn transcript(transcript: &Transcript) -> Self {
        let mut target = Self { shown: String::new(), parts: Vec::new() };
        for event in &transcript.events {
            let (heading, texts): (&str, Vec<&str>) = match event {
                TranscriptEvent::Prompt { text } => ("User", vec![text]),
                TranscriptEvent::Answer { text } => ("Answer", vec![text]),
                TranscriptEvent::SkillActivated { name } => ("Skill taken up", vec![name]),
                TranscriptEvent::ToolCall { name, arguments } => ("Tool call", vec![name, arguments]),
                TranscriptEvent::ToolResult { output, failed: false, .. } => ("Tool result", vec![output]),
                TranscriptEvent::ToolResult { output, .. } => ("Tool failure", vec![output]),
                TranscriptEvent::Note { text } => ("Remark of the harness", vec![text]),
            };
            let _ = writeln!(target.shown, "{heading}:\n{}\n", texts.join(" "));
            // The user's words and the harness's are no evidence of what the run did.
            if !matches!(event, TranscriptEvent::Prompt { .. } | TranscriptEvent::Note { .. }) {
                target.parts.extend(texts.into_iter().map(str::to_owned));
            }
        }
        target
    }

    /// Adds the outputs, or those under one path.
    fn outputs(run: &Finished<'_>, under: Option<&str>, mut target: Self) -> Self {
        let mut files = Vec::new();
        list(run.outputs, "", 0, &mut files);
        files.retain(|file| {
            under.is_none_or(|under| Path::new(file).starts_with(under) || glob_match::glob_match(under, file))
        });
        files.sort();
        for file in files.iter().take(MAX_FILES) {
            let (text, size) = read(&run.outputs.join(file));
            let _ = match &text {
                Some(text) => writeln!(target.shown, "\nFile {file} ({size} bytes):\n{text}"),
                None => writeln!(target.shown, "\nFile {file} ({size} bytes, not text)"),
            };
            target.parts.push(file.clone());
            target.parts.extend(text);
        }
        if files.len() > MAX_FILES {
            let _ = writeln!(target.shown, "\n{} more files", files.len() - MAX_FILES);
        }
        target
    }
}

fn list(folder: &Path, prefix: &str, depth: usize, files: &mut Vec<String>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (name, Ok(kind)) = (entry.file_name(), entry.file_type()) else { continue };
        let Some(name) = name.to_str() else { continue };
        let path = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") };
        if kind.is_dir() && depth < MAX_DEPTH {
            list(&entry.path(), &path, depth + 1, files);
        } else if kind.is_file() {
            files.push(path);
        }
    }
}

/// The beginning of a file as text, if it is text, and its size.
fn read(path: &Path) -> (Option<String>, u64) {
    let size = path.symlink_metadata().map_or(0, |meta| meta.len());
    let mut bytes = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(MAX_FILE).read_to_end(&mut bytes));
    let cut = bytes.len() as u64 == MAX_FILE && size > MAX_FILE;
    let text = match String::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) if cut && error.utf8_error().error_len().is_none() => {
            let whole = error.utf8_error().valid_up_to();
            String::from_utf8(error.as_bytes()[..whole].to_vec()).ok()
        }
        Err(_) => None,
    };
    (text.filter(|text| read.is_ok() && !text.contains('\0')), size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Usage;

    #[test]
    fn each_target_shows_its_part_and_headings_are_no_evidence() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("sub")).unwrap();
        fs::write(folder.path().join("sub/a.txt"), "CONTENT").unwrap();
        fs::write(folder.path().join("b.bin"), [0xff, 0]).unwrap();
        fs::write(folder.path().join("long.txt"), "é".repeat(20_000)).unwrap();
        let events = vec![
            TranscriptEvent::Prompt { text: "QUESTION".to_owned() },
            TranscriptEvent::ToolCall { name: "run".to_owned(), arguments: "{}".to_owned() },
            TranscriptEvent::Answer { text: "ANSWER".to_owned() },
        ];
        let (transcript, usage) = (Transcript { events }, Usage::default());
        let outputs = folder.path();
        let run =
            Finished { transcript: &transcript, outputs, inputs: outputs, suite: outputs, exit: 3, usage: &usage };
        let parts = |target: &str| Target::of(&run, target).parts;
        assert_eq!(parts("final"), ["ANSWER"]);
        assert_eq!(parts("exit"), ["3"]);
        assert_eq!(parts("transcript"), ["run", "{}", "ANSWER"]);
        assert_eq!(parts("outputs/sub"), ["sub/a.txt", "CONTENT"]);
        assert_eq!(parts("outputs/*.bin"), ["b.bin"]);
        let whole = Target::of(&run, "run");
        assert_eq!(whole.parts[..3], ["ANSWER", "b.bin", "long.txt"]);
        assert!(
            whole.shown.starts_with("Final answer:\nANSWER\n") && whole.shown.contains("b.bin (2 bytes, not text)")
        );
        assert!(!whole.parts.iter().any(|part| part.contains("Final answer")));
        assert!(whole.shown.contains(&"é".repeat(16_384)) && !whole.shown.contains(&"é".repeat(16_385)));
    }
}
