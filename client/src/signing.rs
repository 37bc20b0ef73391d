//! The user's signing keys: `keys/NAME.pem` (PKCS#8, 0600) in the configuration folder, and `NAME.pub` beside it, so that the public
//! half of an encrypted key can be read without its passphrase.

use std::path::{Path, PathBuf};

use skill_bundle::keys::{self, PublicKey, SecretKey};
use skill_schema::{Digest, Fault, Scope, codes, name};

use crate::{
    context::Context,
    env::Env,
    files::{self, Durable, Mode},
};

/// The name of a key that is not named.
pub const DEFAULT: &str = "default";
/// Characters of a key's name.
const MAX_NAME: usize = 64;
/// Bytes of a `.pub` file: one line of 52 characters.
const MAX_PUBLIC: usize = 256;
/// Bytes of a file that holds a passphrase.
const MAX_PASSPHRASE: usize = 4096;

/// Which key signs, and how it is opened.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct KeyArgs {
    /// The signing key, as named with skill key new; otherwise the one that is enrolled.
    #[arg(long, visible_alias = "sign-key", value_name = "NAME")]
    pub key: Option<String>,
    /// Read the key's passphrase from the first line of this file.
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
}

/// A key that lies in the configuration folder.
#[derive(Debug, Clone)]
pub struct Stored {
    /// Its name.
    pub name: String,
    /// Its file.
    pub path: PathBuf,
    /// The public half; unknown for an encrypted key that came without its `.pub`.
    pub public: Option<PublicKey>,
    /// Whether a passphrase opens it.
    pub encrypted: bool,
    /// Why it cannot be used.
    pub problem: Option<Fault>,
}

/// The folder of the keys.
pub fn folder(env: &Env) -> PathBuf {
    env.config_dir.join("keys")
}

/// Checks the form of a key's name; it becomes a file's name.
///
/// # Errors
/// [`codes::USAGE`].
pub fn check_name(text: &str) -> Result<(), Fault> {
    if name::follows_rule(text, MAX_NAME) && !name::is_windows_device(text) {
        return Ok(());
    }
    let rule = "a key is named with lower-case letters, digits and single inner hyphens";
    Err(Fault::new(codes::USAGE).at(text).detail(rule))
}

