//! `skill publish`: packs, checks, signs and uploads a version.

mod measure;
mod prepare;
mod show;
mod statement;

use std::path::PathBuf;

use skill_bundle::{chain::Published, hash::sha256, keys::SecretKey};
use skill_schema::{
    Digest, Fault,
    api::publish::{Meta, Response},
    codes,
    statement::{Parent, Release, Role},
    version::parse_version,
};

use crate::{
    api::{self, Beside, Refused},
    context::Context,
    evals::{contest::Judged, options::How},
    git,
    progress::Progress,
    report::Note,
    signing::KeyArgs,
    statements::{self, Attempts, Signing},
};
use measure::Measured;
use prepare::Prepared;

/// Publish a skill's folder as a version: check, pack, sign, upload.
///
/// A published version never changes. A release needs your token (skill login) and a signature of a key that is enrolled for the scope
/// (skill key enroll). A skill with a suite is measured first: once a version has a score, each later one has to beat it on the cases that
/// are held out, by an exact test. The attempt is logged before it is measured, and counts.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill publish                     the skill in this folder
  skill publish notes --dry-run     show what would be packed, signed and sent
  skill publish notes --key ci --passphrase-file F
  skill publish --maintenance       documents or licence: no worse, and no better score is claimed

Exit codes: 0 published, 8 measured and not better, 11 not measured, 12 a cap was reached.")]
pub struct Args {
    /// The skill's folder.
    #[arg(value_name = "PATH", default_value = ".")]
    path: PathBuf,
    /// Pack, check and show what would be signed; send nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    key: KeyArgs,
    /// Publish although the folder has changes that git has not committed.
    #[arg(long)]
    allow_dirty: bool,
    /// Publish only if the skill has no version yet.
    #[arg(long)]
    if_absent: bool,
    /// Publish only if this is still the latest version: a version, or sha256: and its tree digest.
    #[arg(long, value_name = "VERSION|DIGEST")]
    expected_head: Option<String>,
    /// Refuse for warnings as well.
    #[arg(long, value_name = "WHAT", value_parser = ["warnings"])]
    deny: Option<String>,
    /// Publish without measuring; only while no version has a score.
    #[arg(long, conflicts_with = "maintenance")]
    no_eval: bool,
    /// A maintenance release: it must be no worse, and the score stays as it is recorded.
    #[arg(long)]
    maintenance: bool,
    /// The test that has to be passed at least [default: the scope's].
    #[arg(long, value_name = "standard|strict", value_parser = ["standard", "strict"])]
    gate: Option<String>,
    /// Wait so long for a verifier, if the suite is sealed; 0 not at all [default: until one is done].
    #[arg(long, value_name = "SECONDS")]
    wait: Option<u64>,
    #[command(flatten)]
    how: How,
    /// Say nothing at the end: the result is part of another command's.
    #[arg(skip)]
    silent: bool,
}

impl Args {
    /// What publishes a folder that another command has made, if the head is still this one.
    pub(super) fn of(path: PathBuf, key: KeyArgs, head: Digest, terms: Terms, silent: bool) -> Self {
        let Terms { no_eval, maintenance, gate, how } = terms;
        let expected_head = Some(head.prefixed());
        let (dry_run, allow_dirty, if_absent, deny) = (false, true, false, None);
        Self {
            path,
            dry_run,
            key,
            allow_dirty,
            if_absent,
            expected_head,
            deny,
            no_eval,
            maintenance,
            gate,
            how,
            wait: None,
            silent,
        }
    }
}

/// How another command's version is measured.
#[derive(Debug, clap::Args)]
pub(super) struct Terms {
    /// Publish without measuring; only while no version has a score.
    #[arg(long, conflicts_with = "maintenance")]
    no_eval: bool,
    /// A maintenance release: it must be no worse, and the score stays as it is recorded.
    #[arg(long)]
    maintenance: bool,
    /// The test that has to be passed at least [default: the scope's].
    #[arg(long, value_name = "standard|strict", value_parser = ["standard", "strict"])]
    gate: Option<String>,
    #[command(flatten)]
    how: How,
}

