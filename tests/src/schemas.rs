//! Whether an output is what `skill schema` says of it.

use std::process::Command;

use serde_json::Value;

use crate::programs;

/// What is wrong with a document that names its schema in `schema`, by that schema; nothing for any other value.
pub fn problems(document: &Value) -> Vec<String> {
    let Some(name) = document["schema"].as_str().filter(|name| name.starts_with("skill.")) else { return Vec::new() };
    match of(name) {
        Ok(schema) => against(document, &schema),
        Err(problem) => vec![problem],
    }
}

/// The schema of this name, as the program prints it.
pub fn of(name: &str) -> Result<Value, String> {
    let made = Command::new(programs::skill()).args(["schema", name]).env("HOME", "/nonexistent").output();
    let made = made.map_err(|e| e.to_string())?;
    serde_json::from_slice(&made.stdout)
        .map_err(|_| format!("{name} has no schema: {}", String::from_utf8_lossy(&made.stderr)))
}

/// What is wrong with a value by a schema.
pub fn against(value: &Value, schema: &Value) -> Vec<String> {
    match jsonschema::validator_for(schema) {
        Ok(validator) => {
            validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
        }
        Err(error) => vec![format!("no schema: {error}")],
    }
}
