//! JSON Schema to GBNF: one rule for each part of the schema.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::literal;

/// Rules of one grammar at most: also what bounds a schema that refers to itself in many places.
const MAX_RULES: usize = 500;
/// Depth of a schema at most.
const MAX_DEPTH: usize = 32;
/// Members of an object that need not be there at most: their rules grow with the square of their number.
const MAX_OPTIONAL: usize = 16;
/// Items or characters that a schema may count: llama.cpp unrolls counted repetitions.
const MAX_COUNT: u64 = 1000;

/// Words that say nothing about which values are valid.
const ANNOTATIONS: &[&str] = &[
    "$schema",
    "$id",
    "$comment",
    "$defs",
    "definitions",
    "title",
    "description",
    "default",
    "examples",
    "deprecated",
];

/// Rules that others are made of. White space only where JSON needs none is never generated.
const STRING: &str = r#"string ::= "\"" char* "\""
char ::= [ !#-\[\]-~\u0080-\uD7FF\uE000-\U0010FFFF] | "\\" (["\\/bfnrt] | "u" point)
point ::= ([0-9a-cA-CefEF] hex | [dD] [0-7]) hex hex
hex ::= [0-9a-fA-F]
"#;
const INTEGER: &str = "integer ::= \"-\"? (\"0\" | [1-9] [0-9]{0,15})\n";
const NUMBER: &str = "number ::= integer (\".\" [0-9]{1,16})? ([eE] [-+]? [0-9]{1,2})?\n";
const BOOLEAN: &str = "boolean ::= \"true\" | \"false\"\n";
const VALUE: &str = r#"value ::= object | array | string | number | boolean | "null"
object ::= "{" (string ":" value ("," string ":" value)*)? "}"
array ::= "[" (value ("," value)*)? "]"
"#;

/// The grammar of a schema.
pub(super) fn grammar(schema: &Value) -> Result<String, String> {
    let mut maker = Maker { root: schema, rules: Vec::new(), refs: Vec::new(), shared: [false; 5] };
    let start = maker.expression(schema, 0)?;
    let mut text = format!("root ::= {start}\n");
    for (name, body) in &maker.rules {
        let _ = writeln!(text, "{name} ::= {body}");
    }
    for (used, rules) in maker.shared.iter().zip([STRING, INTEGER, NUMBER, BOOLEAN, VALUE]) {
        if *used {
            text.push_str(rules);
        }
    }
    Ok(text)
}

/// Which of the shared rules are needed.
const AT_STRING: usize = 0;
const AT_INTEGER: usize = 1;
const AT_NUMBER: usize = 2;
const AT_BOOLEAN: usize = 3;
const AT_VALUE: usize = 4;

struct Maker<'a> {
    root: &'a Value,
    rules: Vec<(String, String)>,
    /// `$ref`s that have a rule already.
    refs: Vec<(String, String)>,
    shared: [bool; 5],
}

impl<'a> Maker<'a> {
    fn use_shared(&mut self, at: usize) {
        self.shared[at] = true;
        match at {
            AT_NUMBER => self.shared[AT_INTEGER] = true,
            AT_VALUE => self.shared = [true; 5],
            _ => {}
        }
    }

    /// Adds a rule and returns its name.
    fn rule(&mut self, body: String) -> Result<String, String> {
        if self.rules.len() >= MAX_RULES {
            return Err(format!("more than {MAX_RULES} parts"));
        }
        let name = format!("r{}", self.rules.len());
        self.rules.push((name.clone(), body));
        Ok(name)
    }

    /// What stands for a schema on the right side of a rule.
    fn expression(&mut self, schema: &'a Value, depth: usize) -> Result<String, String> {
        if depth > MAX_DEPTH {
            return Err(format!("deeper than {MAX_DEPTH}"));
        }
        let members = match schema {
            Value::Bool(true) => {
                self.use_shared(AT_VALUE);
                return Ok("value".to_owned());
            }
            Value::Object(members) => members,
            other => return Err(format!("{other} is no schema that a text can satisfy")),
        };
        if let Some(target) = members.get("$ref") {
            only(members, &["$ref"])?;
            return self.reference(target.as_str().ok_or("a $ref that is no text")?, depth);
        }
        if let Some(value) = members.get("const") {
            only(members, &["const", "type"])?;
            if members.get("type").and_then(Value::as_str).is_some_and(|kind| !is_of_type(value, kind)) {
                return Err("a const of another type".to_owned());
            }
            return Ok(literal(&value.to_string()));
        }
        if let Some(values) = members.get("enum") {
            only(members, &["enum", "type"])?;
            let values = values.as_array().filter(|values| !values.is_empty()).ok_or("an enum without values")?;
            let kind = members.get("type").and_then(Value::as_str);
            let valid = values.iter().filter(|value| kind.is_none_or(|kind| is_of_type(value, kind)));
            let literals: Vec<String> = valid.map(|value| literal(&value.to_string())).collect();
            if literals.is_empty() {
                return Err("an enum whose values are of another type".to_owned());
            }
            return self.rule(literals.join(" | "));
        }
        for word in ["anyOf", "oneOf"] {
            if let Some(choices) = members.get(word) {
                only(members, &[word])?;
                return self.one_of(choices, depth);
            }
        }
        self.typed(members, depth)
    }

