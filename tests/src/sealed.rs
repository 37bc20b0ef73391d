//! A sealed suite whose holdout cannot be mistaken for anything else, and the people who measure on it.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::{Value, json};
use skill_bundle::Package;
use skill_engine::suite::pack;
use skill_schema::Limits;

use crate::{Outcome, Owner, Person, Skill, World, contest, model::Model};

/// Cases of the suite; about two of five are held out.
const CASES: usize = 30;
/// What a verifier's token allows.
const RIGHTS: &str = "eval:verify,read:private";

/// A suite of `ada/shout` that was sealed from outside of every home folder.
pub struct Sealed {
    /// Where it was written, whole.
    pub folder: Skill,
    /// Texts that stand in its holdout and nowhere else.
    pub words: Vec<String>,
    /// The digest of its cases.
    pub suite: String,
}

/// Writes a suite, splits it, gives the held-out cases words of their own, and seals it.
pub fn seal(world: &World, ada: &Owner, more: &[&str]) -> Sealed {
    let folder = Skill::write(&world.place("vault"), &format!("{}/shout", ada.name), "1.0.0");
    write(&folder, &BTreeSet::new());
    ada.skill(&["suite", "split", &folder.path()]).ok();
    let lock = fs::read_to_string(Path::new(&folder.path()).join("evals/split.lock")).expect("a lock");
    let lines = lock.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let held: BTreeSet<String> = lines
        .filter(|line| line["split"] == "holdout")
        .map(|line| line["id"].as_str().expect("an id").to_owned())
        .collect();
    write(&folder, &held);
    let numbers = held.iter().filter_map(|id| id.split('-').nth(1));
    let words =
        numbers.flat_map(|n| [format!("okapi-{n}-x"), format!("gnu-{n}-x"), format!("narwhal-{n}-x")]).collect();
    let sealed = ada.skill(&[&["suite", "seal", &folder.path(), "--json"], more].concat()).ok().json();
    Sealed { folder, words, suite: sealed["suite"].as_str().expect("a digest").to_owned() }
}

fn write(skill: &Skill, held: &BTreeSet<String>) {
    let case = |n: usize| {
        let id = format!("okapi-{n}-x");
        let word = if held.contains(&id) { "narwhal" } else { "open" };
        json!({"id": id, "category": "all", "group": format!("gnu-{n}-x"),
            "prompt": format!("{word}-{n}-x question {n}: alpha{n} beta{n} gamma{n} delta{n}"),
            "checks": [{"kind": "contains", "value": "LOUD"}]})
    };
    let cases: Vec<Value> = (0..CASES).map(case).collect();
    let suite = json!({"skill_name": "shout", "suite": {"format": 1, "version": "1.0.0", "salt": "loud",
        "runs": {"train": 1, "gate": 3}}, "evals": cases});
    skill.file("evals/evals.json", &serde_json::to_string_pretty(&suite).expect("JSON"));
}

/// The skill as its publisher has it: with the cases for training only.
pub fn skill(ada: &Owner, sealed: &Sealed, version: &str, tenths: usize) -> Skill {
    let skill = ada.writes("shout", version);
    contest::level(&skill, tenths);
    let train = ada.home.join("train.tar.gz").to_string_lossy().into_owned();
    ada.skill(&["suite", "pack", &sealed.folder.path(), "--without-holdout", "-o", &train]).ok();
    ada.skill(&["suite", "import", &train, "--into", &skill.path()]).ok();
    skill
}

/// Somebody with an account, a token that may verify, and a key, which `ada`'s scope lists.
pub fn verifier(world: &World, name: &str, ada: &Owner) -> Person {
    let person = unlisted(world, name, RIGHTS);
    ada.skill(&["key", "verifier", &ada.name, &key(&person)]).ok();
    person
}

/// The same, whom nobody lists.
pub fn unlisted(world: &World, name: &str, rights: &str) -> Person {
    let person = world.newcomer(name);
    person.skill(&["registry", "add", "main", &world.url(), "--trust-on-first-use", "--default"]).ok();
    world.registry.admin(&["user", "add", name]).ok();
    let token = world.registry.admin(&["token", "new", "--user", name, "--permission", rights]).ok().stdout;
    person.skill_reading(&["login", "--with-token"], &token).ok();
    person.skill(&["key", "new", name, "--no-passphrase"]).ok();
    person
}

/// A person's public key.
pub fn key(person: &Person) -> String {
    let file = person.home.join(".config/skill/keys").join(format!("{}.pub", person.name));
    fs::read_to_string(file).expect("a key").trim().to_owned()
}

/// Does one job.
pub fn work(vera: &Person, model: &Model, more: &[&str]) -> Outcome {
    vera.skill(&[&["worker", "--key", &vera.name, "--model", &model.spec(), "--once", "--json"], more].concat())
}

/// Every file below a folder, but for those below `but`, that has one of the words in it: also inside of an archive.
pub fn found_in(folder: &Path, but: Option<&Path>, words: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for (path, bytes) in crate::run::contents(folder) {
        let full = folder.join(&path);
        if but.is_none_or(|but| !full.starts_with(but)) {
            found.extend(words_in(&bytes, words).into_iter().map(|word| format!("{}: {word}", path.display())));
        }
    }
    found
}

/// The words that stand in these bytes, or in the files of an archive that they are.
pub fn words_in(bytes: &[u8], words: &[String]) -> Vec<String> {
    let mut texts = vec![bytes.to_vec()];
    if let Ok(suite) = pack::open(bytes) {
        texts.extend(suite.package.files().map(|file| [file.path.as_bytes(), b"\n", file.content].concat()));
    }
    if let Ok(package) = Package::open(bytes, &Limits::V1) {
        texts.extend(package.files().map(|file| file.content.to_vec()));
    }
    let has = |text: &[u8], word: &str| text.windows(word.len()).any(|window| window == word.as_bytes());
    words.iter().filter(|word| texts.iter().any(|text| has(text, word))).cloned().collect()
}
