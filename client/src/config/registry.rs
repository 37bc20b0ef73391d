//! Which registry answers for which scope. Each scope belongs to exactly one, so that a private name can never be answered by a
//! public registry.

use skill_schema::{Fault, Scope, codes};

use super::{Config, Origin};

/// A registry to talk to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registry {
    /// Its name in the configuration; `None` for an address that was typed and is not configured.
    pub name: Option<String>,
    /// Its address, without a slash at the end.
    pub url: String,
    /// The pinned verifier key of its log (`origin+hash+base64`).
    pub key: Option<String>,
    /// Verifier keys of the witnesses that may cosign its log.
    pub witnesses: Vec<String>,
    /// How many of them must have cosigned a checkpoint.
    pub quorum: usize,
    /// Whether a project's file set the address. Tokens from the environment are not sent there: a cloned project could
    /// otherwise collect them.
    pub from_project: bool,
}

impl Registry {
    /// A registry of which only the address is known.
    pub fn unknown(url: String) -> Self {
        Self { name: None, url, key: None, witnesses: Vec::new(), quorum: 0, from_project: false }
    }

    /// The name of the registry's log, `skills.example/log`: the part of the pinned key before the first `+`.
    ///
    /// # Errors
    /// [`codes::REGISTRY_UNTRUSTED`] if no key is pinned.
    pub fn origin(&self) -> Result<&str, Fault> {
        let key = self.key.as_deref().ok_or_else(|| Fault::new(codes::REGISTRY_UNTRUSTED).at(self.label()))?;
        Ok(key.split_once('+').map_or(key, |(name, _)| name))
    }

    /// How to call it: its name, or its address.
    pub fn label(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.url)
    }
}

/// Checks an address and removes the slash at its end.
///
/// # Errors
/// [`codes::CONFIG`] for anything but an absolute `http` or `https` address without user, query and fragment.
pub fn normal_url(text: &str) -> Result<String, Fault> {
    let fault = |detail: &str| Fault::new(codes::CONFIG).at(text).detail(detail);
    let url = url::Url::parse(text).map_err(|e| fault(&format!("not an address: {e}")))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(fault("an address starts with https:// or http://"));
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err(fault("an address has no user, query or fragment"));
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

impl Config {
    /// All configured registries, sorted by name.
    ///
    /// # Errors
    /// [`codes::CONFIG`] if one lacks its address.
    pub fn registries(&self) -> Result<Vec<Registry>, Fault> {
        self.names("registries").into_iter().map(|name| self.named(name)).collect()
    }

    /// The registry of this name or address.
    ///
    /// # Errors
    /// [`codes::REGISTRY_UNKNOWN`] for a name that is not configured.
    pub fn registry(&self, name_or_url: &str) -> Result<Registry, Fault> {
        if name_or_url.contains("://") {
            let url = normal_url(name_or_url)?;
            let configured = self.registries()?.into_iter().find(|r| r.url == url);
            return Ok(configured.unwrap_or_else(|| Registry::unknown(url)));
        }
        if self.names("registries").contains(&name_or_url) {
            return self.named(name_or_url);
        }
        Err(Fault::new(codes::REGISTRY_UNKNOWN).at(name_or_url))
    }

    /// The registry that answers for a scope: the one that `[scopes]` names, or the one for `*`.
    ///
    /// # Errors
    /// [`codes::SCOPE_UNMAPPED`] if there is none.
    pub fn registry_for(&self, scope: &Scope) -> Result<Registry, Fault> {
        let name = self.text(&format!("scopes.{scope}")).or_else(|| self.text("scopes.*"));
        self.registry(name.ok_or_else(|| Fault::new(codes::SCOPE_UNMAPPED).at(scope.as_str()))?)
    }

    /// The registry for everything that names no scope: the one for `*`, or the only one there is.
    ///
    /// # Errors
    /// [`codes::REGISTRY_UNKNOWN`] if that is not clear.
    pub fn default_registry(&self) -> Result<Registry, Fault> {
        if let Some(name) = self.text("scopes.*") {
            return self.registry(name);
        }
        match self.names("registries").as_slice() {
            [only] => self.named(only),
            [] => Err(Fault::new(codes::REGISTRY_UNKNOWN).detail("none is; add one with skill registry add")),
            _ => Err(Fault::new(codes::REGISTRY_UNKNOWN).detail("there are several; choose one with --registry")),
        }
    }

    fn named(&self, name: &str) -> Result<Registry, Fault> {
        let url = format!("registries.{name}.url");
        let Some(setting) = self.get(&url) else {
            return Err(Fault::new(codes::CONFIG).at(url).detail("the registry has no address"));
        };
        Ok(Registry {
            name: Some(name.to_owned()),
            url: normal_url(self.text(&url).unwrap_or_default())?,
            key: self.text(&format!("registries.{name}.key")).map(str::to_owned),
            witnesses: self.list(&format!("registries.{name}.witnesses")).unwrap_or_default().to_vec(),
            quorum: self.number(&format!("registries.{name}.quorum")).and_then(|n| n.try_into().ok()).unwrap_or(0),
            from_project: matches!(setting.origin, Origin::Project(_)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = "
[registries.main]
url = 'https://skills.example/'
key = 'skills.example/log+240433c1+AYE5'
[registries.acme]
url = 'http://127.0.0.1:8080'
[scopes]
acme = 'acme'
'*' = 'main'
";

    #[test]
    fn a_scope_has_exactly_one_registry() {
        let config = Config::for_testing(TWO);
        let of = |scope: &str| config.registry_for(&scope.parse().expect("scope")).map(|r| r.url);
        assert_eq!(of("acme").as_deref(), Ok("http://127.0.0.1:8080"));
        assert_eq!(of("cisco").as_deref(), Ok("https://skills.example"));
        let without_default = Config::for_testing(&TWO.replace("'*' = 'main'", ""));
        let fault = without_default.registry_for(&"cisco".parse().expect("scope")).expect_err("unmapped");
        assert_eq!(fault.code, codes::SCOPE_UNMAPPED);
    }

    #[test]
    fn an_address_finds_the_configured_registry_with_its_key() {
        let config = Config::for_testing(TWO);
        let registry = config.registry("https://skills.example").expect("configured");
        assert_eq!((registry.name.as_deref(), registry.origin()), (Some("main"), Ok("skills.example/log")));
        let other = config.registry("https://other.example").expect("an address");
        assert_eq!(other.origin().map_err(|f| f.code), Err(codes::REGISTRY_UNTRUSTED));
        assert_eq!(config.registry("other").map_err(|f| f.code), Err(codes::REGISTRY_UNKNOWN));
        for bad in ["ftp://a", "https://u:p@a", "https://a/?q", "https://"] {
            assert!(config.registry(bad).is_err(), "{bad}");
        }
    }
}
