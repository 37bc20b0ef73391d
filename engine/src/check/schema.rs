//! Which JSON schemas a check may use: those of 2020-12 that stand alone and whose cost is bounded.

use std::collections::HashMap;

use serde_json::Value;

/// Nodes of a schema with every reference replaced by what it points to: bounds the work per node of a document.
const MAX_NODES: u64 = 5_000;

/// The one dialect.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Says in one sentence why the schema cannot be used.
pub(super) fn check(schema: &Value) -> Result<(), String> {
    if !schema.is_object() && !schema.is_boolean() {
        return Err("an object is expected".to_owned());
    }
    let mut walk = Expansion { root: schema, sizes: HashMap::new() };
    match walk.size(schema)? {
        nodes if nodes <= MAX_NODES => Ok(()),
        _ => Err(format!("it expands to more than {MAX_NODES} nodes")),
    }
}

/// Counts the nodes of the schema as if each reference were a copy.
struct Expansion<'a> {
    root: &'a Value,
    /// Size of what a reference points to; `None` while it is being counted.
    sizes: HashMap<&'a str, Option<u64>>,
}

impl<'a> Expansion<'a> {
    fn size(&mut self, value: &'a Value) -> Result<u64, String> {
        let mut sum: u64 = 1;
        match value {
            Value::Array(items) => {
                for item in items {
                    sum = sum.saturating_add(self.size(item)?);
                }
            }
            Value::Object(members) => {
                for (key, member) in members {
                    sum = sum.saturating_add(self.member(key, member)?);
                }
            }
            _ => {}
        }
        Ok(sum)
    }

    fn member(&mut self, key: &str, member: &'a Value) -> Result<u64, String> {
        match (key, member) {
            // What stands there is data.
            ("const" | "enum" | "default" | "examples", _) => Ok(1),
            ("$ref", Value::String(to)) => self.reference(to),
            ("$dynamicRef" | "$recursiveRef" | "$id" | "$anchor" | "$dynamicAnchor", Value::String(_)) => {
                Err(format!("`{key}` is not supported"))
            }
            ("$schema", Value::String(dialect)) if dialect.trim_end_matches('#') != DIALECT => {
                Err(format!("the dialect is not {DIALECT}"))
            }
            _ => self.size(member),
        }
    }

    fn reference(&mut self, to: &'a str) -> Result<u64, String> {
        let Some(pointer) = to.strip_prefix('#').filter(|pointer| pointer.starts_with('/')) else {
            return Err(format!("the reference `{to}` does not begin with `#/`"));
        };
        match self.sizes.get(to) {
            Some(Some(size)) => return Ok(*size),
            Some(None) => return Err(format!("the reference `{to}` leads back to itself")),
            None => {}
        }
        let target = self.root.pointer(pointer).ok_or_else(|| format!("the reference `{to}` points to nothing"))?;
        self.sizes.insert(to, None);
        let size = self.size(target)?;
        self.sizes.insert(to, Some(size));
        Ok(size)
    }
}
