//! The OpenAPI document, made from what each endpoint says of itself: it cannot miss a route.

use std::collections::BTreeMap;

use skill_schema::problem;
use utoipa::openapi::{
    ComponentsBuilder, Content, ContentBuilder, Info, OpenApi, OpenApiBuilder, Paths, Ref, RefOr, Required,
    ResponseBuilder, Schema,
    path::{Operation, OperationBuilder, ParameterBuilder, ParameterIn},
    request_body::{RequestBody, RequestBodyBuilder},
    schema::{ObjectBuilder, Type},
    security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
};

use crate::routes::{self, Access, Answer, Endpoint, Request};

/// Name of the security scheme.
const TOKEN: &str = "token";
/// The bodies, as JSON Schema.
const SCHEMAS: &str = include_str!("openapi/schemas.json");

/// The document.
pub fn document() -> OpenApi {
    let mut paths = Paths::new();
    for endpoint in routes::endpoints() {
        let operation = operation(&endpoint);
        paths.add_path_operation(endpoint.path, vec![endpoint.method], operation);
    }
    // The file is part of the program, and a test reads it.
    let schemas: BTreeMap<String, RefOr<Schema>> = serde_json::from_str(SCHEMAS).unwrap_or_default();
    let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("skl_…").build();
    let components = ComponentsBuilder::new()
        .schemas_from_iter(schemas)
        .security_scheme(TOKEN, SecurityScheme::Http(scheme))
        .build();
    OpenApiBuilder::new()
        .info(Info::new("Skill registry", env!("CARGO_PKG_VERSION")))
        .paths(paths)
        .components(Some(components))
        .build()
}

fn operation(endpoint: &Endpoint) -> Operation {
    let mut operation = OperationBuilder::new()
        .operation_id(Some(endpoint.id))
        .summary(Some(endpoint.summary))
        .description(Some(access(endpoint.access)))
        .request_body(request(endpoint.request));
    for name in endpoint.path.split('{').skip(1).filter_map(|rest| rest.split('}').next()) {
        operation = operation.parameter(
            ParameterBuilder::new()
                .name(name)
                .parameter_in(ParameterIn::Path)
                .required(Required::True)
                .schema(Some(text())),
        );
    }
    for (name, description) in endpoint.query {
        operation = operation.parameter(
            ParameterBuilder::new()
                .name(*name)
                .parameter_in(ParameterIn::Query)
                .required(Required::False)
                .description(Some(*description))
                .schema(Some(text())),
        );
    }
    for (status, description, answer) in endpoint.answers {
        let response = ResponseBuilder::new().description(*description);
        let response = match answer {
            Answer::Nothing => response,
            Answer::Json(name) => response.content("application/json", named(name)),
            Answer::Bytes(media) => response.content(*media, Content::new(Some(text()))),
        };
        operation = operation.response(status.to_string(), response.build());
    }
    let problem = ResponseBuilder::new().description("a problem").content(problem::MEDIA_TYPE, named("Problem"));
    let operation = operation.response("default", problem.build());
    match endpoint.access {
        Access::Anybody => operation.build(),
        Access::Readers => operation
            .security(SecurityRequirement::default())
            .security(SecurityRequirement::new(TOKEN, [""; 0]))
            .build(),
        Access::AnyToken | Access::Permission(_) => {
            operation.security(SecurityRequirement::new(TOKEN, [""; 0])).build()
        }
    }
}

fn access(access: Access) -> String {
    match access {
        Access::Anybody => "For everybody.".to_owned(),
        Access::Readers => "For everybody, or with `read:private` where reading needs a token.".to_owned(),
        Access::AnyToken => "Needs a valid token.".to_owned(),
        Access::Permission(name) => format!("Needs a token with {name} whose pattern covers what it is about."),
    }
}

fn request(request: Request) -> Option<RequestBody> {
    let body = RequestBodyBuilder::new().required(Some(Required::True));
    match request {
        Request::Nothing => None,
        Request::Json(name) => Some(body.content("application/json", named(name)).build()),
        Request::Statement => Some(body.content("application/json", named("Envelope")).build()),
        Request::Form(name) => Some(body.content("multipart/form-data", named(name)).build()),
    }
}

fn text() -> Schema {
    Schema::Object(ObjectBuilder::new().schema_type(Type::String).build())
}

