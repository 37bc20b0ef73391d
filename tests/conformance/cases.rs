//! The table of made-up skills, read from `skill_md.toml`, and written as folders.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

/// One made-up skill, and what is known about it. The members are described at the top of the table.
pub struct Case {
    pub name: String,
    pub about: String,
    text: String,
    folder: String,
    file: String,
    files: Vec<(String, String)>,
    executable: Vec<String>,
    pub strict: Vec<String>,
    pub loads: bool,
    pub peer: String,
    pub why: Option<String>,
}

/// Every case, in the order of the table.
pub fn read() -> Vec<Case> {
    let document: toml::Table = include_str!("skill_md.toml").parse().expect("TOML");
    let cases: Vec<_> = document["case"].as_array().expect("cases").iter().map(Case::of).collect();
    for (n, case) in cases.iter().enumerate() {
        assert!(!cases[..n].iter().any(|other| other.name == case.name), "{} stands twice", case.name);
    }
    cases
}

impl Case {
    fn of(value: &toml::Value) -> Self {
        let text = |key: &str| value.get(key).map(|v| v.as_str().expect("a string").to_owned());
        let list = |key: &str| -> Vec<String> {
            let items = value.get(key).and_then(toml::Value::as_array).map(Vec::as_slice).unwrap_or_default();
            items.iter().map(|item| item.as_str().expect("a string").to_owned()).collect()
        };
        let files = value.get("files").and_then(toml::Value::as_table);
        Self {
            name: text("name").expect("a name"),
            about: text("about").expect("what is special"),
            text: text("text").expect("a text"),
            folder: text("folder").unwrap_or_else(|| "notes".to_owned()),
            file: text("file").unwrap_or_else(|| "SKILL.md".to_owned()),
            files: files
                .into_iter()
                .flatten()
                .map(|(path, text)| (path.clone(), text.as_str().expect("a string").to_owned()))
                .collect(),
            executable: list("executable"),
            strict: list("strict"),
            loads: match text("lenient").as_deref() {
                Some("loads") => true,
                Some("refused") => false,
                other => panic!("lenient is {other:?}"),
            },
            peer: text("peer").expect("what the peer says"),
            why: text("why"),
        }
    }

    /// Whether the strict level accepts the skill: warnings do not block.
    pub fn accepted(&self) -> bool {
        !self.strict.iter().any(|found| found.starts_with("error "))
    }

    /// The rules that the skill breaks at the strict level, each once.
    pub fn rules_in_words(&self) -> String {
        let mut rules: Vec<_> =
            self.strict.iter().filter_map(|f| f.split(' ').nth(1)).map(|r| format!("`{r}`")).collect();
        rules.dedup();
        if rules.is_empty() { "nothing found".to_owned() } else { rules.join(", ") }
    }

    /// Writes the skill below a folder and returns where it is.
    pub fn write(&self, root: &Path) -> PathBuf {
        let folder = root.join(&self.name).join(String::from_utf8(expand(&self.folder)).expect("a name"));
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join(&self.file), expand(&self.text)).expect("SKILL.md");
        for (path, text) in &self.files {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, text).expect("a file");
        }
        for path in &self.executable {
            fs::set_permissions(folder.join(path), fs::Permissions::from_mode(0o755)).expect("a mode");
        }
        folder
    }
}

/// Writes out `{{TEXT*N}}` and `{{xHH}}`.
fn expand(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let (mark, after) = after.split_once("}}").expect("the end of a mark");
        out.extend(before.as_bytes());
        match mark.rsplit_once('*') {
            Some((text, times)) => out.extend(text.repeat(times.parse().expect("a number")).as_bytes()),
            None => out.push(u8::from_str_radix(mark.trim_start_matches('x'), 16).expect("a byte")),
        }
        rest = after;
    }
    out.extend(rest.as_bytes());
    out
}
