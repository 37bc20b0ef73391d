//! Downloads from a server in this process: whole, resumed, wrong, too large.

use std::sync::Mutex;

use skill_bundle::hash::sha256;
use skill_schema::Digest;

use super::Store;
use crate::model::{
    EngineError,
    gguf::tests::header,
    http::testing::{Request, Server, answer},
};

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path()).expect("a store");
    (folder, store)
}

/// An answer whose length is announced, and of which only the beginning comes.
fn cut(bytes: &[u8], status: &str, come: usize) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", bytes.len());
    [head.as_bytes(), &bytes[..come]].concat()
}

fn range(request: &Request) -> Option<usize> {
    let line =
        request.head.lines().find_map(|line| line.to_lowercase().strip_prefix("range: bytes=").map(str::to_owned));
    line?.trim_end_matches('-').parse().ok()
}

#[tokio::test]
async fn a_download_that_breaks_off_is_resumed() {
    let model = header("m");
    let bytes = model.clone();
    let server = Server::start(move |n, request| match (n, range(request)) {
        (0, None) => cut(&bytes, "200 OK", 100),
        (_, Some(from)) => cut(&bytes[from..], "206 Partial Content", bytes.len() - from),
        other => panic!("{other:?}"),
    })
    .await;
    let (folder, store) = store();
    let seen = Mutex::new(Vec::new());
    let progress = |there, total| seen.lock().expect("not poisoned").push((there, total));
    let url = format!("{}/models/m.gguf?download=true", server.url);
    let info = store.pull(&url, &sha256(&model), "", progress).await.expect("pulled");
    assert_eq!((info.name.as_str(), info.source.as_str(), info.bytes), ("m", url.as_str(), model.len() as u64));
    assert_eq!(std::fs::read(store.path(&info.sha256)).expect("there"), model);
    assert_eq!(server.requests().iter().map(range).collect::<Vec<_>>(), [None, Some(100)]);
    let length = model.len() as u64;
    assert_eq!(seen.lock().expect("not poisoned").last(), Some(&(length, Some(length))));
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 2, "no part is left");
    // A second pull asks nobody.
    assert_eq!(store.pull(&url, &info.sha256, "", |_, _| {}).await, Ok(info));
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_file_that_is_another_too_large_or_missing_is_refused() {
    let model = header("m");
    let bytes = model.clone();
    let server = Server::start(move |_, request| {
        if request.head.starts_with("GET /m ") {
            [b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".as_slice(), &bytes].concat()
        } else {
            answer("404 Not Found", "", "")
        }
    })
    .await;
    let (folder, store) = store();
    let (url, digest) = (format!("{}/m", server.url), sha256(&model));
    let pull = async |store: &Store, url: &str, digest: &Digest| store.pull(url, digest, "m", |_, _| {}).await;
    let refused = |answer: Result<_, EngineError>, words: &str| {
        assert!(matches!(&answer, Err(EngineError::Refused(text)) if text.contains(words)), "{words}: {answer:?}");
    };
    refused(pull(&store, &url, &Digest::ZERO).await, "its SHA-256 is");
    refused(pull(&store, &format!("{}/n", server.url), &digest).await, "404");
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
    let limit = model.len() as u64;
    refused(pull(&store.clone().with_limit(limit - 1), &url, &digest).await, "more than");
    std::fs::remove_file(folder.path().join(format!("{digest}.part"))).expect("a part");
    assert!(pull(&store.with_limit(limit), &url, &digest).await.is_ok());
}
