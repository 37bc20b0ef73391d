//! Documents that are written from the sources, and words of the documents that the sources must know.

use std::{collections::BTreeSet, fmt::Write as _};

use skill_schema::codes;

use crate::sources;

/// Rewrites a generated document when asked to (`UPDATE_DOCS=1`), and otherwise compares.
fn same_as_generated(path: &str, text: &str) {
    let file = sources::root().join(path);
    #[expect(clippy::disallowed_methods, reason = "a switch of the test run, not of the product")]
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&file, text).expect("a writable document");
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(found == text, "{path} is stale: run `just docs`");
}

#[test]
fn every_code_is_documented() {
    let mut text = String::from(
        "# Error codes\n\nEvery error has a stable code. `skill explain CODE` prints what stands here. With `--json` the code is in \
         `error.code`; the\nregistry sends it in `code` of its problem body, with the HTTP status given here. Written from \
         `schema/src/codes/` by `just docs`.\n",
    );
    for code in codes::all() {
        let exit = code.exit as u8;
        let (id, title) = (code.id, upper(code.title));
        let _ = writeln!(text, "\n## {id}\n\n{title}. Exit {exit}, HTTP {}.\n\n{}", code.status, code.explain);
        if !code.help.is_empty() {
            let _ = writeln!(text, "\n*What to do*: {}.", code.help);
        }
    }
    same_as_generated("docs/errors.md", &text);
}

#[test]
fn every_route_is_in_the_api_reference() {
    let reference = sources::read("docs/API.md");
    let mut missing = Vec::new();
    for file in sources::files(".rs").iter().filter(|file| file.path.starts_with("schema/src/api/")) {
        for (_, line) in file.code() {
            if line.contains("ROUTE: &str = ") {
                let route = line.split('"').nth(1).expect("a literal");
                if !reference.contains(&format!("{route}`")) {
                    missing.push(format!("{route} ({})", file.path));
                }
            }
        }
    }
    sources::none(&missing, "routes that docs/API.md does not name");
}

#[test]
fn every_invariant_names_what_holds_it() {
    let text = sources::read("docs/ARCHITECTURE.md");
    let section =
        text.split("\n## Invariants").nth(1).expect("a section Invariants").split("\n## ").next().expect("text");
    let rows: Vec<&str> =
        section.lines().filter(|line| line.starts_with("| ") && line.as_bytes()[2].is_ascii_digit()).collect();
    assert!(rows.len() >= 9, "nine invariants at least");
    last_columns_name_tests(&rows);
}

#[test]
fn every_threat_and_bad_input_names_what_shows_it() {
    let text = sources::read("docs/TRUST.md");
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| ") && line.contains("::")).collect();
    assert!(rows.len() >= 30, "threats and bad inputs: {}", rows.len());
    last_columns_name_tests(&rows);
}

/// Every `module::function` in the last column of a table's rows is the name of a test.
fn last_columns_name_tests(rows: &[&str]) {
    let known: String = sources::files(".rs").into_iter().map(|file| file.text).collect();
    for row in rows {
        let holder = row.trim_end_matches('|').rsplit('|').next().expect("a last column");
        for name in holder.split('`').skip(1).step_by(2).filter(|name| name.contains("::")) {
            let function = name.rsplit("::").next().expect("a name");
            assert!(known.contains(&format!("fn {function}(")), "no test is called {name}: {row}");
        }
    }
}

#[test]
fn links_between_documents_lead_somewhere() {
    let mut broken = Vec::new();
    for file in sources::files(".md").iter().filter(|file| !file.path.contains("/templates/")) {
        let folder = std::path::Path::new(&file.path).parent().expect("a folder").to_owned();
        for target in file.text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = target.split('#').next().expect("a path");
            let is_ours = !path.is_empty() && !path.contains("://") && !path.starts_with("mailto:");
            if is_ours && !sources::root().join(&folder).join(path).exists() {
                broken.push(format!("{}: {target}", file.path));
            }
        }
    }
    sources::none(&broken, "links that lead nowhere");
}

fn upper(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// Names of what commands print with `--json`, as they stand in the client: `skill.check/1`.
fn printed() -> BTreeSet<String> {
    let is_name = |text: &str| {
        let (name, version) = text.split_once('/').unwrap_or_default();
        let part = |c: char| c.is_ascii_lowercase() || c == '.';
        name.starts_with("skill.") && name.chars().all(part) && version.parse::<u32>().is_ok()
    };
    let client = sources::product().into_iter().filter(|source| source.path.starts_with("client/src/"));
    let texts = client.flat_map(|source| {
        let lines = source.code().map(|(_, line)| line.to_owned()).collect::<Vec<_>>();
        lines.into_iter().flat_map(|line| line.split('"').map(str::to_owned).collect::<Vec<_>>())
    });
    texts.filter(|text| is_name(text)).collect()
}

#[test]
fn every_output_has_a_schema_and_every_schema_an_output() {
    let documents = sources::read("client/src/commands/schema/documents.json");
    let documents: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&documents).expect("JSON");
    let described: BTreeSet<String> = documents.keys().filter(|name| name.starts_with("skill.")).cloned().collect();
    let printed = printed();
    assert!(printed.len() > 50, "they are found: {printed:?}");
    let without: Vec<String> = printed.difference(&described).cloned().collect();
    sources::none(&without, "an output without a schema in client/src/commands/schema/documents.json");
    let unused: Vec<String> = described.difference(&printed).cloned().collect();
    sources::none(&unused, "a schema of nothing that a command prints");
}
