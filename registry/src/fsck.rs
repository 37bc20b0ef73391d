//! `skill-registry fsck`: whether everything that a registry stores is what its signed statements lead to.
//!
//! It reads public files and the database and changes neither. The published checkpoint is read first and the database after it, in one
//! view that does not move: so it can run beside a server, whose later statements it does not see.
//!
//! * [`tree`]: the checkpoint, the statements, every head that was recorded, and the log's files.
//! * [`scopes`]: the chains, and what the database says of scopes, versions and skills.
//! * [`blobs`]: archives, suites, records with their transcripts, and snapshots.

mod blobs;
mod scopes;
mod tree;

use std::path::PathBuf;

use serde::Serialize;
use skill_bundle::{
    keys::PublicKey,
    log::checkpoint::Signed,
    note::{Algorithm, VerifierKey},
};
use skill_schema::{Code, Fault, codes};

use crate::{
    config::{Config, DataArgs},
    error::Error,
    log::files::LogFiles,
    store::{Store, fsck::Audit},
};

/// Flags of `fsck`.
#[derive(Debug, Clone, clap::Args)]
pub struct FsckArgs {
    /// The data folder, which is only read.
    #[arg(long, value_name = "DIR", env = "SKILL_REGISTRY_DATA")]
    pub data: PathBuf,
    /// postgres://… if the state is in PostgreSQL instead of registry.db in the data folder.
    #[arg(long, value_name = "URL", env = "SKILL_REGISTRY_DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// Print the report as one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// What was found.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The log's name.
    pub origin: String,
    /// Statements under the published checkpoint.
    pub size: u64,
    /// The checks that hold, in the order in which they were made.
    pub passed: Vec<Passed>,
    /// The first thing that is wrong, if there is one. Nothing behind it was looked at.
    pub wrong: Option<Wrong>,
}

/// A check that holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Passed {
    /// What was checked.
    pub check: &'static str,
    /// How many of it there are.
    pub count: u64,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Wrong {
    /// The code of the fault.
    pub code: &'static Code,
    /// The file or row.
    pub at: String,
    /// What was found there.
    pub found: String,
}

/// What is checked, and what is known of it so far.
struct Fsck {
    data: PathBuf,
    files: LogFiles,
    store: Store,
    audit: Audit,
    origin: String,
    /// The log's key, which signs checkpoints.
    log_key: VerifierKey,
    passed: Vec<Passed>,
}

impl Config {
    /// What [`check`] needs of a configuration: the flags over `registry.toml`.
    pub fn for_fsck(args: FsckArgs) -> Result<Self, Error> {
        let FsckArgs { data, database_url, json: _ } = args;
        let (origin, public_url, log_format, log) = (None, None, None, None);
        Self::for_data(DataArgs { data, database_url, origin, public_url, log_format, log })
    }
}

/// Checks a registry.
///
/// # Errors
/// Whatever keeps files or database from being read; that something is wrong with them is not an error but in the report.
pub async fn check(config: &Config) -> Result<Report, Error> {
    let files = LogFiles::new(&config.data);
    // Before the database, which may be ahead of it and must not be behind.
    let published = files.checkpoint()?;
    let store = Store::open_for_audit(&config.database, &config.data).await?;
    let mut audit = store.audit().await?;
    let (origin, log_key) = belongs_to(&mut audit).await?;
    let passed = Vec::new();
    let mut fsck = Fsck { data: config.data.clone(), files, store, audit, origin, log_key, passed };
    let mut size = 0;
    let checked = fsck.all(published.as_deref(), &mut size).await;
    let Fsck { store, audit, origin, passed, .. } = fsck;
    drop(audit);
    store.close().await;
    if store.was_opened_since(&config.data) {
        return Err(Error::Start("a server was started meanwhile: run it again".to_owned()));
    }
    let wrong = match checked {
        Ok(()) => None,
        Err(Error::Fault(fault)) => Some(Wrong::from(fault)),
        Err(Error::Damaged(found)) => Some(Wrong { code: codes::DAMAGED, at: "database".to_owned(), found }),
        Err(error) => return Err(error),
    };
    Ok(Report { origin, size, passed, wrong })
}

