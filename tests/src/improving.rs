//! A skill whose edits have known effects, for the stories that improve one: the skill's text says how likely a model solves which cases.

use serde_json::{Value, json};
use skill_bundle::hash::sha256;

use crate::{model::Model, project::Project};

/// Classes of cases; a rule of the skill helps one of them.
pub const CLASSES: usize = 12;
/// Of these the start already solves so many.
const KNOWN: usize = 4;
/// Cases of the suite; three of five are for training.
pub const CASES: usize = 60;
/// Lines at the start that say nothing.
const PADDING: usize = 60;
/// Percent of success of what the skill has a rule for.
const GOOD: u64 = 97;
/// Percent of success of anything else.
const POOR: u64 = 3;

/// What an edit does, as its proposer knows and the loop does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Solves a class that failed.
    Fix,
    /// Says something without effect.
    Nothing,
    /// Spoils a class.
    Break,
    /// Removes lines without effect.
    Shorter,
    /// Writes down the cases that failed.
    Memorise,
}

/// What the experiment of this number does.
pub fn kind(experiment: u64) -> Kind {
    match hash(&["kind", &experiment.to_string()]) % 20 {
        0..=5 => Kind::Fix,
        6..=11 => Kind::Nothing,
        12..=14 => Kind::Break,
        15..=18 => Kind::Shorter,
        _ => Kind::Memorise,
    }
}

/// The prompt of a case: no two share eight words, and each names its class.
pub fn prompt(case: usize) -> String {
    format!(
        "parcel{case} quay{case} depot{case} lane{case} crane{case} dock{case} barge{case} pier{case} class{}",
        case % CLASSES
    )
}

/// Writes the skill `courier` and its suite.
pub fn write(project: &Project<'_>) {
    let line = |n: usize| format!("Padding {n} says nothing that anybody would need to know.\n");
    let padding = (0..PADDING).map(line).collect::<Vec<_>>().concat();
    let head = "---\nname: courier\ndescription: Sends parcels. Use it for parcels.\n---\n\n# Courier\n\nRules:\n";
    project.write("courier/SKILL.md", &format!("{head}\n{padding}"));
    let case = |n: usize| json!({"id": format!("c{n:02}"), "prompt": prompt(n), "checks": [{"kind": "contains", "value": "OK"}]});
    let suite = json!({"skill_name": "courier", "suite": {"salt": "courier", "runs": {"train": 2, "gate": 3}},
        "evals": (0..CASES).map(case).collect::<Vec<_>>()});
    project.write("courier/evals/evals.json", &serde_json::to_string_pretty(&suite).expect("JSON"));
}

/// How likely a case succeeds with this skill, in percent.
pub fn chance(skill: &str, prompt: &str) -> u64 {
    let class: usize = prompt.rsplit("class").next().and_then(|n| n.trim().parse().ok()).unwrap_or(CLASSES);
    let has = |word: &str| skill.lines().any(|line| line.trim() == format!("- {word} class {class}."));
    if !skill.contains("# Courier") {
        return POOR;
    }
    match () {
        () if skill.contains(prompt) => 100,
        () if has("Break") => POOR,
        () if class < KNOWN || has("Fix") => GOOD,
        () => POOR,
    }
}

/// The mean success of these cases with this skill, from 0 to 1.
pub fn truth(skill: &str, cases: &[usize]) -> f64 {
    let sum: u64 = cases.iter().map(|case| chance(skill, &prompt(*case))).sum();
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let share = sum as f64 / (100 * cases.len().max(1)) as f64;
    share
}

/// A model that answers cases by chance as the skill says, and proposes what [`kind`] says, or always the same kind.
pub fn model(always: Option<Kind>) -> Model {
    Model::start(std::time::Duration::ZERO, move |body| match brief(body) {
        Some(brief) => propose(&brief, always),
        None => answer(body),
    })
}

/// The brief in a request, if it is one to a proposer.
pub fn brief(body: &Value) -> Option<Value> {
    let text = body["messages"].as_array()?.iter().find(|message| message["role"] == "user")?["content"].as_str()?;
    serde_json::from_str::<Value>(text).ok().filter(|brief| brief["schema"] == "skill.improve-brief/1")
}

fn answer(body: &Value) -> String {
    let text = |role: &str| {
        let all = body["messages"].as_array().into_iter().flatten();
        all.filter(|message| message["role"] == role)
            .filter_map(|message| message["content"].as_str())
            .collect::<String>()
    };
    let (skill, prompt) = (text("system"), text("user"));
    let draw = hash(&[&body["seed"].to_string(), &prompt, &skill]) % 100;
    if draw < chance(&skill, &prompt) { "OK".to_owned() } else { "no".to_owned() }
}

fn propose(brief: &Value, always: Option<Kind>) -> String {
    let experiment = brief["experiment"].as_u64().expect("a number");
    let kind = always.unwrap_or_else(|| kind(experiment));
    let text = brief["files"]["SKILL.md"].as_str().expect("the skill");
    let failed: Vec<&str> = brief["evidence"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|seen| seen["score"] != 1000)
        .filter_map(|seen| seen["prompt"].as_str())
        .collect();
    let class = failed.first().and_then(|prompt| prompt.rsplit("class").next()).unwrap_or("0");
    let rule = match kind {
        Kind::Fix => format!("- Fix class {class}.\n"),
        Kind::Nothing => format!("- Note {experiment}.\n"),
        Kind::Break => format!("- Break class {}.\n", experiment % CLASSES as u64),
        Kind::Memorise => failed.iter().map(|prompt| format!("- {prompt}\n")).collect::<Vec<_>>().concat(),
        Kind::Shorter => String::new(),
    };
    let mut new = text.replacen("Rules:\n", &format!("Rules:\n{rule}"), 1);
    if kind == Kind::Shorter {
        new = shorter(&new, experiment);
    }
    json!({"idea": format!("{kind:?} {experiment}"), "edits": [{"file": "SKILL.md", "find": "", "replace": new}]})
        .to_string()
}

/// Without a sixth of the padding, and a little more by the experiment, so that no two are the same.
fn shorter(text: &str, experiment: u64) -> String {
    let padding = text.lines().filter(|line| line.starts_with("Padding")).count();
    let gone = padding.div_ceil(6) + usize::try_from(experiment % 3).unwrap_or_default();
    let mut left = padding.saturating_sub(gone);
    let mut new = String::new();
    for line in text.lines() {
        if line.starts_with("Padding") {
            if left == 0 {
                continue;
            }
            left -= 1;
        }
        new.push_str(line);
        new.push('\n');
    }
    new
}

fn hash(parts: &[&str]) -> u64 {
    sha256(parts.join("\u{0}").as_bytes()).0.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}
