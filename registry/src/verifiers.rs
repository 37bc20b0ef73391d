//! Who may verify: whose key is listed, and who is somebody else than the publisher.

use skill_bundle::{envelope::Envelope, keys::PublicKey};
use skill_schema::{Digest, Fault, SkillId, api::worker::Claim, codes, statement::Root};

use crate::{auth::Caller, error::Error, gate, state::AppState};

/// Hex digits of a signature.
const SIGNATURE_DIGITS: usize = 128;

/// A verifier who has shown that the key is theirs, or who holds a lease with it.
#[derive(Debug, Clone)]
pub struct Verifier {
    /// The key.
    pub key: PublicKey,
    /// The user whose token it is.
    pub user: String,
}

impl Verifier {
    /// Who claims: the signature is of that key, and of now.
    ///
    /// # Errors
    /// `E_SIGNATURE`, `E_CLOCK`.
    pub fn claiming(app: &AppState, caller: &Caller, claim: &Claim) -> Result<Self, Error> {
        let key = PublicKey::from_text(&claim.key)?;
        gate::freshness(claim.created, app.clock.timestamp())?;
        let malformed = || Fault::new(codes::SIGNATURE).at("signature");
        let signature = unhex(&claim.signature).ok_or_else(malformed)?;
        key.verify(Claim::text(&app.identity.origin, &claim.key, claim.created).as_bytes(), &signature)?;
        Ok(Self { key, user: caller.user().to_owned() })
    }

    /// Whether this verifier may measure candidates of a skill.
    ///
    /// # Errors
    /// `E_VERIFIER` if the key is one of the skill's scope, or listed nowhere, or if its user owns the scope.
    pub async fn check(&self, app: &AppState, id: &SkillId) -> Result<(), Error> {
        let keyid = self.key.keyid();
        let refused = |detail: String| Err(Fault::new(codes::VERIFIER).at(keyid.to_string()).detail(detail).into());
        // The chain is let go again before anything else is asked.
        let (is_own, by_scope) = {
            let chain = app.chains.hold(&id.scope, &app.store, &app.identity).await?;
            (chain.is_ever_own(keyid), chain.verifiers().contains(&keyid))
        };
        if is_own {
            return refused(format!("it is a key of the scope {}", id.scope));
        }
        if app.store.owners(&id.scope).await?.contains(&self.user) {
            return refused(format!("{} owns the scope {}", self.user, id.scope));
        }
        if by_scope || listed(app).await?.contains(&keyid) {
            return Ok(());
        }
        refused(format!("neither the registry nor the scope {} lists it", id.scope))
    }
}

/// The ids of the verifiers of the registry's root statement.
async fn listed(app: &AppState) -> Result<Vec<Digest>, Error> {
    let Some(envelope) = app.store.latest_root().await? else { return Ok(Vec::new()) };
    let root = Envelope::parse(envelope.as_bytes())?.statement::<Root>()?.predicate;
    Ok(root.verifiers.iter().filter_map(|text| PublicKey::from_text(text).ok()).map(|key| key.keyid()).collect())
}

fn unhex(text: &str) -> Option<[u8; SIGNATURE_DIGITS / 2]> {
    if text.len() != SIGNATURE_DIGITS || !text.is_ascii() {
        return None;
    }
    let mut bytes = [0; SIGNATURE_DIGITS / 2];
    for (byte, at) in bytes.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_128_hex_digits() {
        assert_eq!(unhex(&"0f".repeat(64)), Some([15; 64]));
        for bad in [String::new(), "0f".repeat(63), "0g".repeat(64), "é".repeat(64)] {
            assert_eq!(unhex(&bad), None, "{bad}");
        }
    }
}
