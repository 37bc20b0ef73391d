//! Downloading a model: resumed where it broke off, bounded, and not believed until its digest is the one that was asked for.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::Path,
    time::Duration,
};

use reqwest::{StatusCode, header};
use skill_schema::Digest;

use super::{Info, Result, Store, about, copy};
use crate::model::{EngineError, http};

/// Tries in a row that bring nothing.
const TRIES: u32 = 5;
/// The wait between two tries.
const WAIT: Duration = Duration::from_secs(2);

/// Whether the connection may help when tried again.
enum Stop {
    Again(String),
    Never(EngineError),
}

impl Store {
    /// Downloads a model. `progress` is told the bytes that are there and how many there will be, if the server says so.
    ///
    /// # Errors
    /// [`EngineError::Refused`] if the server has no such file, it is larger than the limit, or it is another file than was asked
    /// for; [`EngineError::Infra`] if the connection breaks again and again; what is there then is kept for the next time.
    pub async fn pull(
        &self,
        url: &str,
        digest: &Digest,
        name: &str,
        progress: impl Fn(u64, Option<u64>) + Send + Sync,
    ) -> Result<Info> {
        if let Some(info) = self.info(digest) {
            return Ok(info);
        }
        let client = http::build_for_downloads().map_err(|e| EngineError::Refused(format!("no HTTP client: {e}")))?;
        let part = self.folder.join(format!("{digest}.part"));
        let mut failed = 0;
        loop {
            let before = size(&part);
            match self.fetch(&client, url, &part, &progress).await {
                Ok(()) => break,
                Err(Stop::Never(error)) => return Err(error),
                Err(Stop::Again(message)) => {
                    failed = if size(&part) > before { 1 } else { failed + 1 };
                    if failed >= TRIES {
                        return Err(EngineError::infra(format!("{url}: {message}")));
                    }
                    tokio::time::sleep(WAIT).await;
                }
            }
        }
        let mut file = fs::File::open(&part).map_err(|e| about(&part, &e))?;
        let found = copy(&mut file, &mut std::io::sink(), self.limit).map_err(|e| about(&part, &e))?;
        if found != *digest {
            fs::remove_file(&part).map_err(|e| about(&part, &e))?;
            return Err(EngineError::Refused(format!("{url}: its SHA-256 is {found}, not {digest}")));
        }
        let file_name = url.rsplit('/').next().and_then(|name| name.split('?').next()).unwrap_or_default();
        let name = if name.is_empty() { file_name.trim_end_matches(".gguf") } else { name };
        // A file that is no model is dropped with its temporary path.
        let file = tempfile::TempPath::try_from_path(&part).map_err(|e| about(&part, &e))?;
        self.place(file, digest, name, url)
    }

    /// One connection: appends to what is there.
    async fn fetch(
        &self,
        client: &reqwest::Client,
        url: &str,
        part: &Path,
        progress: &(impl Fn(u64, Option<u64>) + Send + Sync),
    ) -> std::result::Result<(), Stop> {
        let refused = |message: String| Stop::Never(EngineError::Refused(format!("{url}: {message}")));
        let mut there = size(part);
        // Bytes as they are: a compressed stream could not be resumed.
        let mut request = client.get(url).header(header::ACCEPT_ENCODING, "identity");
        if there > 0 {
            request = request.header(header::RANGE, format!("bytes={there}-"));
        }
        let mut response = request.send().await.map_err(|e| Stop::Again(e.to_string()))?;
        match response.status() {
            StatusCode::PARTIAL_CONTENT => {}
            // All of it is there already.
            StatusCode::RANGE_NOT_SATISFIABLE if there > 0 => return Ok(()),
            // It does not resume: from the beginning.
            StatusCode::OK => there = 0,
            status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                return Err(Stop::Again(status.to_string()));
            }
            status => return Err(refused(status.to_string())),
        }
        let total = response.content_length().map(|length| length + there);
        if total.is_some_and(|total| total > self.limit) {
            return Err(refused(format!("more than {} bytes", self.limit)));
        }
        let mut options = OpenOptions::new();
        let options = if there == 0 { options.write(true).create(true).truncate(true) } else { options.append(true) };
        let mut file = options.open(part).map_err(|e| Stop::Never(about(part, &e)))?;
        while let Some(bytes) = response.chunk().await.map_err(|e| Stop::Again(e.to_string()))? {
            there += bytes.len() as u64;
            if there > self.limit {
                return Err(refused(format!("more than {} bytes", self.limit)));
            }
            file.write_all(&bytes).map_err(|e| Stop::Never(about(part, &e)))?;
            progress(there, total);
        }
        match total {
            Some(total) if there < total => Err(Stop::Again("the download breaks off".to_owned())),
            _ => file.sync_all().map_err(|e| Stop::Never(about(part, &e))),
        }
    }
}

fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |about| about.len())
}

#[cfg(test)]
mod tests;
