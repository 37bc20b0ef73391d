//! `skill bundle verify`: everything that an exported file says, checked without a network.

use std::path::{Path, PathBuf};

use serde::Serialize;
use skill_schema::{Fault, codes, time::Timestamp};

use crate::{
    config::Registry,
    context::Context,
    export::{self, Checked, Export, Skill},
    files,
    log::Log,
    output::count,
};

/// Check an exported file: signatures, proofs, digests and contents. Needs no network.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill bundle verify skills.json
  skill bundle verify skills.json --key skills.example/log+240433c1+AYE5…     where no registry is configured")]
pub struct Args {
    /// The file.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The verifier key of the registry's log [default: the one of the configured registry].
    #[arg(long, value_name = "VKEY")]
    key: Option<String>,
}

/// What holds of a file.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Verified {
    pub file: String,
    pub origin: String,
    pub log_size: u64,
    /// What came after cannot be known from the file.
    pub as_of: Timestamp,
    pub skills: Vec<Skill>,
}

/// Checks a file.
///
/// # Errors
/// As [`export::check`]; [`codes::REGISTRY_UNKNOWN`] if no key of its log is known.
pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    let (export, _, checked) = open(context, &args.file, args.key.as_deref())?;
    let verified = verified(&args.file, &export, &checked);
    context.output.result_or("skill.bundle.verify/1", &verified, |out| {
        for skill in &verified.skills {
            out.status("Verified", format!("{} {}", skill.name, skill.version));
        }
        out.status("As of", as_of(&verified));
    });
    Ok(())
}

/// What the file can and cannot say.
pub(super) fn as_of(verified: &Verified) -> String {
    let statements = count(usize::try_from(verified.log_size).unwrap_or(usize::MAX), "statement");
    format!("{} ({}, {statements}); later yanks not visible", verified.as_of, verified.origin)
}

pub(super) fn verified(file: &Path, export: &Export, checked: &Checked) -> Verified {
    Verified {
        file: file.display().to_string(),
        origin: export.origin.clone(),
        log_size: checked.checkpoint.checkpoint.size,
        as_of: checked.as_of,
        skills: export.skills.clone(),
    }
}

/// Reads and checks a file, with the given key or that of the configured registry.
pub(super) fn open(context: &Context, file: &Path, key: Option<&str>) -> anyhow::Result<(Export, Log, Checked)> {
    let place = || file.display().to_string();
    let bytes = files::read(file, export::MAX_BYTES)?.ok_or_else(|| Fault::new(codes::NO_PATH).at(place()))?;
    let export = Export::parse(&bytes).map_err(|fault| fault.at(place()))?;
    let registry = match key {
        Some(key) => Registry { key: Some(key.to_owned()), ..Registry::unknown(export.origin.clone()) },
        None => configured(context, &export.origin)?,
    };
    let log = Log::new(context, &registry)?;
    let checked = export::check(&export, log.policy())?;
    Ok((export, log, checked))
}

fn configured(context: &Context, origin: &str) -> Result<Registry, Fault> {
    let is_it = |registry: &Registry| registry.origin().is_ok_and(|name| name == origin);
    let unknown = || {
        let detail = "no registry with this log is configured; pass its --key, or skill registry add it with --offline";
        Fault::new(codes::REGISTRY_UNKNOWN).at(origin).detail(detail)
    };
    context.config.registries()?.into_iter().find(is_it).ok_or_else(unknown)
}
