//! The owner keys of this machine that sign a change of a scope.

use std::path::PathBuf;

use skill_bundle::{chain::Chain, keys::SecretKey};
use skill_schema::{Digest, Fault, codes, statement::Role};

use super::{Delivery, latest};
use crate::{
    context::Context,
    signing::{self, DEFAULT, KeyArgs, Stored},
    statements::{self, Signing},
};

/// The owner keys that sign, for commands about no other key.
#[derive(Debug, Clone, Default, clap::Args)]
pub(in super::super) struct KeyFlags {
    /// An owner key that signs; can be repeated. Otherwise those that are here, as many as the scope asks for.
    #[arg(long, visible_alias = "sign-key", value_name = "NAME")]
    pub key: Vec<String>,
    /// Read the keys' passphrase from the first line of this file.
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
}

/// The same for commands whose `--key` is another key.
#[derive(Debug, Clone, Default, clap::Args)]
pub(in super::super) struct ByFlags {
    /// An owner key that agrees; can be repeated. Otherwise those that are here, as many as the scope asks for.
    #[arg(long, value_name = "NAME")]
    pub by: Vec<String>,
    /// Read the owner keys' passphrase from the first line of this file.
    #[arg(long, value_name = "FILE")]
    pub by_passphrase_file: Option<PathBuf>,
}

/// Which owner keys are to sign.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Owners {
    /// These and no others, unless empty.
    names: Vec<String>,
    passphrase_file: Option<PathBuf>,
    /// Before the others, if they are not named.
    first: Option<Digest>,
    /// Not this one, which is about to lose its force.
    not: Option<Digest>,
}

impl From<&KeyFlags> for Owners {
    fn from(flags: &KeyFlags) -> Self {
        Self { names: flags.key.clone(), passphrase_file: flags.passphrase_file.clone(), ..Self::default() }
    }
}

impl From<&ByFlags> for Owners {
    fn from(flags: &ByFlags) -> Self {
        Self { names: flags.by.clone(), passphrase_file: flags.by_passphrase_file.clone(), ..Self::default() }
    }
}

impl Owners {
    /// With this key before others.
    pub fn first(self, keyid: Option<Digest>) -> Self {
        Self { first: keyid, ..self }
    }

    /// Without this key.
    pub fn without(self, keyid: Digest) -> Self {
        Self { not: Some(keyid), ..self }
    }

    fn args(&self, key: Option<String>) -> KeyArgs {
        KeyArgs { key, passphrase_file: self.passphrase_file.clone() }
    }

    /// The keys, none of them opened: the named ones, or as many as the scope asks for.
    ///
    /// # Errors
    /// As [`statements::choose`]; [`codes::THRESHOLD`] if they are too few for a statement that is to be sent.
    pub async fn choose(
        &self,
        context: &Context,
        signing: &Signing,
        delivery: &Delivery,
    ) -> anyhow::Result<Vec<Stored>> {
        let needed = latest(signing.chain())?.policy.threshold;
        let mut chosen = Vec::new();
        for name in &self.names {
            let args = self.args(Some(name.clone()));
            chosen.push(statements::choose_but(context, &args, signing, Role::Owner, self.not).await?);
        }
        if self.names.is_empty() {
            chosen = self.local(context, signing.chain())?;
            chosen.truncate(usize::try_from(needed).unwrap_or(usize::MAX));
        }
        if chosen.is_empty() {
            // There is none: this says why.
            chosen.push(statements::choose_but(context, &self.args(None), signing, Role::Owner, self.not).await?);
        }
        if delivery.sends() && (chosen.len() as u64) < needed {
            let detail = format!("{} of {needed} owner keys are here", chosen.len());
            return Err(Fault::new(codes::THRESHOLD).at(signing.chain().scope().as_str()).detail(detail).into());
        }
        Ok(chosen)
    }

    /// Our owner keys in the order in which they are used: the wished one, `default`, the one called as the scope, then by name.
    fn local(&self, context: &Context, chain: &Chain) -> Result<Vec<Stored>, Fault> {
        let owners = statements::with_role(chain, Role::Owner, context.clock.now());
        let mut ours = signing::list(&context.env)?;
        ours.retain(|key| key.keyid().is_some_and(|id| owners.contains(&id) && Some(id) != self.not));
        let wished = |key: &Stored| self.first.is_some() && key.keyid() == self.first;
        ours.sort_by_key(|key| (!wished(key), key.name != DEFAULT, key.name != chain.scope().as_str()));
        Ok(ours)
    }

    /// Opens chosen keys, and checks the role of each with the key itself.
    ///
    /// # Errors
    /// As [`statements::open`].
    pub fn open(&self, context: &Context, chosen: &[Stored], chain: &Chain) -> Result<Vec<SecretKey>, Fault> {
        let args = self.args(None);
        chosen.iter().map(|stored| statements::open(context, &args, stored, chain, Role::Owner)).collect()
    }
}
