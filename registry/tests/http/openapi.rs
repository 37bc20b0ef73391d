//! The API document against the router and against the contracts.

use serde_json::Value;
use skill_schema::api::{blob, deprecate, index, info, owner, publish, scope, search, token, well_known, whoami, yank};

use crate::{client::send, world::World};

#[test]
fn every_documented_operation_is_routed() {
    let world = World::new();
    let document = world.get("/api/skill/v1/openapi.json").json();
    let mut operations = 0;
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let path = path.replace(['{', '}'], "");
            let reply = send(world.at, &method.to_uppercase(), &path, &[], b"");
            assert_ne!(reply.status, 405, "{method} {path}");
            assert!(!reply.text().contains("no such address"), "{method} {path}");
            assert!(operation["operationId"].is_string() && operation["summary"].is_string());
            operations += 1;
        }
    }
    assert_eq!(operations, skill_registry::routes::endpoints().len());
}

#[test]
fn every_contract_is_documented() {
    let world = World::new();
    let document = world.get("/api/skill/v1/openapi.json").json();
    for (method, path) in [
        ("get", blob::ROUTE),
        ("put", deprecate::ROUTE),
        ("get", index::ROUTE),
        ("get", index::CHAIN_ROUTE),
        ("get", info::ROUTE),
        ("get", owner::ROUTE),
        ("put", owner::USER_ROUTE),
        ("delete", owner::USER_ROUTE),
        ("put", publish::ROUTE),
        ("put", scope::ROUTE),
        ("get", search::ROUTE),
        ("get", token::ROUTE),
        ("post", token::ROUTE),
        ("delete", token::ID_ROUTE),
        ("get", well_known::ROUTE),
        ("get", whoami::ROUTE),
        ("put", yank::ROUTE),
    ] {
        assert!(document["paths"][path][method].is_object(), "{method} {path}");
    }
}

#[test]
fn every_schema_that_is_named_exists() {
    let world = World::new();
    let document = world.get("/api/skill/v1/openapi.json").json();
    let mut names = Vec::new();
    references(&document, &mut names);
    assert!(names.len() > 10);
    for name in names {
        let pointer = name.strip_prefix('#').expect("a local reference");
        assert!(document.pointer(pointer).is_some(), "{name}");
    }
}

fn references(value: &Value, names: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            names.extend(map.get("$ref").and_then(Value::as_str).map(str::to_owned));
            map.values().for_each(|value| references(value, names));
        }
        Value::Array(list) => list.iter().for_each(|value| references(value, names)),
        _ => {}
    }
}
