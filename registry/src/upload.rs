//! Receiving a publish request: `multipart/form-data` with `meta`, `statement`, `archive` and what may follow in this order, each within its
//! limit, the archive hashed while it comes, and into a temporary file unless it is small.

pub mod proposal;

use axum::{
    extract::{FromRequest, Multipart, Request, multipart::Field, multipart::MultipartError},
    http::{HeaderMap, StatusCode, header},
};
use bytes::BytesMut;
use skill_bundle::hash::Hasher;
use skill_schema::{
    Digest, Fault, Limits,
    api::{eval, job, publish},
    codes,
};
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt;

use crate::{
    blobs::{Blobs, Received},
    body::{next, too_large, within},
    error::Error,
    limits::{MULTIPART_OVERHEAD, SMALL_UPLOAD, ServerLimits},
};

/// What was received. Nothing of it is checked yet.
#[derive(Debug)]
pub struct Upload {
    /// The `meta` part.
    pub meta: publish::Meta,
    /// The `statement` part.
    pub statement: Vec<u8>,
    /// The `archive` part.
    pub archive: Received,
    /// SHA-256 of the archive.
    pub digest: Digest,
    /// The `tried` part.
    pub tried: Option<Vec<u8>>,
    /// The `record` and `transcripts` parts of a measured version.
    pub evidence: Option<Sent>,
}

/// A record and the transcripts of its runs, as they were sent.
#[derive(Debug)]
pub struct Sent {
    /// The `record` part.
    pub record: Vec<u8>,
    /// The `transcripts` part.
    pub transcripts: Vec<u8>,
}

/// Bytes that a whole publish request can have.
pub fn limit(packages: &Limits) -> usize {
    publish::MAX_META
        + packages.envelope
        // A sealed suite comes twice: without its holdout and whole.
        + 2 * packages.archive
        + publish::MAX_TRIED
        + eval::MAX_RECORD
        + eval::MAX_TRANSCRIPTS
        + MULTIPART_OVERHEAD
}

/// Fails with `E_MEDIA_TYPE` unless the body says that it is a form.
pub fn check_form(headers: &HeaderMap) -> Result<(), Error> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if kind.to_ascii_lowercase().starts_with("multipart/form-data") {
        return Ok(());
    }
    Err(Fault::new(codes::MEDIA_TYPE).detail("multipart/form-data is expected").into())
}

/// Receives a publish request.
pub async fn receive(
    request: Request,
    blobs: &Blobs,
    limits: &ServerLimits,
    packages: &Limits,
) -> Result<Upload, Error> {
    let mut form = Multipart::from_request(request, &()).await.map_err(|e| bad(&e.body_text()))?;
    within(limits, async {
        let meta = read(part(&mut form, "meta", limits).await?, "meta", publish::MAX_META, limits).await?;
        let meta = serde_json::from_slice(&meta).map_err(|e| bad(&format!("meta: {e}")))?;
        let statement = part(&mut form, "statement", limits).await?;
        let statement = read(statement, "statement", packages.envelope, limits).await?.to_vec();
        let archive = part(&mut form, "archive", limits).await?;
        let (archive, digest) = save(archive, blobs, packages.archive, limits).await?;
        let mut field = next(limits, form.next_field()).await?.map_err(|e| broken(&e))?;
        let mut log = None;
        if field.as_ref().is_some_and(|field| field.name() == Some("tried")) {
            if let Some(field) = field.take() {
                log = Some(tried(read(field, "tried", publish::MAX_TRIED, limits).await?.to_vec())?);
            }
            field = next(limits, form.next_field()).await?.map_err(|e| broken(&e))?;
        }
        let evidence = match field {
            None => None,
            Some(field) if field.name() == Some("record") => {
                let record = read(field, "record", eval::MAX_RECORD, limits).await?.to_vec();
                Some(sent(&mut form, record, limits).await?)
            }
            Some(field) => {
                return Err(bad(&format!(
                    "tried, record or nothing is expected after archive, and there is {:?}",
                    field.name()
                )));
            }
        };
        Ok(Upload { meta, statement, archive, digest, tried: log, evidence })
    })
    .await
}

