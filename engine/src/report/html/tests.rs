//! The page is well-formed, asks nobody for anything, holds what it must, and escapes what comes from outside.

use super::*;
use crate::{
    record::sample::{cases, of, record, run},
    report::{
        sample::{HOSTILE, details, hostile, previous, well_formed},
        skill_creator::Review,
    },
    run::{Arm, CheckResult, Run, TranscriptEvent},
};

/// Elements that HTML never closes.
const VOID: &[&str] = &["meta", "br"];

/// The page as a document whose tags must nest: without doctype, style and script, with void elements closed.
fn body(page: &str) -> String {
    let without = |text: &str, open: &str, close: &str| {
        let (before, rest) = text.split_once(open).unwrap();
        let (_, after) = rest.split_once(close).unwrap();
        format!("{before}{after}")
    };
    let mut text = page.trim_start_matches("<!doctype html>").to_owned();
    text = without(&text, "<style>", "</style>");
    text = without(&text, "<script>", "</script>");
    for tag in VOID {
        let open = format!("<{tag}");
        let mut parts = text.split(&open);
        let mut out = parts.next().unwrap().to_owned();
        for part in parts {
            let (attributes, after) = part.split_once('>').unwrap();
            out = format!("{out}<{tag}{attributes}/>{after}");
        }
        text = out;
    }
    text
}

#[test]
fn the_page_is_well_formed_and_loads_nothing() {
    let (before, earlier) = previous();
    let feedback = Feedback {
        reviews: vec![Review {
            run_id: "eval-case-0-with_skill-run-1".into(),
            feedback: "the name is cut".into(),
            ..Review::default()
        }],
        ..Feedback::default()
    };
    let others = [before.clone(), record()];
    let extras = Extras { previous: Some((&before, &earlier)), feedback: Some(&feedback), others: &others };
    let page = page(&record(), &details(), &extras);
    assert_eq!(well_formed(&body(&page)), Ok(()));
    for word in
        ["http://", "https://", "//cdn", "@import", "url(", " src=", "<link", "<img", "<iframe", " style=", " onclick="]
    {
        assert!(!page.contains(word), "{word} is in the page");
    }
    assert!(!page.contains("{{"), "a part of the template was not filled");
    for part in [
        "acme/pdf-forms 2.3.0 is better than no skill by 18.0 points, 95 % interval +7.1 to +28.9.",
        "<dt>lift over no skill</dt><dd>+18.0 points</dd>",
        "<dt>normalised gain</dt><dd>36.7 %</dd>",
        "<dt>trust</dt><dd>claimed</dd>",
        "Earlier answer, acme/pdf-forms 2.2.0",
        "<h2>What stands out</h2>",
        "An earlier answer, number",
        "Said before: <q>the name is cut</q>",
        "data-run=\"eval-case-0-with_skill\"",
        "Each repeat alone",
        "yes, the score keys are equal",
    ] {
        assert!(page.contains(part), "{part} is missing");
    }
    assert_eq!(page.matches("<article class=\"case\"").count(), 20);
    assert_eq!(page.matches("<details class=\"run\"").count(), 200);
    assert_eq!(page.matches("<textarea").count(), 20);
}

#[test]
fn the_policy_allows_exactly_the_style_and_the_script_of_the_page() {
    let page = page(&record(), &details(), &Extras::default());
    let between = |open: &str, close: &str| page.split_once(open).unwrap().1.split_once(close).unwrap().0.to_owned();
    let digest = |text: &str| STANDARD.encode(sha256(text.as_bytes()).0);
    let policy = between("Content-Security-Policy\" content=\"", "\"").replace("&#39;", "'");
    assert!(policy.starts_with("default-src 'none'; "), "{policy}");
    assert!(policy.contains(&format!("style-src 'sha256-{}'", digest(&between("<style>", "</style>")))), "{policy}");
    assert!(policy.contains(&format!("script-src 'sha256-{}'", digest(&between("<script>", "</script>")))), "{policy}");
    assert!(!policy.contains("unsafe"));
    assert!(!SCRIPT.contains("innerHTML") && !SCRIPT.contains("eval(") && !SCRIPT.contains("</"));
}

