//! Checks of JSON: `json_valid`, `json_schema` (2020-12, local references only) and `json_path` (RFC 9535).

use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::Value;
use serde_json_path::JsonPath;
use skill_schema::{Fault, codes};

use super::{
    Rule, Scene, evidence,
    params::{MAX_COMPILED, Params},
    schema,
    target::Subject,
    value::Finding,
};

/// Bytes of a document that is parsed: it is held in memory several times over. The parser itself stops at 128 levels.
const MAX_DOCUMENT: usize = 1024 * 1024;

/// Bytes of a JSONPath.
const MAX_PATH: usize = 500;

/// Commas of a JSONPath outside of strings: `[*,*][*,*]…` doubles the nodes with each.
const MAX_COMMAS: usize = 4;

#[derive(Debug)]
struct Json {
    subject: Subject,
    test: Test,
}

#[derive(Debug)]
enum Test {
    Valid,
    Schema(Box<Validator>),
    Path(JsonPath, Want),
}

#[derive(Debug)]
enum Want {
    Exists(bool),
    /// At least one node, and all nodes equal this.
    Equals(Value),
    Count(u64),
}

/// Reads `schema`, or `path` with one of `exists`, `equals`, `count`.
pub(super) fn parse(params: &Params<'_>) -> Result<Box<dyn Rule>, Fault> {
    let test = match params.kind {
        "json_valid" => Test::Valid,
        "json_schema" => Test::Schema(Box::new(validator(params)?)),
        _ => Test::Path(path(params, "path")?, want(params)?),
    };
    Ok(Box::new(Json { subject: Subject::parse(params)?, test }))
}

/// The schema, compiled with regular expressions of linear time and without any way to fetch another.
fn validator(params: &Params<'_>) -> Result<Validator, Fault> {
    let schema = params.required("schema")?;
    schema::check(schema).map_err(|detail| params.fault(codes::CHECK_SCHEMA, "schema", detail))?;
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        .offline()
        .with_pattern_options(PatternOptions::regex().size_limit(MAX_COMPILED).dfa_size_limit(MAX_COMPILED))
        .build(schema)
        .map_err(|error| params.fault(codes::CHECK_SCHEMA, "schema", evidence::printable(&error.to_string())))
}

/// A JSONPath whose cost stays near the size of the document.
pub(super) fn path(params: &Params<'_>, name: &str) -> Result<JsonPath, Fault> {
    let text = params.filled_text(name)?;
    let refuse = |detail: String| params.fault(codes::CHECK_PATH, name, detail);
    let bare = outside_strings(text);
    if text.len() > MAX_PATH || bare.matches(',').count() > MAX_COMMAS {
        return Err(refuse(format!("more than {MAX_PATH} bytes or {MAX_COMMAS} commas")));
    }
    if bare.matches("..").count() > 1 || bare.matches('$').count() > 1 {
        return Err(refuse("more than one `..`, or a `$` that is not at its beginning".to_owned()));
    }
    if bare.contains("match") || bare.contains("search") {
        return Err(refuse("match() and search() are not supported".to_owned()));
    }
    JsonPath::parse(text).map_err(|error| refuse(error.to_string()))
}

/// The path without what stands in quotes.
fn outside_strings(text: &str) -> String {
    let (mut open, mut escaped) = (None, false);
    let mut bare = String::new();
    for sign in text.chars() {
        match open {
            None if matches!(sign, '"' | '\'') => open = Some(sign),
            None => bare.push(sign),
            Some(_) if escaped => escaped = false,
            Some(_) if sign == '\\' => escaped = true,
            Some(quote) if sign == quote => open = None,
            Some(_) => {}
        }
    }
    bare
}

fn want(params: &Params<'_>) -> Result<Want, Fault> {
    let given: Vec<&str> =
        ["exists", "equals", "count"].into_iter().filter(|name| params.members.contains_key(*name)).collect();
    match given.as_slice() {
        [] => Ok(Want::Exists(true)),
        ["exists"] => Ok(Want::Exists(params.flag("exists", true)?)),
        // `null` is a value here.
        ["equals"] => Ok(Want::Equals(params.members["equals"].clone())),
        ["count"] => Ok(Want::Count(params.optional_count("count")?.ok_or_else(|| params.one_of(&["count"]))?)),
        _ => Err(params.wrong("path", "only one of exists, equals, count is allowed")),
    }
}

/// The text as JSON, or why it is none.
pub(super) fn document(text: &str) -> Result<Value, String> {
    if text.len() > MAX_DOCUMENT {
        return Err(format!("there are more than {MAX_DOCUMENT} bytes of JSON"));
    }
    serde_json::from_str(text).map_err(|error| format!("not JSON: {error}"))
}

impl Rule for Json {
    fn evaluate(&self, scene: &Scene<'_>) -> Finding {
        let document = match self.subject.text(scene) {
            Ok(text) => document(&text),
            Err(finding) => return finding,
        };
        match (&self.test, document) {
            (Test::Valid, Err(detail)) => Finding::fail(detail),
            // `not` does not turn a text that is no JSON into a success.
            (_, Err(detail)) => Finding::broken(detail),
            (Test::Valid, Ok(_)) => Finding::pass("valid JSON"),
            (Test::Schema(validator), Ok(document)) => match validator.validate(&document) {
                Ok(()) => Finding::pass("the schema is satisfied"),
                Err(error) => Finding::fail(format!("{}: {error}", error.instance_path())),
            },
            (Test::Path(path, want), Ok(document)) => nodes(path, want, &document),
        }
    }

    fn reads_only_transcript(&self) -> bool {
        self.subject.is_transcript()
    }
}

fn nodes(path: &JsonPath, want: &Want, document: &Value) -> Finding {
    let nodes = path.query(document);
    let found = nodes.first().map(|node| evidence::cut(&node.to_string(), 200));
    let evidence = match found {
        None => "no node".to_owned(),
        Some(first) => format!("{} nodes, the first {first}", nodes.len()),
    };
    let passed = match want {
        Want::Exists(exists) => *exists != nodes.is_empty(),
        Want::Count(count) => nodes.len() as u64 == *count,
        Want::Equals(value) => !nodes.is_empty() && nodes.iter().all(|node| same(node, value)),
    };
    Finding::of(passed, evidence)
}

/// Equality of JSON where 1 and 1.0 are the same number. Both sides are at most 128 levels deep.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}
