//! Reading one case.

use serde_json::{Map, Value};
use skill_bundle::hash::sha256;
use skill_schema::Fault;

use super::field::{Fields, fault};
use crate::suite::{Case, Check, Task, bounds::Bounds};

/// Seconds that the command of a metric may take where the case says nothing.
const BUDGET_S: u64 = 300;
/// Seconds at most: a day.
const MAX_BUDGET_S: u64 = 86_400;

/// Reads a case that stands at `place`.
pub(super) fn read(value: &Value, place: String) -> Result<Case, Fault> {
    let Value::Object(raw) = value else { return Err(fault(&place, "an object is expected")) };
    let fields = Fields::new(raw, place);
    let task = task(&fields)?;
    let id = match fields.id("id")? {
        Some(id) => id,
        None => derived_id(&task),
    };
    Ok(Case {
        name: fields.name("name")?.unwrap_or_else(|| id.clone()),
        category: fields.name("category")?.unwrap_or_else(|| "default".to_owned()),
        group: fields.id("group")?.unwrap_or_else(|| id.clone()),
        critical: fields.boolean("critical")?.unwrap_or_default(),
        task,
        raw: raw.clone(),
        id,
    })
}

/// The id of a case that has none: made of what it asks, so that it stays when other cases come before it.
fn derived_id(task: &Task) -> String {
    let (letter, text) = match task {
        Task::Prompt { prompt, .. } => ('c', prompt),
        Task::Trigger { query, .. } => ('t', query),
        Task::Metric { run, .. } => ('m', run),
    };
    format!("{letter}-{}", sha256(text.as_bytes()).short())
}

fn task(fields: &Fields<'_>) -> Result<Task, Fault> {
    let is_query = fields.get("query").is_some() && fields.get("prompt").is_none();
    match fields.text("kind")? {
        Some("trigger") => trigger(fields),
        Some("metric") => metric(fields),
        None if is_query => trigger(fields),
        None | Some("prompt") => prompt(fields),
        Some(other) => {
            let detail = format!("`{other}` is no kind of case: prompt, trigger or metric is expected");
            Err(fields.wrong("kind", &detail))
        }
    }
}

fn prompt(fields: &Fields<'_>) -> Result<Task, Fault> {
    let files = fields.list("files")?.iter().map(|(place, item)| file(place, item)).collect::<Result<_, _>>()?;
    let mut expectations = Vec::new();
    for (place, item) in fields.list("expectations")?.iter().chain(&fields.list("assertions")?) {
        expectations.push(expectation(place, item)?);
    }
    Ok(Task::Prompt {
        prompt: fields.text("prompt")?.unwrap_or_default().to_owned(),
        files,
        expected_output: fields.text("expected_output")?.unwrap_or_default().to_owned(),
        expectations,
        checks: checks(fields)?,
    })
}

/// An input file: its path, or an object that holds it.
fn file(place: &str, item: &Value) -> Result<String, Fault> {
    let path = match item {
        Value::String(path) => Some(path),
        Value::Object(map) => match map.get("path") {
            Some(Value::String(path)) => Some(path),
            _ => None,
        },
        _ => None,
    };
    path.cloned().ok_or_else(|| fault(place, "a path is expected, or an object with a text `path`"))
}

/// A statement for the grader: a text; older workspaces of skill-creator hold objects.
fn expectation(place: &str, item: &Value) -> Result<String, Fault> {
    let text = match item {
        Value::String(text) => Some(text.as_str()),
        Value::Object(map) => ["text", "description", "name"].iter().find_map(|key| map.get(*key)?.as_str()),
        _ => None,
    };
    text.map(str::to_owned).ok_or_else(|| fault(place, "a text is expected, or an object with a text `text`"))
}

fn checks(fields: &Fields<'_>) -> Result<Vec<Check>, Fault> {
    let list = fields.list("checks")?;
    list.into_iter().enumerate().map(|(n, (place, item))| check(item, place, n + 1)).collect()
}

/// Reads a check, the `n`-th of its list.
fn check(item: &Value, place: String, n: usize) -> Result<Check, Fault> {
    let Value::Object(params) = item else { return Err(fault(&place, "an object is expected")) };
    check_of(params, place, n)
}

/// Reads a check that is already an object; combinators hold such ones.
pub(crate) fn check_of(params: &Map<String, Value>, place: String, n: usize) -> Result<Check, Fault> {
    let fields = Fields::new(params, place);
    let Some(kind) = fields.name("kind")? else { return Err(fields.wrong("kind", "a check needs a kind")) };
    let weight = fields.integer("weight", Bounds::V1.weight)?.unwrap_or(1);
    Ok(Check {
        id: fields.id("id")?.unwrap_or_else(|| format!("c{n}")),
        kind,
        weight: u32::try_from(weight).unwrap_or(u32::MAX),
        required: fields.boolean("required")?.unwrap_or_default(),
        target: fields.name("target")?.unwrap_or_else(|| "final".to_owned()),
        params: params.clone(),
    })
}

/// The metric's members are all needed: a default would measure something else than was meant.
fn metric(fields: &Fields<'_>) -> Result<Task, Fault> {
    let needed = |key: &str| {
        let text = fields.text(key)?.filter(|text| !text.trim().is_empty());
        text.map(str::to_owned).ok_or_else(|| fields.wrong(key, "a metric needs it"))
    };
    let minimize = match fields.text("goal")? {
        Some("minimize") => true,
        Some("maximize") => false,
        _ => return Err(fields.wrong("goal", "`minimize` or `maximize` is expected")),
    };
    let budget_s = fields.integer("budget_s", MAX_BUDGET_S)?.unwrap_or(BUDGET_S);
    if budget_s == 0 {
        return Err(fields.wrong("budget_s", "must be at least 1"));
    }
    Ok(Task::Metric { run: needed("run")?, pattern: needed("pattern")?, minimize, budget_s })
}

fn trigger(fields: &Fields<'_>) -> Result<Task, Fault> {
    let Some(should_trigger) = fields.boolean("should_trigger")? else {
        return Err(fields.wrong("should_trigger", "true or false is expected"));
    };
    let query = match fields.text("query")? {
        Some(query) => query,
        None => fields.text("prompt")?.unwrap_or_default(),
    };
    Ok(Task::Trigger { query: query.to_owned(), should_trigger })
}
