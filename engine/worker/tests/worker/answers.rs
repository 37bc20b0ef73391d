//! What answers look like: the same to the bit in exact mode, bounded, constrained, seeded, always text.

use serde_json::{Value, json};
use skill_engine::model::{Constraint, EngineError, Finish, Mode};

use crate::{Place, all, case, group, sixteen, texts};

#[tokio::test]
async fn in_exact_mode_sixteen_answers_together_are_those_one_at_a_time() {
    let place = Place::new();
    let worker = place.worker().await;
    let prefix = "the skill says what is to be done. ".repeat(20);
    let together = texts(&worker, group(&prefix, sixteen(), Mode::Exact)).await;
    let mut same = 0;
    for (case, text) in sixteen().into_iter().zip(&together) {
        let alone = texts(&worker, group(&prefix, vec![case], Mode::Exact)).await;
        same += usize::from(alone[0] == *text);
    }
    assert_eq!(same, 16);
    let distinct: std::collections::BTreeSet<_> = together.iter().collect();
    assert!(distinct.len() > 8, "the answers say something: {together:?}");
}

#[tokio::test]
async fn a_seed_gives_the_same_answer_again() {
    let place = Place::new();
    let worker = place.worker().await;
    let with = |seed: u64| {
        let mut case = case("a question", 20);
        case.sampling.temperature = 1.0;
        case.seed = seed;
        group("s", vec![case], Mode::Exact)
    };
    let first = texts(&worker, with(7)).await;
    assert_eq!(texts(&worker, with(7)).await, first);
    assert_ne!(texts(&worker, with(8)).await, first);
}

#[tokio::test]
async fn an_answer_ends_at_its_limit_or_before_a_stop_text() {
    let place = Place::new();
    let worker = place.worker().await;
    let whole = all(&worker, group("s", vec![case("a question", 40)], Mode::Throughput)).await.remove(0);
    let whole = whole.expect("an answer");
    assert_eq!((whole.finish, whole.output_tokens), (Finish::Length, 40));
    // A character that comes first after another whole one.
    let is_plain = |pair: &[u8]| pair.iter().all(u8::is_ascii) && whole.text.find(char::from(pair[1])) != Some(0);
    let pair = whole.text.as_bytes().windows(2).find(|pair| {
        is_plain(pair)
            && whole.text.find(char::from(pair[1]))
                == whole.text.find(std::str::from_utf8(pair).expect("ASCII")).map(|at| at + 1)
    });
    let stop = char::from(pair.expect("two plain characters")[1]).to_string();
    let mut stopped = case("a question", 40);
    stopped.stop = vec!["not in it at all".to_owned(), stop.clone()];
    let answer = all(&worker, group("s", vec![stopped], Mode::Throughput)).await.remove(0).expect("an answer");
    assert_eq!(answer.finish, Finish::Stop);
    assert_eq!(answer.text, whole.text[..whole.text.find(&stop).expect("it is there")]);
    let none = all(&worker, group("s", vec![case("a question", 0)], Mode::Throughput)).await.remove(0);
    assert_eq!(none.map(|answer| (answer.text, answer.finish)), Ok((String::new(), Finish::Length)));
}

#[tokio::test]
async fn a_choice_is_one_of_the_texts() {
    let place = Place::new();
    let worker = place.worker().await;
    let choices = ["yes", "no", "it \"depends\"\n"].map(str::to_owned).to_vec();
    let cases: Vec<_> = (0..12)
        .map(|seed| {
            let mut case = case("a question", 40);
            (case.seed, case.sampling.temperature) = (seed, 2.0);
            case.constraint = Constraint::Choice(choices.clone());
            case
        })
        .collect();
    let mut found = Vec::new();
    for (_, answer) in futures::StreamExt::collect::<Vec<_>>(skill_engine::model::Engine::run_group(
        &worker,
        group("s", cases, Mode::Throughput),
    ))
    .await
    {
        let answer = answer.expect("an answer");
        assert_eq!(answer.finish, Finish::Stop);
        assert!(choices.contains(&answer.text), "{answer:?}");
        found.push(answer.text);
    }
    found.sort();
    found.dedup();
    assert!(found.len() > 1, "chance chooses among them");
}

/// Schemas as graders write them, bounded so that a model that says nothing sensible comes to an end.
fn schemas() -> Vec<Value> {
    let text = json!({"type": "string", "maxLength": 8});
    vec![
        json!({
            "type": "object",
            "properties": {"verdict": {"enum": ["pass", "fail"]}, "quote": text, "confidence": {"type": "integer", "minimum": 0, "maximum": 10}},
            "required": ["quote", "verdict"],
            "additionalProperties": false,
        }),
        json!({"type": "array", "items": {"anyOf": [text, {"type": "boolean"}, {"type": "null"}]}, "minItems": 1, "maxItems": 3}),
        json!({"type": "number"}),
        json!({
            "$ref": "#/$defs/node",
            "$defs": {"node": {"type": "object", "properties": {"a": {"type": "integer", "minimum": -2, "maximum": 2}, "b": {"const": {"x": [1, "é"]}}}}},
        }),
    ]
}

#[tokio::test]
async fn an_answer_with_a_schema_satisfies_it() {
    let place = Place::new();
    let worker = place.worker().await;
    for schema in schemas() {
        let validator = jsonschema::validator_for(&schema).expect("a schema");
        let cases: Vec<_> = (0..6)
            .map(|seed| {
                let mut case = case("give JSON", 300);
                (case.seed, case.sampling.temperature) = (seed, 1.0);
                case.constraint = Constraint::JsonSchema(schema.clone());
                case
            })
            .collect();
        let stream = skill_engine::model::Engine::run_group(&worker, group("s", cases, Mode::Throughput));
        for (_, answer) in futures::StreamExt::collect::<Vec<_>>(stream).await {
            let answer = answer.expect("an answer");
            assert_eq!(answer.finish, Finish::Stop, "{answer:?}");
            let value: Value = serde_json::from_str(&answer.text).expect("JSON");
            assert!(validator.is_valid(&value), "{} is not as {schema} asks", answer.text);
        }
    }
}

#[tokio::test]
async fn what_cannot_be_answered_is_refused_and_the_others_are_answered() {
    let place = Place::new();
    let worker = place.worker().await;
    let mut cases = vec![case("good", 4); 5];
    cases[1].messages[0].content = "long ".repeat(3000);
    cases[2].constraint = Constraint::Gbnf("root ::= nothing".to_owned());
    cases[3].constraint = Constraint::JsonSchema(json!({"type": "string", "pattern": "a"}));
    cases[4].stop = vec!["x".repeat(1000)];
    let answers = all(&worker, group("s", cases, Mode::Throughput)).await;
    assert!(answers[0].is_ok());
    let words = ["context holds 2048", "grammar", "pattern", "stop texts"];
    for (answer, word) in answers[1..].iter().zip(words) {
        assert!(matches!(answer, Err(EngineError::Refused(text)) if text.contains(word)), "{answer:?}");
    }
}

#[tokio::test]
async fn an_answer_ends_where_the_context_does() {
    let place = Place::new();
    let worker = place.worker().await;
    let answer = all(&worker, group("s", vec![case(&"a".repeat(1900), 4096)], Mode::Throughput)).await.remove(0);
    let answer = answer.expect("an answer");
    assert_eq!(answer.finish, Finish::Length);
    assert_eq!(answer.prompt_tokens + answer.output_tokens, 2048);
}
