//! Fetches an archive: resumable after a cut or a kill, and hashed while it is written.

use std::{
    fs::File,
    io::{Read, Write},
    path::{Path, PathBuf},
};

use backon::BackoffBuilder;
use reqwest::{Method, StatusCode, header};
use sha2::{Digest as _, Sha256};
use skill_schema::{Digest, Fault, api::blob, codes};

use super::{
    Api,
    http::{Body, Call, Failure, network},
};
use crate::{files, progress::Progress};

/// What to fetch.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// SHA-256 of the content.
    pub digest: Digest,
    /// Its size in bytes, from the signed statement.
    pub size: u64,
}

/// A download in the making: the bytes so far, in memory and in a `.part` file that a later run continues.
struct Partial {
    path: PathBuf,
    /// `None` while another process downloads the same: then this one keeps its bytes to itself.
    file: Option<File>,
    bytes: Vec<u8>,
    hasher: Sha256,
}

impl Api {
    /// Fetches a blob whose digest and size are known, keeps it at `path`, and returns its bytes. Continues `path` + `.part`.
    ///
    /// # Errors
    /// [`codes::DIGEST`] if what comes is not what was wanted; network faults and [`super::Refused`].
    pub async fn download(&self, wanted: Wanted, path: &Path, progress: &Progress) -> anyhow::Result<Vec<u8>> {
        let mut partial = Partial::open(path, wanted)?;
        let resumed = !partial.bytes.is_empty();
        progress.advance(partial.bytes.len() as u64);
        self.complete(wanted, &mut partial, progress).await?;
        match partial.finish(path, wanted) {
            // What an earlier run left was damaged since; it is gone now, so one whole download decides.
            Err(fault) if resumed && fault.code == codes::DIGEST => {
                progress.rewind(wanted.size);
                let mut whole = Partial::open(path, wanted)?;
                self.complete(wanted, &mut whole, progress).await?;
                Ok(whole.finish(path, wanted)?)
            }
            result => Ok(result?),
        }
    }

    /// Asks for what is missing until all is there, or no attempt gets further.
    async fn complete(&self, wanted: Wanted, partial: &mut Partial, progress: &Progress) -> anyhow::Result<()> {
        let mut delays = self.http.backoff().build();
        while (partial.bytes.len() as u64) < wanted.size {
            let before = partial.bytes.len();
            let Err(failure) = self.more(wanted, partial, progress).await else { continue };
            if partial.bytes.len() > before {
                delays = self.http.backoff().build(); // it moves: a new count of attempts
                continue;
            }
            match delays.next().filter(|_| failure.passing()) {
                Some(delay) => {
                    let delay = failure.wait().map_or(delay, |wait| wait.max(delay));
                    self.http.say_again(&failure, delay);
                    tokio::time::sleep(delay).await;
                }
                None => return Err(failure.into()),
            }
        }
        Ok(())
    }

    /// One request for what is missing.
    async fn more(&self, wanted: Wanted, partial: &mut Partial, progress: &Progress) -> Result<(), Failure> {
        let mut headers = header::HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, header::HeaderValue::from_static("identity"));
        if !partial.bytes.is_empty() {
            let range = format!("bytes={}-", partial.bytes.len());
            let tag = format!("\"{}\"", wanted.digest);
            for (name, value) in [(header::RANGE, range), (header::IF_RANGE, tag)] {
                if let Ok(value) = header::HeaderValue::from_str(&value) {
                    headers.insert(name, value);
                }
            }
        }
        let call = Call { method: Method::GET, path: &blob::path(&wanted.digest), body: Body::Empty, retry: true };
        let mut response = self.http.attempt(&call, headers).await?;
        if response.status() != StatusCode::PARTIAL_CONTENT && !partial.bytes.is_empty() {
            progress.rewind(partial.bytes.len() as u64);
            partial.restart().map_err(Failure::Fault)?;
        }
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) => {
                    if (partial.bytes.len() + chunk.len()) as u64 > wanted.size {
                        partial.discard();
                        let detail = format!("more than the {} bytes that were announced", wanted.size);
                        return Err(Failure::Fault(wrong(wanted).detail(detail)));
                    }
                    partial.add(&chunk).map_err(Failure::Fault)?;
                    progress.advance(chunk.len() as u64);
                }
                Ok(None) if (partial.bytes.len() as u64) < wanted.size => {
                    return Err(Failure::Fault(Fault::new(codes::NETWORK).detail("the download ended early")));
                }
                Ok(None) => return Ok(()),
                Err(e) => return Err(Failure::Fault(network(&e, self.http.base()))),
            }
        }
    }
}

