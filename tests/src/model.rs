//! A model behind OpenAI's interface, for stories: it answers as a closure says. A real model stands in for it in `./demo`.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use serde_json::{Value, json};

/// From the request's body to the answer.
type Answer = dyn Fn(&Value) -> String + Send + Sync;

/// A model on a port of its own; it lives as long as the test's process.
#[derive(Clone)]
pub struct Model {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Value>>>,
}

impl Model {
    /// Begins to listen. Each answer takes `latency`.
    pub fn start(latency: Duration, answer: impl Fn(&Value) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let model = Self { address: listener.local_addr().expect("an address"), asked: Arc::default() };
        let (asked, answer): (_, Arc<Answer>) = (Arc::clone(&model.asked), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (asked, answer) = (Arc::clone(&asked), Arc::clone(&answer));
                thread::spawn(move || while serve(&stream, &asked, &*answer, latency).is_some() {});
            }
        });
        model
    }

    /// A model that shouts if a skill tells it to.
    pub fn obedient() -> Self {
        Self::start(Duration::ZERO, |body| if has_skill(body) { "LOUD".to_owned() } else { "quiet".to_owned() })
    }

    /// The interface's address, as other programs want it.
    pub fn base(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// How the model is named on the command line.
    pub fn spec(&self) -> String {
        format!("openai:mock@{}", self.base())
    }

    /// The bodies of all requests so far.
    pub fn asked(&self) -> Vec<Value> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Whether a request carries a skill.
pub fn has_skill(body: &Value) -> bool {
    body["messages"].to_string().contains("<skill name=")
}

/// Answers one request; `None` at the connection's end.
fn serve(mut stream: &TcpStream, asked: &Mutex<Vec<Value>>, answer: &Answer, latency: Duration) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let (mut line, mut length) = (String::new(), 0);
    reader.read_line(&mut line).ok().filter(|n| *n > 0)?;
    let is_get = line.starts_with("GET ");
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok().filter(|n| *n > 0)?;
        if header == "\r\n" {
            break;
        }
        if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let (kind, text) = if is_get {
        ("application/json", json!({"data": [{"id": "mock", "created": 1}]}).to_string())
    } else {
        let body: Value = serde_json::from_slice(&body).ok()?;
        thread::sleep(latency);
        let said = answer(&body);
        let streams = body["stream"] == true;
        let tokens = body["messages"].to_string().len().div_ceil(4);
        asked.lock().unwrap_or_else(PoisonError::into_inner).push(body);
        if streams {
            ("text/event-stream", streamed(&said, tokens))
        } else {
            ("application/json", whole(&said, tokens))
        }
    };
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n", text.len());
    stream.write_all(format!("{head}{text}").as_bytes()).ok()
}

/// An answer as events.
fn streamed(said: &str, tokens: usize) -> String {
    let first = json!({"choices": [{"index": 0, "delta": {"content": said}, "finish_reason": null}]});
    let last = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": used(tokens)});
    format!("data: {first}\n\ndata: {last}\n\ndata: [DONE]\n\n")
}

/// An answer in one piece, for programs that do not ask for a stream.
fn whole(said: &str, tokens: usize) -> String {
    let choice = json!({"index": 0, "message": {"role": "assistant", "content": said}, "finish_reason": "stop"});
    json!({"id": "1", "object": "chat.completion", "created": 1, "model": "mock", "choices": [choice], "usage": used(tokens)})
        .to_string()
}

fn used(tokens: usize) -> Value {
    json!({"prompt_tokens": tokens, "completion_tokens": 5, "total_tokens": tokens + 5})
}
