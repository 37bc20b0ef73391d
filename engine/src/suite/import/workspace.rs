//! Workspaces of skill-creator: `iteration-N/…/eval_metadata.json` holds what one case asked and asserted. The newest iteration counts.

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::{Map, Value};
use skill_schema::Fault;

use crate::suite::{Folder, Suite, bounds::Bounds};

/// The file of one case.
const METADATA: &str = "eval_metadata.json";
/// How deep a case may lie: `iteration-1/eval-3/`, with some folders of the user's own.
const DEPTH: usize = 4;
/// Files that are looked at: bounds the walk of a folder that is no workspace.
const MAX_ENTRIES: usize = 20_000;

/// The suite of a workspace; `None` if there are no cases in it.
pub(super) fn read(at: &Path) -> Result<Option<Suite>, Fault> {
    let mut found = Vec::new();
    let mut left = MAX_ENTRIES;
    walk(at, "", 0, &mut left, &mut found);
    // By number of the iteration, then by path: later ones replace earlier ones.
    found.sort_by_key(|path| (iteration(path), path.clone()));
    let folder = Folder::open(at, false)?;
    let mut cases: BTreeMap<String, (usize, Value)> = BTreeMap::new();
    for path in &found {
        let Ok(bytes) = folder.read(path, Bounds::V1.bytes) else { continue };
        let (_, source) =
            Suite::parse_source(&[b"[", bytes.as_slice(), b"]"].concat()).map_err(|fault| fault.at(path))?;
        let Some(Value::Object(metadata)) = source.value.get(0).cloned() else { continue };
        let place = cases.len();
        if let Some((id, case)) = case(metadata) {
            let slot = cases.entry(id).or_insert((place, Value::Null));
            slot.1 = case;
        }
    }
    if cases.is_empty() {
        return Ok(None);
    }
    let mut list: Vec<_> = cases.into_values().collect();
    list.sort_by_key(|(place, _)| *place);
    let list: Vec<Value> = list.into_iter().map(|(_, case)| case).collect();
    let name = at.canonicalize().ok();
    let name = name.as_deref().and_then(Path::file_name).and_then(|name| name.to_str()).unwrap_or_default();
    let name = name.strip_suffix("-workspace").unwrap_or_default();
    Ok(Some(Suite::from_value(serde_json::json!({"skill_name": name, "evals": list}))?))
}

fn walk(at: &Path, inside: &str, depth: usize, left: &mut usize, found: &mut Vec<String>) {
    let Ok(entries) = fs::read_dir(at.join(inside)) else { return };
    for entry in entries.flatten() {
        if *left == 0 {
            return;
        }
        *left -= 1;
        let (Ok(kind), Some(name)) = (entry.file_type(), entry.file_name().to_str().map(str::to_owned)) else {
            continue;
        };
        let path = if inside.is_empty() { name.clone() } else { format!("{inside}/{name}") };
        if kind.is_dir() && depth < DEPTH && !name.starts_with('.') {
            walk(at, &path, depth + 1, left, found);
        } else if kind.is_file() && name == METADATA {
            found.push(path);
        }
    }
}

/// The number of the iteration that a path lies in; 0 if it lies in none.
fn iteration(path: &str) -> u64 {
    path.split('/').filter_map(|part| part.strip_prefix("iteration-")?.parse().ok()).next_back().unwrap_or_default()
}

/// The case that metadata describe, with its id: `eval_id` becomes `id`, `eval_name` becomes `name`.
fn case(mut metadata: Map<String, Value>) -> Option<(String, Value)> {
    let id = metadata.remove("eval_id").or_else(|| metadata.remove("id"))?;
    let key = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
    if let Some(name) = metadata.remove("eval_name") {
        metadata.insert("name".to_owned(), name);
    }
    metadata.insert("id".to_owned(), id);
    metadata.contains_key("prompt").then_some((key, Value::Object(metadata)))
}
