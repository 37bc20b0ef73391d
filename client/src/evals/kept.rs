//! Results on this machine: a folder for each record, with what was asked and answered.

use std::path::{Path, PathBuf};

use skill_engine::{
    executor::Canary,
    record::Record,
    report::{Details, html},
};
use skill_schema::{Fault, codes};

use crate::{
    chance,
    context::Context,
    files::{self, Durable, Mode},
};

/// The folder of results in the data folder.
pub const FOLDER: &str = "evals";
/// The folder of finished runs in the cache folder.
pub const RUNS: &str = "runs";
/// The record.
pub const RECORD: &str = "record.json";
/// What was asked and answered.
const DETAILS: &str = "details.json";
/// The page for people.
pub const PAGE: &str = "report.html";
/// Digits of a record's digest in the name of its folder.
const DIGITS: usize = 12;
/// Bytes of a record that are read at most; the record's own limit is smaller.
const MAX_RECORD: usize = 64 << 20;
/// Bytes of details that are read at most.
const MAX_DETAILS: usize = 512 << 20;

/// A record with its details.
#[derive(Debug)]
pub struct Kept {
    /// The record.
    pub record: Record,
    /// What was asked and answered; empty where only the record is known.
    pub details: Details,
}

/// Writes a record, its details and its page into a folder of its own.
///
/// # Errors
/// [`codes::IO`].
pub fn keep(context: &Context, record: &Record, details: &Details) -> Result<PathBuf, Fault> {
    let digest = record.digest()?.to_string();
    let folder = context.env.data_dir.join(FOLDER).join(&digest[..DIGITS]);
    let write = |name: &str, bytes: &[u8]| files::replace(&folder.join(name), bytes, Mode::Normal, Durable::Yes);
    write(DETAILS, details.to_json().as_bytes())?;
    write(PAGE, html::page(record, details, &html::Extras::default()).as_bytes())?;
    write(RECORD, &record.to_bytes()?)?;
    Ok(folder)
}

/// Reads a record by its file, its folder, or the first digits of its digest, and checks that it says what its runs say.
///
/// # Errors
/// [`codes::NO_PATH`], [`codes::RECORD`], [`codes::RECORD_RESULT`].
pub fn open(context: &Context, named: &str) -> Result<Kept, Fault> {
    let file = find(context, named)?;
    let at = |fault: Fault| {
        let place = file.display().to_string();
        if fault.place.is_some() { fault } else { fault.at(place) }
    };
    let bytes = files::read(&file, MAX_RECORD)?.ok_or_else(|| Fault::new(codes::NO_PATH).at(named))?;
    let record = Record::parse(&bytes).map_err(at)?;
    record.verify()?;
    let beside = file.with_file_name(DETAILS);
    let details = files::read(&beside, MAX_DETAILS)?.and_then(|bytes| Details::from_json(&bytes)).unwrap_or_default();
    Ok(Kept { record, details })
}

/// A canary beside all that this machine keeps of evals: answers of other runs, and suites with their results.
///
/// # Errors
/// [`codes::IO`].
pub fn canary(context: &Context) -> Result<Canary, Fault> {
    let mut canary = Canary::new(chance::bytes()?);
    for folder in [context.env.data_dir.join(FOLDER), context.env.cache_dir.join(RUNS)] {
        canary.plant(&folder)?;
    }
    Ok(canary)
}

fn find(context: &Context, named: &str) -> Result<PathBuf, Fault> {
    let path = Path::new(named);
    if path.is_dir() {
        return Ok(path.join(RECORD));
    }
    if path.exists() {
        return Ok(path.to_owned());
    }
    let own = context.env.data_dir.join(FOLDER);
    let is_prefix = !named.is_empty() && named.bytes().all(|byte| byte.is_ascii_hexdigit());
    let found: Vec<PathBuf> = std::fs::read_dir(&own)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| is_prefix && entry.file_name().to_string_lossy().starts_with(named))
        .map(|entry| entry.path().join(RECORD))
        .collect();
    match found.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(Fault::new(codes::NO_PATH).at(named).detail("no file, and no result on this machine begins so")),
        several => Err(Fault::new(codes::NO_PATH).at(named).detail(format!("{} results begin so", several.len()))),
    }
}