/// The registry that a database belongs to: its name and the key of its log.
async fn belongs_to(audit: &mut Audit) -> Result<(String, VerifierKey), Error> {
    let missing = || Error::Start("the database belongs to no registry yet".to_owned());
    let origin = audit.meta("origin").await?.ok_or_else(missing)?;
    let key = PublicKey::from_text(&audit.meta("log").await?.ok_or_else(missing)?);
    let key = key.and_then(|key| VerifierKey::new(&origin, Algorithm::Ed25519, key));
    let key = key.map_err(|fault| Error::Start(format!("meta: the log's key cannot be read: {fault}")))?;
    Ok((origin, key))
}

impl Fsck {
    /// Every check, in order; `size` becomes that of the published checkpoint.
    async fn all(&mut self, published: Option<&[u8]>, size: &mut u64) -> Result<(), Error> {
        let signed = self.checkpoint(published).await?;
        *size = signed.as_ref().map_or(0, |signed| signed.checkpoint.size);
        self.tree(signed.as_ref()).await?;
        let operator = self.operator().await?;
        self.scopes(&operator).await?;
        self.archives().await?;
        self.evidence().await?;
        self.snapshots(&operator).await
    }

    /// The published checkpoint: signed by the log, and not ahead of the database. `None` if nothing was ever published.
    async fn checkpoint(&mut self, published: Option<&[u8]>) -> Result<Option<Signed>, Error> {
        const PLACE: &str = "log/checkpoint";
        let heads = self.audit.log_heads().await?;
        let Some(bytes) = published else {
            // The first start commits before it publishes, and may have been interrupted there.
            if heads.len() <= 1 {
                return Ok(None);
            }
            let detail = format!("it is missing, and {} were published", heads.len());
            return Err(Fault::new(codes::CHECKPOINT).at(PLACE).detail(detail).into());
        };
        let read = Signed::parse(bytes).and_then(|signed| signed.verify_log(&self.log_key).map(|()| signed));
        let signed = read.map_err(|fault| {
            let found = fault.detail.unwrap_or_else(|| fault.code.title.to_owned());
            Fault::new(fault.code).at(PLACE).detail(found)
        })?;
        let (size, (rows, _)) = (signed.checkpoint.size, self.audit.log_head().await?);
        if size > rows {
            let detail = format!("{size} statements are signed, and the database has {rows}");
            return Err(Fault::new(codes::LOG_ROLLBACK).at(PLACE).detail(detail).into());
        }
        if size > 0 && heads.binary_search_by_key(&size, |(size, _)| *size).is_err() {
            return Err(damaged(format!("log_heads, size {size}"), "it is signed and not recorded").into());
        }
        self.pass("checkpoint", 1);
        Ok(Some(signed))
    }

    fn pass(&mut self, check: &'static str, count: u64) {
        self.passed.push(Passed { check, count });
    }
}

impl From<Fault> for Wrong {
    fn from(fault: Fault) -> Self {
        let found = fault.detail.unwrap_or_else(|| fault.code.title.to_owned());
        Self { code: fault.code, at: fault.place.unwrap_or_else(|| "registry".to_owned()), found }
    }
}

/// Where, and what was found there.
impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", Fault::new(self.code).at(&self.at).detail(&self.found))
    }
}

impl Report {
    /// One line of JSON.
    pub fn to_json(&self) -> String {
        // Texts, numbers and lists of them always serialise.
        serde_json::to_string(self).unwrap_or_default() + "\n"
    }
}

/// The lines for people: what holds, one check a line.
impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}: {} statements under the published checkpoint", self.origin, self.size)?;
        self.passed.iter().try_for_each(|Passed { check, count }| writeln!(f, "ok  {check:<11} {count:>9}"))
    }
}

/// A file or row that is not what the statements lead to.
fn damaged(place: impl Into<String>, found: impl Into<String>) -> Fault {
    Fault::new(codes::DAMAGED).at(place).detail(found)
}
