//! The validator against the specification, against another validator, and against real skills.
//!
//! `skill_md.toml` holds the made-up skills with what each validator says about them. Three things are compared with it: what our
//! check finds now, what the peer (`agentskills validate`) says now, and the table of differences in `docs/validation.md`.

mod cases;
mod peer;

use std::{fmt::Write as _, fs, path::Path};

use cases::Case;
use skill_bundle::check;
use skill_schema::{
    Limits,
    lint::{Level, Options, rules},
    lock::Lock,
    manifest,
    project::Project,
};
use skill_tests::programs;

/// Cases that the table must hold at least.
const MIN_CASES: usize = 54;

/// What `skill check` finds in a folder, as `weight rule`, and whether it accepts the skill.
fn judge(folder: &Path, level: Level) -> (Vec<String>, bool) {
    let (report, _) = check::check_dir(folder, &Limits::V1, Options { level, ..Options::default() });
    (report.findings.iter().map(|f| format!("{} {}", f.severity.as_str(), f.rule)).collect(), report.ok)
}

#[test]
fn every_case_is_judged_as_the_table_says() {
    let root = tempfile::tempdir().expect("a folder");
    let mut wrong = String::new();
    for case in cases::read() {
        let folder = case.write(root.path());
        let (found, _) = judge(&folder, Level::Strict);
        let (found_leniently, loads) = judge(&folder, Level::Lenient);
        if found != case.strict {
            let _ = writeln!(wrong, "{}: finds {found:?}, the table says {:?}", case.name, case.strict);
        }
        if loads != case.loads {
            let _ = writeln!(wrong, "{}: lenient finds {found_leniently:?}, the table says {}", case.name, case.loads);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn the_table_has_a_case_for_every_rule() {
    let cases = cases::read();
    assert!(cases.len() >= MIN_CASES, "{} cases", cases.len());
    let broken: Vec<&str> = cases.iter().flat_map(|case| &case.strict).filter_map(|f| f.split(' ').nth(1)).collect();
    let untested: Vec<_> = rules::ALL.iter().map(|rule| rule.id).filter(|id| !broken.contains(id)).collect();
    assert!(untested.is_empty(), "no case breaks {untested:?}");
}

#[test]
fn a_difference_has_a_reason_and_nothing_else_has_one() {
    for case in cases::read() {
        assert_eq!(case.accepted() != (case.peer == "valid"), case.why.is_some(), "{}", case.name);
    }
}

#[test]
fn the_peer_judges_as_the_table_says() {
    let Some(python) = peer::find() else {
        return skip("agentskills is not installed; scripts/test-tools.sh installs it");
    };
    let root = tempfile::tempdir().expect("a folder");
    let cases = cases::read();
    let folders: Vec<_> = cases.iter().map(|case| case.write(root.path())).collect();
    let said = peer::validate_all(&python, &folders);
    let wrong: Vec<_> = cases
        .iter()
        .zip(&said)
        .filter(|(case, said)| case.peer != **said)
        .map(|(case, said)| format!("{}: {said}, the table says {}", case.name, case.peer))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_document_lists_exactly_the_differences() {
    let mut table = String::from("| case | what is special | ours | theirs | why |\n|---|---|---|---|---|\n");
    for case in cases::read() {
        let Case { name, about, peer, why: Some(why), .. } = &case else { continue };
        let ours = if case.accepted() { "accepted" } else { "refused" };
        let theirs = if peer == "valid" { "accepted" } else { "refused" };
        let _ = writeln!(table, "| `{name}` | {about} | {ours}: {} | {theirs} | {why} |", case.rules_in_words());
    }
    let file = programs::root().join("docs/validation.md");
    let text = fs::read_to_string(&file).expect("docs/validation.md");
    let (start, end) = ("<!-- differences -->\n", "<!-- end of differences -->");
    let (before, rest) = text.split_once(start).expect("a mark before the table");
    let (found, after) = rest.split_once(end).expect("a mark after the table");
    #[expect(clippy::disallowed_methods, reason = "a switch of the test run, not of the product")]
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&file, format!("{before}{start}{table}{end}{after}")).expect("a writable document");
    } else {
        assert!(found == table, "the table in docs/validation.md is stale: run `just docs`");
    }
}

#[test]
fn the_document_lists_every_rule() {
    let text = fs::read_to_string(programs::root().join("docs/validation.md")).expect("docs/validation.md");
    for rule in rules::ALL {
        let row = format!("| `{}` | {} | {} | ", rule.id, rule.strict.as_str(), rule.lenient.as_str());
        assert!(text.contains(&row), "docs/validation.md has no row that starts with {row}");
    }
}

#[test]
fn the_examples_of_the_manual_are_valid() {
    let text = fs::read_to_string(programs::root().join("docs/manifest.md")).expect("docs/manifest.md");
    let example = |file: &str| -> String {
        let section = text.split(&format!("\n## `{file}`\n")).nth(1).expect("a section");
        let block = section.split("```toml\n").nth(1).expect("an example");
        block.split("```").next().expect("its end").to_owned()
    };
    let (manifest, findings) = manifest::check(&example("skill.toml"));
    assert_eq!(findings, []);
    let manifest = manifest.expect("a manifest");
    assert!(manifest.license.is_some() && manifest.fork_of.is_some() && !manifest.eval_thresholds.is_empty());
    let project = Project::parse(&example("skills.toml")).expect("a project");
    assert!(project.skills.len() == 2 && project.agents.len() == 2);
    let lock = example("skills.lock");
    assert_eq!(Lock::parse(&lock).expect("a lock file").to_string(), lock);
}

#[test]
fn real_skills_are_judged_as_agreed() {
    let corpus = programs::root().join("../shared/corpus");
    if !corpus.is_dir() {
        return skip("there is no folder of real skills beside the repository");
    }
    let check = |skill: &str, level| judge(&corpus.join(skill), level);
    let (found, ok) = check("cisco/codeguard", Level::Strict);
    let warnings: Vec<_> = found.iter().filter(|f| f.starts_with("warning frontmatter.")).map(String::as_str).collect();
    assert!(ok, "{found:?}");
    assert_eq!(warnings, ["warning frontmatter.unknown-key"; 3]);
    let (found, ok) = check("anthropic/claude-api", Level::Strict);
    assert!(!ok && found.contains(&"error description.length".to_owned()), "{found:?}");
    let (found, ok) = check("anthropic/claude-api", Level::Lenient);
    assert!(ok && found.contains(&"warning description.length".to_owned()), "{found:?}");
    for skill in ["brand-guidelines", "frontend-design", "internal-comms", "theme-factory"] {
        assert!(check(&format!("anthropic/{skill}"), Level::Strict).1, "{skill}");
    }
}

/// Says why a test did nothing.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn skip(why: &str) {
    eprintln!("skipped: {why}");
}
