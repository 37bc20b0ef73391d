//! Against a server in this process that answers well and badly. The real peer is tested in `engine/tests/`.

use std::time::{Duration, Instant};

use futures::StreamExt;
use serde_json::json;

use super::{Dialect, OpenAi, Options};
use crate::model::{
    CaseOutput, CaseRequest, Constraint, Engine, EngineError, Finish, GroupRequest, Message, Mode, Prices, Role,
    Sampling, Secret,
    http::testing::{Request, Server, answer, events, quick},
};

const MODELS: &str = r#"{"data":[{"id":"m","created":5,"max_model_len":4000}]}"#;
const ONE: &str = r#"{"choices":[{"delta":{"role":"assistant","content":"he"}}]}"#;
const TWO: &str = r#"{"choices":[{"delta":{"content":"llo"},"finish_reason":"stop"}]}"#;
const USAGE: &str =
    r#"{"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":8}}}"#;

/// The list of models, then what the script says to the n-th question.
async fn server(script: impl Fn(usize, &Request) -> Vec<u8> + Send + Sync + 'static) -> Server {
    Server::start(move |n, request| if n == 0 { answer("200 OK", "", MODELS) } else { script(n - 1, request) }).await
}

fn good() -> Vec<u8> {
    events(&[ONE, TWO, USAGE, "[DONE]"])
}

fn options(server: &Server, dialect: Dialect) -> Options {
    Options {
        base: server.url.clone(),
        model: "m".to_owned(),
        key: Some(Secret::new("sk-secret").expect("a key")),
        dialect,
        parallel: 4,
        prices: Prices { prompt: 1_000_000, cached: 100_000, cache_write: 0, output: 2_000_000 },
        retry: quick(),
        weights: None,
    }
}

async fn engine(server: &Server) -> OpenAi {
    OpenAi::connect(options(server, Dialect::Plain)).await.expect("connected")
}

fn case() -> CaseRequest {
    CaseRequest {
        messages: vec![Message::new(Role::User, "hi")],
        sampling: Sampling { temperature: 0.5, top_p: 0.9, max_tokens: 7 },
        seed: 0x1_0000_0003,
        stop: vec!["END".to_owned()],
        constraint: Constraint::None,
    }
}

fn group(cases: Vec<CaseRequest>) -> GroupRequest {
    GroupRequest { prefix: vec![Message::new(Role::System, "skill")], cases, mode: Mode::Throughput }
}

async fn one(engine: &OpenAi) -> Result<CaseOutput, EngineError> {
    engine.run_group(group(vec![case()])).next().await.expect("an answer").1
}

#[tokio::test]
async fn an_answer_is_put_together_and_counted() {
    let server = server(|_, _| good()).await;
    let engine = engine(&server).await;
    assert_eq!((engine.caps().context, engine.caps().seed, engine.caps().constraints), (4000, true, false));
    assert_eq!(engine.fingerprint().weights, "m", "the date of a server of one's own says nothing");
    let output = one(&engine).await.expect("an answer");
    assert_eq!((output.text.as_str(), output.finish), ("hello", Finish::Stop));
    assert_eq!((output.prompt_tokens, output.cached_tokens, output.output_tokens), (10, 8, 2));
    // 2 · 1 + 8 · 0.1 + 2 · 2 millionths of a dollar, rounded up.
    assert_eq!(output.cost_micros, 7);
    let request = &server.requests()[1];
    assert!(request.head.to_lowercase().contains("authorization: bearer sk-secret"), "{}", request.head);
    let body: serde_json::Value = serde_json::from_str(&request.body).expect("JSON");
    assert_eq!(body["messages"][0], json!({"role": "system", "content": "skill"}));
    assert_eq!((&body["seed"], &body["max_tokens"], &body["stop"]), (&json!(3), &json!(7), &json!(["END"])));
}

