//! `skill use`: a skill without installing it.

use serde::Serialize;
use skill_schema::{SkillId, Version};

use crate::{
    catalogue::Catalogue,
    context::Context,
    files,
    install::{self, copy_out},
};

/// Print a skill, or put it into a temporary folder, without installing it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill use cisco/codeguard                print its SKILL.md
  cd \"$(skill use cisco/codeguard --tmp)\"  a fresh copy to look around in")]
pub struct Args {
    /// Which skill: [registry:]scope/name[@version].
    #[arg(value_name = "SPEC")]
    spec: String,
    /// Print SKILL.md (this is the default).
    #[arg(long, conflicts_with = "tmp")]
    print: bool,
    /// Copy it to a fresh temporary folder and print the folder's name.
    #[arg(long)]
    tmp: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Result {
    id: SkillId,
    version: Version,
    tree: String,
    path: String,
    skill_md: String,
}

/// Runs `skill use`.
///
/// # Errors
/// As [`install::run`].
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let single = install::single(&Catalogue::new(context), &args.spec.parse()?).await?;
    let limit = skill_schema::Limits::V1.skill_md;
    let skill_md = files::read_text(&single.path.join("SKILL.md"), limit)?.unwrap_or_default();
    let path = if args.tmp {
        let folder = tempfile::Builder::new().prefix("skill-").tempdir()?.keep();
        let path = folder.join(single.id.name.as_str());
        copy_out(&single.path, &path)?;
        path
    } else {
        single.path
    };
    let result = Result {
        id: single.id,
        version: single.version,
        tree: single.tree.to_string(),
        path: path.display().to_string(),
        skill_md,
    };
    context.output.result_or("skill.use/1", &result, |out| {
        if args.tmp {
            out.data(&result.path);
        } else {
            out.bytes(result.skill_md.as_bytes());
        }
    });
    Ok(())
}
