//! What a fork changes of the skill that it comes from: the name, the version, and where it says that it comes from.

use std::path::Path;

use skill_bundle::{Kind, Package, extract, hash::sha256, pack::Owned};
use skill_engine::suite::Suite;
use skill_schema::{
    Digest, Fault, Limits, SkillId, SkillName, Version, codes,
    lint::Finding,
    manifest::{self, Manifest, Release},
    skill_md::{self, SkillMd},
};
use toml_edit::{DocumentMut, Item, Table, Value};

use crate::{catalogue::Entry, files, merge::Files};

/// Where a fork comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The version.
    pub release: Release,
    /// Its tree digest, if that is recorded.
    pub tree: Option<Digest>,
}

/// What stays a skill's own when its files are merged with another's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Its name.
    pub id: SkillId,
    /// Its version.
    pub version: Version,
    /// What it was forked from.
    pub origin: Option<Origin>,
}

impl Identity {
    /// That of a manifest.
    pub fn of(manifest: &Manifest) -> Self {
        let origin = manifest.fork_of.clone().map(|release| Origin { release, tree: manifest.fork_tree });
        Self { id: manifest.id.clone(), version: manifest.version.clone(), origin }
    }

    /// The files with this identity: `skill.toml`, and the name in `SKILL.md`. All else, comments too, stays as it is.
    ///
    /// # Errors
    /// [`codes::MANIFEST`] for a manifest that cannot be read, [`codes::LINT`] for a name that cannot be replaced.
    pub fn give(&self, files: &mut Files) -> Result<(), Fault> {
        if let Some(file) = files.get_mut(manifest::FILE) {
            file.content = self.write(&text(file)?)?.into_bytes();
        }
        if let Some(file) = files.get_mut(skill_md::FILE) {
            file.content = with_name(&file.content, &self.id.name)?;
        }
        Ok(())
    }

    fn write(&self, text: &str) -> Result<String, Fault> {
        let broken = |e: toml_edit::TomlError| Fault::new(codes::MANIFEST).detail(e.message().to_owned());
        let mut document: DocumentMut = text.parse().map_err(broken)?;
        set(&mut document["skill"]["name"], self.id.to_string());
        set(&mut document["skill"]["version"], self.version.to_string());
        let Some(origin) = &self.origin else {
            document.remove("fork");
            return Ok(document.to_string());
        };
        if document.get("fork").is_none() {
            let mut table = Table::new();
            table.decor_mut().set_prefix("\n");
            document.insert("fork", Item::Table(table));
        }
        set(&mut document["fork"]["of"], origin.release.to_string());
        match (&origin.tree, document["fork"].as_table_like_mut()) {
            (Some(tree), _) => set(&mut document["fork"]["tree"], tree.prefixed()),
            (None, Some(table)) => drop(table.remove("tree")),
            (None, None) => {}
        }
        Ok(document.to_string())
    }
}

/// Replaces a value; the spaces and the comment beside it stay.
fn set(item: &mut Item, text: String) {
    match item.as_value_mut() {
        Some(value) => {
            let decor = value.decor().clone();
            *value = text.into();
            *value.decor_mut() = decor;
        }
        None => *item = Item::Value(Value::from(text)),
    }
}

fn text(file: &Owned) -> Result<String, Fault> {
    String::from_utf8(file.content.clone())
        .map_err(|_| Fault::new(codes::MANIFEST).at(file.path.as_str()).detail("it is not valid UTF-8"))
}

/// SKILL.md under another name. The rest of the frontmatter must read as before.
fn with_name(content: &[u8], name: &SkillName) -> Result<Vec<u8>, Fault> {
    let first = |findings: &[Finding]| findings.first().map_or_else(|| Fault::new(codes::LINT), Finding::to_fault);
    let before = SkillMd::read(content).map_err(|findings| first(&findings))?;
    if before.name.as_deref() == Some(name.as_str()) {
        return Ok(content.to_vec());
    }
    let is_name =
        |line: &[u8]| line.strip_prefix(b"name").is_some_and(|rest| rest.trim_ascii_start().starts_with(b":"));
    let mut lines: Vec<Vec<u8>> = content.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    if let Some(line) = lines.iter_mut().find(|line| is_name(line)) {
        let end: &[u8] = if line.ends_with(b"\r\n") { b"\r\n" } else { b"\n" };
        *line = [b"name: ", name.as_str().as_bytes(), end].concat();
    }
    let changed = lines.concat();
    let wanted = SkillMd { name: Some(name.to_string()), ..before };
    if SkillMd::read(&changed).is_ok_and(|after| after == wanted) {
        return Ok(changed);
    }
    let detail = format!("the name cannot be changed to {name}; write it as `name: …` on one line");
    Err(Fault::new(codes::LINT).at(skill_md::FILE).detail(detail))
}

/// A package's files.
pub fn files_of(package: &Package) -> Files {
    let owned = |file: skill_bundle::File<'_>| Owned {
        path: file.path.to_owned(),
        content: file.content.to_vec(),
        executable: file.executable,
    };
    package.files().map(|file| (file.path.to_owned(), owned(file))).collect()
}

/// The manifest of a skill's folder.
///
/// # Errors
/// [`codes::NO_MANIFEST`], [`codes::MANIFEST`], [`codes::IO`].
pub fn manifest_of(folder: &Path) -> Result<Manifest, Fault> {
    let text = files::read_text(&folder.join(manifest::FILE), manifest::MAX_BYTES)?;
    let text = text.ok_or_else(|| Fault::new(codes::NO_MANIFEST).at(folder.display().to_string()))?;
    Manifest::parse(&text)
        .map_err(|findings| findings.first().map_or_else(|| Fault::new(codes::MANIFEST), Finding::to_fault))
}

