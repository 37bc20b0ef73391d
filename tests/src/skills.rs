//! Skill folders, made for a test.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

/// A skill folder that a story can write, change and publish.
#[derive(Debug, Clone)]
pub struct Skill {
    /// The folder; its name is the skill's name.
    pub folder: PathBuf,
    id: String,
    version: String,
    dependencies: Vec<(String, String)>,
}

impl Skill {
    /// Writes a small, valid skill `scope/name` of a version below the folder.
    pub fn write(below: &Path, id: &str, version: &str) -> Self {
        let name = id.split_once('/').expect("scope/name").1;
        let skill =
            Self { folder: below.join(name), id: id.to_owned(), version: version.to_owned(), dependencies: Vec::new() };
        fs::create_dir_all(skill.folder.join("references")).expect("a folder");
        skill.file("references/detail.md", "# Detail\n\nRead this when the short text is not enough.\n");
        skill.body("Do the thing well.").manifest();
        skill
    }

    /// The name, `scope/name`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// `scope/name@version`.
    pub fn spec(&self) -> String {
        format!("{}@{}", self.id, self.version)
    }

    /// The folder as text, for a command line.
    pub fn path(&self) -> String {
        self.folder.to_string_lossy().into_owned()
    }

    /// Writes SKILL.md with this text behind its frontmatter.
    pub fn body(&self, text: &str) -> &Self {
        let name = self.id.split_once('/').expect("scope/name").1;
        self.file(
            "SKILL.md",
            &format!(
                "---\nname: {name}\ndescription: Does the {name} thing for tests. Use it when a test asks for {name}.\n---\n\n# {name}\n\n{text}\n\nSee \
                 [the detail](references/detail.md).\n"
            ),
        )
    }

    /// Writes a file of it.
    pub fn file(&self, path: &str, text: &str) -> &Self {
        let file = self.folder.join(path);
        fs::create_dir_all(file.parent().expect("a parent")).expect("a folder");
        fs::write(file, text).expect("a file");
        self
    }

    /// Sets the version.
    pub fn version(&mut self, version: &str) -> &mut Self {
        version.clone_into(&mut self.version);
        self.manifest();
        self
    }

    /// Adds a dependency.
    pub fn needs(&mut self, id: &str, requirement: &str) -> &mut Self {
        self.dependencies.push((id.to_owned(), requirement.to_owned()));
        self.manifest();
        self
    }

    /// Adds a dependency to a skill that was just written: `owner.publish(owner.writes(…).needs_too(…))`.
    #[must_use]
    pub fn needs_too(mut self, id: &str, requirement: &str) -> Self {
        self.needs(id, requirement);
        self
    }

    fn manifest(&self) {
        let mut text = format!(
            "[skill]\nname = \"{}\"\nversion = \"{}\"\nlicense = \"Apache-2.0\"\nkeywords = [\"test\"]\n",
            self.id, self.version
        );
        if !self.dependencies.is_empty() {
            text.push_str("\n[dependencies]\n");
            for (id, requirement) in &self.dependencies {
                let _ = writeln!(text, "\"{id}\" = \"{requirement}\"");
            }
        }
        self.file("skill.toml", &text);
    }
}

/// Copies a folder with its files; modes are kept.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a readable folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a kind").is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).expect("a copied file");
        }
    }
}
