//! What a model is asked for, and what is taken from its answers: text within limits, and cases whose checks are of a few plain kinds.

use std::collections::BTreeSet;

use futures::StreamExt;
use serde::Deserialize;
use serde_json::{Value, json};
use skill_engine::{
    model::{CaseRequest, Constraint, Engine, EngineError, GroupRequest, Message, Mode, Role, Sampling},
    suite::Suite,
};
use skill_schema::{Fault, SkillId, SkillName, codes};

/// Tokens of a drafted skill: a SKILL.md is read whole by an agent, so it should be short.
const SKILL_TOKENS: u32 = 3_000;
/// Tokens of one drafted case.
const CASE_TOKENS: u32 = 300;
/// Bytes of a description, as the format of skills allows.
const MAX_DESCRIPTION: usize = 1_024;
/// Bytes of a body that a model wrote.
const MAX_BODY: usize = 32 << 10;
/// Bytes of a prompt or an expectation of a case.
const MAX_PROMPT: usize = 4 << 10;
/// Words or phrases of one check.
const MAX_VALUES: usize = 8;
/// Bytes of one of them.
const MAX_VALUE: usize = 200;
/// How often a model is asked again whose answer is no draft.
const RETRIES: u64 = 2;

const SYSTEM: &str = "You help a person to write a skill: a folder with a SKILL.md that tells an AI agent how to do one kind of task \
    well. Answer with JSON only.";

/// A drafted SKILL.md.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Skill {
    /// What the model would call it.
    name: String,
    /// What it does and when to use it.
    pub description: String,
    /// The instructions, Markdown.
    #[serde(rename = "instructions")]
    pub body: String,
}

#[derive(Debug, Deserialize)]
struct Cases {
    cases: Vec<Drafted>,
}

/// A drafted case. Its checks are made of two lists, so that a small model can fill them and a person can judge them at a glance.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Drafted {
    prompt: String,
    expected: String,
    must_contain: Vec<String>,
    #[serde(default)]
    must_not_contain: Vec<String>,
}

/// Drafts the SKILL.md.
///
/// # Errors
/// [`codes::MODEL`] if no answer is a draft, [`codes::MODEL_UNAVAILABLE`].
pub(super) async fn skill(engine: &dyn Engine, wanted: &str, name: Option<&SkillName>) -> Result<Skill, Fault> {
    let named = name.map(|name| format!(" It is called {name}.")).unwrap_or_default();
    let text = |what: &str| json!({"type": "string", "description": what});
    let schema = json!({"type": "object", "additionalProperties": false, "required": ["name", "description", "instructions"],
        "properties": {
            "name": text("lower-case letters, digits and hyphens, at most 64"),
            "description": text("what it does and when an agent should use it, at most 1024 characters"),
            "instructions": text("the body of SKILL.md in Markdown: steps, rules, and an example")}});
    let user = format!("Draft a skill that does this:{named}\n\n{wanted}");
    ask(engine, &user, schema, SKILL_TOKENS, |value| {
        let mut skill: Skill = serde_json::from_value(value).ok()?;
        skill.description = skill.description.split_whitespace().collect::<Vec<_>>().join(" ");
        skill.body = format!("{}\n", plain(&skill.body)?.trim());
        let fits =
            (1..=MAX_DESCRIPTION).contains(&skill.description.len()) && (2..=MAX_BODY).contains(&skill.body.len());
        (fits && plain(&skill.description).is_some()).then_some(skill)
    })
    .await
}

