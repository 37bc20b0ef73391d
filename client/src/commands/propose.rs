//! `skill propose`: offers a fork's changes to the owners of the skill that it comes from.

use std::path::PathBuf;

use serde::Serialize;
use skill_bundle::{
    Kind, Package, check,
    pack::{self, Packed},
};
use skill_schema::{
    Digest, Fault, Limits, SkillId, Version,
    api::proposal::{self, MAX_MESSAGE, MAX_TITLE, Request},
    codes,
    index::Line,
    lint::Level,
    manifest::{self, Manifest},
    spec::Which,
    version::parse_version,
};

use super::{diff, pull_upstream::check_resolved};
use crate::{
    catalogue::{Catalogue, Entry},
    context::Context,
    findings,
    fork::{self, Identity, Origin},
    merge::Files,
    progress::Progress,
    published, statements,
};

/// Offer a fork's changes to the owners of the skill that it comes from.
///
/// Sent is the whole skill as it would be published: the folder's files under upstream's name and next version. The fork must be level
/// with upstream's latest version (skill pull-upstream). An owner accepts with skill proposal accept: it is measured, signed with the
/// owner's key and published as any version. Who proposed is the registry's word; what is published is exactly what was proposed.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill propose --title \"Shorter rules for secrets\"
  skill propose guard --title \"New rule\" --message-file why.md --version 1.6.0
  skill propose --title x --dry-run        show what would be sent, as a difference")]
pub struct Args {
    /// The fork's folder.
    #[arg(value_name = "PATH", default_value = ".")]
    path: PathBuf,
    /// What it changes, in one line.
    #[arg(long, value_name = "TEXT")]
    title: String,
    /// Why, and how it was seen to be better.
    #[arg(long, value_name = "TEXT", default_value = "")]
    message: String,
    /// Read the message from this file.
    #[arg(long, value_name = "FILE", conflicts_with = "message")]
    message_file: Option<PathBuf>,
    /// The version that it would be published as [default: upstream's next patch].
    #[arg(long, value_name = "VERSION", value_parser = parse_version)]
    version: Option<Version>,
    /// Send nothing; show what would be sent.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Serialize)]
struct Result<'a> {
    skill: &'a SkillId,
    number: Option<u64>,
    base: &'a Version,
    version: &'a Version,
    tree: Digest,
    title: &'a str,
    /// Whether the same was waiting already.
    again: bool,
    diff: serde_json::Value,
}

/// Runs `skill propose`.
///
/// # Errors
/// [`codes::NOT_FORK`], [`codes::HEAD_MOVED`] for a fork that is behind, [`codes::NOTHING_CHANGED`], [`codes::UNMERGED`], the rules of a
/// publish; what the registry refuses.
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let message = message(&args, context)?;
    let folder = context.cwd.join(&args.path);
    let manifest = fork::manifest_of(&folder)?;
    let origin = fork::origin_of(&manifest)?;
    let upstream = &origin.release.id;
    if !args.dry_run {
        statements::check_signed_in(context, &context.registry_for(upstream, None)?)?;
    }
    let catalogue = Catalogue::new(context);
    let entry = catalogue.require(upstream, None).await?;
    let head = level_head(&entry, &origin)?;
    let head_package = published::package(context, &entry, head).await?;

    let (files, _) = pack::read_dir(Kind::Skill, &folder, &Limits::V1)?;
    let files: Files = files.into_iter().map(|file| (file.path.clone(), file)).collect();
    check_resolved(&files, &folder)?;
    let version = args.version.clone().unwrap_or_else(|| next(&entry, &head.vers));
    if packed(&files, &entry, &head_package, &head.vers)?.package.tree() == head.tree {
        return Err(Fault::new(codes::NOTHING_CHANGED).at(folder.display().to_string()).into());
    }
    let packed = packed(&files, &entry, &head_package, &version)?;
    let report = check::check_package(&packed.package, &Limits::V1, skill_schema::lint::Options::from(Level::Strict));
    findings::say(&report.findings, &folder, &packed.package, context);
    if let Some(code) = report.code {
        return Err(findings::refused(&report.findings, code, &folder, context));
    }
    let title = args.title.trim().to_owned();
    let request =
        Request { title, message, source: manifest.id.clone(), base: head.vers.clone(), base_tree: head.tree, version };
    let sent = if args.dry_run { None } else { Some(send(context, &entry, &request, &packed).await?) };
    say(context, &request, upstream, sent, (&head_package, &packed.package))
}

