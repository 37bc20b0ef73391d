//! Somebody in between: passes requests on to the registry and can change what comes back.

use std::{
    fmt,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use crate::http::{self, Answer};

/// Changes an answer; gets the path that was asked for.
pub type Edit = Box<dyn Fn(&str, &mut Answer) + Send>;

#[derive(Default)]
struct State {
    upstream: Option<SocketAddr>,
    edit: Option<Edit>,
    seen: Vec<String>,
}

/// A proxy on a port of its own; it lives as long as the test's process.
#[derive(Clone)]
pub struct Proxy {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Proxy {
    /// Begins to listen. It answers 502 until it knows its upstream.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let proxy = Self { address: listener.local_addr().expect("an address"), state: Arc::default() };
        let state = Arc::clone(&proxy.state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&state);
                thread::spawn(move || serve(stream, &state));
            }
        });
        proxy
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// To whom it passes requests on.
    pub fn pass_to(&self, upstream: SocketAddr) {
        self.lock().upstream = Some(upstream);
    }

    /// From now on changes answers.
    pub fn edit(&self, edit: impl Fn(&str, &mut Answer) + Send + 'static) {
        self.lock().edit = Some(Box::new(edit));
    }

    /// From now on passes everything on as it is.
    pub fn be_honest(&self) {
        self.lock().edit = None;
    }

    /// The requests since the last call, as `METHOD /path`.
    pub fn seen(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().seen)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads one request, passes it on, and answers; the connection ends with the answer.
fn serve(mut stream: TcpStream, state: &Mutex<State>) {
    let Some((line, headers, body)) = request(&stream) else { return };
    let mut words = line.split(' ');
    let (method, path) = (words.next().unwrap_or_default().to_owned(), words.next().unwrap_or_default().to_owned());
    let upstream = {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        state.seen.push(format!("{method} {path}"));
        state.upstream
    };
    let Some(upstream) = upstream else {
        let _ = stream.write_all(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        return;
    };
    // Compression would hide from an edit what it is to change.
    let dropped = ["host", "connection", "content-length", "accept-encoding"];
    let passed: Vec<(&str, &str)> =
        headers.iter().filter(|(k, _)| !dropped.contains(&k.as_str())).map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let mut answer = http::send(upstream, &method, &path, &passed, &body);
    if let Some(edit) = &state.lock().unwrap_or_else(PoisonError::into_inner).edit {
        edit(&path, &mut answer);
    }
    let _ = stream.write_all(&head(&answer));
    if method != "HEAD" {
        let _ = stream.write_all(&answer.body);
    }
}

/// The status line and headers of an answer. A header `x-lying-length` of an edit is sent as the length.
fn head(answer: &Answer) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {} Answer\r\nconnection: close\r\n", answer.status);
    let dropped = ["connection", "content-length", "transfer-encoding"];
    for (name, value) in answer.headers.iter().filter(|(name, _)| !dropped.contains(&name.as_str())) {
        text.push_str(&[name, ": ", value, "\r\n"].concat());
    }
    let length = answer.header("x-lying-length").map_or(answer.body.len().to_string(), str::to_owned);
    if answer.status != 304 {
        text.push_str(&["content-length: ", &length, "\r\n"].concat());
    }
    text.push_str("\r\n");
    text.into_bytes()
}

type Request = (String, Vec<(String, String)>, Vec<u8>);

fn request(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|n| *n > 0)?;
    let mut headers: Vec<(String, String)> = Vec::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        match header.trim_end().split_once(':') {
            Some((name, value)) => headers.push((name.to_ascii_lowercase(), value.trim().to_owned())),
            None => break,
        }
    }
    let length = headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, value)| value.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    Some((line.trim_end().to_owned(), headers, body))
}