fn wrong(wanted: Wanted) -> Fault {
    Fault::new(codes::DIGEST).at(format!("archive sha256:{}", wanted.digest))
}

impl Partial {
    /// Continues what an earlier run left, if nobody else is at it.
    fn open(path: &Path, wanted: Wanted) -> Result<Self, Fault> {
        let mut name = path.as_os_str().to_owned();
        name.push(".part");
        let path = PathBuf::from(name);
        if let Some(folder) = path.parent() {
            files::make_folder(folder, files::Mode::Normal)?;
        }
        let mut options = File::options();
        let file = options.read(true).append(true).create(true).open(&path).map_err(|e| files::fault(&path, &e))?;
        let mut partial = Self { path, file: None, bytes: Vec::new(), hasher: Sha256::new() };
        if file.try_lock().is_err() {
            return Ok(partial);
        }
        let io = |e: std::io::Error| files::fault(&partial.path, &e);
        (&file).take(wanted.size + 1).read_to_end(&mut partial.bytes).map_err(io)?;
        partial.file = Some(file);
        if partial.bytes.len() as u64 > wanted.size {
            partial.restart()?;
        }
        partial.hasher.update(&partial.bytes);
        Ok(partial)
    }

    fn add(&mut self, chunk: &[u8]) -> Result<(), Fault> {
        if let Some(file) = &mut self.file {
            file.write_all(chunk).map_err(|e| files::fault(&self.path, &e))?;
        }
        self.hasher.update(chunk);
        self.bytes.extend_from_slice(chunk);
        Ok(())
    }

    fn restart(&mut self) -> Result<(), Fault> {
        if let Some(file) = &self.file {
            file.set_len(0).map_err(|e| files::fault(&self.path, &e))?;
        }
        self.bytes.clear();
        self.hasher = Sha256::new();
        Ok(())
    }

    fn discard(&mut self) {
        if self.file.take().is_some() {
            // If it stays, the next run finds it wrong again.
            let _ = std::fs::remove_file(&self.path);
        }
    }

    fn finish(mut self, path: &Path, wanted: Wanted) -> Result<Vec<u8>, Fault> {
        if Digest(self.hasher.clone().finalize().into()) != wanted.digest {
            self.discard();
            return Err(wrong(wanted));
        }
        if self.file.is_some() {
            std::fs::rename(&self.path, path).map_err(|e| files::fault(path, &e))?;
        }
        Ok(self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(content: &[u8]) -> Wanted {
        Wanted { digest: Digest(Sha256::digest(content).into()), size: content.len() as u64 }
    }

    #[test]
    fn a_download_continues_where_it_was_cut() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("archives/a.tar.gz");
        let mut first = Partial::open(&path, wanted(b"hello world")).expect("opened");
        first.add(b"hello").expect("written");
        let beside = Partial::open(&path, wanted(b"hello world")).expect("opened");
        assert!(beside.file.is_none() && beside.bytes.is_empty(), "two processes must not write one file");
        drop(first);
        let mut second = Partial::open(&path, wanted(b"hello world")).expect("opened");
        assert_eq!(second.bytes, b"hello");
        second.add(b" world").expect("written");
        assert_eq!(second.finish(&path, wanted(b"hello world")).expect("right"), b"hello world");
        assert_eq!(std::fs::read(&path).expect("kept"), b"hello world");
    }

    #[test]
    fn wrong_bytes_are_refused_and_not_kept() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("a.tar.gz");
        let mut partial = Partial::open(&path, wanted(b"hello")).expect("opened");
        partial.add(b"hallo").expect("written");
        let fault = partial.finish(&path, wanted(b"hello")).expect_err("wrong");
        assert_eq!(fault.code, codes::DIGEST);
        assert_eq!(std::fs::read_dir(dir.path()).expect("folder").count(), 0);
    }
}
