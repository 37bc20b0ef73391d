//! Whether an entry of `skills.lock` is what its publisher signed, by what this machine fetched and verified before.
//!
//! A statement is kept under its digest after its chain was verified, so that here only its bytes need to be compared: every
//! member of the entry that the publisher or the registry decided is covered, and a changed byte in it is found without network.

use std::{cell::RefCell, collections::BTreeMap};

use skill_bundle::{envelope::Envelope, log::merkle::leaf_hash, statement};
use skill_schema::{
    Digest, Fault, Scope, codes,
    lock::Locked,
    statement::{Release, Statement},
};

use crate::{catalogue, context::Context, log, store::Store};

/// What is known on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// The entry is exactly what was signed.
    Proven,
    /// The statement, its chain or the proof that it is in the log was not fetched yet.
    Unknown,
    /// There is none: it was installed from a path, and nobody signed it.
    Local,
}

/// The logs of the statements of each chain, read once.
#[derive(Debug, Default)]
pub struct Chains(RefCell<BTreeMap<(String, Scope), BTreeMap<Digest, u64>>>);

/// Compares an entry with the statement that it names.
///
/// # Errors
/// [`codes::LOCK_OUTDATED`] if they differ.
pub fn check(context: &Context, store: &Store, chains: &Chains, locked: &Locked) -> Result<Evidence, Fault> {
    let Some(signed) = &locked.signed else { return Ok(Evidence::Local) };
    let Some(bytes) = store.statement(&signed.statement)? else { return Ok(Evidence::Unknown) };
    let statement: Statement<Release> = Envelope::parse(&bytes)?.statement()?;
    let (archive, tree) = statement::digests(&statement)?;
    let name = &statement::subject(&statement)?.name;
    let checks = [
        ("name or version", *name == format!("{}@{}", locked.name, locked.version)),
        ("origin", statement.predicate.origin == locked.origin),
        ("tree", tree == locked.tree),
        ("archive", archive == locked.archive),
    ];
    if let Some((what, _)) = checks.iter().find(|(_, equal)| !equal) {
        return Err(differs(locked, what));
    }
    match chains.log(context, locked, &signed.statement)? {
        None => Ok(Evidence::Unknown),
        // That the proof is there is enough here: it was verified before it was kept, and `skill verify` does it again.
        Some(log) if log == signed.log && log::has_proof(context, &locked.origin, &leaf_hash(&bytes), log)? => {
            Ok(Evidence::Proven)
        }
        Some(log) if log == signed.log => Ok(Evidence::Unknown),
        Some(_) => Err(differs(locked, "log index")),
    }
}

/// The entry is not what was signed.
pub(super) fn differs(locked: &Locked, what: &str) -> Fault {
    let detail = format!("its {what} is not what the publisher signed; was the file edited?");
    Fault::new(codes::LOCK_OUTDATED).at(format!("{} {}", locked.name, locked.version)).detail(detail)
}

impl Chains {
    fn log(&self, context: &Context, locked: &Locked, statement: &Digest) -> Result<Option<u64>, Fault> {
        let key = (locked.origin.clone(), locked.name.scope.clone());
        let mut chains = self.0.borrow_mut();
        if !chains.contains_key(&key) {
            let lines = catalogue::seen(context, &key.0, key.1.as_str())?;
            chains.insert(key.clone(), lines.into_iter().map(|line| (line.stmt, line.log)).collect());
        }
        Ok(chains.get(&key).and_then(|logs| logs.get(statement)).copied())
    }
}