/// Drafts the suite: each case is marked as a draft.
///
/// # Errors
/// As [`skill`].
pub(super) async fn suite(
    engine: &dyn Engine,
    wanted: &str,
    skill: &Skill,
    id: Option<&SkillId>,
    name: &SkillName,
    count: u32,
) -> Result<Suite, Fault> {
    let list =
        |what: &str| json!({"type": "array", "maxItems": MAX_VALUES, "items": {"type": "string"}, "description": what});
    let schema = json!({"type": "object", "additionalProperties": false, "required": ["cases"], "properties": {"cases": {
        "type": "array", "minItems": count, "maxItems": count, "items": {"type": "object", "additionalProperties": false,
            "required": ["prompt", "expected", "must_contain", "must_not_contain"], "properties": {
                "prompt": {"type": "string", "description": "what a user asks, with all details, in a user's words"},
                "expected": {"type": "string", "description": "in one sentence what a good answer is"},
                "must_contain": list("words or numbers that every right answer has and the prompt has not"),
                "must_not_contain": list("words that only a wrong answer has; may be empty")}}}}});
    let user = format!(
        "Here is a skill.\n\nWhat it is for: {wanted}\n\nDescription: {}\n\nInstructions:\n{}\n\nDraft {count} test cases for it, \
         each about something else: ordinary ones, hard ones and broken input. A program checks the answers, so ask for something \
         that can be checked.",
        skill.description, skill.body
    );
    let tokens = CASE_TOKENS.saturating_mul(count);
    let drafted = ask(engine, &user, schema, tokens, |value| {
        let cases: Cases = serde_json::from_value(value).ok()?;
        let good = good(cases.cases, count);
        (!good.is_empty()).then_some(good)
    })
    .await?;
    let cases: Vec<Value> = drafted.iter().enumerate().map(|(n, case)| case_of(n, case)).collect();
    let mut settings = json!({"format": 1, "version": "1.0.0", "salt": format!("{name}@suite-1"), "holdout": [2, 5],
        "runs": {"train": 1, "gate": 5}});
    if let Some(id) = id {
        settings["id"] = json!(id.to_string());
    }
    Suite::from_value(json!({"skill_name": name.as_str(), "suite": settings, "evals": cases}))
}

/// The name that the model chose, made a name.
///
/// # Errors
/// [`codes::NAME`] if nothing of it can stand in one.
pub(super) fn name(skill: &Skill) -> Result<SkillName, Fault> {
    let lower = skill.name.to_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let mut text = words.join("-");
    text.truncate(64);
    text.trim_end_matches('-').parse()
}

fn case_of(n: usize, case: &Drafted) -> Value {
    let mut checks = vec![json!({"kind": "icontains_all", "values": case.must_contain})];
    for value in &case.must_not_contain {
        checks.push(json!({"kind": "not", "check": {"kind": "icontains", "value": value}}));
    }
    json!({"id": format!("draft-{}", n + 1), "draft": true, "category": "task", "prompt": case.prompt,
        "expected_output": case.expected, "checks": checks})
}

/// The cases that can be cases: within the limits, with something to check that the prompt does not give away, each prompt once.
fn good(cases: Vec<Drafted>, count: u32) -> Vec<Drafted> {
    let mut seen = BTreeSet::new();
    let short = |text: &String| !text.trim().is_empty() && text.len() <= MAX_VALUE && plain(text).is_some();
    let mut good = Vec::new();
    for mut case in cases {
        let prompt = case.prompt.to_lowercase();
        case.must_contain.retain(|value| short(value) && !prompt.contains(&value.to_lowercase()));
        case.must_not_contain.retain(short);
        case.must_contain.truncate(MAX_VALUES);
        case.must_not_contain.truncate(MAX_VALUES);
        let fits = |text: &str| !text.trim().is_empty() && text.len() <= MAX_PROMPT && plain(text).is_some();
        if fits(&case.prompt) && fits(&case.expected) && !case.must_contain.is_empty() && seen.insert(prompt) {
            good.push(case);
        }
    }
    good.truncate(usize::try_from(count).unwrap_or(usize::MAX));
    good
}

/// The text, if it has no control characters but lines and tabs.
fn plain(text: &str) -> Option<&str> {
    (!text.chars().any(|c| c.is_control() && c != '\n' && c != '\t')).then_some(text)
}

