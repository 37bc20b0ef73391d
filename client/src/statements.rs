//! What the commands that sign have in common: the scope's chain, the key, and another attempt when somebody else was quicker.

use std::{rc::Rc, time::Duration};

use backon::{BackoffBuilder, ExponentialBuilder};
use skill_bundle::{chain::Chain, keys::SecretKey};
use skill_schema::{Digest, Fault, Scope, codes, statement::Role, time::Timestamp};

use crate::{
    api::Refused,
    catalogue::{Catalogue, ScopeChain, Source},
    config::{Registry, credentials},
    context::Context,
    signing::{self, KeyArgs, Stored},
};

/// How often a statement is signed anew because somebody else's came in between. Each time somebody has made progress, so this only
/// ends publishing to a scope that many others publish to at the same moment.
const ATTEMPTS: usize = 12;

/// The attempts that are left to get a statement in.
pub struct Attempts(backon::ExponentialBackoff);

impl Default for Attempts {
    fn default() -> Self {
        let delays = ExponentialBuilder::default().with_min_delay(Duration::from_millis(10)).with_jitter();
        Self(delays.with_factor(1.5).with_max_delay(Duration::from_millis(500)).with_max_times(ATTEMPTS).build())
    }
}

impl Attempts {
    /// Waits a moment if the statement was refused because the chain has moved on, so that those who lost do not all come back at once.
    ///
    /// # Errors
    /// The refusal, if it was another one or too many attempts have failed.
    pub async fn after(&mut self, refusal: anyhow::Error) -> anyhow::Result<()> {
        let delay = if moved_on(&refusal) { self.0.next() } else { None };
        tokio::time::sleep(delay.ok_or(refusal)?).await;
        Ok(())
    }
}

/// A scope whose next statement is about to be signed.
pub struct Signing {
    /// The registry.
    pub source: Rc<Source>,
    /// The chain that the statement continues.
    pub chain: Rc<ScopeChain>,
}

impl Signing {
    /// Fetches and verifies the chain as it is now, and warns of a recovery that is under way: whoever signs for the scope is who could
    /// object.
    ///
    /// # Errors
    /// As [`Catalogue::reachable`].
    pub async fn start(context: &Context, scope: &Scope, registry: Option<&str>) -> anyhow::Result<Self> {
        let signing = Self::again(context, scope, registry).await?;
        warn_of_recovery(context, signing.chain(), None);
        Ok(signing)
    }

    /// The same without the warning, for another attempt of the same command.
    ///
    /// # Errors
    /// As [`Catalogue::reachable`].
    pub async fn again(context: &Context, scope: &Scope, registry: Option<&str>) -> anyhow::Result<Self> {
        let (source, chain) = Catalogue::new(context).scope(scope, registry).await?;
        Ok(Self { source, chain })
    }

    /// The folded chain.
    pub fn chain(&self) -> &Chain {
        &self.chain.chain
    }
}

/// Whether there is a token to send: without one nothing is signed, so that nobody types a passphrase in vain.
///
/// # Errors
/// [`codes::UNAUTHENTICATED`]; a token that cannot be read.
pub fn check_signed_in(context: &Context, registry: &Registry) -> Result<(), Fault> {
    match credentials::token(context, registry)? {
        Some(_) => Ok(()),
        None => Err(Fault::new(codes::UNAUTHENTICATED).at(registry.label())),
    }
}

/// The ids of a scope's keys that have a role at this time.
pub fn with_role(chain: &Chain, role: Role, now: Timestamp) -> Vec<Digest> {
    let keys = chain.keys().iter().filter(|(_, key)| key.roles.contains(&role) && key.valid_from <= now);
    keys.map(|(id, _)| *id).collect()
}

/// Says which keys, but for one that is about to be revoked, become owners of the scope unless the present owners object.
pub fn warn_of_recovery(context: &Context, chain: &Chain, but: Option<Digest>) {
    let (scope, now) = (chain.scope(), context.clock.now());
    let coming = chain.keys().iter().filter(|(_, key)| key.roles.contains(&Role::Owner) && key.valid_from > now);
    for (id, key) in coming.filter(|(id, _)| Some(**id) != but) {
        context
            .output
            .warn(format!("a recovery of {scope} is under way: key {id} is an owner from {}", key.valid_from));
        context.output.note(format!("if that is nobody you know: skill key revoke {scope} {id}, before then"));
    }
}

