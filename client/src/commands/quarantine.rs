//! `skill quarantine`: the operator's word on a version.

use serde::Serialize;
use skill_schema::{
    Fault, SkillId, Version,
    api::quarantine::{Action, Request},
    codes,
    spec::{Spec, Which},
    statement::{MAX_NOTE, REASONS},
};

use crate::context::Context;

/// Withhold a version, as the registry's operator: nobody installs it any more. Needs a token with the admin permission.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill quarantine acme/notes@1.2.0 --reason malicious --note \"sends ~/.ssh away\"
  skill quarantine acme/notes@1.2.0 --reason legal --remove     also delete its content, for good
  skill quarantine acme/notes@1.2.0 --lift")]
pub struct Args {
    /// The version: scope/name@1.2.3.
    #[arg(value_name = "SPEC")]
    spec: Spec,
    /// Why.
    #[arg(long, value_name = "CODE", value_parser = clap::builder::PossibleValuesParser::from(REASONS.to_vec()), required_unless_present = "lift")]
    reason: Option<String>,
    /// More about why, for people.
    #[arg(long, value_name = "TEXT", default_value = "")]
    note: String,
    /// Delete its content too. It never comes back.
    #[arg(long, conflicts_with = "lift")]
    remove: bool,
    /// End the quarantine.
    #[arg(long, conflicts_with = "reason")]
    lift: bool,
    /// Show what would be said.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Result<'a> {
    id: &'a SkillId,
    version: &'a Version,
    #[serde(flatten)]
    request: &'a Request,
    log: Option<u64>,
    dry_run: bool,
}

/// Runs `skill quarantine`.
///
/// # Errors
/// [`codes::USAGE`] without an exact version; an end without change if a removal is not confirmed; what the registry refuses.
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let id = &args.spec.id;
    let Which::Exact(version) = &args.spec.which else {
        let detail = format!("one version is withheld: name it, as in {id}@1.2.3");
        return Err(Fault::new(codes::USAGE).at(id.to_string()).detail(detail).into());
    };
    if args.note.len() > MAX_NOTE {
        let detail = format!("{} bytes of at most {MAX_NOTE}", args.note.len());
        return Err(Fault::new(codes::USAGE).at("--note").detail(detail).into());
    }
    let action = match (args.remove, args.lift) {
        (true, _) => Action::Remove,
        (_, true) => Action::Lift,
        _ => Action::Quarantine,
    };
    let request = Request { action, reason: args.reason.unwrap_or_else(|| "restored".to_owned()), note: args.note };
    let registry = context.registry_for(id, args.spec.registry.as_deref())?;
    let mut log = None;
    if !args.dry_run {
        let question = format!("Delete the content of {id} {version} for good?");
        if action == Action::Remove && !context.confirm_name(&question, &format!("{id}@{version}"))? {
            return Err(context.cancelled());
        }
        log = Some(context.api(&registry)?.quarantine(id, version, &request).await?.log);
    }
    let result = Result { id, version, request: &request, log, dry_run: args.dry_run };
    context.output.result_or("skill.quarantine/1", &result, |out| {
        let verb = match (action, args.dry_run) {
            (Action::Quarantine, false) => "Quarantined",
            (Action::Remove, false) => "Removed",
            (Action::Lift, false) => "Restored",
            (Action::Quarantine, true) => "Would hold",
            (Action::Remove, true) => "Would remove",
            (Action::Lift, true) => "Would restore",
        };
        out.status(verb, format!("{id} {version} ({})", request.reason));
        if action == Action::Quarantine && !args.dry_run {
            out.hint(format!("skill quarantine {id}@{version} --lift   takes it back"));
        }
    });
    Ok(())
}
