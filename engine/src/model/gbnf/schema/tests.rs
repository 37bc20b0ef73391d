//! What schemas become, and which are refused. That llama.cpp reads these grammars, and that what it then generates satisfies the
//! schemas, is tested with the worker.

use serde_json::{Value, json};

use super::grammar;

/// The rules without the shared ones.
fn rules(schema: &Value) -> String {
    let text = grammar(schema).expect("a grammar");
    let own = text.lines().filter(|line| line.starts_with('r'));
    own.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_verdict_becomes_an_object_with_its_members_in_order() {
    let schema = json!({
        "type": "object",
        "properties": {"verdict": {"enum": ["pass", "fail"]}, "reason": {"type": "string", "maxLength": 200}},
        "required": ["reason", "verdict"],
        "additionalProperties": false,
    });
    assert_eq!(
        rules(&schema),
        "root ::= r4\n\
         r0 ::= \"\\\"\" char{0,200} \"\\\"\"\n\
         r1 ::= \"\\\"reason\\\":\" r0\n\
         r2 ::= \"\\\"pass\\\"\" | \"\\\"fail\\\"\"\n\
         r3 ::= \"\\\"verdict\\\":\" r2\n\
         r4 ::= \"{\" r1 \",\" r3 \"}\""
    );
}

#[test]
fn members_that_need_not_be_there_may_be_left_out() {
    let schema = json!({"properties": {"b": {"type": "null"}, "a": {"type": "boolean"}}});
    assert!(rules(&schema).ends_with("r2 ::= \"{\" (r0 (\",\" r1)? | r1)? \"}\""), "{}", rules(&schema));
}

#[test]
fn arrays_have_their_lengths() {
    let body = |extra: Value| {
        let mut schema = json!({"type": "array", "items": {"type": "null"}});
        schema.as_object_mut().expect("an object").extend(extra.as_object().expect("an object").clone());
        rules(&schema).lines().last().expect("a rule").to_owned()
    };
    let null = "\"null\"";
    assert_eq!(body(json!({})), format!("r0 ::= \"[\" ({null} (\",\" {null}){{0,}})? \"]\""));
    assert_eq!(body(json!({"minItems": 2, "maxItems": 3})), format!("r0 ::= \"[\" {null} (\",\" {null}){{1,2}} \"]\""));
    assert_eq!(body(json!({"maxItems": 0})), "r0 ::= \"[\"  \"]\"");
}

#[test]
fn a_definition_may_refer_to_itself() {
    let schema = json!({
        "$ref": "#/$defs/tree",
        "$defs": {"tree": {"type": "array", "items": {"$ref": "#/$defs/tree"}}},
    });
    assert_eq!(rules(&schema), "root ::= r0\nr0 ::= r1\nr1 ::= \"[\" (r0 (\",\" r0){0,})? \"]\"");
}

#[test]
fn bounds_of_integers_are_written_out() {
    assert_eq!(
        rules(&json!({"type": "integer", "minimum": 0, "maximum": 2})),
        "root ::= r0\nr0 ::= \"0\" | \"1\" | \"2\""
    );
    let wide = |most: i64| grammar(&json!({"type": "integer", "minimum": 1, "maximum": most}));
    assert!(wide(1000).is_ok());
    assert!(wide(1001).is_err());
}

#[test]
fn what_cannot_be_expressed_is_refused() {
    let mut deep = json!({"type": "null"});
    for _ in 0..40 {
        deep = json!({"type": "array", "items": deep});
    }
    let refused = [
        json!(false),
        json!(3),
        json!({"type": "string", "pattern": "^a"}),
        json!({"type": "string", "format": "date"}),
        json!({"type": "number", "minimum": 0}),
        json!({"type": "integer", "minimum": 0}),
        json!({"type": "integer", "minimum": 2, "maximum": 1}),
        json!({"type": "integer", "minimum": i64::MIN, "maximum": i64::MAX}),
        json!({"type": "object"}),
        json!({"properties": {"a": {}}, "required": ["b"]}),
        json!({"properties": {"a": {}}, "required": [1]}),
        json!({"allOf": [{"type": "null"}]}),
        json!({"not": {}}),
        json!({"anyOf": []}),
        json!({"enum": []}),
        json!({"enum": [1], "type": "string"}),
        json!({"const": 1, "type": "string"}),
        json!({"type": ["string", "object"]}),
        json!({"type": []}),
        json!({"type": "text"}),
        json!({"$ref": "https://example.com/schema"}),
        json!({"$ref": "#/nowhere"}),
        json!({"$ref": "#/a", "a": {}}),
        json!({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}),
        json!({"type": "array", "items": {"type": "null"}, "uniqueItems": true}),
        json!({"type": "array", "items": {"type": "null"}, "minItems": 2, "maxItems": 1}),
        json!({"type": "string", "maxLength": 1001}),
        json!({"type": "string", "maxLength": -1}),
        deep,
    ];
    for schema in refused {
        assert!(grammar(&schema).is_err(), "{schema}");
    }
}
