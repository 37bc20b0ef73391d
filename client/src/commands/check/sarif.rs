//! SARIF 2.1.0: the format in which code scanning takes findings.

use serde_json::{Value, json};
use skill_schema::lint::{Finding, rules};

use super::Checked;

/// The log of one run over all skills.
pub(super) fn log(all: &[Checked]) -> String {
    let results: Vec<Value> =
        all.iter().flat_map(|checked| checked.report.findings.iter().map(|f| result(checked, f))).collect();
    let mut ids: Vec<&str> =
        all.iter().flat_map(|checked| &checked.report.findings).map(|finding| finding.rule).collect();
    ids.sort_unstable();
    ids.dedup();
    let rules: Vec<Value> = ids.into_iter().map(rule).collect();
    let driver = json!({ "name": "skill", "version": env!("CARGO_PKG_VERSION"), "rules": rules });
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{ "tool": { "driver": driver }, "columnKind": "unicodeCodePoints", "results": results }],
    })
    .to_string()
}

fn rule(id: &str) -> Value {
    match rules::ALL.iter().find(|rule| rule.id == id) {
        Some(rule) => json!({ "id": id, "shortDescription": { "text": rule.title } }),
        None => json!({ "id": id }),
    }
}

fn result(checked: &Checked, finding: &Finding) -> Value {
    let help = finding.help.as_deref().map(|help| format!("\n{help}")).unwrap_or_default();
    let mut text = format!("{}{help}", finding.message);
    let file = match &finding.file {
        Some(file) if !checked.packed => checked.place_of(file),
        Some(file) => {
            // An address inside of an archive would lead nowhere.
            text = format!("{file}: {text}");
            checked.path.display().to_string()
        }
        None => checked.path.display().to_string(),
    };
    let mut location = json!({ "artifactLocation": { "uri": uri(&file) } });
    if let Some(line) = finding.line.filter(|_| !checked.packed) {
        let start = finding.column.unwrap_or(1);
        let end = start + finding.len.unwrap_or(1);
        location["region"] = json!({ "startLine": line, "startColumn": start, "endColumn": end });
    }
    json!({
        "ruleId": finding.rule,
        "level": finding.severity.as_str(),
        "message": { "text": text },
        "locations": [{ "physicalLocation": location }],
    })
}

/// A path as a relative reference.
fn uri(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            use std::fmt::Write;
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::check::tests::{check, skill};

    #[test]
    fn a_result_has_its_rule_level_and_region() {
        let (_home, folder) = skill("---\nname: notes\ndescription: Notes.\npurpose: x\n---\n");
        let log: Value = serde_json::from_str(&log(&[check(&folder, false)])).expect("JSON");
        let run = &log["runs"][0];
        let result = &run["results"][0];
        assert_eq!((&result["ruleId"], &result["level"]), (&"frontmatter.unknown-key".into(), &"warning".into()));
        let place = &result["locations"][0]["physicalLocation"];
        assert!(place["artifactLocation"]["uri"].as_str().is_some_and(|uri| uri.ends_with("notes/SKILL.md")));
        assert_eq!(place["region"], json!({ "startLine": 4, "startColumn": 1, "endColumn": 8 }));
        assert_eq!(run["tool"]["driver"]["rules"][0]["id"], "frontmatter.unknown-key");
        assert_eq!(uri("a b/é:c"), "a%20b/%C3%A9%3Ac");
    }
}
