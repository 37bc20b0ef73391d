//! Details for tests, friendly and hostile ones, and what looks at the documents that come out.

use std::collections::BTreeMap;

use super::{CaseText, Details, OutputFile, RunDetails, RunId};
use crate::{
    record::{Record, sample},
    run::{Arm, Transcript, TranscriptEvent},
};

/// Texts that want to be something else than text.
pub(crate) const HOSTILE: &str = "</pre></textarea><script>alert(1)</script><img src=x onerror=alert(2)>\" autofocus onfocus='alert(3)' \
     {{cases}} ]]> --> &amp; | `x` [a](javascript:b) \u{1b}[31m\u{0}\u{202e}\u{feff}\u{ffff}\u{2028} http://e.example/ 𝕏";

/// Details of [`sample::record`].
pub(crate) fn details() -> Details {
    of(&sample::record(), |record, run| {
        let score = record.runs[run].score.unwrap_or(0);
        format!(
            "I filled the form and wrote `outputs/w9.pdf`.\n\n1. Read the fields.\n2. Set field 1 to the taxpayer's name.\n\nThe check \
             gives {score} of 1000."
        )
    })
}

/// Details of a record, with this answer to each run.
pub(crate) fn of(record: &Record, answer: impl Fn(&Record, usize) -> String) -> Details {
    let mut details = Details::default();
    for (n, case) in record.cases.iter().enumerate() {
        let checks = BTreeMap::from([
            ("c1".to_owned(), "file_contains · glob outputs/*.pdf · text Ada Lovelace".to_owned()),
            ("e1".to_owned(), format!("The PDF of case {n} has the name in field 1")),
        ]);
        let text = CaseText {
            name: format!("{} case {n}", ["Fill", "Extract", "Merge"][n % 3]),
            prompt: format!("Fill the attached W-9 for Ada Lovelace, variant {n}. Keep the other fields as they are."),
            expected: "a filled PDF".to_owned(),
            checks,
        };
        details.cases.insert(case.id.clone(), text);
    }
    for (n, run) in record.runs.iter().enumerate() {
        let prompt = details.cases[&run.case].prompt.clone();
        let events = vec![
            TranscriptEvent::Prompt { text: prompt },
            TranscriptEvent::SkillActivated { name: "pdf-forms".to_owned() },
            TranscriptEvent::ToolCall { name: "run".to_owned(), arguments: r#"{"cmd":"pdftk in.pdf"}"#.to_owned() },
            TranscriptEvent::ToolResult { name: "run".to_owned(), output: "ok".to_owned(), failed: n % 7 == 0 },
            TranscriptEvent::Answer { text: answer(record, n) },
        ];
        let files = vec![
            OutputFile { path: "w9.pdf".to_owned(), size: 48_213, text: None },
            OutputFile { path: "notes.txt".to_owned(), size: 11, text: Some("field 1 set".to_owned()) },
        ];
        details.runs.insert(RunId::from(run), RunDetails { transcript: Transcript { events }, files });
    }
    details
}

/// A record and details in which every text is hostile.
pub(crate) fn hostile() -> (Record, Details) {
    let mut record = sample::record();
    record.runs.retain(|run| run.case == "case-0" || run.case == "case-1");
    record.cases.truncate(2);
    for (n, id) in ["case-0", "case-1"].into_iter().enumerate() {
        let new = format!("{HOSTILE}{n}");
        record.runs.iter_mut().filter(|run| run.case == id).for_each(|run| run.case.clone_from(&new));
        record.cases[n].id = new;
        record.cases[n].category = HOSTILE.to_owned();
    }
    for check in record.runs.iter_mut().flat_map(|run| &mut run.checks) {
        check.evidence = HOSTILE.to_owned();
    }
    let mut made = sample::of(record.runs, record.cases, record.arms.baseline);
    HOSTILE.clone_into(&mut made.skill.name);
    HOSTILE.clone_into(&mut made.model.name);
    HOSTILE.clone_into(&mut made.provenance.who);
    made.grader.flagged = vec![HOSTILE.to_owned()];
    made.verdict = serde_json::json!({ "verdict": HOSTILE, "reasons": [HOSTILE] });
    let mut details = of(&made, |_, _| HOSTILE.to_owned());
    for text in details.cases.values_mut() {
        (text.name, text.prompt, text.expected) = (HOSTILE.to_owned(), HOSTILE.to_owned(), HOSTILE.to_owned());
        text.checks.values_mut().for_each(|check| HOSTILE.clone_into(check));
    }
    for run in details.runs.values_mut() {
        run.files.iter_mut().for_each(|file| (file.path, file.text) = (HOSTILE.to_owned(), Some(HOSTILE.to_owned())));
        run.transcript.events.push(TranscriptEvent::Note { text: HOSTILE.to_owned() });
    }
    (made, details)
}

/// Whether tags are closed in the order in which they were opened, attributes are quoted, and `&` begins an entity. Elements that
/// HTML never closes must be closed with `/>`.
pub(crate) fn well_formed(text: &str) -> Result<(), String> {
    let body = text.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>").unwrap_or(text);
    let mut open: Vec<&str> = Vec::new();
    let mut rest = body;
    while let Some(at) = rest.find('<') {
        entities(&rest[..at])?;
        let end = rest[at..].find('>').ok_or("a tag without end")? + at;
        let tag = &rest[at + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            let last = open.pop();
            if last != Some(name) {
                return Err(format!("{last:?} is closed by {name}"));
            }
            continue;
        }
        let name = tag.split([' ', '/']).next().unwrap_or_default();
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(format!("not a tag: {tag}"));
        }
        if !tag.matches('"').count().is_multiple_of(2) {
            return Err(format!("a quote is open: {tag}"));
        }
        entities(tag)?;
        if !tag.ends_with('/') {
            open.push(name);
        }
    }
    entities(rest)?;
    if open.is_empty() { Ok(()) } else { Err(format!("{open:?} are open")) }
}

fn entities(text: &str) -> Result<(), String> {
    for rest in text.split('&').skip(1) {
        let name = rest.split(';').next().unwrap_or_default();
        if !["amp", "lt", "gt", "quot", "apos", "#10", "#9", "#39"].contains(&name) {
            return Err(format!("&{name}"));
        }
    }
    Ok(())
}

/// An earlier record with fewer runs and no baseline.
pub(crate) fn previous() -> (Record, Details) {
    let mut record = sample::record();
    record.runs.retain(|run| run.arm == Arm::Cand && run.repeat < 3);
    let mut made = sample::of(record.runs, record.cases, None);
    made.skill.version = Some("2.2.0".to_owned());
    let details = of(&made, |_, n| format!("An earlier answer, number {n}."));
    (made, details)
}
