//! `skill bundle import`: makes this machine know what an exported file says, as if it had been fetched.

use std::{collections::BTreeMap, path::PathBuf};

use skill_schema::{Fault, codes, index::ChainLine};

use super::verify::{as_of, open, verified};
use crate::{
    catalogue::{self, Catalogue},
    context::Context,
    export::{Checked, Export},
    files::{self, Durable, Mode},
    store::Store,
};

/// Check an exported file and keep what it holds, so that its skills can be installed with --offline.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill bundle import skills.json
  skill sync --offline                      what skills.lock names
  skill install acme/notes --offline")]
pub struct Args {
    /// The file.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Only check it.
    #[arg(long)]
    dry_run: bool,
}

/// Imports a file.
///
/// # Errors
/// As [`crate::export::check`]; [`codes::FORK`] if a chain is not the one that this machine has seen; [`codes::IO`].
pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    let (export, log, checked) = open(context, &args.file, None)?;
    let newer = newer(context, &export, &checked)?;
    if !args.dry_run {
        let store = Store::new(&context.env);
        for (version, package) in checked.packages.values() {
            let archive = export.archive(&package.digest())?;
            files::replace(&store.archive(&package.digest()), &archive, Mode::Normal, Durable::No)?;
            store.add(package)?;
            context.output.trace(1, || format!("kept {version}"));
        }
        for name in checked.chains.keys() {
            for (line, envelope) in export.chain(name)? {
                store.put_statement(&line.stmt, envelope.bytes())?;
            }
        }
        checked.proofs.iter().try_for_each(|(leaf, proof)| log.put_proof(leaf, proof))?;
        log.keep_waiting(&checked.checkpoint)?;
        for (name, lines) in &newer {
            catalogue::remember(context, &export.origin, name, lines)?;
        }
        let catalogue = Catalogue::new(context);
        for (id, text) in export.indexes.iter().filter(|(id, _)| newer.contains_key(id.scope.as_str())) {
            catalogue.put_index(&export.origin, id, text.as_bytes())?;
        }
    }
    let verified = verified(&args.file, &export, &checked);
    context.output.result_or("skill.bundle.import/1", &verified, |out| {
        for skill in &verified.skills {
            let verb = if args.dry_run { "Would keep" } else { "Imported" };
            out.status(verb, format!("{} {}", skill.name, skill.version));
        }
        out.status("As of", as_of(&verified));
    });
    Ok(())
}

/// The chains of the file that go further than what this machine has seen. One that contradicts it is refused, an older one is passed
/// over.
fn newer(context: &Context, export: &Export, checked: &Checked) -> Result<BTreeMap<String, Vec<ChainLine>>, Fault> {
    let mut newer = BTreeMap::new();
    for (name, lines) in &checked.chains {
        let seen = catalogue::seen(context, &export.origin, name)?;
        if let Some((old, _)) = seen.iter().zip(lines).find(|(old, new)| old != new) {
            let detail = format!("statement {} is not the one that was seen before", old.seq);
            return Err(Fault::new(codes::FORK).at(name.as_str()).detail(detail));
        }
        if lines.len() >= seen.len() {
            newer.insert(name.clone(), lines.clone());
        }
    }
    Ok(newer)
}
