//! The known answers of `tests/vectors/evals.json`, and how floats are compared with them.

use serde_json::Value;

/// The list of this name.
pub fn list(name: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("../../tests/vectors/evals.json")).unwrap();
    let list = all[name].as_array().unwrap_or_else(|| panic!("no list {name}")).clone();
    assert!(!list.is_empty(), "{name} is empty");
    list
}

/// A list of scores.
pub fn scores(value: &Value) -> Vec<u16> {
    serde_json::from_value(value.clone()).unwrap()
}

/// A list of cases, each a list of scores.
pub fn matrix(value: &Value) -> Vec<Vec<u16>> {
    serde_json::from_value(value.clone()).unwrap()
}

/// Fails unless both agree to 1e-9 of the known value (or of 1, where the known value is next to 0).
#[track_caller]
pub fn close(found: f64, known: &Value, what: &Value) {
    let known = known.as_f64().unwrap_or_else(|| panic!("no number: {what}"));
    let scale = if known.abs() < 1e-9 { 1.0 } else { known.abs() };
    assert!((found - known).abs() <= 1e-9 * scale, "{found} is not {known}: {what}");
}
