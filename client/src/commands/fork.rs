//! `skill fork`: a copy of a published skill, to be changed and published under another name.

use std::path::{Path, PathBuf};

use serde::Serialize;
use skill_bundle::{
    Kind, extract,
    pack::{self, Owned},
};
use skill_schema::{
    Digest, Fault, Limits, Scope, SkillId, Version, codes,
    manifest::{self, Release},
    spec::Spec,
    version::parse_version,
};

use super::new::manifest_text;
use crate::{
    catalogue::Catalogue,
    context::Context,
    files,
    fork::{self, Identity, Origin},
    merge::Files,
    output::count,
    published,
};

/// Copy a published skill into a folder, to change it and publish it under another name.
///
/// The folder's skill.toml records which version it comes from, with its digest: skill publish signs that as the parent of the first
/// version, and skill pull-upstream merges later versions. Where the registry has the suite that the version was measured on, it comes along
/// as evals/.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill fork cisco/codeguard --as acme             acme/codeguard, in ./codeguard
  skill fork cisco/codeguard@1.3.2 guard --as acme/guard
  skill fork cisco/codeguard --as acme --version 0.1.0")]
pub struct Args {
    /// The skill: [registry:]scope/name[@version].
    #[arg(value_name = "SPEC")]
    spec: Spec,
    /// The new folder [default: the fork's name].
    #[arg(value_name = "DIR")]
    dir: Option<PathBuf>,
    /// What the fork is called: a scope, or scope/name.
    #[arg(long = "as", value_name = "SCOPE[/NAME]")]
    name: Option<String>,
    /// The version to start with [default: that of the skill].
    #[arg(long, value_name = "VERSION", value_parser = parse_version)]
    version: Option<Version>,
    /// Write nothing; say what would be written.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Serialize)]
struct Forked {
    from: String,
    tree: Digest,
    id: SkillId,
    version: Version,
    folder: String,
    files: Vec<String>,
    /// Whether the suite came along.
    suite: bool,
    written: bool,
}

/// Runs `skill fork`.
///
/// # Errors
/// [`codes::EXISTS`] for a folder that is there, [`codes::USAGE`] for the same name, [`codes::NEEDS_INPUT`] without one; what
/// fetching and verifying refuse.
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let id = name(&args, context)?;
    let folder = context.cwd.join(args.dir.clone().unwrap_or_else(|| id.name.as_str().into()));
    if folder.symlink_metadata().is_ok() {
        let detail = "choose another folder, or move it away";
        return Err(Fault::new(codes::EXISTS).at(folder.display().to_string()).detail(detail).into());
    }
    let catalogue = Catalogue::new(context);
    let entry = published::entry(&catalogue, &args.spec).await?;
    let line = published::choose(&entry, &args.spec.which)?;
    let package = published::package(context, &entry, line).await?;
    let release = Release { id: args.spec.id.clone(), version: line.vers.clone() };
    let version = args.version.clone().unwrap_or_else(|| line.vers.clone());
    let origin = Origin { release: release.clone(), tree: Some(line.tree) };
    let files = renamed(
        fork::files_of(&package),
        &Identity { id: id.clone(), version: version.clone(), origin: Some(origin) },
    )?;
    let suite = if args.dry_run {
        false
    } else {
        let parent = folder.parent().unwrap_or(Path::new("."));
        let made = tempfile::Builder::new().prefix(files::TEMPORARY).tempdir_in(parent);
        let made = made.map_err(|e| files::fault(parent, &e))?;
        let packed = pack::pack_files(Kind::Skill, &files, &Limits::V1)?;
        extract::extract(&packed.package, made.path(), id.name.as_str())?;
        let skill = made.path().join(id.name.as_str());
        let suite = fork::bring_suite(&entry, &line.vers, &skill).await?;
        std::fs::rename(&skill, &folder).map_err(|e| files::fault(&folder, &e))?;
        suite
    };
    let result = Forked {
        from: release.to_string(),
        tree: line.tree,
        id,
        version,
        folder: folder.display().to_string(),
        files: files.into_iter().map(|file| file.path).collect(),
        suite,
        written: !args.dry_run,
    };
    say(&result, context);
    Ok(())
}

fn say(result: &Forked, context: &Context) {
    context.output.result_or("skill.fork/1", result, |out| {
        let verb = if result.written { "Forked" } else { "Would fork" };
        let what = format!("{} as {} {} into {}", result.from, result.id, result.version, result.folder);
        out.status(verb, format!("{what} ({})", count(result.files.len(), "file")));
        if result.suite {
            out.note("evals/ has the suite that it was measured on");
        }
        if !Path::new(&result.folder).ends_with(result.id.name.as_str()) {
            out.note(format!("skill publish wants the folder to be called {}, as agents do", result.id.name));
        }
        if result.written {
            out.hint("change it, then: skill publish");
            out.hint("skill pull-upstream   merges what upstream publishes later");
        }
    });
}

/// What the fork is called.
fn name(args: &Args, context: &Context) -> Result<SkillId, Fault> {
    let text = match &args.name {
        Some(text) => text.clone(),
        None => context.ask("Scope to fork it into", None, "--as")?,
    };
    let text = text.trim();
    let id = if text.contains('/') {
        text.parse()?
    } else {
        SkillId { scope: text.parse::<Scope>()?, name: args.spec.id.name.clone() }
    };
    if id == args.spec.id {
        let detail = "a fork has a name of its own: --as SCOPE or --as SCOPE/NAME";
        return Err(Fault::new(codes::USAGE).at(id.to_string()).detail(detail));
    }
    Ok(id)
}

/// The files under another name. A skill without skill.toml gets one.
fn renamed(mut files: Files, identity: &Identity) -> Result<Vec<Owned>, Fault> {
    files.entry(manifest::FILE.to_owned()).or_insert_with(|| Owned {
        path: manifest::FILE.to_owned(),
        content: manifest_text(&identity.id, &identity.version.to_string(), None).into_bytes(),
        executable: false,
    });
    identity.give(&mut files)?;
    Ok(files.into_values().collect())
}
