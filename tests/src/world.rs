//! A registry and its people.

use std::path::{Path, PathBuf};

use crate::{
    Owner, Person, Reader, Stranger, postgres::Postgres, proxy::Proxy, registry::Registry, run::Redactions,
    witness::Witness,
};

/// Everything that a story happens in. It ends with the story: processes are stopped, folders removed.
#[derive(Debug)]
pub struct World {
    /// The registry, running.
    pub registry: Registry,
    /// Who stands between people and the registry, if anybody does.
    pub proxy: Option<Proxy>,
    // Dropped in this order: the registry before its database, the folder last.
    postgres: Option<Postgres>,
    folder: tempfile::TempDir,
}

impl World {
    /// A registry with SQLite, as `skill-registry serve` starts it, but without rate limits.
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// The same with further flags for `serve`.
    pub fn with(flags: &[&str]) -> Self {
        Self::build(flags, None, None)
    }

    /// The same on a PostgreSQL server of its own.
    pub fn on_postgres() -> Self {
        Self::build(&[], Some(Postgres::start()), None)
    }

    /// The same with somebody in between, who is honest at first.
    pub fn behind_proxy() -> (Self, Proxy) {
        let proxy = Proxy::start();
        let world = Self::build(&["--public-url", &proxy.url()], None, Some(proxy.clone()));
        proxy.pass_to(world.registry.address());
        (world, proxy)
    }

    /// The same with its data in a folder that somebody else made.
    pub fn in_folder(folder: &Path) -> Self {
        let mut registry = Registry::new(folder, &["--read-rate", "0", "--write-rate", "0"], None);
        registry.start();
        let folder = tempfile::Builder::new().prefix("skill-story-").tempdir().expect("a temporary folder");
        Self { registry, proxy: None, postgres: None, folder }
    }

    /// Ends every connection of the registry to its PostgreSQL server.
    pub fn cut_database_connections(&self) {
        self.postgres.as_ref().expect("a world on PostgreSQL").cut_connections();
    }

    fn build(flags: &[&str], postgres: Option<Postgres>, proxy: Option<Proxy>) -> Self {
        let folder = tempfile::Builder::new().prefix("skill-story-").tempdir().expect("a temporary folder");
        let mut all = vec!["--read-rate", "0", "--write-rate", "0"];
        all.retain(|_| !flags.iter().any(|flag| flag.ends_with("-rate")));
        all.extend(flags);
        let url = postgres.as_ref().map(Postgres::url);
        let mut registry = Registry::new(&folder.path().join("registry"), &all, url.as_deref());
        registry.start();
        Self { registry, proxy, postgres, folder }
    }

    /// A registry with a witness whose signature it announces as needed.
    pub fn witnessed() -> (Self, Witness) {
        let folder = tempfile::Builder::new().prefix("skill-story-").tempdir().expect("a temporary folder");
        let flags = ["--read-rate", "0", "--write-rate", "0"];
        let mut registry = Registry::new(&folder.path().join("registry"), &flags, None);
        let key = registry.admin(&["key", "show"]).ok().stdout;
        let mut witness = Witness::new(&folder.path().join("witness"), key.trim());
        witness.start();
        let (at, key) = (witness.address(), witness.key());
        let settings = format!("quorum = 1\n[[witness]]\nurl = \"http://{at}\"\nkey = \"{key}\"\n");
        std::fs::write(registry.data().join("registry.toml"), settings).expect("the settings");
        registry.start();
        (Self { registry, proxy: None, postgres: None, folder }, witness)
    }

    /// A registry with these settings in its registry.toml.
    pub fn set_up(settings: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("skill-story-").tempdir().expect("a temporary folder");
        let flags = ["--read-rate", "0", "--write-rate", "0"];
        let mut registry = Registry::new(&folder.path().join("registry"), &flags, None);
        std::fs::create_dir_all(registry.data()).expect("the data folder");
        std::fs::write(registry.data().join("registry.toml"), settings).expect("the settings");
        registry.start();
        Self { registry, proxy: None, postgres: None, folder }
    }

    /// The address that people use.
    pub fn url(&self) -> String {
        self.proxy.as_ref().map_or_else(|| self.registry.url(), Proxy::url)
    }

    /// The folder in which everything lies.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A folder of this name for whatever a story needs.
    pub fn place(&self, name: &str) -> PathBuf {
        let place = self.folder.path().join(name);
        std::fs::create_dir_all(&place).expect("a folder");
        place
    }

    /// Somebody who owns a scope of their own name, with an enrolled key.
    pub fn owner(&self, name: &str) -> Owner {
        Owner::new(self, name)
    }

    /// Somebody with an account and a token who owns nothing.
    pub fn stranger(&self, name: &str) -> Stranger {
        Stranger::new(self, name)
    }

    /// Somebody who knows the registry and never signed in.
    pub fn reader(&self, name: &str) -> Reader {
        Reader::new(self, name)
    }

    /// Somebody whose machine has never heard of the registry.
    pub fn newcomer(&self, name: &str) -> Person {
        Person::new(self, name)
    }

    /// What differs from run to run in this world.
    pub fn redactions(&self) -> Redactions {
        let mut redactions = Redactions::default();
        redactions.add(self.folder.path().to_string_lossy(), "[world]");
        redactions.add(self.registry.address().to_string(), "[registry]");
        redactions.add(self.url().trim_start_matches("http://"), "[registry]");
        redactions
    }
}