async fn send(context: &Context, entry: &Entry, request: &Request, packed: &Packed) -> anyhow::Result<(bool, u64)> {
    let progress = Progress::bytes(&context.output, "Uploading", packed.archive.len() as u64);
    let id = &entry.index.header.pkg;
    let (is_new, made) = entry.source.api()?.propose(id, request, &packed.archive, &progress).await?;
    Ok((is_new, made.number))
}

fn say(
    context: &Context,
    request: &Request,
    upstream: &SkillId,
    sent: Option<(bool, u64)>,
    (before, after): (&Package, &Package),
) -> anyhow::Result<()> {
    let (from, to) = (format!("{upstream}@{}", request.base), format!("{upstream}@{}", request.version));
    let result = Result {
        skill: upstream,
        number: sent.map(|(_, number)| number),
        base: &request.base,
        version: &request.version,
        tree: after.tree(),
        title: &request.title,
        again: sent.is_some_and(|(is_new, _)| !is_new),
        diff: diff::value((&from, before), (&to, after))?,
    };
    context.output.result_or("skill.propose/1", &result, |out| {
        diff::print((&from, before), (&to, after), sent.is_some(), out);
        match result.number {
            Some(number) => {
                let again = if result.again { ", which waits already" } else { "" };
                out.status("Proposed", format!("{to} as proposal {number}{again}"));
                out.hint(format!("skill proposal show {number}   what became of it"));
            }
            None => out.status("Would propose", format!("{to} (tree sha256:{})", result.tree.short())),
        }
    });
    Ok(())
}

fn message(args: &Args, context: &Context) -> std::result::Result<String, Fault> {
    let characters = args.title.trim().chars().count();
    if characters == 0 || characters > MAX_TITLE || args.title.chars().any(char::is_control) {
        return Err(Fault::new(codes::USAGE).at("--title").detail(format!("one line of 1 to {MAX_TITLE} characters")));
    }
    let text = match &args.message_file {
        None => args.message.clone(),
        Some(path) => {
            let path = context.cwd.join(path);
            let missing = || Fault::new(codes::NO_PATH).at(path.display().to_string());
            crate::files::read_text(&path, MAX_MESSAGE)?.ok_or_else(missing)?.replace("\r\n", "\n")
        }
    };
    if text.len() > proposal::MAX_MESSAGE {
        return Err(Fault::new(codes::USAGE).at("--message").detail(format!("at most {MAX_MESSAGE} bytes")));
    }
    Ok(text)
}

/// Upstream's latest version, if the fork is level with it.
fn level_head<'e>(entry: &'e Entry, origin: &Origin) -> std::result::Result<&'e Line, Fault> {
    let head = published::choose(entry, &Which::Latest)?;
    if head.vers != origin.release.version {
        let detail = format!(
            "{} is the latest, and the fork comes from {}: first skill pull-upstream",
            head.vers, origin.release
        );
        return Err(Fault::new(codes::HEAD_MOVED).at(origin.release.id.to_string()).detail(detail));
    }
    fork::check_tree(origin, head.tree)?;
    Ok(head)
}

/// The lowest free patch version above a version.
fn next(entry: &Entry, above: &Version) -> Version {
    let mut next = Version::new(above.major, above.minor, above.patch);
    while next <= *above || entry.index.line(&next).is_some() {
        next.patch += 1;
    }
    next
}

/// The folder's files as a version of upstream: its name, and what it says of its own origin.
fn packed(files: &Files, entry: &Entry, head: &Package, version: &Version) -> std::result::Result<Packed, Fault> {
    let text = head.file(manifest::FILE).map(|file| String::from_utf8_lossy(file.content).into_owned());
    let manifest = Manifest::parse(&text.unwrap_or_default())
        .map_err(|_| Fault::new(codes::MANIFEST).at(format!("{}: {}", entry.index.header.pkg, manifest::FILE)))?;
    let identity = Identity { version: version.clone(), ..Identity::of(&manifest) };
    let mut files = files.clone();
    identity.give(&mut files)?;
    let files: Vec<_> = files.into_values().collect();
    pack::pack_files(Kind::Skill, &files, &Limits::V1)
}
