//! One answer of a grader: the question as a request, and the answer as an opinion.

use serde_json::{Value, json};

use super::{Ask, Question, instructions, quote};
use crate::model::{Message, Role};

/// Levels of a rubric.
const LEVELS: u64 = 5;

/// Characters of the schema's texts: enough for a passage and a sentence.
const MAX_CHARS: u32 = 600;

/// What a grader says about a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Opinion {
    pub(super) value: [u64; 2],
    pub(super) evidence: String,
}

/// What all questions of a kind begin with.
pub(super) fn prefix(question: &Question, expectation: &str) -> Vec<Message> {
    let text = match question {
        Question::Expectation(_) => expectation,
        Question::Rubric { .. } => instructions::RUBRIC,
    };
    vec![Message::new(Role::System, text.trim())]
}

/// The question itself. The work comes first, so that the questions about one work share their beginning; `turned` puts it last,
/// for asking again in other words.
pub(super) fn message(ask: &Ask, turned: bool) -> Message {
    let asked = match &ask.question {
        Question::Expectation(statement) => quote::block("Statement", statement),
        Question::Rubric { text, anchors } => {
            let levels = anchors.iter().map(|(level, what)| format!("Level {level}: {what}"));
            let lines: Vec<String> = [text.clone()].into_iter().chain(levels).collect();
            quote::block("Rubric", &lines.join("\n"))
        }
    };
    let work = quote::block("Work", &ask.target.shown);
    let blocks = if turned { [asked, work] } else { [work, asked] };
    Message::new(Role::User, format!("{}\nGive your verdict as JSON.", blocks.join("\n")))
}

/// What an answer must look like.
pub(super) fn schema(question: &Question) -> Value {
    let (name, verdict) = match question {
        Question::Expectation(_) => ("verdict", json!({"type": "string", "enum": ["PASS", "FAIL"]})),
        Question::Rubric { .. } => ("level", json!({"type": "integer", "enum": [1, 2, 3, 4, 5]})),
    };
    let text = json!({"type": "string", "maxLength": MAX_CHARS});
    json!({
        "type": "object", "properties": {"evidence": text, "reason": text, name: verdict},
        "required": ["evidence", "reason", name], "additionalProperties": false,
    })
}

/// The first object in a text that is JSON.
pub(super) fn object(answer: &str) -> Option<Value> {
    answer.match_indices('{').take(50).find_map(|(at, _)| {
        let mut values = serde_json::Deserializer::from_str(&answer[at..]).into_iter::<Value>();
        values.next()?.ok()
    })
}

/// Reads an answer; `None` if it is none. A verdict in favour without a passage that stands in the work is one against.
pub(super) fn read(ask: &Ask, answer: &str) -> Option<Opinion> {
    let object = object(answer)?;
    let text = |name: &str| object.get(name).and_then(Value::as_str).unwrap_or_default();
    let (value, against) = match &ask.question {
        Question::Expectation(_) => match text("verdict").trim().to_ascii_uppercase().as_str() {
            "PASS" => ([1, 1], [0, 1]),
            "FAIL" => ([0, 1], [0, 1]),
            _ => return None,
        },
        Question::Rubric { .. } => {
            let level = object.get("level").and_then(Value::as_u64).filter(|level| (1..=LEVELS).contains(level))?;
            ([level - 1, LEVELS - 1], [0, LEVELS - 1])
        }
    };
    let evidence = text("evidence");
    if value == against {
        let said = if text("reason").is_empty() { evidence } else { text("reason") };
        return Some(Opinion { value, evidence: said.to_owned() });
    }
    if ask.target.parts.iter().any(|part| quote::occurs(evidence, part)) {
        return Some(Opinion { value, evidence: evidence.to_owned() });
    }
    let evidence = format!("the grader's evidence does not stand in the work: {evidence}");
    Some(Opinion { value: against, evidence })
}

#[cfg(test)]
mod tests {
    use super::super::Target;
    use super::*;

    fn ask(question: Question) -> Ask {
        Ask { key: "k".to_owned(), question, target: Target::text("The total is 41 euros.") }
    }

    #[test]
    fn a_pass_needs_evidence_that_stands_in_the_work() {
        let ask = ask(Question::Expectation("names the total".to_owned()));
        let value = |answer: &str| read(&ask, answer).map(|opinion| opinion.value[0]);
        for (answer, expected) in [
            (r#"{"evidence": "total  is 41", "reason": "", "verdict": "PASS"}"#, Some(1)),
            ("Well: {\"verdict\": \"pass\", \"evidence\": \"41 euros\"} ok", Some(1)),
            (r#"{"evidence": "total is 42", "reason": "", "verdict": "PASS"}"#, Some(0)),
            (r#"{"evidence": "", "reason": "", "verdict": "PASS"}"#, Some(0)),
            (r#"{"verdict": "PASS"}"#, Some(0)),
            (r#"{"evidence": "", "reason": "no", "verdict": "FAIL"}"#, Some(0)),
            (r#"{"evidence": "total is 41", "verdict": "MAYBE"}"#, None),
            ("PASS", None),
            ("", None),
            ("{", None),
        ] {
            assert_eq!(value(answer), expected, "{answer}");
        }
    }

    #[test]
    fn levels_become_quarters() {
        let ask = ask(Question::Rubric { text: "clarity".to_owned(), anchors: vec![(1, "none".to_owned())] });
        let value = |answer: &str| read(&ask, answer).map(|opinion| opinion.value);
        assert_eq!(value(r#"{"evidence": "41 euros", "level": 5}"#), Some([4, 4]));
        assert_eq!(value(r#"{"evidence": "41 euros", "level": 3}"#), Some([2, 4]));
        assert_eq!(value(r#"{"evidence": "", "level": 1}"#), Some([0, 4]));
        assert_eq!(value(r#"{"evidence": "42 euros", "level": 5}"#), Some([0, 4]));
        for bad in [0, 6] {
            assert_eq!(value(&format!(r#"{{"evidence": "41 euros", "level": {bad}}}"#)), None);
        }
    }

    #[test]
    fn the_schema_accepts_what_is_read() {
        let ask = ask(Question::Expectation("x".to_owned()));
        let validator = jsonschema::validator_for(&schema(&ask.question)).unwrap();
        assert!(validator.is_valid(&json!({"evidence": "a", "reason": "b", "verdict": "FAIL"})));
        assert!(!validator.is_valid(&json!({"evidence": "a", "reason": "b", "verdict": "maybe"})));
    }
}