#[tokio::test]
async fn a_server_that_is_busy_is_asked_again_when_it_says_so() {
    let server = server(|n, _| match n {
        0 => answer("429 Too Many Requests", "retry-after: 1\r\n", r#"{"error":{"message":"slowly"}}"#),
        1 => answer("500 Internal Server Error", "", "oops"),
        _ => good(),
    })
    .await;
    let engine = engine(&server).await;
    let begun = Instant::now();
    assert_eq!(one(&engine).await.expect("an answer").text, "hello");
    assert!(begun.elapsed() >= Duration::from_secs(1), "Retry-After is honoured");
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn a_wait_that_is_too_long_is_the_callers_decision() {
    let server = server(|_, _| answer("429 Too Many Requests", "retry-after: 3600\r\n", "{}")).await;
    let engine = engine(&server).await;
    let error = one(&engine).await.expect_err("busy");
    assert!(matches!(error, EngineError::Infra { retry_after_ms: Some(3_600_000), .. }), "{error:?}");
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn what_is_broken_is_tried_again_and_then_a_fault_of_the_machinery() {
    let broken: [fn() -> Vec<u8>; 6] = [
        || events(&[ONE]),
        || events(&[ONE, TWO]),
        || events(&[ONE, "[DONE]"]),
        || events(&["{\"choices\":7}"]),
        || events(&[ONE, r#"{"error":{"message":"out of memory"}}"#]),
        Vec::new,
    ];
    for bytes in broken {
        let server = server(move |_, _| bytes()).await;
        let error = one(&engine(&server).await).await.expect_err("broken");
        assert!(matches!(error, EngineError::Infra { retry_after_ms: None, .. }), "{error:?}");
        assert_eq!(server.requests().len(), 1 + 3, "three tries: {error}");
        let healed = self::server(move |n, _| if n == 0 { bytes() } else { good() }).await;
        assert_eq!(
            one(&engine(&healed).await).await.expect("an answer").text,
            "hello",
            "nothing of the first try is left"
        );
    }
}

#[tokio::test]
async fn a_server_that_loads_its_model_is_waited_for() {
    let loading = || answer("503 Service Unavailable", "", r#"{"error":{"message":"Loading model","code":503}}"#);
    let server = Server::start(move |n, _| match n {
        0..=4 => loading(),
        5 => answer("200 OK", "", MODELS),
        _ => good(),
    })
    .await;
    assert_eq!(one(&engine(&server).await).await.expect("an answer").text, "hello");
    let never = Server::start(move |_, _| loading()).await;
    let error = OpenAi::connect(options(&never, Dialect::Plain)).await.expect_err("never loaded");
    assert!(matches!(error, EngineError::Infra { .. }), "{error:?}");
}

#[tokio::test]
async fn what_would_fail_again_is_refused_at_once_and_never_shows_the_key() {
    for status in ["401 Unauthorized", "400 Bad Request", "404 Not Found"] {
        let body = r#"{"error":{"message":"Incorrect key sk-secret\nprovided"}}"#;
        let server = server(move |_, _| answer(status, "", body)).await;
        let error = one(&engine(&server).await).await.expect_err("refused");
        assert!(matches!(&error, EngineError::Refused(text) if text.contains("Incorrect key … provided")), "{error:?}");
        assert_eq!(server.requests().len(), 2);
    }
    let server = Server::start(|_, _| answer("200 OK", "", r#"{"data":[{"id":"other"}]}"#)).await;
    let error = OpenAi::connect(options(&server, Dialect::Plain)).await.expect_err("no such model");
    assert!(matches!(&error, EngineError::Refused(text) if text.contains("it has other")), "{error:?}");
}

#[tokio::test]
async fn the_first_case_goes_alone_and_the_key_is_not_sent_elsewhere() {
    let server = server(|_, _| good()).await;
    let engine = engine(&server).await;
    let mut stream = engine.run_group(group(vec![case(); 5]));
    assert_eq!(stream.next().await.expect("the first").0, 0);
    assert_eq!(server.requests().len(), 2, "no other was asked before the first was answered");
    let mut rest: Vec<_> = stream.map(|(index, _)| index).collect().await;
    rest.sort_unstable();
    assert_eq!(rest, [1, 2, 3, 4]);
    let elsewhere = "location: http://127.0.0.1:1/\r\n";
    let moved = self::server(move |_, _| answer("307 Temporary Redirect", elsewhere, "")).await;
    let error = one(&self::engine(&moved).await).await.expect_err("not followed");
    assert!(matches!(&error, EngineError::Refused(text) if text.contains("307")), "{error:?}");
}

#[test]
fn constraints_are_said_in_the_servers_dialect() {
    let body = |dialect, constraint: &Constraint| {
        let options = Options {
            base: "http://h/v1".to_owned(),
            model: "m".to_owned(),
            key: None,
            dialect,
            parallel: 1,
            prices: Prices::default(),
            retry: quick(),
            weights: None,
        };
        let case = CaseRequest { constraint: constraint.clone(), ..case() };
        super::body(&options, &case.messages, &case).expect("a body")
    };
    let choice = Constraint::Choice(vec!["a".to_owned(), "b".to_owned()]);
    assert_eq!(body(Dialect::Vllm, &choice)["structured_outputs"], json!({"choice": ["a", "b"]}));
    assert_eq!(body(Dialect::LlamaCpp, &choice)["grammar"], json!("root ::= \"a\" | \"b\"\n"));
    assert!(body(Dialect::Plain, &choice).get("grammar").is_none());
    let schema = json!({"type": "boolean"});
    for dialect in [Dialect::Plain, Dialect::LlamaCpp, Dialect::Vllm] {
        let body = body(dialect, &Constraint::JsonSchema(schema.clone()));
        assert_eq!(body["response_format"]["json_schema"]["schema"], schema);
    }
}