/// Asks until an answer can be used.
async fn ask<T>(
    engine: &dyn Engine,
    user: &str,
    schema: Value,
    max_tokens: u32,
    read: impl Fn(Value) -> Option<T>,
) -> Result<T, Fault> {
    for seed in 0..=RETRIES {
        let case = CaseRequest {
            messages: vec![Message::new(Role::User, user)],
            sampling: Sampling { max_tokens, ..Sampling::default() },
            seed,
            stop: Vec::new(),
            constraint: Constraint::JsonSchema(schema.clone()),
        };
        let prefix = vec![Message::new(Role::System, SYSTEM)];
        let mut answers = engine.run_group(GroupRequest { prefix, cases: vec![case], mode: Mode::Throughput });
        let Some((_, answer)) = answers.next().await else { continue };
        match answer {
            Ok(output) => {
                if let Some(draft) = json_in(&output.text).and_then(&read) {
                    return Ok(draft);
                }
            }
            Err(EngineError::Infra { message, .. }) => {
                return Err(Fault::new(codes::MODEL_UNAVAILABLE).detail(message));
            }
            Err(error @ EngineError::Refused(_)) => return Err(Fault::new(codes::MODEL).detail(error.to_string())),
        }
    }
    Err(Fault::new(codes::MODEL).detail("its answers are no drafts; try a larger model, or skill new"))
}

/// The JSON of an answer: all of it, or what stands between its first and last brace, since not every server constrains.
fn json_in(text: &str) -> Option<Value> {
    let (from, to) = (text.find('{')?, text.rfind('}')?);
    serde_json::from_str(text.get(from..=to)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drafted(prompt: &str, must: &[&str]) -> Drafted {
        Drafted {
            prompt: prompt.to_owned(),
            expected: "a good answer".to_owned(),
            must_contain: must.iter().map(|&text| text.to_owned()).collect(),
            must_not_contain: Vec::new(),
        }
    }

    #[test]
    fn only_what_can_be_a_case_is_taken() {
        let cases = vec![
            drafted("How many?", &["42"]),
            drafted("how many?", &["43"]),
            drafted("Say the word blue", &["Blue"]),
            drafted("", &["x"]),
            drafted("Bell\u{7}", &["x"]),
            drafted("Nothing to check", &[]),
            drafted(&"x".repeat(MAX_PROMPT + 1), &["y"]),
            drafted("Other", &["y", "other"]),
            drafted("One more", &["z"]),
        ];
        let kept = good(cases, 2);
        assert_eq!(kept.iter().map(|case| &*case.prompt).collect::<Vec<_>>(), ["How many?", "Other"]);
        assert_eq!(kept[1].must_contain, ["y"]);
    }

    #[test]
    fn a_drafted_case_is_a_draft_until_it_is_reviewed() {
        let suite =
            Suite::from_value(json!({"skill_name": "x", "evals": [case_of(0, &drafted("How many?", &["42"]))]}));
        let suite = suite.expect("a suite");
        assert!(suite.cases[0].is_draft());
        assert_eq!(suite.require_reviewed().expect_err("a draft").code, codes::SUITE_LINT);
    }

    #[test]
    fn a_name_is_made_of_what_a_model_says() {
        let of =
            |name: &str| name_of(&Skill { name: name.to_owned(), description: String::new(), body: String::new() });
        assert_eq!(of("PDF Forms!"), Some("pdf-forms".to_owned()));
        assert_eq!(of("../../etc/passwd"), Some("etc-passwd".to_owned()));
        assert_eq!(of("…"), None);
    }

    fn name_of(skill: &Skill) -> Option<String> {
        name(skill).ok().map(|name| name.to_string())
    }

    #[test]
    fn json_is_found_between_other_words() {
        assert_eq!(json_in("```json\n{\"a\": 1}\n```"), Some(json!({"a": 1})));
        assert_eq!(json_in("no"), None);
        assert_eq!(json_in("} {"), None);
    }
}