/// A log of what was tried is text: lines and tabs, and nothing else that moves a cursor.
fn tried(bytes: Vec<u8>) -> Result<Vec<u8>, Error> {
    let text = std::str::from_utf8(&bytes).map_err(|_| bad("tried: it is not UTF-8"))?;
    if text.chars().any(|c| c.is_control() && c != '\t' && c != '\n') {
        return Err(bad("tried: it has control characters"));
    }
    Ok(bytes)
}

/// The part after a record, which is the last.
async fn sent(form: &mut Multipart, record: Vec<u8>, limits: &ServerLimits) -> Result<Sent, Error> {
    let transcripts = part(form, "transcripts", limits).await?;
    let transcripts = read(transcripts, "transcripts", eval::MAX_TRANSCRIPTS, limits).await?.to_vec();
    end(form, limits).await?;
    Ok(Sent { record, transcripts })
}

/// Nothing comes after the last part.
async fn end(form: &mut Multipart, limits: &ServerLimits) -> Result<(), Error> {
    match next(limits, form.next_field()).await?.map_err(|e| broken(&e))? {
        None => Ok(()),
        Some(field) => Err(bad(&format!("there is {:?} after the last part", field.name()))),
    }
}

/// Receives the result of an attempt: `statement`, `record`, `transcripts`.
pub async fn receive_result(
    request: Request,
    limits: &ServerLimits,
    packages: &Limits,
) -> Result<(Vec<u8>, Sent), Error> {
    let mut form = Multipart::from_request(request, &()).await.map_err(|e| bad(&e.body_text()))?;
    within(limits, async {
        let statement = part(&mut form, "statement", limits).await?;
        let statement = read(statement, "statement", packages.envelope, limits).await?.to_vec();
        let record = part(&mut form, "record", limits).await?;
        let record = read(record, "record", eval::MAX_RECORD, limits).await?.to_vec();
        Ok((statement, sent(&mut form, record, limits).await?))
    })
    .await
}

/// A suite as it was sent.
#[derive(Debug)]
pub struct SuiteUpload {
    /// The `statement` part.
    pub statement: Vec<u8>,
    /// The `archive` part with its SHA-256, if there is one.
    pub archive: Option<(Received, Digest)>,
    /// The `sealed` part, if there is one.
    pub sealed: Option<Vec<u8>>,
}

/// Receives a suite: `statement`, and `archive` and `sealed` if they are there. What is sealed is on no disk before it is where it belongs.
pub async fn receive_suite(
    request: Request,
    blobs: &Blobs,
    limits: &ServerLimits,
    packages: &Limits,
) -> Result<SuiteUpload, Error> {
    let mut form = Multipart::from_request(request, &()).await.map_err(|e| bad(&e.body_text()))?;
    within(limits, async {
        let statement = part(&mut form, "statement", limits).await?;
        let statement = read(statement, "statement", packages.envelope, limits).await?.to_vec();
        let mut upload = SuiteUpload { statement, archive: None, sealed: None };
        while let Some(field) = next(limits, form.next_field()).await?.map_err(|e| broken(&e))? {
            match field.name() {
                Some("archive") if upload.archive.is_none() && upload.sealed.is_none() => {
                    upload.archive = Some(save(field, blobs, packages.archive, limits).await?);
                }
                Some("sealed") if upload.sealed.is_none() => {
                    upload.sealed = Some(read(field, "sealed", packages.archive, limits).await?.to_vec());
                }
                name => return Err(bad(&format!("archive or sealed is expected, and there is {name:?}"))),
            }
        }
        Ok(upload)
    })
    .await
}

/// A job as it was sent.
#[derive(Debug)]
pub struct JobUpload {
    /// The `statement` part.
    pub statement: Vec<u8>,
    /// The `meta` part.
    pub meta: job::Meta,
    /// The `archive` part: in memory, since nobody may see it before it is where it belongs.
    pub archive: Vec<u8>,
}

/// Receives a job: `statement`, `meta`, `archive`.
pub async fn receive_job(request: Request, limits: &ServerLimits, packages: &Limits) -> Result<JobUpload, Error> {
    let mut form = Multipart::from_request(request, &()).await.map_err(|e| bad(&e.body_text()))?;
    within(limits, async {
        let statement = part(&mut form, "statement", limits).await?;
        let statement = read(statement, "statement", packages.envelope, limits).await?.to_vec();
        let meta = read(part(&mut form, "meta", limits).await?, "meta", publish::MAX_META, limits).await?;
        let meta = serde_json::from_slice(&meta).map_err(|e| bad(&format!("meta: {e}")))?;
        let archive = part(&mut form, "archive", limits).await?;
        let archive = read(archive, "archive", packages.archive, limits).await?.to_vec();
        end(&mut form, limits).await?;
        Ok(JobUpload { statement, meta, archive })
    })
    .await
}

