//! Changes one file of the configuration in place: comments and order stay as they are.

use std::path::Path;

use skill_schema::{Fault, codes};
use toml_edit::{DocumentMut, Item, Table};

use super::{MAX_FILE, Value, keys, layer};
use crate::files::{self, Durable, Mode};

/// A configuration file under change.
#[derive(Debug)]
pub struct Edit<'a> {
    path: &'a Path,
    document: DocumentMut,
    before: String,
}

/// Reads the value of a key as `skill config set KEY VALUE` has it.
///
/// # Errors
/// [`codes::CONFIG`] for an unknown key, or text that is no value of its kind.
pub fn read_value(key: &str, text: &str) -> Result<Value, Fault> {
    keys::parse_flag(key, text)
}

impl<'a> Edit<'a> {
    /// Opens a file; a missing one is empty.
    ///
    /// # Errors
    /// [`codes::CONFIG`] if it is not valid as it stands, [`codes::IO`].
    pub fn open(path: &'a Path) -> Result<Self, Fault> {
        let before = files::read_text(path, MAX_FILE)?.unwrap_or_default();
        layer::parse(&before).map_err(|invalid| invalid.fault(&before, path))?;
        let document = before.parse().map_err(|e: toml_edit::TomlError| {
            Fault::new(codes::CONFIG).at(path.display().to_string()).detail(e.message().trim().replace('\n', ", "))
        })?;
        Ok(Self { path, document, before })
    }

    /// Sets a key.
    ///
    /// # Errors
    /// [`codes::CONFIG`] if something that is no table stands in the way.
    pub fn set(&mut self, key: &str, value: &Value) -> Result<(), Fault> {
        let (tables, last) = split(key);
        let mut table: &mut dyn toml_edit::TableLike = self.document.as_table_mut();
        for name in tables {
            let item = table.entry(name).or_insert_with(|| {
                let mut new = Table::new();
                new.set_implicit(true);
                Item::Table(new)
            });
            table = item.as_table_like_mut().ok_or_else(|| {
                let place = self.path.display().to_string();
                Fault::new(codes::CONFIG).at(place).detail(format!("`{name}` is not a table"))
            })?;
        }
        let mut new = match value {
            Value::Text(text) => toml_edit::Value::from(text),
            Value::Bool(value) => (*value).into(),
            Value::Number(number) => i64::try_from(*number).unwrap_or(i64::MAX).into(),
            Value::List(items) => items.iter().collect::<toml_edit::Array>().into(),
        };
        match table.get_mut(last) {
            Some(item) => {
                // Comments around the key and behind the old value stay.
                if let Some(old) = item.as_value() {
                    *new.decor_mut() = old.decor().clone();
                }
                *item = Item::Value(new);
            }
            None => drop(table.insert(last, Item::Value(new))),
        }
        Ok(())
    }

    /// Removes a key, or a table with all in it. Tables that it leaves empty go too. True if there was something.
    pub fn remove(&mut self, key: &str) -> bool {
        remove(self.document.as_table_mut(), key)
    }

    /// Whether anything changed.
    pub fn changed(&self) -> bool {
        self.document.to_string() != self.before
    }

    /// Writes the file, in one piece.
    ///
    /// # Errors
    /// [`codes::IO`].
    pub fn save(self) -> Result<(), Fault> {
        if !self.changed() {
            return Ok(());
        }
        files::replace(self.path, self.document.to_string().as_bytes(), Mode::Normal, Durable::Yes)
    }
}

/// Splits a dotted key. Names have no dots of their own: no pattern of a key allows one.
fn split(key: &str) -> (Vec<&str>, &str) {
    let mut names: Vec<&str> = key.split('.').collect();
    let last = names.pop().unwrap_or_default();
    (names, last)
}

fn remove(table: &mut dyn toml_edit::TableLike, key: &str) -> bool {
    let Some((name, rest)) = key.split_once('.') else { return table.remove(key).is_some() };
    let Some(inner) = table.get_mut(name).and_then(Item::as_table_like_mut) else { return false };
    let removed = remove(inner, rest);
    if removed && inner.is_empty() {
        table.remove(name);
    }
    removed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(text: &str, change: impl FnOnce(&mut Edit<'_>)) -> String {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("config.toml");
        std::fs::write(&path, text).expect("written");
        let mut edit = Edit::open(&path).expect("valid");
        change(&mut edit);
        edit.save().expect("saved");
        std::fs::read_to_string(&path).expect("read")
    }

    fn text(value: &str) -> Value {
        Value::Text(value.to_owned())
    }

    #[test]
    fn comments_and_order_stay() {
        let before = "# mine\njobs = 2 # two\n\n[scopes]\n\"*\" = \"main\"\n";
        let after = edited(before, |edit| edit.set("jobs", &Value::Number(3)).expect("set"));
        assert_eq!(after, before.replace("= 2", "= 3"));
    }

    #[test]
    fn a_new_registry_is_a_table_of_its_own() {
        let after = edited("", |edit| {
            edit.set("registries.main.url", &text("https://a")).expect("set");
            edit.set("scopes.*", &text("main")).expect("set");
        });
        assert_eq!(after, "[registries.main]\nurl = \"https://a\"\n\n[scopes]\n\"*\" = \"main\"\n");
    }

    #[test]
    fn what_becomes_empty_is_removed() {
        let before = "jobs = 1\n\n[registries.main]\nurl = \"https://a\"\n\n[scopes]\nacme = \"main\"\n";
        let after = edited(before, |edit| {
            assert!(edit.remove("registries.main") && edit.remove("scopes.acme") && !edit.remove("scopes.none"));
        });
        assert_eq!(after, "jobs = 1\n");
    }

    #[test]
    fn a_damaged_file_is_not_changed() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("config.toml");
        for bad in ["jobs = ", "telemetry = true\n"] {
            std::fs::write(&path, bad).expect("written");
            assert_eq!(Edit::open(&path).map(|_| ()).map_err(|f| f.code), Err(codes::CONFIG), "{bad}");
        }
    }
}
