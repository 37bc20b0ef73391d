//! Which crate may use which, and what the pure one may not touch.

use crate::sources::{self, CRATES};

/// What each crate of ours may depend on (development dependencies too, but for `tests`, which stands on top of all).
const ALLOWED: &[(&str, &[&str])] = &[
    ("schema", &[]),
    ("bundle", &["skill-schema"]),
    ("engine", &["skill-schema", "skill-bundle"]),
    ("engine/worker", &["skill-engine"]),
    ("client", &["skill-schema", "skill-bundle", "skill-engine"]),
    ("registry", &["skill-schema", "skill-bundle", "skill-engine"]),
    ("tests", &["skill-schema", "skill-bundle", "skill-engine", "skill-client", "skill-registry"]),
];

/// Ways to the outside world: none of them may occur in `schema`.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::thread",
    "SystemTime",
    "Instant",
    "getrandom",
    "rand",
    "tokio",
    "reqwest",
    "sqlx",
    "println!",
    "eprintln!",
    "print!",
    "eprint!",
];

#[test]
fn crates_depend_only_downwards() {
    let names: Vec<_> = ALLOWED.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, CRATES);
    for (name, allowed) in ALLOWED {
        for (dependency, _) in declared(name) {
            let ours = dependency.starts_with("skill-");
            assert!(!ours || allowed.contains(&dependency.as_str()), "{name} must not depend on {dependency}");
        }
    }
}

#[test]
fn schema_is_pure() {
    let found: Vec<String> = sources::product()
        .iter()
        .filter(|source| source.path.starts_with("schema/"))
        .flat_map(|source| source.places(IMPURE))
        .collect();
    sources::none(&found, "schema does no IO and reads neither clock nor randomness");
}

/// The dependencies that a crate's manifest declares, for any platform: name, and which table it stands in.
pub fn declared(krate: &str) -> Vec<(String, String)> {
    let manifest: toml::Table = sources::read(&format!("{krate}/Cargo.toml")).parse().expect("a manifest");
    let platforms = manifest.get("target").and_then(toml::Value::as_table).into_iter().flat_map(toml::Table::values);
    let mut found = Vec::new();
    for place in platforms.filter_map(toml::Value::as_table).chain([&manifest]) {
        for table in ["dependencies", "dev-dependencies", "build-dependencies"] {
            if let Some(toml::Value::Table(dependencies)) = place.get(table) {
                found.extend(dependencies.keys().map(|name| (name.clone(), table.to_owned())));
            }
        }
    }
    found
}

#[test]
fn dependencies_of_single_platforms_count() {
    assert!(declared("engine/worker").iter().any(|(name, _)| name == "seccompiler"));
}