/// Receives the result of a verifier: `statement`, `record`.
pub async fn receive_verified(
    request: Request,
    limits: &ServerLimits,
    packages: &Limits,
) -> Result<(Vec<u8>, Vec<u8>), Error> {
    let mut form = Multipart::from_request(request, &()).await.map_err(|e| bad(&e.body_text()))?;
    within(limits, async {
        let statement = part(&mut form, "statement", limits).await?;
        let statement = read(statement, "statement", packages.envelope, limits).await?.to_vec();
        let record = part(&mut form, "record", limits).await?;
        let record = read(record, "record", eval::MAX_RECORD, limits).await?.to_vec();
        end(&mut form, limits).await?;
        Ok((statement, record))
    })
    .await
}

/// The next part, which must have this name.
async fn part<'a>(form: &'a mut Multipart, name: &str, limits: &ServerLimits) -> Result<Field<'a>, Error> {
    match next(limits, form.next_field()).await?.map_err(|e| broken(&e))? {
        Some(field) if field.name() == Some(name) => Ok(field),
        Some(field) => Err(bad(&format!("the part {name} is expected, and there is {:?}", field.name()))),
        None => Err(bad(&format!("the part {name} is missing"))),
    }
}

/// A small part, whole.
async fn read(mut field: Field<'_>, name: &str, limit: usize, limits: &ServerLimits) -> Result<BytesMut, Error> {
    let mut all = BytesMut::new();
    while let Some(piece) = next(limits, field.chunk()).await?.map_err(|e| broken(&e))? {
        if all.len() + piece.len() > limit {
            return Err(too_large(&format!("the part {name}"), limit));
        }
        all.extend_from_slice(&piece);
    }
    Ok(all)
}

/// The archive: in memory while it is small, then into a file.
async fn save(
    mut field: Field<'_>,
    blobs: &Blobs,
    limit: usize,
    limits: &ServerLimits,
) -> Result<(Received, Digest), Error> {
    let (mut hasher, mut size) = (Hasher::new(), 0);
    let mut memory = BytesMut::new();
    let mut file: Option<Spill> = None;
    while let Some(piece) = next(limits, field.chunk()).await?.map_err(|e| broken(&e))? {
        size += piece.len();
        if size > limit {
            return Err(Fault::new(codes::TOO_BIG).detail(format!("over {limit} bytes compressed")).into());
        }
        hasher.update(&piece);
        match &mut file {
            Some(file) => file.write(&piece).await?,
            None => memory.extend_from_slice(&piece),
        }
        if file.is_none() && size > SMALL_UPLOAD {
            let mut opened = Spill::open(blobs)?;
            opened.write(&std::mem::take(&mut memory)).await?;
            file = Some(opened);
        }
    }
    let received = match file {
        None => Received::Memory(memory.freeze()),
        Some(file) => Received::File(file.finish().await?),
    };
    Ok((received, hasher.finish()))
}

/// A large upload on its way into a temporary file.
struct Spill {
    upload: NamedTempFile,
    file: tokio::fs::File,
}

impl Spill {
    fn open(blobs: &Blobs) -> Result<Self, Error> {
        let upload = blobs.upload()?;
        let file = upload.as_file().try_clone().map_err(Error::io(upload.path()))?;
        Ok(Self { upload, file: tokio::fs::File::from_std(file) })
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.file.write_all(bytes).await.map_err(Error::io(self.upload.path()))
    }

    async fn finish(mut self) -> Result<NamedTempFile, Error> {
        self.file.flush().await.map_err(Error::io(self.upload.path()))?;
        Ok(self.upload)
    }
}

fn bad(detail: &str) -> Error {
    Fault::new(codes::BAD_REQUEST).at("body").detail(detail).into()
}

fn broken(error: &MultipartError) -> Error {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return Fault::new(codes::BODY_LIMIT).detail(error.body_text()).into();
    }
    bad(&error.body_text())
}
