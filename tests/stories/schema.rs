//! JSON Schemas of what commands print.

use serde_json::Value;
use skill_tests::{Person, World};

/// Everything that is wrong with a value, by the keywords of JSON Schema that ours use.
fn problems(value: &Value, schema: &Value, root: &Value, at: &str, found: &mut Vec<String>) {
    if let Some(target) = schema["$ref"].as_str() {
        let name = target.strip_prefix("#/$defs/").expect("a local reference");
        return problems(value, &root["$defs"][name], root, at, found);
    }
    for key in ["anyOf", "oneOf"] {
        if let Some(options) = schema[key].as_array() {
            let fits = |option: &Value| {
                let mut inner = Vec::new();
                problems(value, option, root, at, &mut inner);
                inner.is_empty()
            };
            if !options.iter().any(fits) {
                found.push(format!("{at}: {value} fits no option"));
            }
            return;
        }
    }
    if schema.get("const").is_some_and(|only| only != value) {
        found.push(format!("{at}: {value} is not {}", schema["const"]));
    }
    if schema["enum"].as_array().is_some_and(|all| !all.contains(value)) {
        found.push(format!("{at}: {value} is none of {}", schema["enum"]));
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let allowed = match &schema["type"] {
        Value::String(one) => vec![one.as_str()],
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        _ => vec![kind],
    };
    if !allowed.contains(&kind) {
        found.push(format!("{at}: {value} is not of type {allowed:?}"));
    }
    if let (Some(items), Some(values)) = (schema.get("items"), value.as_array()) {
        for (n, value) in values.iter().enumerate() {
            problems(value, items, root, &format!("{at}[{n}]"), found);
        }
    }
    let Some(members) = value.as_object() else { return };
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !members.contains_key(name) {
            found.push(format!("{at}: {name} is missing"));
        }
    }
    for (name, value) in members {
        match schema["properties"].get(name) {
            Some(inner) => problems(value, inner, root, &format!("{at}.{name}"), found),
            None if schema["additionalProperties"] == false => found.push(format!("{at}: {name} is not described")),
            None => {}
        }
    }
}

/// Fails unless an output is what its schema says.
#[track_caller]
fn fits(person: &Person, output: &Value) {
    let name = output["schema"].as_str().expect("a schema");
    let schema = person.skill(&["schema", name]).ok().json();
    let mut found = Vec::new();
    problems(output, &schema, &schema, name, &mut found);
    assert!(found.is_empty(), "{found:#?}\n{output}");
}

#[test]
fn outputs_are_what_their_schemas_say() {
    let world = World::start();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let skill = ada.publishes("notes", "1.0.0");
    let project = rob.project("site");
    for line in [
        "search notes",
        "search noets",
        "info ada/notes",
        "info ada/notes --files",
        "info ada/note",
        "diff ada/notes ada/notes",
        "lineage ada/notes",
        "fork ada/notes forked --as rob",
        "pull-upstream forked",
        "init --dry-run",
        "add ada/notes",
        "install",
        "sync",
        "update",
        "list",
        "status",
        "outdated",
        "tree",
        "why ada/notes",
        "verify",
        "lock",
        "remove ada/notes -y",
        "new x/draft",
        "check draft",
        "pack draft --dry-run",
        "suite new draft",
        "suite check draft",
        "suite split draft",
        "suite pack draft --dry-run",
        "suite import draft/evals/evals.json --into draft --dry-run",
        "-C draft version minor --dry-run",
        "diff path:draft ada/notes",
        "version",
        "explain E_DIGEST",
        "explain name.format",
        "explain --list",
        "explain E_NONSENSE",
        "help",
        "help key",
        "help files",
        "man --dir man --dry-run",
    ] {
        let mut words: Vec<&str> = line.split(' ').collect();
        words.push("--json");
        fits(&rob, &project.skill(&words).json());
    }
    fits(&rob, &rob.skill(&["check", &skill.path(), "--json"]).json());
    project.write("bad/SKILL.md", "---\nname: other\n---\n");
    let checked = project.skill(&["check", "bad", "--json"]);
    fits(&rob, &checked.json());
}

#[test]
fn a_schema_that_does_not_fit_is_noticed() {
    let schema = serde_json::json!({ "type": "object", "properties": { "a": { "type": "integer" } }, "required": ["a"], "additionalProperties": false });
    for (value, count) in [(r#"{"a":1}"#, 0), (r#"{"a":"1"}"#, 1), (r#"{"b":1}"#, 2), ("[]", 1)] {
        let mut found = Vec::new();
        problems(&serde_json::from_str(value).expect("JSON"), &schema, &schema, "", &mut found);
        assert_eq!(found.len(), count, "{found:?}");
    }
}
