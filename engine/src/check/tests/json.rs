//! Checks of JSON.

use serde_json::{Value, json};

use super::{Bed, refused};

#[test]
fn json_is_valid_or_it_is_not() {
    Bed::new(" {\"a\": [1, 2]}\n").table(&[(json!({"kind": "json_valid"}), 1)]);
    Bed::new("{\"a\": }").table(&[(json!({"kind": "json_valid"}), 0)]);
    let fenced = Bed::new("Here:\n```json\n{\"a\": 1}\n```");
    fenced.table(&[(json!({"kind": "json_valid"}), 0), (json!({"kind": "json_valid", "part": "fenced"}), 1)]);
    Bed::new(&"[".repeat(200_000)).table(&[(json!({"kind": "json_valid"}), 0)]);
}

fn schema(schema: &Value) -> Value {
    json!({"kind": "json_schema", "schema": schema})
}

#[test]
fn a_schema_is_satisfied_or_it_is_not() {
    let person = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "required": ["name"],
        "properties": {"name": {"$ref": "#/$defs/name"}, "age": {"type": "integer", "minimum": 0}},
        "additionalProperties": false,
        "$defs": {"name": {"type": "string", "pattern": "^[A-Z]"}},
    });
    Bed::new("{\"name\": \"Ada\", \"age\": 36}").table(&[(schema(&person), 1)]);
    for bad in
        ["{\"name\": \"ada\"}", "{}", "{\"name\": \"Ada\", \"age\": -1}", "{\"name\": \"Ada\", \"x\": 1}", "no JSON"]
    {
        Bed::new(bad).table(&[(schema(&person), 0)]);
    }
    Bed::new("no JSON").table(&[(json!({"kind": "not", "check": schema(&person)}), 0)]);
    Bed::new("[1, \"a\"]").table(&[(schema(&json!({"prefixItems": [{"type": "integer"}, {"type": "string"}]})), 1)]);
}

#[test]
fn schemas_that_lead_elsewhere_or_nowhere_are_refused() {
    let bad = [
        json!({"$ref": "https://example.com/schema.json"}),
        json!({"$ref": "other.json#/x"}),
        json!({"$ref": "file:///etc/passwd"}),
        json!({"$ref": "#"}),
        json!({"$ref": "#/$defs/gone"}),
        json!({"$id": "https://example.com/", "$ref": "#/a"}),
        json!({"$dynamicRef": "#node"}),
        json!({"$schema": "http://json-schema.org/draft-07/schema#"}),
        json!({"allOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/a"}]}}}),
        json!({"type": "elephant"}),
        json!({"pattern": "(?=x)y"}),
        json!("object"),
    ];
    refused(&bad.map(|bad| (schema(&bad), "E_CHECK_SCHEMA")));
    refused(&[(json!({"kind": "json_schema"}), "E_CHECK_PARAM")]);
}

#[test]
fn a_schema_that_doubles_at_each_step_is_refused() {
    let doubling = |steps: usize| {
        let mut defs = serde_json::Map::new();
        defs.insert("d0".to_owned(), json!({"type": "integer"}));
        for step in 1..=steps {
            let inner = json!({"$ref": format!("#/$defs/d{}", step - 1)});
            defs.insert(format!("d{step}"), json!({"allOf": [inner.clone(), inner]}));
        }
        schema(&json!({"$ref": format!("#/$defs/d{steps}"), "$defs": defs}))
    };
    refused(&[(doubling(40), "E_CHECK_SCHEMA")]);
    Bed::new("1").table(&[(doubling(3), 1)]);
}

#[test]
fn paths_find_nodes() {
    let path = |path: &str, key: &str, value: Value| json!({"kind": "json_path", "path": path, key: value});
    Bed::new(r#"{"a": [{"b": 1, "n": null}, {"b": 2.0}], "c": {"b": "x, y"}}"#).table(&[
        (json!({"kind": "json_path", "path": "$.a"}), 1),
        (json!({"kind": "json_path", "path": "$.z"}), 0),
        (path("$.z", "exists", json!(false)), 1),
        (path("$.a", "exists", json!(false)), 0),
        (path("$.a[1].b", "equals", json!(2)), 1),
        (path("$.a[1].b", "equals", json!("2")), 0),
        (path("$.a[0].n", "equals", json!(null)), 1),
        (path("$.a[9].n", "equals", json!(null)), 0),
        (path("$..b", "count", json!(3)), 1),
        (path("$.a[?@.b > 1]", "count", json!(1)), 1),
        (path("$.a[*].b", "equals", json!(1)), 0),
        (path("$.c[\"b\"]", "equals", json!("x, y")), 1),
    ]);
    Bed::new("none").table(&[(path("$.z", "exists", json!(false)), 0)]);
}

#[test]
fn paths_whose_cost_can_explode_are_refused() {
    let path = |path: &str| json!({"kind": "json_path", "path": path});
    refused(&[
        (path("a.b"), "E_CHECK_PATH"),
        (path("$["), "E_CHECK_PATH"),
        (path("$..a..b"), "E_CHECK_PATH"),
        (path("$[?count($..*) > 1]"), "E_CHECK_PATH"),
        (path(&"[*,*]".repeat(5).replacen('[', "$[", 1)), "E_CHECK_PATH"),
        (path("$[?match(@.a, 'x')]"), "E_CHECK_PATH"),
        (path(&format!("$.{}", "a".repeat(500))), "E_CHECK_PATH"),
        (json!({"kind": "json_path", "path": "$", "exists": true, "count": 1}), "E_CHECK_PARAM"),
        (json!({"kind": "json_path", "path": "$", "count": null}), "E_CHECK_PARAM"),
    ]);
    assert!(super::parse(&super::of(&path("$['a,b,c,d,e,f,..$']"))).is_ok());
}