/// Runs `skill publish`.
///
/// # Errors
/// Every rule of the archive, the contents and the validator; [`codes::NO_MANIFEST`], [`codes::DIRTY`], [`codes::UNAUTHENTICATED`],
/// [`codes::VERSION_EXISTS`]; faults of keys and chains; what the registry refuses.
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let prepared = prepare::prepare(&args.path, args.deny.is_some(), context)?;
    if !args.allow_dirty {
        git::check_committed(&args.path, context)?;
    }
    let id = &prepared.manifest.id;
    let registry = context.registry_for(id, None)?;
    if !args.dry_run {
        statements::check_signed_in(context, &registry)?;
    }
    let signing = Signing::start(context, &id.scope, None).await?;
    if let Some(published) = signing.chain().release(&id.name, &prepared.manifest.version) {
        return already(&args, &prepared, published, &signing, context).await;
    }
    let stored = statements::choose(context, &args.key, &signing, Role::Publish).await?;
    let meta = Meta {
        expected_head: args.expected_head.as_deref().map(|text| head(text, &prepared, &signing)).transpose()?,
        if_absent: args.if_absent,
        attempt: None,
        maintenance: false,
    };
    let parent = statement::parent(context, &prepared.manifest, signing.chain()).await?;
    if args.dry_run {
        let release = statement::release(&prepared, &signing, parent, context.clock.now());
        show::dry_run(&prepared, &stored, &release, &signing, context);
        return Ok(());
    }
    let secret = statements::open(context, &args.key, &stored, signing.chain(), Role::Publish)?;
    let measured =
        if args.no_eval { None } else { measure::measure(&args, context, &prepared, &signing, &secret).await? };
    if let Some(Measured { judged, .. }) = &measured {
        show::judged(judged, context);
        if let Some(fault) = judged.verdict.as_ref().and_then(skill_engine::gate::Verdict::fault) {
            judged.report(context, &signing, &secret, (id, &prepared.manifest.version)).await?;
            return Err(fault.into());
        }
    }
    let meta = Meta {
        attempt: measured.as_ref().map(|measured| measured.judged.attempt.attempt),
        expected_head: meta.expected_head.or(measured.as_ref().and_then(|measured| measured.head)),
        maintenance: args.maintenance,
        ..meta
    };
    let draft = Draft {
        prepared: &prepared,
        parent,
        meta,
        judged: measured.as_ref().map(|measured| &measured.judged),
        tried: prepare::tried(&args.path, context)?,
    };
    // Publishing the suite, if it was new, has made the chain longer.
    let signing = if measured.is_some() { Signing::again(context, &id.scope, None).await? } else { signing };
    let sent = send(&draft, signing, &secret, context).await?;
    if let Some(measured) = &measured {
        measured.judged.ended()?;
    }
    if args.silent {
        return Ok(());
    }
    show::published(&prepared, &stored, &sent, measured.as_ref().map(|measured| &measured.judged), context);
    Ok(())
}

/// A version that is about to be signed.
struct Draft<'a> {
    prepared: &'a Prepared,
    parent: Option<Parent>,
    meta: Meta,
    judged: Option<&'a Judged>,
    tried: Option<bytes::Bytes>,
}

/// What was sent and accepted.
struct Sent {
    signing: Signing,
    release: Release,
    /// False if the registry had the same version already.
    new: bool,
    response: Response,
}