#[test]
fn text_from_outside_never_becomes_markup() {
    let (record, details) = hostile();
    let feedback = Feedback {
        reviews: folders_of(&record)
            .map(|id| Review { run_id: id, feedback: HOSTILE.into(), ..Review::default() })
            .collect(),
        ..Feedback::default()
    };
    let others = [record.clone()];
    let extras = Extras { previous: Some((&record, &details)), feedback: Some(&feedback), others: &others };
    let page = page(&record, &details, &extras);
    assert_eq!(well_formed(&body(&page)), Ok(()));
    let clean = page.replace(SCRIPT, "");
    assert_eq!(clean.matches("<script").count(), 1);
    for word in
        ["alert(1)</script", "<img", "\" autofocus", "onfocus='", "\u{1b}", "\u{0}", "\u{202e}", "\u{feff}", "\u{2028}"]
    {
        assert!(!clean.contains(word), "{word:?} is in the page");
    }
    assert!(clean.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert!(clean.contains("{{cases}}"), "what looks like the template is shown as it is");
    assert_eq!(clean.matches("<article class=\"case\"").count(), 2);
}

fn folders_of(record: &Record) -> impl Iterator<Item = String> {
    skill_creator::folders(record).into_values().map(|folder| format!("{folder}-with_skill"))
}

/// Two hundred runs with these many checks, and texts of this size in every place.
fn large(checks: usize, text: &str) -> (Record, Details) {
    let mut runs: Vec<Run> = Vec::new();
    for case in 0..20 {
        for repeat in 0..5 {
            runs.extend([run(Arm::Base, case, repeat, 0), run(Arm::Cand, case, repeat, 1_000)]);
        }
    }
    for one in &mut runs {
        let check = one.checks[0].clone();
        let evidence: String = text.chars().take(1_000).collect();
        one.checks = (0..checks)
            .map(|n| CheckResult { id: format!("c{n}"), evidence: evidence.clone(), ..check.clone() })
            .collect();
    }
    let record = of(runs, cases(20), Some(crate::record::Baseline::NoSkill {}));
    let mut details = crate::report::sample::of(&record, |_, _| text.to_owned());
    for case in details.cases.values_mut() {
        case.prompt = text.to_owned();
        case.checks = (0..checks).map(|n| (format!("c{n}"), text.to_owned())).collect();
    }
    for run in details.runs.values_mut() {
        run.transcript.events = vec![TranscriptEvent::Note { text: text.to_owned() }; 300];
        run.files = vec![crate::report::OutputFile { path: text.to_owned(), size: 1, text: Some(text.to_owned()) }; 50];
    }
    (record, details)
}

#[test]
fn two_hundred_runs_stay_below_two_megabytes_whatever_they_say() {
    let plain = "All work and no play makes Jack a dull boy. ".repeat(500);
    let escaped = "<\u{202e}&\"".repeat(5_000);
    for (checks, text) in [(0, &plain), (10, &plain), (200, &plain), (10, &escaped), (200, &escaped)] {
        let (record, details) = large(checks, text);
        let extras = Extras { previous: Some((&record, &details)), ..Extras::default() };
        let page = page(&record, &details, &extras);
        assert!(page.len() < 2_000_000, "{checks} checks: {} bytes", page.len());
        assert!(page.contains("more characters"), "what was cut is said");
    }
}

#[test]
fn records_without_baseline_or_runs_have_a_page() {
    let alone = of(vec![run(Arm::Cand, 0, 0, 500)], cases(1), None);
    let empty = of(vec![], cases(0), None);
    for (record, part) in [(alone, "Without a baseline nothing says whether it helps"), (empty, "Nothing was measured")]
    {
        let page = page(&record, &Details::default(), &Extras::default());
        assert_eq!(well_formed(&body(&page)), Ok(()));
        assert!(page.contains(part));
    }
}

/// Writes pages for looking at them in a browser: `cargo test -p skill-engine --lib pages_to_look_at -- --ignored`.
#[test]
#[ignore = "writes files into the temporary folder"]
fn pages_to_look_at() {
    let folder = std::env::temp_dir().join("skill-report-pages");
    std::fs::create_dir_all(&folder).unwrap();
    let (before, earlier) = previous();
    let others = [before.clone(), record()];
    let extras = Extras { previous: Some((&before, &earlier)), feedback: None, others: &others };
    std::fs::write(folder.join("good.html"), page(&record(), &details(), &extras)).unwrap();
    let (bad, bad_details) = hostile();
    std::fs::write(folder.join("hostile.html"), page(&bad, &bad_details, &Extras::default())).unwrap();
    let (full, full_details) = large(10, &"All work and no play makes Jack a dull boy. ".repeat(500));
    std::fs::write(folder.join("large.html"), page(&full, &full_details, &Extras::default())).unwrap();
    let alone = of(vec![run(Arm::Cand, 0, 0, 500)], cases(1), None);
    std::fs::write(folder.join("alone.html"), page(&alone, &Details::default(), &Extras::default())).unwrap();
}