/// All keys, sorted by name.
///
/// # Errors
/// [`codes::IO`] if the folder cannot be read.
pub fn list(env: &Env) -> Result<Vec<Stored>, Fault> {
    let folder = folder(env);
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(files::fault(&folder, &e)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(|e| files::fault(&folder, &e))?.path();
        let name = path.file_stem().and_then(|stem| stem.to_str()).filter(|stem| check_name(stem).is_ok());
        if let (Some(name), Some("pem")) = (name, path.extension().and_then(|e| e.to_str())) {
            found.push(describe(name.to_owned(), path.clone()));
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// The key of this name.
///
/// # Errors
/// [`codes::KEY_UNKNOWN_LOCAL`].
pub fn find(env: &Env, name: &str) -> Result<Stored, Fault> {
    check_name(name)?;
    let path = folder(env).join(format!("{name}.pem"));
    if !path.exists() {
        return Err(Fault::new(codes::KEY_UNKNOWN_LOCAL).at(name));
    }
    Ok(describe(name.to_owned(), path))
}

fn describe(name: String, path: PathBuf) -> Stored {
    let public = files::read_text(&path.with_extension("pub"), MAX_PUBLIC).ok().flatten();
    let mut public = public.and_then(|text| PublicKey::from_text(text.trim()).ok());
    let (mut encrypted, mut problem) = (false, None);
    match keys::read_file(&path) {
        Ok(text) if keys::is_encrypted(&text) => encrypted = true,
        Ok(text) => match SecretKey::from_pem(&text, None) {
            Ok(secret) => public = Some(secret.public()),
            Err(fault) => problem = Some(fault.at(path.display().to_string())),
        },
        Err(fault) => problem = Some(fault),
    }
    Stored { name, path, public, encrypted, problem }
}

/// Keeps a new key. An existing one is never overwritten.
///
/// # Errors
/// [`codes::EXISTS`], [`codes::IO`].
pub fn store(env: &Env, name: &str, key: &SecretKey, passphrase: Option<&str>) -> Result<Stored, Fault> {
    check_free(env, name)?;
    let folder = folder(env);
    files::make_folder(&folder, Mode::Private)?;
    let path = folder.join(format!("{name}.pem"));
    keys::write_new_file(&path, &key.to_pem(passphrase)?)?;
    let public = format!("{}\n", key.public().to_text());
    files::replace(&path.with_extension("pub"), public.as_bytes(), Mode::Normal, Durable::Yes)?;
    let (public, encrypted) = (Some(key.public()), passphrase.is_some());
    Ok(Stored { name: name.to_owned(), path, public, encrypted, problem: None })
}

/// Whether a key of this name can be made.
///
/// # Errors
/// [`codes::EXISTS`] if there is one, [`codes::USAGE`] for text that is no name.
pub fn check_free(env: &Env, name: &str) -> Result<(), Fault> {
    check_name(name)?;
    let path = folder(env).join(format!("{name}.pem"));
    if path.exists() {
        let detail = "a key is never overwritten; choose another name";
        return Err(Fault::new(codes::EXISTS).at(path.display().to_string()).detail(detail));
    }
    Ok(())
}

/// The first line of a file that holds a passphrase.
///
/// # Errors
/// [`codes::IO`], [`codes::PASSPHRASE`] if it is empty.
pub fn read_passphrase(path: &Path) -> Result<String, Fault> {
    let place = || path.display().to_string();
    let text = files::read_text(path, MAX_PASSPHRASE)?
        .ok_or_else(|| Fault::new(codes::IO).at(place()).detail("there is no such file"))?;
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(line.to_owned()),
        _ => Err(Fault::new(codes::PASSPHRASE).at(place()).detail("its first line is empty")),
    }
}

impl Stored {
    /// The key's id, if its public half is known.
    pub fn keyid(&self) -> Option<Digest> {
        self.public.map(|key| key.keyid())
    }

    /// The public half; opens the key only if it is unknown.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn public_key(&self, context: &Context, args: &KeyArgs) -> Result<PublicKey, Fault> {
        self.public.map_or_else(|| self.open(context, args).map(|secret| secret.public()), Ok)
    }

    /// Opens the key for signing: asks for its passphrase, or reads it from the file that the arguments name.
    ///
    /// # Errors
    /// [`codes::KEY_FILE`], [`codes::PASSPHRASE`]; [`codes::NEEDS_INPUT`] where nobody can be asked.
    pub fn open(&self, context: &Context, args: &KeyArgs) -> Result<SecretKey, Fault> {
        let text = keys::read_file(&self.path)?;
        let passphrase = match (&args.passphrase_file, keys::is_encrypted(&text)) {
            (_, false) => None,
            (Some(path), true) => Some(read_passphrase(path)?),
            (None, true) => {
                Some(context.secret(&format!("Passphrase of the key {}", self.name), "--passphrase-file", false)?)
            }
        };
        SecretKey::from_pem(&text, passphrase.as_deref()).map_err(|fault| fault.at(self.path.display().to_string()))
    }
}

/// The key to use where none is enrolled yet: the named one, `default`, the one called as the scope, or the only one.
///
/// # Errors
/// [`codes::KEY_UNKNOWN_LOCAL`]; [`codes::USAGE`] if it is not clear which.
pub fn choose(env: &Env, args: &KeyArgs, scope: &Scope) -> Result<Stored, Fault> {
    if let Some(name) = &args.key {
        return find(env, name);
    }
    let all = list(env)?;
    let named = |name: &str| all.iter().find(|key| key.name == name);
    if let Some(key) = named(DEFAULT).or_else(|| named(scope.as_str())) {
        return Ok(key.clone());
    }
    match all.as_slice() {
        [only] => Ok(only.clone()),
        [] => Err(Fault::new(codes::KEY_UNKNOWN_LOCAL).at(DEFAULT).detail("there is no key yet")),
        several => {
            let names: Vec<&str> = several.iter().map(|key| key.name.as_str()).collect();
            Err(Fault::new(codes::USAGE).detail(format!("choose a key with --key: {}", names.join(", "))))
        }
    }
}

/// The key that signs for a scope: the named one, or one of ours among `enrolled` (`default` and the one called as the scope first).
///
/// # Errors
/// [`codes::KEY_UNKNOWN_LOCAL`] for a name without a key, [`codes::NOT_ENROLLED`] if none of ours is.
pub fn choose_enrolled(env: &Env, args: &KeyArgs, scope: &Scope, enrolled: &[Digest]) -> Result<Stored, Fault> {
    if let Some(name) = &args.key {
        return find(env, name);
    }
    let mut ours: Vec<Stored> = list(env)?;
    ours.retain(|key| key.keyid().is_some_and(|id| enrolled.contains(&id)));
    ours.sort_by_key(|key| (key.name != DEFAULT, key.name != scope.as_str()));
    ours.into_iter().next().ok_or_else(|| Fault::new(codes::NOT_ENROLLED).at(scope.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env() -> (tempfile::TempDir, Env) {
        let dir = tempfile::tempdir().expect("temporary folder");
        let env = Env { config_dir: dir.path().join("skill"), ..Env::default() };
        (dir, env)
    }

    fn args(name: Option<&str>) -> KeyArgs {
        KeyArgs { key: name.map(str::to_owned), passphrase_file: None }
    }

    #[test]
    fn an_encrypted_key_shows_its_public_half_without_its_passphrase() {
        let (_dir, env) = env();
        let secret = SecretKey::from_seed(&[1; 32]);
        store(&env, "work", &secret, Some("correct horse")).expect("stored");
        let found = find(&env, "work").expect("found");
        assert!(found.encrypted && found.problem.is_none());
        assert_eq!(found.keyid(), Some(secret.keyid()));
    }

    #[test]
    fn a_key_is_never_overwritten() {
        let (_dir, env) = env();
        store(&env, "work", &SecretKey::from_seed(&[1; 32]), None).expect("stored");
        let fault = store(&env, "work", &SecretKey::from_seed(&[2; 32]), None).expect_err("exists");
        assert_eq!(fault.code, codes::EXISTS);
        assert_eq!(find(&env, "work").expect("found").keyid(), Some(SecretKey::from_seed(&[1; 32]).keyid()));
    }

    #[test]
    fn names_that_are_paths_are_refused() {
        for bad in ["", "..", "a/b", "A", "con", "a b", "-a"] {
            assert_eq!(check_name(bad).map_err(|f| f.code), Err(codes::USAGE), "{bad}");
        }
    }

    #[test]
    fn the_default_key_is_chosen_before_the_scope_s_and_the_only_one() {
        let (_dir, env) = env();
        let scope: Scope = "acme".parse().expect("scope");
        let chosen = |args: &KeyArgs| choose(&env, args, &scope).map(|key| key.name).map_err(|f| f.code);
        assert_eq!(chosen(&args(None)), Err(codes::KEY_UNKNOWN_LOCAL));
        store(&env, "work", &SecretKey::from_seed(&[1; 32]), None).expect("stored");
        assert_eq!(chosen(&args(None)).as_deref(), Ok("work"));
        store(&env, "other", &SecretKey::from_seed(&[2; 32]), None).expect("stored");
        assert_eq!(chosen(&args(None)), Err(codes::USAGE));
        store(&env, "acme", &SecretKey::from_seed(&[3; 32]), None).expect("stored");
        assert_eq!(chosen(&args(None)).as_deref(), Ok("acme"));
        store(&env, DEFAULT, &SecretKey::from_seed(&[4; 32]), None).expect("stored");
        assert_eq!(chosen(&args(None)).as_deref(), Ok(DEFAULT));
        assert_eq!(chosen(&args(Some("work"))).as_deref(), Ok("work"));
        assert_eq!(chosen(&args(Some("none"))), Err(codes::KEY_UNKNOWN_LOCAL));
    }

    #[test]
    fn only_an_enrolled_key_signs_unless_one_is_named() {
        let (_dir, env) = env();
        let scope: Scope = "acme".parse().expect("scope");
        let (one, two) = (SecretKey::from_seed(&[1; 32]), SecretKey::from_seed(&[2; 32]));
        store(&env, DEFAULT, &one, None).expect("stored");
        store(&env, "work", &two, Some("x")).expect("stored");
        let chosen = |enrolled: &[Digest]| choose_enrolled(&env, &args(None), &scope, enrolled).map(|key| key.name);
        assert_eq!(chosen(&[two.keyid()]).as_deref(), Ok("work"));
        assert_eq!(chosen(&[two.keyid(), one.keyid()]).as_deref(), Ok(DEFAULT));
        assert_eq!(chosen(&[]).map_err(|f| f.code), Err(codes::NOT_ENROLLED));
    }
}
