//! Making tokens: for the API and for the operator's commands.

use skill_bundle::hash::sha256;
use skill_schema::{Fault, api::token, codes, name::follows_rule, token as text};

use crate::{
    clock::{self, DAY},
    error::Error,
    ids,
    store::{Store, token::NewToken},
};

/// Characters of a token's name.
const MAX_NAME: usize = 64;

/// Makes a token for a user. Fails with `E_BAD_REQUEST` for what cannot be asked for, and with `E_USER_UNKNOWN`.
pub async fn create(store: &Store, user: &str, wanted: token::Request, now: i64) -> Result<token::Created, Error> {
    check(&wanted)?;
    let text = text::format(&ids::random()?);
    let days = i64::try_from(wanted.days).unwrap_or(i64::MAX);
    let mut permissions = wanted.permissions;
    permissions.sort_unstable();
    permissions.dedup();
    let new = NewToken {
        id: ids::row_id(now)?,
        user: user.to_owned(),
        hash: sha256(text.as_bytes()).to_string(),
        name: wanted.name,
        permissions,
        pattern: wanted.pattern,
        created_at: now,
        expires_at: now.saturating_add(days.saturating_mul(DAY)),
    };
    store.add_token(&new).await?;
    let info = token::Info {
        id: new.id,
        name: new.name,
        permissions: new.permissions,
        pattern: new.pattern,
        created: clock::timestamp(new.created_at),
        expires: clock::timestamp(new.expires_at),
        last_used: None,
        revoked: None,
    };
    Ok(token::Created { token: text, info })
}

fn check(wanted: &token::Request) -> Result<(), Error> {
    let bad = |place: &str, detail: &str| Err(Fault::new(codes::BAD_REQUEST).at(place).detail(detail).into());
    let length = wanted.name.chars().count();
    if length == 0 || length > MAX_NAME || wanted.name.contains(char::is_control) {
        return bad("name", "1 to 64 characters");
    }
    if wanted.permissions.is_empty() {
        return bad("permissions", "at least one");
    }
    if wanted.days == 0 || wanted.days > token::MAX_DAYS {
        return bad("days", "1 to 366");
    }
    if !is_pattern(&wanted.pattern) {
        return bad("pattern", "*, scope/*, scope/name or scope/start*");
    }
    Ok(())
}

/// `*`, `cisco/*`, `cisco/codeguard` or `cisco/code*`.
fn is_pattern(text: &str) -> bool {
    let (start, open) = text.strip_suffix('*').map_or((text, false), |start| (start, true));
    match start.split_once('/') {
        None => open && start.is_empty(),
        Some((scope, "")) => open && follows_rule(scope, skill_schema::name::MAX_SCOPE),
        Some((scope, name)) => {
            let name = if open { name.trim_end_matches('-') } else { name };
            follows_rule(scope, skill_schema::name::MAX_SCOPE) && follows_rule(name, skill_schema::name::MAX_NAME)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for good in ["*", "cisco/*", "cisco/codeguard", "cisco/code*", "cisco/code-*"] {
            assert!(is_pattern(good), "{good}");
        }
        for bad in ["", "cisco", "cisco*", "*/x", "cisco/", "cisco/*x", "Cisco/*", "**", "../*", "a/b/c"] {
            assert!(!is_pattern(bad), "{bad}");
        }
    }
}
