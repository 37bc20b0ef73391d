//! Against a server in this process. The real peer is tested in `engine/tests/`.

use futures::StreamExt;
use serde_json::{Value, json};

use super::{Anthropic, Options};
use crate::model::{
    CaseOutput, CaseRequest, Constraint, Engine, EngineError, Finish, GroupRequest, Message, Mode, Prices, Role,
    Sampling, Secret,
    http::testing::{Server, answer, events, quick},
};

const START: &str = r#"{"type":"message_start","message":{"usage":{"input_tokens":5,"cache_read_input_tokens":90,"cache_creation_input_tokens":10,"output_tokens":1}}}"#;
const TEXT: &str = r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hel"}}"#;
const MORE: &str = r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"lo"}}"#;
const END: &str = r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":4}}"#;
const STOP: &str = r#"{"type":"message_stop"}"#;

fn engine(server: &Server) -> Anthropic {
    let options = Options {
        base: server.url.clone(),
        model: "claude-x-20260101".to_owned(),
        key: Some(Secret::new("sk-ant").expect("a key")),
        parallel: 2,
        prices: Prices { prompt: 1_000_000, cached: 100_000, cache_write: 2_000_000, output: 5_000_000 },
        retry: quick(),
    };
    Anthropic::new(options).expect("an engine")
}

fn group(constraint: Constraint) -> GroupRequest {
    let case = CaseRequest {
        messages: vec![Message::new(Role::User, "hi")],
        sampling: Sampling { temperature: 1.5, top_p: 1.0, max_tokens: 7 },
        seed: 3,
        stop: vec!["END".to_owned(), " ".to_owned()],
        constraint,
    };
    let prefix = vec![Message::new(Role::System, "rules"), Message::new(Role::System, "skill")];
    GroupRequest { prefix, cases: vec![case], mode: Mode::Throughput }
}

async fn one(server: &Server, constraint: Constraint) -> Result<CaseOutput, EngineError> {
    engine(server).run_group(group(constraint)).next().await.expect("an answer").1
}

#[tokio::test]
async fn an_answer_is_put_together_and_the_prefix_is_marked_for_the_cache() {
    let server = Server::start(|_, _| events(&[START, r#"{"type":"ping"}"#, TEXT, MORE, END, STOP])).await;
    let output = one(&server, Constraint::None).await.expect("an answer");
    assert_eq!((output.text.as_str(), output.finish), ("hello", Finish::Stop));
    assert_eq!((output.prompt_tokens, output.cached_tokens, output.output_tokens), (105, 90, 4));
    // 5 · 1 + 90 · 0.1 + 10 · 2 + 4 · 5
    assert_eq!(output.cost_micros, 54);
    let request = &server.requests()[0];
    let head = request.head.to_lowercase();
    assert!(head.starts_with("post /v1/messages ") && head.contains("x-api-key: sk-ant"), "{head}");
    assert!(head.contains("anthropic-version: 2023-06-01"), "{head}");
    let body: Value = serde_json::from_str(&request.body).expect("JSON");
    assert_eq!(body["system"][0], json!({"type": "text", "text": "rules"}));
    assert_eq!(body["system"][1]["cache_control"], json!({"type": "ephemeral"}));
    assert_eq!(body["messages"], json!([{"role": "user", "content": [{"type": "text", "text": "hi"}]}]));
    assert_eq!((&body["temperature"], &body["stop_sequences"]), (&json!(1.0), &json!(["END"])));
}

#[tokio::test]
async fn json_is_the_input_of_a_tool() {
    let part = |text: &str| {
        json!({"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": text}})
            .to_string()
    };
    let (one_part, other) = (part("{\"a\":"), part("true}"));
    let server = Server::start(move |_, _| events(&[START, TEXT, &one_part, &other, END, STOP])).await;
    let schema = json!({"type": "object", "properties": {"a": {"type": "boolean"}}});
    let output = one(&server, Constraint::JsonSchema(schema.clone())).await.expect("an answer");
    assert_eq!(output.text, "{\"a\":true}");
    let body: Value = serde_json::from_str(&server.requests()[0].body).expect("JSON");
    assert_eq!(body["tools"][0]["input_schema"], schema);
    assert_eq!(body["tool_choice"], json!({"type": "tool", "name": "answer"}));
}

#[tokio::test]
async fn what_breaks_off_or_is_overloaded_is_tried_again() {
    let overloaded = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
    let broken: [Vec<u8>; 4] = [
        events(&[START, TEXT]),
        events(&[START, TEXT, STOP]),
        events(&[START, overloaded]),
        answer("529 Overloaded", "", overloaded),
    ];
    for bytes in broken {
        let again = bytes.clone();
        let server = Server::start(move |_, _| bytes.clone()).await;
        let error = one(&server, Constraint::None).await.expect_err("broken");
        assert!(matches!(error, EngineError::Infra { .. }), "{error:?}");
        assert_eq!(server.requests().len(), 3);
        let script = move |n, _: &_| if n == 0 { again.clone() } else { events(&[START, TEXT, MORE, END, STOP]) };
        let healed = Server::start(script).await;
        assert_eq!(one(&healed, Constraint::None).await.expect("an answer").text, "hello");
    }
}

#[tokio::test]
async fn tokens_are_counted_by_the_provider() {
    let server = Server::start(|_, _| answer("200 OK", "", r#"{"input_tokens":12}"#)).await;
    let counted = engine(&server).count_tokens(&[Message::new(Role::User, "hi")]).await;
    assert_eq!(counted, Ok(12));
    assert!(server.requests()[0].head.starts_with("POST /v1/messages/count_tokens "));
}

#[tokio::test]
async fn a_conversation_without_a_user_is_refused() {
    let server = Server::start(|_, _| events(&[])).await;
    let mut silent = group(Constraint::None);
    silent.cases[0].messages.clear();
    let answer = engine(&server).run_group(silent).next().await.expect("an answer").1;
    assert!(matches!(answer, Err(EngineError::Refused(_))), "{answer:?}");
    assert!(server.requests().is_empty());
}
