//! Keys that the user trusts for a scope: `trusted-keys.toml` in the configuration folder.
//!
//! A scope without an entry is trusted as its chain of statements says. With one, the client refuses the scope unless one of the
//! named keys is in its chain and was not revoked: then a registry that makes up a chain of its own is noticed even on first contact.
//! The file is the user's alone; no project can add to it.

use std::path::PathBuf;

use skill_schema::{Digest, Fault, Scope, codes};

use crate::{
    env::Env,
    files::{self, Durable, Mode},
};

/// Bytes of the file: some thousand scopes.
const MAX_FILE: usize = 1024 * 1024;

/// The file.
pub fn path(env: &Env) -> PathBuf {
    env.config_dir.join("trusted-keys.toml")
}

/// The ids of the keys that are trusted for a scope, sorted; empty if nothing was pinned.
///
/// # Errors
/// [`codes::CONFIG`] for a damaged file: it fails closed. [`codes::IO`].
pub fn of(env: &Env, scope: &Scope) -> Result<Vec<Digest>, Fault> {
    let all = all(env)?;
    Ok(all.into_iter().filter(|(name, _)| name == scope.as_str()).flat_map(|(_, ids)| ids).collect())
}

/// All scopes with trusted keys, sorted.
///
/// # Errors
/// As [`of`].
pub fn all(env: &Env) -> Result<Vec<(String, Vec<Digest>)>, Fault> {
    let document = read(env)?;
    let damaged = |detail: String| Fault::new(codes::CONFIG).at(path(env).display().to_string()).detail(detail);
    let mut found = Vec::new();
    for (scope, item) in document.iter() {
        let list = item.as_array().ok_or_else(|| damaged(format!("`{scope}`: a list of key ids is expected")))?;
        let mut ids = Vec::new();
        for value in list {
            let id = value.as_str().and_then(|text| text.parse().ok());
            ids.push(id.ok_or_else(|| damaged(format!("`{scope}`: not a key id")))?);
        }
        ids.sort();
        found.push((scope.to_owned(), ids));
    }
    found.sort();
    Ok(found)
}

/// Adds a key to those trusted for a scope, or removes it. True if that changed anything.
///
/// # Errors
/// As [`of`].
pub fn set(env: &Env, scope: &Scope, keyid: Digest, trusted: bool) -> Result<bool, Fault> {
    let mut ids = of(env, scope)?;
    let known = ids.contains(&keyid);
    if known == trusted {
        return Ok(false);
    }
    ids.retain(|id| *id != keyid);
    ids.extend(trusted.then_some(keyid));
    ids.sort();
    let mut document = read(env)?;
    if ids.is_empty() {
        document.remove(scope.as_str());
    } else {
        let list: toml_edit::Array = ids.iter().map(ToString::to_string).collect();
        document.insert(scope.as_str(), toml_edit::value(list));
    }
    files::replace(&path(env), document.to_string().as_bytes(), Mode::Normal, Durable::Yes)?;
    Ok(true)
}

/// Whether a scope's present keys satisfy what the user pinned.
///
/// # Errors
/// [`codes::KEY_PINNED`] if keys are pinned and none of them is among the present ones; as [`of`].
pub fn check(env: &Env, scope: &Scope, present: &[Digest]) -> Result<(), Fault> {
    let pinned = of(env, scope)?;
    if pinned.is_empty() || pinned.iter().any(|id| present.contains(id)) {
        return Ok(());
    }
    Err(Fault::new(codes::KEY_PINNED).at(scope.as_str()))
}

fn read(env: &Env) -> Result<toml_edit::DocumentMut, Fault> {
    let path = path(env);
    let text = files::read_text(&path, MAX_FILE)?.unwrap_or_default();
    text.parse().map_err(|e: toml_edit::TomlError| {
        Fault::new(codes::CONFIG).at(path.display().to_string()).detail(e.message().trim().replace('\n', ", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(n: u8) -> Digest {
        Digest([n; 32])
    }

    #[test]
    fn a_pinned_scope_needs_one_of_its_pinned_keys() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let env = Env { config_dir: dir.path().to_path_buf(), ..Env::default() };
        let scope: Scope = "acme".parse().expect("scope");
        assert_eq!(check(&env, &scope, &[digest(1)]), Ok(()), "nothing is pinned");
        assert_eq!(set(&env, &scope, digest(2), true), Ok(true));
        assert_eq!(set(&env, &scope, digest(2), true), Ok(false));
        assert_eq!(check(&env, &scope, &[digest(1)]).map_err(|f| f.code), Err(codes::KEY_PINNED));
        assert_eq!(check(&env, &scope, &[digest(1), digest(2)]), Ok(()));
        assert_eq!(set(&env, &scope, digest(3), true), Ok(true));
        assert_eq!(all(&env), Ok(vec![("acme".to_owned(), vec![digest(2), digest(3)])]));
        assert_eq!(set(&env, &scope, digest(2), false), Ok(true));
        assert_eq!(set(&env, &scope, digest(3), false), Ok(true));
        assert_eq!(all(&env), Ok(vec![]));
    }

    #[test]
    fn a_damaged_file_fails_closed() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let env = Env { config_dir: dir.path().to_path_buf(), ..Env::default() };
        let scope: Scope = "acme".parse().expect("scope");
        for text in ["acme = 1", "acme = [\"12\"]", "acme = ["] {
            std::fs::write(path(&env), text).expect("written");
            assert_eq!(check(&env, &scope, &[]).map_err(|f| f.code), Err(codes::CONFIG), "{text}");
        }
    }
}
