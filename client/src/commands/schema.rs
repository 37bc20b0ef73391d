//! `skill schema`: JSON Schemas of what commands print with `--json`.
//!
//! They stand in `schema/documents.json` and are written by hand; a story compares each with what its command prints.

use serde::Serialize;
use serde_json::{Map, Value, json};
use skill_schema::{Fault, codes};

use crate::{context::Context, suggest::nearest};

/// All documents, by the name that the output carries in `schema`; and what they share, under `$defs`.
const DOCUMENTS: &str = include_str!("schema/documents.json");
const SCORE: &str = "skill-score/v1";
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Print the JSON Schema of what a command prints with --json.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill schema                         which there are
  skill schema check
  skill schema skill.explain.list/1
  skill schema error                   of an error of any command")]
pub struct Args {
    /// A command (check), or the name that its output carries (skill.check/1).
    #[arg(value_name = "COMMAND|SCHEMA")]
    what: Option<String>,
}

#[derive(Serialize)]
struct List {
    items: Vec<Item>,
}

#[derive(Serialize)]
struct Item {
    name: String,
    title: String,
}

/// Runs `skill schema`.
///
/// # Errors
/// [`codes::NO_SCHEMA`].
#[expect(clippy::unused_async, reason = "all commands have the same shape")]
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let documents: Map<String, Value> = serde_json::from_str(DOCUMENTS)?;
    if let Some(what) = args.what {
        context.output.data(serde_json::to_string_pretty(&find(&what, &documents)?)?);
        return Ok(());
    }
    let title = |value: &Value| value["title"].as_str().unwrap_or_default().to_owned();
    let items = names(&documents).map(|(name, value)| Item { name: name.to_owned(), title: title(value) });
    let list = List { items: items.collect() };
    context.output.result_or("skill.schema/1", &list, |out| {
        let rows = list.items.iter().map(|item| vec![item.name.clone(), item.title.clone()]);
        out.table(&["schema", "of"], &rows.collect::<Vec<_>>());
    });
    Ok(())
}

fn names(documents: &Map<String, Value>) -> impl Iterator<Item = (&str, &Value)> {
    documents.iter().map(|(name, value)| (name.as_str(), value)).filter(|(name, _)| !name.starts_with('$'))
}

/// The document of this name, or those of a command.
fn find(what: &str, documents: &Map<String, Value>) -> Result<Value, Fault> {
    let command = |name: &str| name.strip_prefix("skill.").and_then(|rest| rest.split(['.', '/']).next()) == Some(what);
    let mut found: Vec<Value> = names(documents)
        .filter(|(name, _)| *name == what || command(name))
        .map(|(name, value)| document(name, value))
        .collect();
    let mut whole = match found.len() {
        0 => return Err(unknown(what, documents)),
        1 => found.remove(0),
        _ => json!({ "oneOf": found }),
    };
    whole["$schema"] = DIALECT.into();
    let shared = shared(&whole, documents);
    if !shared.is_empty() {
        whole["$defs"] = shared.into();
    }
    Ok(whole)
}

/// What a schema refers to, and what that refers to in turn.
fn shared(schema: &Value, documents: &Map<String, Value>) -> Map<String, Value> {
    let (mut found, mut texts) = (Map::new(), vec![schema.to_string()]);
    while let Some(text) = texts.pop() {
        for name in text.split("\"#/$defs/").skip(1).filter_map(|rest| rest.split('"').next()) {
            if let Some(value) = definition(name, documents).filter(|_| !found.contains_key(name)) {
                texts.push(value.to_string());
                found.insert(name.to_owned(), value.clone());
            }
        }
    }
    found
}

/// A definition that documents share. A score record, which is a document, stands in results as well.
fn definition<'a>(name: &str, documents: &'a Map<String, Value>) -> Option<&'a Value> {
    if name == "score" { documents.get(SCORE) } else { documents.get("$defs")?.get(name) }
}

/// A document with the member `schema` that every output starts with. What is a file rather than an output (a score record) names
/// itself in its own member `format`.
fn document(name: &str, value: &Value) -> Value {
    let mut value = value.clone();
    if value["properties"]["format"]["const"] == name {
        return value;
    }
    value["properties"]["schema"] = json!({ "const": name });
    if let Some(required) = value["required"].as_array_mut() {
        required.push("schema".into());
    }
    value
}

fn unknown(what: &str, documents: &Map<String, Value>) -> Fault {
    let known = names(documents).map(|(name, _)| name);
    let commands = names(documents).filter_map(|(name, _)| name.strip_prefix("skill.")?.split(['.', '/']).next());
    let fault = Fault::new(codes::NO_SCHEMA).at(what);
    match nearest(what, known.chain(commands)) {
        Some(near) => fault.detail(format!("did you mean {near}?")),
        None => fault,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn documents() -> Map<String, Value> {
        serde_json::from_str(DOCUMENTS).expect("JSON")
    }

    #[test]
    fn a_command_or_a_name_is_found_and_a_misspelt_one_suggested() {
        let check = find("check", &documents()).expect("a schema");
        assert_eq!(check["properties"]["schema"]["const"], "skill.check/1");
        assert_eq!(find("skill.check/1", &documents()), Ok(check));
        assert_eq!(find("explain", &documents()).expect("two")["oneOf"].as_array().map(Vec::len), Some(2));
        let fault = find("chekc", &documents()).expect_err("misspelt");
        assert_eq!(fault.detail.as_deref(), Some("did you mean check?"));
    }

    #[test]
    fn references_lead_somewhere() {
        for target in DOCUMENTS.split("\"#/$defs/").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(definition(target, &documents()).is_some(), "{target}");
        }
        let whole = find("skill.compare/1", &documents()).expect("a schema");
        assert_eq!(whole.get("$defs"), None, "nothing that it does not need");
        let whole = find("skill.report/1", &documents()).expect("a schema");
        assert!(whole["$defs"]["score"]["title"].is_string() && whole["$defs"]["scoreInterval"].is_object());
    }

    #[test]
    fn every_document_has_a_title_and_says_which_members_it_has() {
        for (name, document) in names(&documents()) {
            let closed = document["additionalProperties"] == false;
            assert!(document["title"].is_string() && document["required"].is_array() && closed, "{name}");
        }
    }
}