    fn one_of(&mut self, choices: &'a Value, depth: usize) -> Result<String, String> {
        let choices = choices.as_array().filter(|choices| !choices.is_empty()).ok_or("a choice without schemas")?;
        let parts: Result<Vec<String>, String> =
            choices.iter().map(|choice| self.expression(choice, depth + 1)).collect();
        self.rule(parts?.join(" | "))
    }

    /// `#/$defs/name` and `#/definitions/name`; a definition may refer to itself.
    fn reference(&mut self, target: &str, depth: usize) -> Result<String, String> {
        if let Some((_, name)) = self.refs.iter().find(|(known, _)| known == target) {
            return Ok(name.clone());
        }
        let pointer = target.strip_prefix('#').ok_or_else(|| format!("$ref {target:?} leaves the schema"))?;
        let schema = self.root.pointer(pointer).ok_or_else(|| format!("$ref {target:?} leads nowhere"))?;
        // The rule's name is known before its body, so that the body may use it.
        let name = self.rule(String::new())?;
        self.refs.push((target.to_owned(), name.clone()));
        let body = self.expression(schema, depth + 1)?;
        if body == name {
            return Err(format!("$ref {target:?} is itself"));
        }
        if let Some(rule) = self.rules.iter_mut().find(|(known, _)| *known == name) {
            rule.1 = body;
        }
        Ok(name)
    }

    fn typed(&mut self, members: &'a Map<String, Value>, depth: usize) -> Result<String, String> {
        match members.get("type") {
            Some(Value::String(kind)) => self.of_type(kind, members, depth),
            Some(Value::Array(kinds)) => {
                let mut parts = Vec::new();
                for kind in kinds {
                    let kind = kind.as_str().ok_or("a type that is no text")?;
                    let simple = Map::new();
                    let simple_only = members.keys().all(|key| key == "type" || ANNOTATIONS.contains(&key.as_str()));
                    if !simple_only {
                        return Err("several types together with other words".to_owned());
                    }
                    if matches!(kind, "object" | "array") {
                        return Err("object or array in a list of types".to_owned());
                    }
                    parts.push(scalar(self, kind, &simple)?);
                }
                if parts.is_empty() {
                    return Err("an empty list of types".to_owned());
                }
                self.rule(parts.join(" | "))
            }
            None if members.contains_key("properties") => self.of_type("object", members, depth),
            None => {
                only(members, &[])?;
                self.use_shared(AT_VALUE);
                Ok("value".to_owned())
            }
            Some(other) => Err(format!("the type {other}")),
        }
    }

    fn of_type(&mut self, kind: &str, members: &'a Map<String, Value>, depth: usize) -> Result<String, String> {
        match kind {
            "object" => self.object(members, depth),
            "array" => self.array(members, depth),
            _ => scalar(self, kind, members),
        }
    }

    fn object(&mut self, members: &'a Map<String, Value>, depth: usize) -> Result<String, String> {
        only(members, &["type", "properties", "required", "additionalProperties"])?;
        let properties: Vec<(&String, &Value)> = match members.get("properties") {
            Some(Value::Object(properties)) => properties.iter().collect(),
            Some(_) => return Err("properties that are no object".to_owned()),
            None if members.get("additionalProperties") == Some(&Value::Bool(false)) => Vec::new(),
            None => return Err("an object without properties".to_owned()),
        };
        let required = required(members)?;
        let mut parts = Vec::new();
        for name in &required {
            let found = properties.iter().find(|(known, _)| known == name);
            let (_, schema) = found.ok_or_else(|| format!("{name:?} is required and not described"))?;
            parts.push(self.member(name, schema, depth)?);
        }
        let mut others = properties;
        others.retain(|(name, _)| !required.contains(&name.as_str()));
        others.sort_by_key(|(name, _)| *name);
        if others.len() > MAX_OPTIONAL {
            return Err(format!("{} members that need not be there; at most {MAX_OPTIONAL}", others.len()));
        }
        let mut optional = Vec::new();
        for (name, schema) in others {
            optional.push(self.member(name, schema, depth)?);
        }
        self.rule(format!("\"{{\" {} \"}}\"", object_body(&parts, &optional)))
    }

    fn member(&mut self, name: &str, schema: &'a Value, depth: usize) -> Result<String, String> {
        let value = self.expression(schema, depth + 1)?;
        let key = literal(&format!("{}:", Value::from(name)));
        self.rule(format!("{key} {value}"))
    }

