//! The clients of model servers against a real one: llama.cpp's server, as the Python package `xllamacpp` brings it, which speaks
//! both OpenAI's and Anthropic's dialect. Without it, or without the small model, these tests say that they are skipped; in CI
//! that is an error. `scripts/engine-tools.sh` fetches both.

mod server;

use futures::StreamExt;
use serde_json::{Value, json};
use skill_engine::model::{
    CaseOutput, CaseRequest, Constraint, Engine, GroupRequest, Message, Mode, Role, Sampling,
    open::{Surroundings, open},
};

use server::Server;

fn case(text: &str, constraint: Constraint) -> CaseRequest {
    CaseRequest {
        messages: vec![Message::new(Role::User, text)],
        sampling: Sampling { temperature: 0.0, top_p: 1.0, max_tokens: 24 },
        seed: 1,
        stop: vec![],
        constraint,
    }
}

/// A prefix of some hundred tokens, so that sharing it can be seen.
fn group(cases: Vec<CaseRequest>) -> GroupRequest {
    let text = "You are a helpful assistant who answers in one short sentence. ".repeat(20);
    GroupRequest { prefix: vec![Message::new(Role::System, text)], cases, mode: Mode::Throughput }
}

async fn answers(engine: &dyn Engine, request: GroupRequest) -> Vec<CaseOutput> {
    let mut found: Vec<_> = engine.run_group(request).collect().await;
    found.sort_by_key(|(index, _)| *index);
    found.into_iter().map(|(_, answer)| answer.expect("an answer")).collect()
}

async fn engine(spec: &str) -> Box<dyn Engine> {
    let around = Surroundings { parallel: 2, retry: server::patient(), ..Surroundings::default() };
    open(spec, &around).await.expect("an engine")
}

fn questions() -> Vec<CaseRequest> {
    ["What is the capital of France?", "What is two and two?", "What colour is snow?"]
        .map(|text| case(text, Constraint::None))
        .to_vec()
}

fn verdict() -> Value {
    json!({
        "type": "object",
        "properties": {"verdict": {"type": "string", "enum": ["pass", "fail"]}},
        "required": ["verdict"],
        "additionalProperties": false,
    })
}

/// Every answer says something, and all but the first found the prefix in the server's cache.
fn shared_prefix(outputs: &[CaseOutput]) {
    for output in outputs {
        assert!(!output.text.trim().is_empty() && output.output_tokens > 0, "{output:?}");
        assert!(output.prompt_tokens > 200, "{output:?}");
    }
    // Each of the server's places has a cache of its own; the server finds the best one.
    assert!(outputs[1..].iter().any(|output| output.cached_tokens > 200), "{outputs:?}");
    assert!(outputs.iter().any(|output| output.text.contains("Paris")), "{outputs:?}");
}

#[tokio::test]
async fn a_real_server_answers_in_openais_dialect() {
    let Some(server) = Server::start() else { return };
    let engine = engine(&format!("llamacpp:{}@{}/v1", server.model(), server.url())).await;
    assert!(engine.caps().constraints);
    assert_eq!(engine.caps().context, server::CONTEXT / server::PLACES);
    shared_prefix(&answers(&*engine, group(questions())).await);
    let constrained = vec![
        case("Is snow white? Give JSON.", Constraint::JsonSchema(verdict())),
        case("Is snow white?", Constraint::Choice(vec!["yes".to_owned(), "no".to_owned()])),
    ];
    let outputs = answers(&*engine, group(constrained)).await;
    let value: Value = serde_json::from_str(&outputs[0].text).expect("JSON");
    assert!(["pass", "fail"].contains(&value["verdict"].as_str().expect("a text")), "{outputs:?}");
    assert!(["yes", "no"].contains(&outputs[1].text.as_str()), "{outputs:?}");
    let mut limited = case("Tell a long story about the sea.", Constraint::None);
    limited.sampling.max_tokens = 3;
    let output = answers(&*engine, group(vec![limited])).await.remove(0);
    assert_eq!((output.finish, output.output_tokens), (skill_engine::model::Finish::Length, 3));
}

#[tokio::test]
async fn a_real_server_answers_in_anthropics_dialect() {
    let Some(server) = Server::start() else { return };
    let engine = engine(&format!("anthropic:{}@{}", server.model(), server.url())).await;
    shared_prefix(&answers(&*engine, group(questions())).await);
    let counted = engine.count_tokens(&[Message::new(Role::User, "What is the capital of France?")]).await;
    assert!((5..60).contains(&counted.expect("a count")));
    // A schema is asked for as the input of a tool, which this server forces only for models that know tools.
}
