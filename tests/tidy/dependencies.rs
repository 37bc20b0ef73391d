//! What the product is built from: only listed licences and sources (the lists are those of deny.toml, which cargo-deny reads
//! too), and nothing that is declared without being used.

use std::{collections::BTreeSet, process::Command};

use crate::{
    layers::declared,
    sources::{self, CRATES, none},
};

/// Declared without being named in code, each with its reason: (crate, dependency, reason).
const UNNAMED: &[(&str, &str, &str)] = &[("tests", "cc", "for its feature alone: tests/Cargo.toml says why")];

#[test]
fn every_declared_dependency_is_used() {
    let files = sources::files(".rs");
    let mut unused = Vec::new();
    for krate in CRATES {
        for (dependency, table) in declared(krate) {
            let ident = dependency.replace('-', "_");
            let used = files
                .iter()
                .filter(|file| sources::krate(&file.path) == Some(krate))
                .any(|file| file.text.lines().any(|line| sources::has_word(line, &ident)));
            if !used && !UNNAMED.iter().any(|(k, d, _)| k == krate && *d == dependency) {
                unused.push(format!("{krate}/Cargo.toml: {dependency} in [{table}]"));
            }
        }
    }
    none(&unused, "declared and never named");
}

#[test]
fn licences_and_sources_are_on_the_list() {
    let rules: toml::Table = sources::read("deny.toml").parse().expect("deny.toml");
    let texts = |table: &str, key: &str| -> BTreeSet<String> {
        let list = rules[table][key].as_array().expect("a list");
        list.iter().map(|v| v.as_str().or_else(|| v["name"].as_str()).expect("a name").to_owned()).collect()
    };
    let (allowed, banned) = (texts("licenses", "allow"), texts("bans", "deny"));
    let mut bad = Vec::new();
    for package in packages() {
        let (name, source) = (text(&package["name"]), text(&package["source"]));
        let licence = text(&package["license"]);
        if !source.is_empty() && !source.starts_with("registry+") {
            bad.push(format!("{name} comes from {source}"));
        }
        if banned.contains(&name) {
            bad.push(format!("{name} is banned in deny.toml"));
        }
        if !is_allowed(&licence, &allowed) {
            bad.push(format!("{name} has the licence {licence:?}"));
        }
    }
    none(&bad, "not as deny.toml asks");
}

/// All packages that the lock file names for any platform, ours included.
fn packages() -> Vec<serde_json::Value> {
    let output = Command::new("cargo")
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        .current_dir(sources::root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    metadata["packages"].as_array().expect("packages").clone()
}

fn text(value: &serde_json::Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Evaluates an SPDX expression (`OR`, `AND`, `WITH`, parentheses, and the old `/` for `OR`) against the allowed licences.
fn is_allowed(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let tokens: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    let value = any(&tokens, &mut at, allowed);
    value && at == tokens.len()
}

fn any(tokens: &[&str], at: &mut usize, allowed: &BTreeSet<String>) -> bool {
    let mut value = all(tokens, at, allowed);
    while tokens.get(*at) == Some(&"OR") {
        *at += 1;
        value |= all(tokens, at, allowed);
    }
    value
}

fn all(tokens: &[&str], at: &mut usize, allowed: &BTreeSet<String>) -> bool {
    let mut value = one(tokens, at, allowed);
    while tokens.get(*at) == Some(&"AND") {
        *at += 1;
        value &= one(tokens, at, allowed);
    }
    value
}

fn one(tokens: &[&str], at: &mut usize, allowed: &BTreeSet<String>) -> bool {
    let Some(token) = tokens.get(*at) else { return false };
    *at += 1;
    if *token == "(" {
        let value = any(tokens, at, allowed);
        *at += 1;
        return value;
    }
    let mut licence = (*token).to_owned();
    if tokens.get(*at) == Some(&"WITH") {
        licence = format!("{licence} WITH {}", tokens.get(*at + 1).unwrap_or(&""));
        *at += 2;
    }
    allowed.contains(&licence)
}

#[test]
fn licence_expressions_are_evaluated() {
    let allowed = BTreeSet::from(["MIT".to_owned(), "A WITH x".to_owned(), "Z".to_owned()]);
    for good in ["MIT", "GPL OR MIT", "GPL/MIT", "(GPL OR MIT) AND Z", "A WITH x OR GPL"] {
        assert!(is_allowed(good, &allowed), "{good}");
    }
    for bad in ["", "GPL", "MIT AND GPL", "(MIT OR Z) AND A", "MIT Z"] {
        assert!(!is_allowed(bad, &allowed), "{bad}");
    }
}