    fn array(&mut self, members: &'a Map<String, Value>, depth: usize) -> Result<String, String> {
        only(members, &["type", "items", "minItems", "maxItems"])?;
        let item = match members.get("items") {
            Some(schema) => self.expression(schema, depth + 1)?,
            None => self.expression(&Value::Bool(true), depth + 1)?,
        };
        let (least, most) = range(members, "minItems", "maxItems")?;
        let more = |least: u64, most: Option<u64>| match most {
            Some(most) => format!("(\",\" {item}){{{least},{most}}}"),
            None => format!("(\",\" {item}){{{least},}}"),
        };
        let body = match (least, most) {
            (_, Some(0)) => String::new(),
            (0, most) => format!("({item} {})?", more(0, most.map(|most| most - 1))),
            (least, most) => format!("{item} {}", more(least - 1, most.map(|most| most - 1))),
        };
        self.rule(format!("\"[\" {body} \"]\""))
    }
}

/// Texts, numbers, booleans and null.
fn scalar(maker: &mut Maker<'_>, kind: &str, members: &Map<String, Value>) -> Result<String, String> {
    let shared = match kind {
        "string" => {
            only(members, &["type", "minLength", "maxLength"])?;
            maker.use_shared(AT_STRING);
            let (least, most) = range(members, "minLength", "maxLength")?;
            if (least, most) == (0, None) {
                return Ok("string".to_owned());
            }
            let most = most.map_or(String::new(), |most| most.to_string());
            return maker.rule(format!("\"\\\"\" char{{{least},{most}}} \"\\\"\""));
        }
        "integer" => {
            if members.contains_key("minimum") || members.contains_key("maximum") {
                return whole_numbers(maker, members);
            }
            AT_INTEGER
        }
        "number" => AT_NUMBER,
        "boolean" => AT_BOOLEAN,
        "null" => {
            only(members, &["type"])?;
            return Ok("\"null\"".to_owned());
        }
        other => return Err(format!("the type {other:?}")),
    };
    only(members, &["type"])?;
    maker.use_shared(shared);
    Ok(kind.to_owned())
}

/// An integer between two bounds, written out: graders ask for 0 to 10 or 1 to 5.
fn whole_numbers(maker: &mut Maker<'_>, members: &Map<String, Value>) -> Result<String, String> {
    only(members, &["type", "minimum", "maximum"])?;
    let bound = |word: &str| members.get(word).and_then(Value::as_i64);
    let (Some(least), Some(most)) = (bound("minimum"), bound("maximum")) else {
        return Err("an integer with only one bound, or a bound that is no integer".to_owned());
    };
    let count = most.checked_sub(least).filter(|count| *count >= 0).ok_or("bounds that leave no integer")?;
    if count.unsigned_abs() >= MAX_COUNT {
        return Err(format!("bounds with more than {MAX_COUNT} integers between them"));
    }
    let literals: Vec<String> = (least..=most).map(|n| format!("\"{n}\"")).collect();
    maker.rule(literals.join(" | "))
}

/// Whether a value is of a type of JSON Schema.
fn is_of_type(value: &Value, kind: &str) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        _ => false,
    }
}

/// `required`, in its order.
fn required(members: &Map<String, Value>) -> Result<Vec<&str>, String> {
    let Some(list) = members.get("required") else { return Ok(Vec::new()) };
    let list = list.as_array().ok_or("required that is no list")?;
    list.iter().map(|name| name.as_str().ok_or_else(|| "a required name that is no text".to_owned())).collect()
}

/// Required members with commas between, then any of the others in their order. `a? b? c?` with commas is `a (,b)? (,c)?` or
/// `b (,c)?` or `c`.
fn object_body(required: &[String], optional: &[String]) -> String {
    let tail = |from: usize| {
        let parts: Vec<String> = optional[from..].iter().map(|name| format!(" (\",\" {name})?")).collect();
        parts.concat()
    };
    if !required.is_empty() {
        return format!("{}{}", required.join(" \",\" "), tail(0));
    }
    let starts: Vec<String> = optional.iter().enumerate().map(|(n, name)| format!("{name}{}", tail(n + 1))).collect();
    if starts.is_empty() { String::new() } else { format!("({})?", starts.join(" | ")) }
}

/// A least and a greatest number.
fn range(members: &Map<String, Value>, least: &str, most: &str) -> Result<(u64, Option<u64>), String> {
    let number = |word: &str| -> Result<Option<u64>, String> {
        let Some(value) = members.get(word) else { return Ok(None) };
        let number = value.as_u64().filter(|number| *number <= MAX_COUNT);
        number.map(Some).ok_or_else(|| format!("{word} {value}; 0 to {MAX_COUNT} are possible"))
    };
    let (low, high) = (number(least)?.unwrap_or(0), number(most)?);
    if high.is_some_and(|high| high < low) {
        return Err(format!("{most} below {least}"));
    }
    Ok((low, high))
}

/// Fails if the schema says something that is not translated.
fn only(members: &Map<String, Value>, words: &[&str]) -> Result<(), String> {
    let unknown = members.keys().find(|key| !words.contains(&key.as_str()) && !ANNOTATIONS.contains(&key.as_str()));
    unknown.map_or(Ok(()), |word| Err(format!("{word:?} cannot be expressed here")))
}

#[cfg(test)]
mod tests;
