//! Error codes, explained.

use skill_schema::codes;
use skill_tests::{Person, programs};

#[test]
fn every_code_is_explained() {
    let nina = Person::alone("nina");
    for code in codes::all().iter().step_by(7) {
        nina.skill(&["explain", code.id]).ok().says(code.id);
    }
    nina.skill(&["explain", "E_NONSENSE"]).refused(3, "E_CODE_UNKNOWN");
    let listed = nina.skill(&["explain", "--list"]).ok();
    assert!(codes::all().iter().all(|code| listed.stdout.contains(code.id)));
}

#[test]
fn every_rule_is_explained() {
    let listed = Person::alone("nina").skill(&["explain", "--list"]).ok().stdout;
    let folders = ["bundle/src", "schema/src"];
    let mut missing = std::collections::BTreeSet::new();
    let mut found = 0;
    for path in folders.iter().flat_map(|folder| rust_files(&programs::root().join(folder))) {
        let text = std::fs::read_to_string(&path).expect("a source");
        let code = text.split("#[cfg(test)]").next().expect("a text");
        for word in code.split('"').skip(1).step_by(2).filter(|word| is_rule(word)) {
            found += 1;
            if !listed.lines().any(|line| line.split('\t').next() == Some(word)) {
                missing.insert(word.to_owned());
            }
        }
    }
    assert!(found > 50, "{found} rules found in the sources");
    assert!(missing.is_empty(), "skill explain does not know {missing:?}");
}

/// Whether a literal has the form of a rule's id, in one of the areas that report findings.
fn is_rule(word: &str) -> bool {
    let areas = [
        "archive",
        "content",
        "manifest",
        "project",
        "lock",
        "skill",
        "frontmatter",
        "name",
        "description",
        "link",
        "file",
    ];
    word.split_once('.').is_some_and(|(area, rule)| {
        areas.contains(&area)
            && rule.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
            && !matches!(rule, "toml" | "lock" | "md" | "rs")
    })
}

fn rust_files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    files
}
