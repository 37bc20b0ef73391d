//! The data folder: who owns it, its keys, and what its database belongs to.

use std::{
    fs::{self, File},
    path::Path,
};

use skill_bundle::{
    keys::{self, SecretKey},
    note::{Algorithm, VerifierKey},
};
use skill_schema::{Fault, codes};

use crate::{config::Config, error::Error, store::Store};

/// What a registry is: its name and its keys.
#[derive(Debug)]
pub struct Identity {
    /// Name of the log, part of every statement.
    pub origin: String,
    /// Signs who the operator is. Needed at the first start only: the operator does well to move `root.pem` to a safe place.
    pub root: Option<SecretKey>,
    /// Signs what the operator says: the first statement of each scope, snapshots, quarantines.
    pub operator: SecretKey,
    /// Signs the log's checkpoints.
    pub log: SecretKey,
    /// The key that clients pin, in its text form.
    pub log_key: VerifierKey,
}

/// Opens the data folder and its database, initialising what is missing.
pub async fn open(config: &Config) -> Result<(Store, Identity), Error> {
    fs::create_dir_all(&config.data).map_err(Error::io(&config.data))?;
    // Two processes must not initialise one folder at once.
    let lock = File::create(config.data.join("init.lock")).map_err(Error::io(&config.data))?;
    lock.lock().map_err(Error::io(&config.data))?;
    let operator = key(&config.data.join("operator.pem"))?;
    let log = key(&config.data.join("log.pem"))?;
    let store = Store::open(&config.database, &config.data).await?;
    let origin = origin(config, &store, &log).await?;
    same(&store, "operator", &operator.public().to_text(), "operator.pem").await?;
    same(&store, "log", &log.public().to_text(), "log.pem").await?;
    let root = root(&config.data.join("root.pem"), &store).await?;
    let log_key = VerifierKey::new(&origin, Algorithm::Ed25519, log.public())?;
    Ok((store, Identity { origin, root, operator, log, log_key }))
}

/// The root key, made at the first start; `None` if it was moved away since.
async fn root(path: &Path, store: &Store) -> Result<Option<SecretKey>, Error> {
    if !path.exists() && store.meta("root").await?.is_some() {
        return Ok(None);
    }
    let root = key(path)?;
    same(store, "root", &root.public().to_text(), "root.pem").await?;
    Ok(Some(root))
}

/// Takes the folder for one server. The lock ends with the returned file, however the process ends.
pub fn take(data: &Path) -> Result<File, Error> {
    let file = File::create(data.join("serve.lock")).map_err(Error::io(data))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(Fault::new(codes::DATA_BUSY).at(data.display().to_string()).into()),
        Err(fs::TryLockError::Error(e)) => Err(Error::io(data)(e)),
    }
}

/// Reads a key, or makes it.
fn key(path: &Path) -> Result<SecretKey, Error> {
    if !path.exists() {
        let key = SecretKey::generate()?;
        keys::write_new_file(path, &key.to_pem(None)?)?;
        return Ok(key);
    }
    Ok(SecretKey::from_pem(&keys::read_file(path)?, None)?)
}

/// The name of the log. It is decided once: every statement carries it.
async fn origin(config: &Config, store: &Store, log: &SecretKey) -> Result<String, Error> {
    let first = match (&config.policy.origin, &config.http.public_url) {
        (Some(origin), _) => origin.clone(),
        (None, Some(url)) => format!("{}/log", url.host_str().unwrap_or_default()),
        (None, None) => format!("local-{}/log", &log.keyid().to_string()[..8]),
    };
    let kept = store.meta_or("origin", &first).await?;
    match &config.policy.origin {
        Some(asked) if *asked != kept => Err(Fault::new(codes::DATA_FOREIGN)
            .at(config.data.display().to_string())
            .detail(format!("it belongs to {kept}, not to {asked}"))
            .into()),
        _ => Ok(kept),
    }
}

/// Fails if the database was used with another key.
async fn same(store: &Store, name: &str, key: &str, file: &str) -> Result<(), Error> {
    if store.meta_or(name, key).await? == key {
        return Ok(());
    }
    Err(Fault::new(codes::DATA_FOREIGN).at(file).detail("the database was used with another key").into())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[tokio::test]
    async fn the_first_start_initialises_the_folder_and_the_next_one_finds_it() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("deep").join("er");
        let mut config = Config::for_testing(&data);
        config.policy.origin = None;
        let (store, first) = open(&config).await.unwrap();
        store.close().await;
        assert!(first.origin.starts_with("local-") && first.origin.ends_with("/log"));
        assert!(first.log_key.to_string().starts_with(&format!("{}+", first.origin)));
        for file in ["operator.pem", "log.pem", "root.pem"] {
            assert_eq!(fs::metadata(data.join(file)).unwrap().permissions().mode() & 0o777, 0o600, "{file}");
        }
        let (_, second) = open(&config).await.unwrap();
        assert_eq!(second.log_key, first.log_key);
        assert_eq!(second.operator.keyid(), first.operator.keyid());
        assert_eq!(second.root.unwrap().keyid(), first.root.unwrap().keyid());
    }

    #[tokio::test]
    async fn the_root_key_may_be_moved_away_and_is_not_made_again() {
        let dir = tempfile::tempdir().unwrap();
        let config = Config::for_testing(dir.path());
        let (store, first) = open(&config).await.unwrap();
        store.close().await;
        assert!(first.root.is_some());
        fs::remove_file(dir.path().join("root.pem")).unwrap();
        let (store, second) = open(&config).await.unwrap();
        store.close().await;
        assert!(second.root.is_none() && !dir.path().join("root.pem").exists());
    }

    #[tokio::test]
    async fn another_origin_or_another_key_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config::for_testing(dir.path());
        open(&config).await.unwrap();
        config.policy.origin = Some("other.test/log".to_owned());
        assert_eq!(open(&config).await.unwrap_err().code(), codes::DATA_FOREIGN);
        config.policy.origin = None;
        fs::remove_file(dir.path().join("log.pem")).unwrap();
        assert_eq!(open(&config).await.unwrap_err().code(), codes::DATA_FOREIGN);
    }

    #[test]
    fn a_folder_has_one_server() {
        let dir = tempfile::tempdir().unwrap();
        let first = take(dir.path()).unwrap();
        assert_eq!(take(dir.path()).unwrap_err().code(), codes::DATA_BUSY);
        drop(first);
        take(dir.path()).unwrap();
    }
}
