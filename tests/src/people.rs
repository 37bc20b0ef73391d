//! People, typed by what they may do.

use std::{
    fs,
    ops::Deref,
    path::{Path, PathBuf},
};

use crate::{Outcome, Project, Skill, World, programs, run, run::Redactions};

/// What everybody who signs in may do.
const RIGHTS: &str = "publish:new,publish:update,yank,owners,read:private";

/// Somebody with a home of their own and an environment that holds nothing else.
#[derive(Debug)]
pub struct Person {
    /// The name, also of the account if there is one.
    pub name: String,
    /// The home folder.
    pub home: PathBuf,
    environment: Vec<(String, String)>,
    // Of somebody without a world: their home goes with them.
    _folder: Option<tempfile::TempDir>,
}

impl Person {
    /// Somebody in no world at all, for commands that need no registry.
    pub fn alone(name: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("skill-story-").tempdir().expect("a temporary folder");
        let home = folder.path().join(name);
        Self { _folder: Some(folder), ..Self::at(home, name) }
    }

    pub(crate) fn new(world: &World, name: &str) -> Self {
        Self::at(world.place("home").join(name), name)
    }

    fn at(home: PathBuf, name: &str) -> Self {
        fs::create_dir_all(&home).expect("a home");
        let at = |path: &str| home.join(path).to_string_lossy().into_owned();
        let environment = [
            ("HOME", at("")),
            ("XDG_CONFIG_HOME", at(".config")),
            ("XDG_DATA_HOME", at(".local/share")),
            ("XDG_CACHE_HOME", at(".cache")),
            ("PATH", "/usr/bin:/bin".to_owned()),
            ("LANG", "C.UTF-8".to_owned()),
            ("TERM", "dumb".to_owned()),
        ];
        Self {
            name: name.to_owned(),
            environment: environment.map(|(key, value)| (key.to_owned(), value)).into(),
            home,
            _folder: None,
        }
    }

    /// What differs from run to run for this person.
    pub fn redactions(&self) -> Redactions {
        let mut redactions = Redactions::default();
        redactions.add(self.home.to_string_lossy(), "[home]");
        redactions
    }

    /// A folder of this name in the home, for whatever a story needs.
    pub fn place(&self, name: &str) -> PathBuf {
        let place = self.home.join(name);
        fs::create_dir_all(&place).expect("a folder");
        place
    }

    /// Sets one more variable for everything that this person runs from now on.
    #[must_use]
    pub fn with(mut self, key: &str, value: &str) -> Self {
        self.environment.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Sets this machine's clock, in seconds since 1970, for everything that this person runs from now on.
    #[must_use]
    pub fn with_time(self, seconds: u64) -> Self {
        self.with("SOURCE_DATE_EPOCH", &seconds.to_string())
    }

    /// The environment of this person's commands.
    pub fn environment(&self) -> &[(String, String)] {
        &self.environment
    }

    /// Runs `skill` in the home folder.
    pub fn skill(&self, args: &[&str]) -> Outcome {
        self.skill_in(&self.home, args)
    }

    /// Runs `skill` in a folder.
    pub fn skill_in(&self, folder: &Path, args: &[&str]) -> Outcome {
        run::run(&programs::skill(), args, folder, &self.environment, None)
    }

    /// Runs `skill` in the home folder and gives it something to read.
    pub fn skill_reading(&self, args: &[&str], input: &str) -> Outcome {
        run::run(&programs::skill(), args, &self.home, &self.environment, Some(input))
    }

    /// A new, empty project folder.
    pub fn project(&self, name: &str) -> Project<'_> {
        let folder = self.home.join("projects").join(name);
        fs::create_dir_all(&folder).expect("a project folder");
        Project { person: self, folder }
    }

    /// The folder in which installed contents lie, by tree digest.
    pub fn store(&self) -> PathBuf {
        self.home.join(".local/share/skill/store")
    }

    /// The cache folder.
    pub fn cache(&self) -> PathBuf {
        self.home.join(".cache/skill")
    }

    fn knows(self, world: &World) -> Self {
        self.skill(&["registry", "add", "main", &world.url(), "--trust-on-first-use", "--default"]).ok();
        self
    }

    fn signs_in(self, world: &World) -> Self {
        world.registry.admin(&["user", "add", &self.name]).ok();
        let token = world.registry.admin(&["token", "new", "--user", &self.name, "--permission", RIGHTS]).ok().stdout;
        self.skill_reading(&["login", "--with-token"], &token).ok();
        self
    }
}

macro_rules! role {
    ($(#[$doc:meta])* $role:ident) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $role(Person);

        impl $role {
            /// The person, without the role.
            pub fn into_person(self) -> Person {
                self.0
            }
        }

        impl Deref for $role {
            type Target = Person;

            fn deref(&self) -> &Person {
                &self.0
            }
        }
    };
}

role! {
    /// Owns the scope of their own name; a key is enrolled for it.
    Owner
}
role! {
    /// Has an account and a token, and owns nothing.
    Stranger
}
role! {
    /// Knows the registry and never signed in.
    Reader
}

impl Owner {
    pub(crate) fn new(world: &World, name: &str) -> Self {
        let person = Person::new(world, name).knows(world).signs_in(world);
        person.skill(&["key", "new", name, "--no-passphrase"]).ok();
        person.skill(&["key", "enroll", name]).ok();
        Self(person)
    }

    /// Writes a small valid skill `name` of this owner's scope.
    pub fn writes(&self, name: &str, version: &str) -> Skill {
        Skill::write(&self.home.join("skills"), &format!("{}/{name}", self.name), version)
    }

    /// Writes and publishes a small skill.
    pub fn publishes(&self, name: &str, version: &str) -> Skill {
        let skill = self.writes(name, version);
        self.publish(&skill).ok();
        skill
    }

    /// Publishes a folder.
    pub fn publish(&self, skill: impl std::borrow::Borrow<Skill>) -> Outcome {
        self.skill(&["publish", &skill.borrow().path()])
    }
}

impl Stranger {
    pub(crate) fn new(world: &World, name: &str) -> Self {
        Self(Person::new(world, name).knows(world).signs_in(world))
    }
}

impl Reader {
    pub(crate) fn new(world: &World, name: &str) -> Self {
        Self(Person::new(world, name).knows(world))
    }
}
