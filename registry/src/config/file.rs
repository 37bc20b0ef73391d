//! `registry.toml` in the data folder: what it may set, and how that becomes the configuration.

use std::{net::SocketAddr, path::Path, time::Duration};

use serde::Deserialize;
use skill_bundle::{
    keys::PublicKey,
    note::{Algorithm, VerifierKey},
};
use skill_schema::api::well_known::Auth;
use url::Url;

use super::{Config, FILE, LogFormat, set};
use crate::{error::Error, log::witnesses::Witness};

/// `registry.toml`. Unknown keys are refused, so that a misspelt one is not silently ignored.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct File {
    listen: Option<SocketAddr>,
    admin_listen: Option<SocketAddr>,
    public_url: Option<Url>,
    origin: Option<String>,
    database_url: Option<String>,
    database_readers: Option<u32>,
    database_writers: Option<u32>,
    open_scopes: Option<bool>,
    auth: Option<Auth>,
    proxies: Option<usize>,
    log: Option<String>,
    log_format: Option<LogFormat>,
    rates: FileRates,
    limits: FileLimits,
    quorum: Option<u64>,
    witness: Vec<FileWitness>,
    verifiers: Vec<String>,
}

/// `[[witness]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileWitness {
    url: Url,
    key: String,
}

/// `[rates]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
struct FileRates {
    reads: Option<u32>,
    read_burst: Option<u32>,
    writes: Option<u32>,
    write_burst: Option<u32>,
}

/// `[limits]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
struct FileLimits {
    connections: Option<usize>,
    uploads: Option<usize>,
    checks: Option<usize>,
    body_seconds: Option<u64>,
    shutdown_seconds: Option<u64>,
    lease_seconds: Option<u64>,
    archive: Option<usize>,
    unpacked: Option<usize>,
    files: Option<usize>,
}

impl Config {
    /// Sets what the file sets.
    pub(super) fn apply(&mut self, file: File) -> Result<(), Error> {
        set(&mut self.http.listen, file.listen);
        self.http.admin_listen = file.admin_listen;
        self.http.public_url = file.public_url;
        self.policy.origin = file.origin;
        self.database.url = file.database_url;
        set(&mut self.database.readers, file.database_readers);
        set(&mut self.database.writers, file.database_writers);
        set(&mut self.policy.open_scopes, file.open_scopes);
        set(&mut self.policy.auth, file.auth);
        set(&mut self.http.proxies, file.proxies);
        set(&mut self.log.filter, file.log);
        set(&mut self.log.format, file.log_format);
        set(&mut self.rates.reads, file.rates.reads);
        set(&mut self.rates.read_burst, file.rates.read_burst);
        set(&mut self.rates.writes, file.rates.writes);
        set(&mut self.rates.write_burst, file.rates.write_burst);
        set(&mut self.limits.connections, file.limits.connections);
        set(&mut self.limits.uploads, file.limits.uploads);
        set(&mut self.limits.checks, file.limits.checks);
        set(&mut self.limits.body_time, file.limits.body_seconds.map(Duration::from_secs));
        set(&mut self.limits.shutdown, file.limits.shutdown_seconds.map(Duration::from_secs));
        set(&mut self.limits.lease, file.limits.lease_seconds.map(Duration::from_secs));
        for text in &file.verifiers {
            PublicKey::from_text(text).map_err(|fault| Error::Start(format!("{FILE}: verifiers: {fault}")))?;
        }
        self.verifiers = file.verifiers;
        self.witnesses = file.witness.iter().map(FileWitness::read).collect::<Result<_, _>>()?;
        set(&mut self.quorum, file.quorum);
        if self.quorum > self.witnesses.len() as u64 {
            return Err(Error::Start(format!(
                "{FILE}: quorum is {}, with {} witnesses",
                self.quorum,
                self.witnesses.len()
            )));
        }
        shrink("archive", &mut self.packages.archive, file.limits.archive)?;
        shrink("unpacked", &mut self.packages.unpacked, file.limits.unpacked)?;
        shrink("files", &mut self.packages.files, file.limits.files)
    }
}

impl FileWitness {
    fn read(&self) -> Result<Witness, Error> {
        let key: VerifierKey = self.key.parse().map_err(|fault| Error::Start(format!("{FILE}: witness: {fault}")))?;
        if key.algorithm() != Algorithm::Cosignature {
            return Err(Error::Start(format!("{FILE}: witness: {key} is not the key of a witness")));
        }
        Ok(Witness { url: self.url.clone(), key })
    }
}

/// A registry may announce smaller limits than the archive profile's, never larger: clients would refuse the packages.
fn shrink(name: &str, place: &mut usize, value: Option<usize>) -> Result<(), Error> {
    match value {
        Some(value) if value > *place => {
            Err(Error::Start(format!("{FILE}: limits.{name} is at most {place}, and {value} is more")))
        }
        value => {
            set(place, value);
            Ok(())
        }
    }
}

/// Reads the file; one that does not exist sets nothing.
pub(super) fn read(path: &Path) -> Result<File, Error> {
    match std::fs::read_to_string(path) {
        Ok(text) => toml::from_str(&text).map_err(|e| Error::Start(format!("{}: {e}", path.display()))),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(File::default()),
        Err(e) => Err(Error::io(path)(e)),
    }
}
