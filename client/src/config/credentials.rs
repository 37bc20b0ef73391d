//! API tokens: `credentials.toml` with mode 0600 in the configuration folder.
//!
//! Tokens are kept by the registry's address, not by its name: a project's configuration can give a name another address, and must
//! not receive a token with it.

use std::path::{Path, PathBuf};

use skill_schema::{Fault, codes, token};

use super::{MAX_FILE, Registry, layer};
use crate::{
    context::Context,
    env::Env,
    files::{self, Durable, Mode},
};

/// Bytes of a file that holds a token.
const MAX_TOKEN_FILE: usize = 4096;

/// An API token. Its text never appears in debug output.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Checks the form of a token.
    ///
    /// # Errors
    /// [`codes::TOKEN_INVALID`].
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let text = text.trim();
        token::check(text)?;
        Ok(Self(text.to_owned()))
    }

    /// The text, to send or to store.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

/// The file.
pub fn path(env: &Env) -> PathBuf {
    env.config_dir.join("credentials.toml")
}

/// The token to use with a registry, if there is one: `--token-file`, `SKILL_TOKEN`, `SKILL_TOKEN_FILE`, then the file.
///
/// # Errors
/// [`codes::TOKEN_INVALID`] for text that is no token, [`codes::CONFIG`] for a damaged file, [`codes::IO`].
pub fn token(context: &Context, registry: &Registry) -> Result<Option<Token>, Fault> {
    if let Some(path) = &context.global.token_file {
        return from_file(path).map(Some);
    }
    // A token in the environment belongs to the registry that the user works with, never to one that a project brought along
    // and never to a second registry of the same command.
    let chosen = context.default_registry().is_ok_and(|default| default.url == registry.url);
    if chosen && !registry.from_project {
        if let Some(text) = &context.env.token {
            return Token::parse(text).map_err(|f| f.at("SKILL_TOKEN")).map(Some);
        }
        if let Some(path) = &context.env.token_file {
            return from_file(path).map(Some);
        }
    }
    stored(&context.env, &registry.url)
}

/// The token that is stored for an address.
///
/// # Errors
/// [`codes::CONFIG`] for a damaged file, [`codes::IO`].
pub fn stored(env: &Env, url: &str) -> Result<Option<Token>, Fault> {
    let document = read(env)?;
    let text = document.get("tokens").and_then(|t| t.get(url)).and_then(toml_edit::Item::as_str);
    text.map(|text| Token::parse(text).map_err(|f| f.at(path(env).display().to_string()))).transpose()
}

/// Stores the token for an address, or removes it. True if that changed anything.
///
/// # Errors
/// [`codes::CONFIG`] for a damaged file, [`codes::IO`].
pub fn store(env: &Env, url: &str, token: Option<&Token>) -> Result<bool, Fault> {
    let mut document = read(env)?;
    let tokens = document.entry("tokens").or_insert_with(toml_edit::table);
    let Some(tokens) = tokens.as_table_mut() else {
        return Err(Fault::new(codes::CONFIG).at(path(env).display().to_string()).detail("`tokens` is not a table"));
    };
    let changed = match token {
        Some(token) => {
            tokens.insert(url, toml_edit::value(token.reveal()));
            true
        }
        None => tokens.remove(url).is_some(),
    };
    if changed {
        files::replace(&path(env), document.to_string().as_bytes(), Mode::Private, Durable::Yes)?;
    }
    Ok(changed)
}

fn read(env: &Env) -> Result<toml_edit::DocumentMut, Fault> {
    let path = path(env);
    let text = files::read_text(&path, MAX_FILE)?.unwrap_or_default();
    text.parse().map_err(|e: toml_edit::TomlError| {
        let (line, column) = layer::place(&text, e.span().map_or(0, |s| s.start));
        // The message is ours alone: the parser's own quotes the line, and the line is a secret.
        Fault::new(codes::CONFIG).at(format!("{}:{line}:{column}", path.display())).detail("not valid TOML")
    })
}

/// Reads a token from a file that holds nothing else.
///
/// # Errors
/// [`codes::TOKEN_INVALID`], [`codes::IO`].
pub fn from_file(path: &Path) -> Result<Token, Fault> {
    let text = files::read_text(path, MAX_TOKEN_FILE)?
        .ok_or_else(|| Fault::new(codes::IO).at(path.display().to_string()).detail("there is no such file"))?;
    Token::parse(&text).map_err(|f| f.at(path.display().to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_kept_by_address_in_a_private_file() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let env = Env { config_dir: dir.path().join("skill"), ..Env::default() };
        let token = Token::parse(&skill_schema::token::format(&[7; 32])).expect("a token");
        assert!(store(&env, "https://a", Some(&token)).expect("stored"));
        assert_eq!(stored(&env, "https://a").expect("read"), Some(token));
        assert_eq!(stored(&env, "https://b").expect("read"), None);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(path(&env)).expect("file").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        assert!(store(&env, "https://a", None).expect("removed"));
        assert!(!store(&env, "https://a", None).expect("nothing left"));
    }
}
