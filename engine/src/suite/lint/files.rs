//! Rules about files that cases name: they exist, lie in the suite, and are what the case says.

use serde_json::Value;
use skill_bundle::archive::path;
use skill_schema::{Fault, Limits, codes};

use super::{Linter, Step, rules};
use crate::suite::{Case, Folder, Task, folder::EVALS};

/// Members of checks that name files of the suite.
const NAMING: &[&str] = &["run", "expected", "files", "needs"];

pub(super) fn check(linter: &mut Linter<'_>) {
    let grader = &linter.suite().settings.grader.prompt;
    if !grader.starts_with("builtin:") {
        let steps = [Step::Key("suite"), Step::Key("grader"), Step::Key("prompt")];
        if let Some((rule, message)) = judge(&linter.opened.folder, grader) {
            linter.report(rule, &steps, message, "name a file under evals/, or `builtin:grader@1`");
        }
    }
    for (n, case) in linter.suite().cases.iter().enumerate() {
        inputs(linter, n, case);
        let Task::Prompt { checks, .. } = &case.task else { continue };
        for (at, check) in checks.iter().enumerate() {
            for file in named(&Value::Object(check.params.clone())) {
                if let Some((rule, message)) = judge(&linter.opened.folder, &file) {
                    let message = format!("the check `{}`: {message}", check.id);
                    linter.report_case(rule, n, &[Step::Key("checks"), Step::Item(at)], message, "");
                }
            }
        }
    }
}

/// Input files of a case.
fn inputs(linter: &mut Linter<'_>, n: usize, case: &Case) {
    let Some(Value::Array(files)) = case.raw.get("files") else { return };
    for (at, file) in files.iter().enumerate() {
        let Some(path) = file.as_str().or_else(|| file.get("path")?.as_str()) else { continue };
        let steps = [Step::Key("files"), Step::Item(at)];
        if let Some((rule, message)) = judge(&linter.opened.folder, path) {
            linter.report_case(rule, n, &steps, message, "paths count from the folder that holds evals/");
            continue;
        }
        let Some(said) = file.get("sha256") else { continue };
        let is = linter.opened.folder.digest(path);
        if is.as_ref().is_ok_and(|digest| said.as_str() != Some(digest.to_string().as_str())) {
            let message = format!("`{path}` has another SHA-256 than the case says");
            linter.report_case(rules::FILE_DIGEST, n, &steps, message, "leave `sha256` out, or correct it");
        }
    }
}

/// What is wrong with a path of a suite, if anything is.
fn judge(folder: &Folder, path: &str) -> Option<(&'static skill_schema::lint::Rule, String)> {
    let refused = |fault: &Fault| format!("`{path}`: {}", fault.code.title);
    if let Err(fault) = path::check(path.trim_end_matches('/').as_bytes(), &Limits::V1) {
        return Some((rules::PATH, refused(&fault)));
    }
    if path.split('/').next() != Some(EVALS) {
        return Some((rules::OUTSIDE, format!("`{path}` lies outside of {EVALS}/")));
    }
    match folder.digest(path.trim_end_matches('/')) {
        Ok(_) => None,
        Err(fault) if fault.code == codes::SPECIAL_FILE && folder.holds(path.trim_end_matches('/')) => None,
        Err(fault) if fault.code == codes::NO_PATH => Some((rules::MISSING_FILE, format!("there is no file `{path}`"))),
        Err(fault) => Some((rules::PATH, refused(&fault))),
    }
}

/// The files of the suite that a check names: words that begin with `evals/` in the members that name files.
fn named(value: &Value) -> Vec<String> {
    fn collect(value: &Value, naming: bool, found: &mut Vec<String>) {
        match value {
            Value::String(text) if naming => {
                let words = text.split_whitespace().filter(|word| word.starts_with("evals/"));
                found.extend(words.map(str::to_owned));
            }
            Value::Array(items) => items.iter().for_each(|item| collect(item, naming, found)),
            Value::Object(map) => {
                map.iter().for_each(|(key, value)| collect(value, NAMING.contains(&key.as_str()), found));
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    collect(value, false, &mut found);
    found
}