/// Signs and uploads; again if somebody else's statement came in between.
async fn send(draft: &Draft<'_>, mut signing: Signing, secret: &SecretKey, context: &Context) -> anyhow::Result<Sent> {
    let Draft { prepared, meta, judged, .. } = draft;
    let evidence = judged.map(Judged::evidence).transpose()?.flatten();
    let beside = Beside { tried: draft.tried.clone(), evidence };
    let (id, version) = (&prepared.manifest.id, &prepared.manifest.version);
    let archive = &prepared.packed.archive;
    let mut attempts = Attempts::default();
    loop {
        let mut release = statement::release(prepared, &signing, draft.parent.clone(), context.clock.now());
        if let Some(judged) = judged {
            release.suite = Some(judged.suite);
            release.evals = vec![judged.measured.record.digest()?];
        }
        let envelope = statement::sign(prepared, release.clone(), secret)?;
        let progress = Progress::bytes(&context.output, "Uploading", archive.len() as u64);
        let api = signing.source.api()?;
        let sent = api::Release { meta, statement: &envelope, archive, beside: &beside };
        let answer = api.publish(id, version, sent, &progress).await;
        drop(progress);
        match answer {
            Ok((new, response)) => {
                // What was stored before may have been signed anew since; then it is not this envelope.
                if response.stmt == sha256(&envelope) {
                    signing.source.log.confirm(&envelope, response.log, response.proof.as_deref())?;
                }
                return Ok(Sent { signing, release, new, response });
            }
            Err(error) if is(&error, codes::VERSION_EXISTS.id) => {
                // Somebody published the same number in between: say what, as if it had been seen at first.
                let after = Signing::again(context, &id.scope, None).await?;
                return match after.chain().release(&id.name, version) {
                    Some(published) => Err(exists(prepared, published, &after, context).await),
                    None => Err(error),
                };
            }
            Err(refusal) => attempts.after(refusal).await?,
        }
        signing = Signing::again(context, &id.scope, None).await?;
    }
}

fn is(error: &anyhow::Error, code: &str) -> bool {
    error.downcast_ref::<Refused>().is_some_and(|refused| refused.0.code == code)
}

/// The version is there: the same content is fine, another is not.
async fn already(
    args: &Args,
    prepared: &Prepared,
    published: &Published,
    signing: &Signing,
    context: &Context,
) -> anyhow::Result<()> {
    if published.tree != prepared.packed.package.tree() {
        return Err(exists(prepared, published, signing, context).await);
    }
    if !args.silent {
        show::already(prepared, published, signing, context);
    }
    Ok(())
}

/// What to say when a version exists with other content.
async fn exists(prepared: &Prepared, published: &Published, signing: &Signing, context: &Context) -> anyhow::Error {
    let (id, version) = (&prepared.manifest.id, &prepared.manifest.version);
    let info = match signing.source.api() {
        Ok(api) => api.info(id).await.ok(),
        Err(_) => None,
    };
    let of_version = info.and_then(|info| info.versions.into_iter().find(|other| other.version == *version));
    let by = of_version.map_or_else(|| id.scope.to_string(), |other| other.publisher);
    let date = published.release.predicate.created.to_string();
    let note = format!(
        "published sha256:{} on {} by {by}; yours is sha256:{}",
        published.tree.short(),
        date.get(..10).unwrap_or(&date),
        prepared.packed.package.tree().short()
    );
    let free = statement::next_free(signing.chain(), &id.name, version);
    context.output.trace(1, || format!("published archive sha256:{}", published.archive));
    let fault = Fault::new(codes::VERSION_EXISTS).at(format!("{id} {version}"));
    anyhow::Error::from(fault)
        .context(Note(format!("{free} is free: skill version {free} writes it into skill.toml")))
        .context(Note(note))
}

/// The tree digest that `--expected-head` means.
fn head(text: &str, prepared: &Prepared, signing: &Signing) -> Result<Digest, Fault> {
    if let Some(digest) = Digest::parse_prefixed(text) {
        return Ok(digest);
    }
    let version = parse_version(text)?;
    let published = signing.chain().release(&prepared.manifest.id.name, &version);
    let missing = || Fault::new(codes::NO_VERSION).at(format!("{}@{version}", prepared.manifest.id));
    published.map(|published| published.tree).ok_or_else(missing)
}
