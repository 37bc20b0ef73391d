//! Who asks, and what their token allows.

use std::net::IpAddr;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use skill_bundle::hash::sha256;
use skill_schema::{
    Fault, Scope, SkillId,
    api::{token::Permission, token::pattern_covers, well_known::Auth},
    codes, token,
};

use crate::{
    error::Error,
    rate_limit::{self, Client},
    state::AppState,
    store::token::TokenRow,
};

/// The address of the connection's other end; put into each request by the server.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub IpAddr);

/// A caller with a valid token who wants to change something; one write was taken from their budget.
#[derive(Debug, Clone)]
pub struct Writer(pub Caller);

/// A caller with a valid token who only reads; one read was taken from their budget.
#[derive(Debug, Clone)]
pub struct Known(pub Caller);

/// Whoever may read: anybody, or where the registry's `auth` is `required` a caller with a token for it.
#[derive(Debug, Clone)]
pub struct Reader(Option<Caller>);

/// A valid token.
#[derive(Debug, Clone)]
pub struct Caller(TokenRow);

impl Caller {
    /// The user's name.
    pub fn user(&self) -> &str {
        &self.0.user_name
    }

    /// The token.
    pub fn token(&self) -> &TokenRow {
        &self.0
    }

    /// Whether the token has a permission.
    pub fn has(&self, permission: Permission) -> bool {
        self.0.permissions().contains(&permission)
    }

    /// Fails with `E_TOKEN_SCOPE` unless the token has one of the permissions, and its pattern covers the subject: a skill's id, or
    /// `scope/` for a whole scope.
    pub fn check(&self, permissions: &[Permission], subject: &str) -> Result<(), Error> {
        if !permissions.iter().any(|permission| self.has(*permission)) {
            let names: Vec<_> = permissions.iter().map(|permission| permission.as_str()).collect();
            return Err(Fault::new(codes::TOKEN_SCOPE).detail(format!("it needs {}", names.join(" or "))).into());
        }
        if !pattern_covers(&self.0.pattern, subject) {
            let detail = format!("it is for {} only", self.0.pattern);
            return Err(Fault::new(codes::TOKEN_SCOPE).at(subject).detail(detail).into());
        }
        Ok(())
    }

    /// Fails with `E_NOT_OWNER` or `E_SCOPE_UNKNOWN`.
    pub async fn check_owner(&self, app: &AppState, scope: &Scope) -> Result<(), Error> {
        if app.store.owners(scope).await?.iter().any(|owner| owner == self.user()) {
            return Ok(());
        }
        Err(Fault::new(codes::NOT_OWNER).at(scope.as_str()).into())
    }
}

impl Reader {
    /// Fails with `E_TOKEN_SCOPE` if a token is needed and not for this skill.
    pub fn check(&self, id: &str) -> Result<(), Error> {
        self.0.as_ref().map_or(Ok(()), |caller| caller.check(&[Permission::ReadPrivate], id))
    }

    /// The same for a skill's parsed name.
    pub fn check_skill(&self, id: &SkillId) -> Result<(), Error> {
        self.0.as_ref().map_or(Ok(()), |caller| caller.check(&[Permission::ReadPrivate], &id.to_string()))
    }

    /// Fails with `E_TOKEN_SCOPE` if a token is needed and has not the permission, whatever its pattern.
    pub fn check_any(&self) -> Result<(), Error> {
        self.0.as_ref().map_or(Ok(()), |caller| caller.check(&[Permission::ReadPrivate], &caller.token().pattern))
    }
}

/// The client as the rate limits know it before its token is known.
fn unknown(app: &AppState, parts: &Parts) -> Client {
    let peer = parts.extensions.get::<Peer>().map_or(IpAddr::from([127, 0, 0, 1]), |peer| peer.0);
    Client::at(rate_limit::address(peer, &parts.headers, app.config.http.proxies))
}

/// The text of the token that was sent, if one was.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Error> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let invalid = || Fault::new(codes::TOKEN_INVALID).detail("Authorization: Bearer skl_… is expected");
    let (scheme, text) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(invalid)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(invalid().into());
    }
    let text = text.trim();
    token::check(text)?;
    Ok(Some(text))
}

/// The caller of a request that needs a token.
async fn caller(app: &AppState, parts: &Parts) -> Result<Caller, Error> {
    let text = bearer(&parts.headers)?.ok_or_else(|| Fault::new(codes::UNAUTHENTICATED))?;
    let hash = sha256(text.as_bytes()).to_string();
    let row = if let Some(row) = app.tokens.get(&hash) {
        row
    } else {
        // Guessing is paid for by the address.
        app.rates.read(|| unknown(app, parts))?;
        let row = app.store.token(&hash).await?.ok_or_else(|| Fault::new(codes::TOKEN_INVALID))?;
        app.tokens.insert(hash, row.clone());
        row
    };
    let now = app.clock.micros();
    if row.revoked_at.is_some() {
        return Err(Fault::new(codes::TOKEN_INVALID).detail("it was revoked").into());
    }
    if row.expires_at <= now {
        return Err(Fault::new(codes::TOKEN_EXPIRED).into());
    }
    app.usage.token_used(&row.id, row.last_used_at, now);
    tracing::Span::current().record("user", &row.user_name);
    Ok(Caller(row))
}

/// One failed attempt is a read of whoever is at the address.
async fn paid_caller(app: &AppState, parts: &Parts) -> Result<Caller, Error> {
    match caller(app, parts).await {
        Err(error) if error.problem().status == 401 => {
            app.rates.read(|| unknown(app, parts))?;
            Err(error)
        }
        result => result,
    }
}

impl FromRequestParts<AppState> for Writer {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Error> {
        let caller = paid_caller(app, parts).await?;
        app.rates.write(|| Client::Token(caller.0.id.clone()))?;
        Ok(Self(caller))
    }
}

impl FromRequestParts<AppState> for Known {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Error> {
        let caller = paid_caller(app, parts).await?;
        app.rates.read(|| Client::Token(caller.0.id.clone()))?;
        Ok(Self(caller))
    }
}

impl FromRequestParts<AppState> for Reader {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Error> {
        if app.config.policy.auth == Auth::Required {
            let Known(caller) = Known::from_request_parts(parts, app).await?;
            return Ok(Self(Some(caller)));
        }
        app.rates.read(|| unknown(app, parts))?;
        Ok(Self(None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_well_formed_bearer_tokens_are_looked_up() {
        let good = token::format(&[3; 32]);
        let headers = |value: &str| HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().unwrap())]);
        assert_eq!(bearer(&HeaderMap::new()).unwrap(), None);
        assert_eq!(bearer(&headers(&format!("bearer {good}"))).unwrap(), Some(good.as_str()));
        for bad in ["", "Bearer", "Bearer x", &format!("Basic {good}"), &format!("Bearer {}", &good[1..])] {
            assert_eq!(bearer(&headers(bad)).unwrap_err().code(), codes::TOKEN_INVALID, "{bad}");
        }
    }
}