/// Chooses our key with a role for the scope.
///
/// # Errors
/// [`codes::NO_KEY`] if the scope has none at all; as [`signing::choose_enrolled`]; [`codes::KEY_UNKNOWN`] or [`codes::KEY_ROLE`] for
/// a named key that would be refused; [`codes::NOT_OWNER`] if the registry would not even look at the signature.
pub async fn choose(context: &Context, args: &KeyArgs, signing: &Signing, role: Role) -> anyhow::Result<Stored> {
    choose_but(context, args, signing, role, None).await
}

/// As [`choose`], passing over a key that is about to lose its force.
///
/// # Errors
/// As [`choose`].
pub async fn choose_but(
    context: &Context,
    args: &KeyArgs,
    signing: &Signing,
    role: Role,
    not: Option<Digest>,
) -> anyhow::Result<Stored> {
    match find(context, args, signing.chain(), role, not) {
        Err(fault) if fault.code == codes::KEY_UNKNOWN || fault.code == codes::NOT_ENROLLED => {
            Err(explain(fault, signing).await.into())
        }
        found => Ok(found?),
    }
}

fn find(context: &Context, args: &KeyArgs, chain: &Chain, role: Role, not: Option<Digest>) -> Result<Stored, Fault> {
    let scope = chain.scope();
    if chain.head().is_none() {
        return Err(Fault::new(codes::NO_KEY).at(scope.as_str()));
    }
    let now = context.clock.now();
    let mut enrolled = with_role(chain, role, now);
    enrolled.retain(|id| Some(*id) != not);
    let stored = signing::choose_enrolled(&context.env, args, scope, &enrolled)?;
    // Without the file beside it, an encrypted key's id is known only once it is open: `open` checks again.
    if let Some(id) = stored.keyid() {
        check_role(chain, &stored.name, id, role, now)?;
    }
    Ok(stored)
}

/// Somebody who does not own the scope is told that, rather than that their key is not enrolled.
async fn explain(fault: Fault, signing: &Signing) -> Fault {
    let scope = signing.chain().scope();
    let Ok(api) = signing.source.api() else { return fault };
    match api.whoami().await {
        Ok(who) if !who.scopes.iter().any(|owned| owned == scope.as_str()) => {
            Fault::new(codes::NOT_OWNER).at(scope.as_str()).detail(format!("you are {}", who.user))
        }
        _ => fault,
    }
}

/// Opens a chosen key, and checks its role with the key itself rather than with the file beside it.
///
/// # Errors
/// As [`Stored::open`] and [`choose`].
pub fn open(context: &Context, args: &KeyArgs, stored: &Stored, chain: &Chain, role: Role) -> Result<SecretKey, Fault> {
    let secret = stored.open(context, args)?;
    check_role(chain, &stored.name, secret.keyid(), role, context.clock.now())?;
    Ok(secret)
}

fn check_role(chain: &Chain, name: &str, id: Digest, role: Role, now: Timestamp) -> Result<(), Fault> {
    let place = format!("key {name} ({})", id.short());
    match chain.keys().get(&id) {
        None if chain.is_revoked(id, chain.next().0) => Err(Fault::new(codes::KEY_REVOKED).at(place)),
        None => Err(Fault::new(codes::KEY_UNKNOWN).at(place).detail(format!("scope {}", chain.scope()))),
        Some(key) if !key.roles.contains(&role) => {
            let detail = format!("scope {} asks for {}", chain.scope(), role_name(role));
            Err(Fault::new(codes::KEY_ROLE).at(place).detail(detail))
        }
        Some(key) if key.valid_from > now => {
            Err(Fault::new(codes::KEY_ROLE).at(place).detail(format!("valid only from {}", key.valid_from)))
        }
        Some(_) => Ok(()),
    }
}

/// Roles as people read them: `owner, publish`.
pub fn role_names(roles: &[Role]) -> String {
    roles.iter().map(|role| role_name(*role)).collect::<Vec<_>>().join(", ")
}

/// A role as statements write it.
pub fn role_name(role: Role) -> &'static str {
    match role {
        Role::Owner => "owner",
        Role::Publish => "publish",
        Role::Yank => "yank",
    }
}

/// Whether the registry refused a statement because the chain has moved on.
fn moved_on(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Refused>().is_some_and(|refused| refused.0.code == codes::SEQ.id)
}

#[cfg(test)]
mod tests {
    use skill_schema::problem::Problem;

    use super::*;

    #[test]
    fn only_a_chain_that_moved_on_is_worth_a_second_attempt() {
        let refused = |code| anyhow::Error::from(Refused(Box::new(Problem::new(code, ""))));
        assert!(moved_on(&refused(codes::SEQ)));
        assert!(!moved_on(&refused(codes::VERSION_EXISTS)) && !moved_on(&Fault::new(codes::SEQ).into()));
    }
}