/// Where the skill of a folder was forked from.
///
/// # Errors
/// [`codes::NOT_FORK`].
pub fn origin_of(manifest: &Manifest) -> Result<Origin, Fault> {
    Identity::of(manifest).origin.ok_or_else(|| Fault::new(codes::NOT_FORK).at(manifest.id.to_string()))
}

/// Refuses a version of upstream whose files are others than those that were recorded under its name.
///
/// # Errors
/// [`codes::TREE`].
pub fn check_tree(origin: &Origin, published: Digest) -> Result<(), Fault> {
    match origin.tree {
        Some(tree) if tree != published => {
            let detail = "skill.toml records another tree for it under [fork]";
            Err(Fault::new(codes::TREE).at(origin.release.to_string()).detail(detail))
        }
        _ => Ok(()),
    }
}

/// Brings the suite that a version was measured on into a folder, as `evals/`. False if it has none.
///
/// # Errors
/// [`codes::DIGEST`] for other cases than those that the release names; network faults; what the suite's own rules refuse.
pub async fn bring_suite(entry: &Entry, version: &Version, folder: &Path) -> anyhow::Result<bool> {
    let Some((_, published)) = entry.version(version) else { return Ok(false) };
    let Some(wanted) = published.release.predicate.suite else { return Ok(false) };
    let api = entry.source.api()?;
    let known = api.suite(&wanted).await?;
    let bytes = api.blob(&known.archive, Limits::V1.archive).await?;
    let place = format!("suite {}@{}", known.id, known.version);
    if sha256(&bytes) != known.archive {
        return Err(Fault::new(codes::DIGEST).at(place).into());
    }
    let package = Package::open_as(Kind::Suite, bytes, &Limits::V1)?;
    extract::extract(&package, folder, "evals")?;
    let opened = Suite::read(folder)?;
    let digests = opened.suite.digests(&opened.lock()?, &opened.folder)?;
    // While the holdout is sealed only the cases for training are there.
    if digests.suite != wanted && digests.train != known.train {
        return Err(Fault::new(codes::DIGEST).at(place).detail("its cases are not those of the release").into());
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(id: &str, origin: Option<&str>) -> Identity {
        let origin =
            origin.map(|text| Origin { release: text.parse().expect("a version"), tree: Some(Digest([1; 32])) });
        Identity { id: id.parse().expect("a name"), version: Version::new(2, 0, 0), origin }
    }

    #[test]
    fn only_name_version_and_origin_change_in_the_manifest() {
        let text = "# mine\n[skill]\nname = 'acme/notes' # old\nversion   = \"1.0.0\"\n\n[dependencies]\n\"ada/base\" = \"^1\"\n";
        let forked = identity("me/notes", Some("acme/notes@1.0.0")).write(text).expect("written");
        let tree = Digest([1; 32]).prefixed();
        let expected = text.replace("'acme/notes'", "\"me/notes\"").replace("1.0.0", "2.0.0")
            + &format!("\n[fork]\nof = \"acme/notes@1.0.0\"\ntree = \"{tree}\"\n");
        assert_eq!(forked, expected);
        let manifest = Manifest::parse(&forked).expect("a manifest");
        assert_eq!(Identity::of(&manifest), identity("me/notes", Some("acme/notes@1.0.0")));
        assert_eq!(Identity::of(&manifest).write(&forked).expect("written"), forked);
        let back = identity("acme/notes", None).write(&forked).expect("written");
        assert!(!back.contains("fork"), "{back}");
        let inline = format!("fork = {{ of = \"acme/other@1.0.0\" }}\n{text}");
        let changed = identity("me/notes", Some("acme/notes@1.0.0")).write(&inline).expect("written");
        assert!(Manifest::parse(&changed).is_ok(), "{changed}");
    }

    #[test]
    fn only_the_name_changes_in_the_frontmatter_or_nothing_does() {
        let new: SkillName = "jots".parse().expect("a name");
        let changed =
            |text: &str| with_name(text.as_bytes(), &new).map(|bytes| String::from_utf8(bytes).expect("text"));
        for (old, line) in
            [("notes", "name: jots\n"), ("\"notes\" # mine", "name: jots\n"), ("jots # x", "name: jots # x\n")]
        {
            let text = |name: &str| format!("---\n{name}description: d\n---\n\nname: stays\n");
            assert_eq!(changed(&text(&format!("name: {old}\n"))), Ok(text(line)), "{old}");
        }
        for bad in ["---\nname: >-\n  notes\ndescription: d\n---\n", "---\ndescription: d\n---\nname: x\n", "# none\n"]
        {
            assert_eq!(changed(bad).map_err(|fault| fault.code).unwrap_err().exit, codes::LINT.exit, "{bad}");
        }
    }

    #[test]
    fn a_recorded_tree_holds() {
        let origin = identity("me/notes", Some("acme/notes@1.0.0")).origin.expect("an origin");
        assert!(check_tree(&origin, Digest([1; 32])).is_ok());
        assert_eq!(check_tree(&origin, Digest::ZERO).unwrap_err().code, codes::TREE);
        assert!(check_tree(&Origin { tree: None, ..origin }, Digest::ZERO).is_ok());
    }
}
