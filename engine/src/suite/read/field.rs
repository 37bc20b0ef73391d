//! The members of an object with the types that the format gives them. `null` is a member that is not there.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};
use skill_schema::{Fault, codes};

use super::super::bounds::Bounds;

/// An object and where it stands: `evals[3].checks[0]`.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    map: &'a Map<String, Value>,
    place: String,
}

/// A member that cannot be what it is.
pub(super) fn fault(place: &str, detail: &str) -> Fault {
    let fault = Fault::new(codes::SUITE).detail(detail);
    if place.is_empty() { fault } else { fault.at(place) }
}

impl<'a> Fields<'a> {
    pub(super) fn new(map: &'a Map<String, Value>, place: String) -> Self {
        Self { map, place }
    }

    pub(super) fn get(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    fn place_of(&self, key: &str) -> String {
        if self.place.is_empty() { key.to_owned() } else { format!("{}.{key}", self.place) }
    }

    pub(super) fn wrong(&self, key: &str, detail: &str) -> Fault {
        fault(&self.place_of(key), detail)
    }

    /// A text of any length within the limits of the source.
    pub(super) fn text(&self, key: &str) -> Result<Option<&'a str>, Fault> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.wrong(key, "a text is expected")),
        }
    }

    /// A short text in one line: ids and categories stand in tables, in the lock, and in lines that are hashed.
    pub(super) fn name(&self, key: &str) -> Result<Option<String>, Fault> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        self.is_name(key, text)?;
        Ok(Some(text.to_owned()))
    }

    /// A short text, or an integer as a text. Empty is as if it were not there.
    pub(super) fn id(&self, key: &str) -> Result<Option<String>, Fault> {
        match self.get(key) {
            Some(Value::Number(number)) if number.is_i64() || number.is_u64() => Ok(Some(number.to_string())),
            Some(Value::Number(_)) => Err(self.wrong(key, "a text or an integer is expected")),
            _ => Ok(self.name(key)?.filter(|id| !id.is_empty())),
        }
    }

    fn is_name(&self, key: &str, text: &str) -> Result<(), Fault> {
        if text.len() > Bounds::V1.name {
            return Err(self.wrong(key, &format!("{} bytes of at most {}", text.len(), Bounds::V1.name)));
        }
        if text.chars().any(char::is_control) {
            return Err(self.wrong(key, "control characters, line feeds among them, cannot stand here"));
        }
        Ok(())
    }

    pub(super) fn boolean(&self, key: &str) -> Result<Option<bool>, Fault> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(*value)),
            Some(_) => Err(self.wrong(key, "true or false is expected")),
        }
    }

    /// A whole number from 0 to `max`.
    pub(super) fn integer(&self, key: &str, max: u64) -> Result<Option<u64>, Fault> {
        match self.get(key).map(Value::as_u64) {
            None => Ok(None),
            Some(Some(n)) if n <= max => Ok(Some(n)),
            Some(_) => Err(self.wrong(key, &format!("a whole number from 0 to {max} is expected"))),
        }
    }

    /// A whole number from 1 to `max`, which fits into 32 bits.
    pub(super) fn count(&self, key: &str, default: u32, max: u64) -> Result<u32, Fault> {
        match self.integer(key, max)? {
            None => Ok(default),
            Some(0) => Err(self.wrong(key, "must be at least 1")),
            Some(n) => u32::try_from(n).map_err(|_| self.wrong(key, "too large")),
        }
    }

    pub(super) fn number(&self, key: &str, range: RangeInclusive<f64>) -> Result<Option<f64>, Fault> {
        match self.get(key).map(Value::as_f64) {
            None => Ok(None),
            Some(Some(n)) if range.contains(&n) => Ok(Some(n)),
            Some(_) => {
                let detail = format!("a number from {} to {} is expected", range.start(), range.end());
                Err(self.wrong(key, &detail))
            }
        }
    }

    pub(super) fn map(&self, key: &str) -> Result<Option<Fields<'a>>, Fault> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Object(map)) => Ok(Some(Fields::new(map, self.place_of(key)))),
            Some(_) => Err(self.wrong(key, "an object is expected")),
        }
    }

    /// A list of at most as many items as a case may have; each with its place.
    pub(super) fn list(&self, key: &str) -> Result<Vec<(String, &'a Value)>, Fault> {
        let place = self.place_of(key);
        match self.get(key) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) if items.len() <= Bounds::V1.items => {
                Ok(items.iter().enumerate().map(|(n, item)| (format!("{place}[{n}]"), item)).collect())
            }
            Some(Value::Array(items)) => {
                Err(fault(&place, &format!("{} items of at most {}", items.len(), Bounds::V1.items)))
            }
            Some(_) => Err(fault(&place, "a list is expected")),
        }
    }
}
