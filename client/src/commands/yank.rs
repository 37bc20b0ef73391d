//! `skill yank`: withdraws a version, or takes that back.

use serde::Serialize;
use skill_bundle::{chain::Published, envelope, keys::SecretKey, statement};
use skill_schema::{
    Digest, Fault, SkillId, Version, codes,
    spec::{Spec, Which},
    statement::{MAX_NOTE, REASONS, Role, State, Status},
};

use crate::{
    context::Context,
    signing::KeyArgs,
    statements::{self, Attempts, Signing},
};

/// Withdraw a version: it is not chosen any more, but still there for those whose skills.lock names it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill yank acme/notes@1.2.0 --reason broken --note \"loses notes over 4 KiB\"
  skill yank acme/notes@1.2.0 --reason security --dry-run
  skill yank acme/notes@1.2.0 --undo")]
pub struct Args {
    /// The version: scope/name@1.2.3.
    #[arg(value_name = "SPEC")]
    spec: Spec,
    /// Why.
    #[arg(long, value_name = "CODE", value_parser = reasons(), required_unless_present = "undo")]
    reason: Option<String>,
    /// More about why, for people.
    #[arg(long, value_name = "TEXT", default_value = "")]
    note: String,
    /// Take it back.
    #[arg(long, conflicts_with = "reason")]
    undo: bool,
    #[command(flatten)]
    key: KeyArgs,
    /// Show what would be signed.
    #[arg(long)]
    dry_run: bool,
}

/// The reasons for a yank; `restored` is what taking it back says.
fn reasons() -> clap::builder::PossibleValuesParser {
    REASONS.iter().copied().filter(|reason| *reason != RESTORED).into()
}

const RESTORED: &str = "restored";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Result<'a> {
    id: &'a SkillId,
    version: &'a Version,
    state: State,
    reason: &'a str,
    note: &'a str,
    tree: Digest,
    log: Option<u64>,
    dry_run: bool,
}

/// Runs `skill yank`.
///
/// # Errors
/// [`codes::USAGE`] without an exact version, [`codes::NO_VERSION`], [`codes::STATUS_UNCHANGED`]; faults of keys and chains; what the
/// registry refuses.
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let id = &args.spec.id;
    let Which::Exact(version) = &args.spec.which else {
        let detail = format!("one version is withdrawn: name it, as in {id}@1.2.3");
        return Err(Fault::new(codes::USAGE).at(id.to_string()).detail(detail).into());
    };
    if args.note.len() > MAX_NOTE {
        let detail = format!("{} bytes of at most {MAX_NOTE}", args.note.len());
        return Err(Fault::new(codes::USAGE).at("--note").detail(detail).into());
    }
    let named = args.spec.registry.as_deref();
    let registry = context.registry_for(id, named)?;
    if !args.dry_run {
        statements::check_signed_in(context, &registry)?;
    }
    let signing = Signing::start(context, &id.scope, named).await?;
    let published = check(&args, version, &signing)?;
    let tree = published.tree;
    let stored = statements::choose(context, &args.key, &signing, Role::Yank).await?;
    let log = if args.dry_run {
        None
    } else {
        let secret = statements::open(context, &args.key, &stored, signing.chain(), Role::Yank)?;
        Some(send(&args, version, signing, &secret, context).await?)
    };
    let (state, reason) = wanted(&args);
    let result = Result { id, version, state, reason, note: &args.note, tree, log, dry_run: args.dry_run };
    context.output.result_or("skill.yank/1", &result, |out| {
        let (verb, why) = match (args.undo, args.dry_run) {
            (false, false) => ("Yanked", format!(" ({reason})")),
            (false, true) => ("Would yank", format!(" ({reason}), signed with key {}", stored.name)),
            (true, false) => ("Restored", String::new()),
            (true, true) => ("Would restore", format!(", signed with key {}", stored.name)),
        };
        out.status(verb, format!("{id} {version}{why}"));
        if !args.undo && !args.dry_run {
            out.hint(format!("skill yank {id}@{version} --undo   takes it back"));
        }
    });
    Ok(())
}

/// The state that is wanted, and its reason.
fn wanted(args: &Args) -> (State, &str) {
    match &args.reason {
        Some(reason) if !args.undo => (State::Yanked, reason),
        _ => (State::Active, RESTORED),
    }
}

/// The version, if it exists and is not in that state already.
fn check<'a>(args: &Args, version: &Version, signing: &'a Signing) -> std::result::Result<&'a Published, Fault> {
    let id = &args.spec.id;
    let published = signing.chain().release(&id.name, version);
    let published = published.ok_or_else(|| Fault::new(codes::NO_VERSION).at(format!("{id}@{version}")))?;
    if signing.chain().state(published) == Ok(wanted(args).0) {
        let detail = if args.undo { "it is not yanked" } else { "it is yanked" };
        return Err(Fault::new(codes::STATUS_UNCHANGED).at(format!("{id}@{version}")).detail(detail));
    }
    Ok(published)
}

/// Signs and sends; again if somebody else's statement came in between.
async fn send(
    args: &Args,
    version: &Version,
    mut signing: Signing,
    secret: &SecretKey,
    context: &Context,
) -> anyhow::Result<u64> {
    let id = &args.spec.id;
    let mut attempts = Attempts::default();
    loop {
        let envelope = sign(args, version, &signing, secret, context)?;
        match signing.source.api()?.yank(id, version, &envelope).await {
            Ok(response) => {
                signing.source.log.confirm(&envelope, response.log, response.proof.as_deref())?;
                return Ok(response.log);
            }
            Err(refusal) => attempts.after(refusal).await?,
        }
        signing = Signing::again(context, &id.scope, args.spec.registry.as_deref()).await?;
    }
}

fn sign(
    args: &Args,
    version: &Version,
    signing: &Signing,
    secret: &SecretKey,
    context: &Context,
) -> std::result::Result<Vec<u8>, Fault> {
    let published = check(args, version, signing)?;
    let (seq, prev) = signing.chain().next();
    let (state, reason) = wanted(args);
    let status = Status {
        created: context.clock.now(),
        note: args.note.clone(),
        origin: signing.source.origin.clone(),
        prev,
        reason: reason.to_owned(),
        scope: args.spec.id.scope.to_string(),
        seq,
        state,
    };
    let statement = statement::status(status, &args.spec.id, version, published.archive, published.tree);
    envelope::sign(&statement, &[secret])
}
