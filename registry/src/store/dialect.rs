//! What differs between SQLite and PostgreSQL, but for full-text search.

use std::path::Path;

use crate::error::Error;

/// Name of the SQLite database in the data folder.
const FILE: &str = "registry.db";

/// Which database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// A file in the data folder.
    Sqlite,
    /// A server.
    Postgres,
}

impl Dialect {
    /// The dialect and the address to connect to.
    pub fn of(url: Option<&str>, data: &Path) -> Result<(Self, String), Error> {
        match url {
            None => Ok((Self::Sqlite, format!("sqlite://{}?mode=rwc", encode(&data.join(FILE))?))),
            Some(url) if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
                Ok((Self::Postgres, url.to_owned()))
            }
            Some(_) => Err(Error::Start("database-url must start with postgres://".to_owned())),
        }
    }

    /// The same for somebody who only reads. On SQLite a database that is missing is not made, and one that nobody has open (it has
    /// no `-wal` beside it) is read without making the files that a shared one needs.
    pub fn for_reading(url: Option<&str>, data: &Path) -> Result<(Self, String), Error> {
        if url.is_some() {
            return Self::of(url, data);
        }
        let file = data.join(FILE);
        if !file.try_exists().map_err(Error::io(&file))? {
            return Err(Error::Start(format!("{}: there is no database", file.display())));
        }
        let mode = if Self::is_open(data) { "mode=ro" } else { "mode=ro&immutable=1" };
        Ok((Self::Sqlite, format!("sqlite://{}?{mode}", encode(&file)?)))
    }

    /// Whether somebody has the SQLite database of a data folder open, or did not close it.
    pub fn is_open(data: &Path) -> bool {
        data.join(format!("{FILE}-wal")).exists()
    }

    /// Run on every new connection that only reads.
    pub fn on_connect_for_reading(self) -> &'static [&'static str] {
        match self {
            Self::Sqlite => &["pragma query_only = on", "pragma busy_timeout = 5000", "pragma cache_size = -16000"],
            Self::Postgres => &["set default_transaction_read_only = on"],
        }
    }

    /// Starts a transaction that reads one state of the database to its end.
    pub fn begin_reading(self) -> &'static str {
        match self {
            Self::Sqlite => "begin",
            Self::Postgres => "begin isolation level repeatable read read only",
        }
    }

    /// Run on every new connection. On SQLite: readers beside one writer, and a commit is on the disk before it is acknowledged.
    pub fn on_connect(self) -> &'static [&'static str] {
        match self {
            Self::Sqlite => &[
                "pragma journal_mode = wal",
                "pragma synchronous = full",
                "pragma foreign_keys = on",
                "pragma busy_timeout = 5000",
                "pragma cache_size = -16000",
            ],
            Self::Postgres => &["set synchronous_commit = on"],
        }
    }

    /// Starts a transaction that writes. On SQLite the lock is taken at once: a transaction that starts by reading could not wait
    /// for another process later.
    pub fn begin(self) -> &'static str {
        match self {
            Self::Sqlite => "begin immediate",
            Self::Postgres => "begin",
        }
    }
}

/// Percent-encodes a path for a URL.
fn encode(path: &Path) -> Result<String, Error> {
    let text = path.to_str().ok_or_else(|| Error::Start(format!("{}: not a UTF-8 path", path.display())))?;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push_str(&hex::encode_upper([byte]));
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_odd_characters_is_still_one_path() {
        let (dialect, url) = Dialect::of(None, Path::new("/srv/my registry?#%")).unwrap();
        assert_eq!(dialect, Dialect::Sqlite);
        assert_eq!(url, "sqlite:///srv/my%20registry%3F%23%25/registry.db?mode=rwc");
        assert!(Dialect::of(Some("mysql://x"), Path::new("/")).is_err());
    }
}
