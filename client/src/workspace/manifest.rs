//! Edits `skills.toml` in place: comments, order and spelling of everything else stay.

use std::path::{Path, PathBuf};

use skill_schema::{Fault, SkillId, codes, project};
use toml_edit::{DocumentMut, InlineTable, Item, TableLike, value};

use super::Root;
use crate::files::{self, Durable, Mode};

/// A `skills.toml`.
#[derive(Debug, Clone)]
pub struct Manifest {
    path: PathBuf,
    text: String,
}

impl Manifest {
    /// Reads the file; `None` if there is none.
    ///
    /// # Errors
    /// [`codes::IO`].
    pub fn read(path: &Path) -> Result<Option<Self>, Fault> {
        let text = files::read_text(path, project::MAX_BYTES)?;
        Ok(text.map(|text| Self { path: path.to_path_buf(), text }))
    }

    /// A file that does not exist yet.
    pub fn empty(path: PathBuf) -> Self {
        Self { path, text: "# The skills of this project: skill add and skill remove edit it.\n[skills]\n".to_owned() }
    }

    /// Its content.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Puts a skill in, or changes its entry.
    ///
    /// # Errors
    /// [`codes::PROJECT`] if the file has no table where one is needed.
    pub fn put(&mut self, id: &SkillId, root: &Root) -> Result<(), Fault> {
        self.edit(|skills| {
            let plain = root.registry.is_none() && root.agents.is_none() && !root.copy;
            let req = root.req.to_string();
            let item = if plain {
                value(req)
            } else {
                let mut table = InlineTable::new();
                table.insert("version", req.into());
                if let Some(registry) = &root.registry {
                    table.insert("registry", registry.into());
                }
                if let Some(agents) = &root.agents {
                    table.insert("agents", agents.iter().collect::<toml_edit::Array>().into());
                }
                if root.copy {
                    table.insert("copy", true.into());
                }
                value(table)
            };
            skills.insert(&id.to_string(), item);
        })
    }

    /// Takes a skill out.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub fn remove(&mut self, id: &SkillId) -> Result<(), Fault> {
        self.edit(|skills| drop(skills.remove(&id.to_string())))
    }

    fn edit(&mut self, change: impl FnOnce(&mut dyn TableLike)) -> Result<(), Fault> {
        let fault = |detail: String| Fault::new(codes::PROJECT).at(self.path.display().to_string()).detail(detail);
        let mut document: DocumentMut =
            self.text.parse().map_err(|e: toml_edit::TomlError| fault(e.message().to_owned()))?;
        let skills = document.entry("skills").or_insert_with(toml_edit::table);
        let skills = Item::as_table_like_mut(skills).ok_or_else(|| fault("`skills` is not a table".to_owned()))?;
        change(skills);
        self.text = document.to_string();
        Ok(())
    }

    /// Writes the file.
    ///
    /// # Errors
    /// [`codes::IO`].
    pub fn save(&self) -> Result<(), Fault> {
        files::replace(&self.path, self.text.as_bytes(), Mode::Normal, Durable::Yes)
    }
}

#[cfg(test)]
mod tests {
    use skill_schema::project::Project;

    use super::*;

    #[test]
    fn an_edit_keeps_everything_else() {
        let text = "# ours\n[skills]\n\"acme/a\" = \"^1\"   # pinned by Ann\n\n[project]\nagents = [\"codex\"]\n";
        let mut manifest = Manifest { path: "skills.toml".into(), text: text.to_owned() };
        let mut root = Root {
            req: "^2.1.0".parse().expect("requirement"),
            registry: None,
            agents: None,
            copy: false,
            one_off: false,
        };
        manifest.put(&"acme/b".parse().expect("name"), &root).expect("edited");
        root.agents = Some(vec!["codex".into()]);
        manifest.put(&"acme/c".parse().expect("name"), &root).expect("edited");
        insta::assert_snapshot!(manifest.text());
        let project = Project::parse(manifest.text()).expect("valid");
        assert_eq!(project.skills.len(), 3);
        manifest.remove(&"acme/b".parse().expect("name")).expect("edited");
        manifest.remove(&"acme/c".parse().expect("name")).expect("edited");
        assert_eq!(manifest.text(), text);
    }
}
