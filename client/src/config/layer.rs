//! Reads one configuration file into dotted keys and values.

use std::{ops::Range, path::Path};

use skill_schema::{Fault, codes};
use toml_edit::{Document, Item, TableLike};

use super::{Kind, Value, find_key, keys};

/// What is wrong, and the bytes it is about.
#[derive(Debug)]
pub(super) struct Invalid {
    message: String,
    span: Option<Range<usize>>,
}

impl Invalid {
    /// As a fault that names file, line and column.
    pub(super) fn fault(self, text: &str, path: &Path) -> Fault {
        let place = match self.span {
            Some(span) => {
                let (line, column) = place(text, span.start);
                format!("{}:{line}:{column}", path.display())
            }
            None => path.display().to_string(),
        };
        Fault::new(codes::CONFIG).at(place).detail(self.message)
    }
}

/// Line and column (both from 1, in characters) of a byte.
pub(super) fn place(text: &str, byte: usize) -> (usize, usize) {
    let before = text.get(..byte).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |n| n + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// Reads a file's text.
pub(super) fn parse(text: &str) -> Result<Vec<(String, Value)>, Invalid> {
    let document = Document::parse(text)
        .map_err(|e| Invalid { message: e.message().trim().replace('\n', ", "), span: e.span() })?;
    let mut found = Vec::new();
    walk(document.as_table(), "", &mut found)?;
    Ok(found)
}

fn walk(table: &dyn TableLike, prefix: &str, found: &mut Vec<(String, Value)>) -> Result<(), Invalid> {
    for (name, item) in table.iter() {
        let span = table.get_key_value(name).and_then(|(key, _)| key.span()).or_else(|| item.span());
        let full = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") };
        match (find_key(&full), item.as_table_like()) {
            (Some(key), None) => {
                let value = read(item, key.kind)
                    .ok_or_else(|| Invalid { message: format!("`{full}`: {}", expected(key.kind)), span })?;
                found.push((full, value));
            }
            (None, Some(inner)) if keys::is_table(&full) => walk(inner, &full, found)?,
            _ => return Err(Invalid { message: keys::unknown(&full), span }),
        }
    }
    Ok(())
}

fn read(item: &Item, kind: Kind) -> Option<Value> {
    match kind {
        Kind::Text => item.as_str().map(|t| Value::Text(t.to_owned())),
        Kind::Bool => item.as_bool().map(Value::Bool),
        Kind::Number => item.as_integer().and_then(|n| n.try_into().ok()).map(Value::Number),
        Kind::List => {
            item.as_array()?.iter().map(|v| v.as_str().map(str::to_owned)).collect::<Option<_>>().map(Value::List)
        }
    }
}

fn expected(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "a text in quotes is expected",
        Kind::Bool => "true or false is expected",
        Kind::Number => "a whole number is expected",
        Kind::List => "a list of texts is expected",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_and_inline_tables_read_alike() {
        let long = "[registries.main]\nurl = \"https://a\"\n[scopes]\n\"*\" = \"main\"\n";
        let short = "registries = { main = { url = \"https://a\" } }\nscopes.\"*\" = \"main\"\n";
        assert_eq!(parse(long).expect("valid"), parse(short).expect("valid"));
    }

    #[test]
    fn a_value_of_the_wrong_kind_is_refused() {
        for bad in ["jobs = \"2\"", "jobs = -1", "install = 1", "install.copy.x = true", "install.agents = [1]", "a = "]
        {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