fn named(name: &str) -> Content {
    ContentBuilder::new().schema(Some(RefOr::Ref(Ref::from_schema_name(name)))).build()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use skill_schema::{
        Digest,
        api::{
            deprecate, eval, info, job, lineage, owner, proposal, publish, quarantine, scope, search, suite, token,
            well_known, whoami, worker, yank,
        },
        problem::Problem,
    };

    use super::*;

    fn value(sample: impl serde::Serialize) -> Value {
        serde_json::to_value(sample).unwrap()
    }

    /// A sample as the contract reads and writes it.
    fn same<T: serde::de::DeserializeOwned + serde::Serialize>(sample: Value) -> Value {
        value(serde_json::from_value::<T>(sample).unwrap())
    }

    /// A value of each contract, with nothing left out.
    fn samples() -> Vec<(&'static str, Value)> {
        let time = "2026-11-23T05:00:00Z";
        let hex = Digest::ZERO.to_string();
        let token = json!({"id": "t", "name": "n", "permissions": ["yank"], "pattern": "*", "created": time,
            "expires": time, "last_used": time, "revoked": time});
        let score = json!({"key": hex, "n": 1, "k": 1, "mean": 1, "lo": 1, "hi": 1, "uplift": 1, "trust": "claimed"});
        let suite_info = json!({"suite": hex, "id": "acme/b", "version": "1.0.0", "train": hex, "holdout": hex,
            "cases": {"holdout": 1, "train": 1}, "state": "open", "archive": hex});
        let attempt = json!({"attempt": hex, "log": 1, "proof": null, "failed": 1, "recorded": {"sum": 1, "runs": 1}, "policy": "strict"});
        let attempts = json!({"attempts": [{"attempt": hex, "log": 1, "version": "1.0.0", "tree": hex, "parent": hex, "suite": hex,
            "scoreKey": hex, "model": "m", "created": time, "failed": 1, "verdict": "reject", "record": hex, "delta": 1}]});
        let job = json!({"attempt": hex, "state": "queued", "tries": 1, "verdict": "reject", "record": hex,
            "results": [{"stmt": hex, "log": 1, "kind": "result", "key": "k", "user": "u", "record": hex}]});
        let lease = json!({"lease": hex, "until": time, "attempt": hex, "nonce": "n", "skill": "acme/b", "version": "1.0.0", "tree": hex,
            "parent": hex, "suite": hex, "holdout": hex, "hasSuite": true, "record": hex});
        let terms = json!({"strict": true, "failed": 1, "recorded": {"sum": 1, "runs": 1}, "maintenance": true});
        let version = json!({"version": "1.0.0", "status": "ok", "note": "n", "published": time, "publisher": "p",
            "tree": hex, "archive": hex, "size": 1, "unpackedSize": 1, "files": 1, "dependencies": [["acme/b", "^1"]],
            "parent": "acme/b@1.0.0", "keyid": hex, "downloads": 1, "suite": hex, "score": score});
        let deprecation = json!({"deprecated": true, "message": "m", "replacedBy": "acme/b"});
        let skill = json!({"id": "acme/b", "status": "active", "deprecation": deprecation, "description": "d",
            "keywords": ["k"], "repository": "r", "license": "l", "latest": "1.0.0", "best": "1.0.0", "owners": ["o"],
            "downloads": 1, "versions": [version], "readme": "r"});
        let hit = json!({"id": "acme/b", "version": "1.0.0", "description": "d", "license": "l", "keywords": ["k"],
            "downloads": 1, "updated": time});
        let node = json!({"id": "acme/b", "forkOf": "acme/a@1.0.0", "latest": "1.0.0", "versions": 1, "downloads": 1, "created": time});
        let proposal = json!({"number": 1, "skill": "acme/b", "author": "u", "source": "beta/b", "title": "t", "message": "m",
            "base": "1.0.0", "baseTree": hex, "version": "1.0.1", "tree": hex, "archive": hex, "size": 1, "state": "open",
            "note": "n", "closedBy": "o", "created": time, "closed": time});
        let mut created = token.clone();
        created["token"] = json!("skl_");
        let well_known = json!({"v": 1, "api": "a", "origin": "o", "log": ["l"], "witnesses": ["w"], "quorum": 1,
            "auth": "public", "limits": {"archive": 1, "unpacked": 1, "files": 1}, "minClient": "0.1.0"});
        let problem = Problem {
            request_id: Some("r".to_owned()),
            findings: vec![json!({})],
            ..Problem::new(skill_schema::codes::INTERNAL, "d")
        };
        let published = publish::Response {
            log: 1,
            proof: None,
            index: Digest::ZERO,
            stmt: Digest::ZERO,
            warnings: vec![json!({})],
        };
        vec![
            ("Problem", value(problem)),
            ("WellKnown", same::<well_known::Response>(well_known)),
            ("Published", value(published)),
            ("SuitePublished", value(suite::Response { log: 1, proof: None, stmt: Digest::ZERO })),
            ("Suite", same::<suite::Info>(suite_info)),
            ("Attempt", same::<eval::Attempt>(attempt)),
            ("AttemptEnded", value(eval::Ended { log: 1, proof: None, verdict: "reject".to_owned() })),
            ("Attempts", same::<eval::List>(attempts)),
            ("Job", same::<job::Job>(job)),
            (
                "Claim",
                same::<worker::Claim>(
                    json!({"key": "k", "created": time, "signature": "s", "suites": [hex], "recheck": true}),
                ),
            ),
            ("Claimed", same::<worker::Answer>(json!({"lease": lease}))),
            ("Beat", same::<worker::Beat>(json!({"conditions": {"scoreKey": hex, "model": "m", "weights": "w"}}))),
            ("Held", same::<worker::Held>(json!({"until": time, "terms": terms}))),
            ("StatusChanged", value(yank::Response { log: 1, proof: None, index: Digest::ZERO })),
            ("ScopeChanged", value(scope::Response { log: 1, proof: None, stmt: Digest::ZERO })),
            ("Quarantine", same::<quarantine::Request>(json!({"action": "lift", "reason": "mistake", "note": "n"}))),
            ("Deprecation", same::<deprecate::Request>(deprecation)),
            ("Deprecated", value(deprecate::Response { index: Digest::ZERO })),
            ("Owners", value(owner::Response { owners: vec!["o".to_owned()] })),
            ("Skill", same::<info::Response>(skill)),
            ("Lineage", same::<lineage::Response>(json!({"root": "acme/a", "nodes": [node], "truncated": false}))),
            ("Proposal", same::<proposal::Response>(proposal.clone())),
            ("Proposals", same::<proposal::List>(json!({"items": [proposal]}))),
            ("ProposalState", same::<proposal::Change>(json!({"state": "rejected", "note": "n"}))),
            ("Page", same::<search::Response>(json!({"total": 1, "items": [hit]}))),
            (
                "NewToken",
                same::<token::Request>(json!({"name": "n", "permissions": ["yank"], "pattern": "*", "days": 9})),
            ),
            ("CreatedToken", same::<token::Created>(created)),
            ("Tokens", same::<token::Response>(json!({"tokens": [token]}))),
            ("Whoami", same::<whoami::Response>(json!({"user": "u", "scopes": ["s"], "token": token}))),
        ]
    }

    /// Compares a value with a schema: objects have exactly the schema's properties.
    fn compare(schemas: &Value, schema: &Value, value: &Value, place: &str) {
        if let Some(name) = schema["$ref"].as_str() {
            return compare(schemas, &schemas[name.rsplit('/').next().unwrap()], value, place);
        }
        if let Some(first) = schema["oneOf"].as_array().and_then(|list| list.first()) {
            return compare(schemas, first, value, place);
        }
        let types: Vec<_> = match &schema["type"] {
            Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
            kind => kind.as_str().into_iter().collect(),
        };
        let kind = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        assert!(types.contains(&kind), "{place}: {kind} where {types:?} is documented");
        if let (Value::Array(items), Some(schema)) = (value, schema.get("items")) {
            for item in items {
                compare(schemas, schema, item, &format!("{place}[]"));
            }
        }
        if let (Value::Object(members), Some(properties)) = (value, schema["properties"].as_object()) {
            let found: Vec<_> = members.keys().collect();
            let mut documented: Vec<_> = properties.keys().collect();
            documented.sort_unstable();
            assert_eq!(found, documented, "{place}");
            for (name, member) in members {
                compare(schemas, &properties[name], member, &format!("{place}.{name}"));
            }
        }
    }

    #[test]
    fn the_schemas_are_those_of_the_contracts() {
        let schemas: Value = serde_json::from_str(SCHEMAS).unwrap();
        for (name, sample) in samples() {
            assert!(schemas[name].is_object(), "{name} is not documented");
            compare(&schemas, &schemas[name], &sample, name);
        }
    }

    #[test]
    fn the_document_takes_over_every_schema() {
        let schemas: Value = serde_json::from_str(SCHEMAS).unwrap();
        let document = value(document());
        let taken = document["components"]["schemas"].as_object().unwrap();
        assert_eq!(taken.len(), schemas.as_object().unwrap().len());
        for (name, schema) in schemas.as_object().unwrap() {
            assert_eq!(&taken[name]["properties"], &schema["properties"], "{name}");
        }
    }
}
