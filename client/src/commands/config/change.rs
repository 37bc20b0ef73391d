//! `skill config set`, `unset` and `edit`.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde::Serialize;
use skill_schema::{Fault, codes};

use crate::{
    config::{
        Config, PROJECT, Value,
        edit::{Edit, read_value},
        find_key, unknown_key,
    },
    context::Context,
    files::{self, Durable, Mode},
};

/// Set a value in your configuration, or in the project's.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill config set jobs 4
  skill config set install.agents claude-code,codex --project
  skill config set 'scopes.acme' acme")]
pub struct SetArgs {
    /// The dotted key; skill config list --all shows every one.
    key: String,
    /// The value; items of a list are separated by commas.
    value: String,
    /// In the project's .skill/config.toml.
    #[arg(long)]
    project: bool,
    /// Show what would be written.
    #[arg(long)]
    dry_run: bool,
}

/// Remove a value from your configuration, or from the project's.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill config unset jobs
  skill config unset install.agents --project")]
pub struct UnsetArgs {
    /// The dotted key.
    key: String,
    /// In the project's .skill/config.toml.
    #[arg(long)]
    project: bool,
    /// Show what would be removed.
    #[arg(long)]
    dry_run: bool,
}

/// Open your configuration in $VISUAL or $EDITOR. What does not make sense afterwards is named.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill config edit
  EDITOR=nano skill config edit --project")]
pub struct EditArgs {
    /// The project's .skill/config.toml.
    #[arg(long)]
    project: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Outcome<'a> {
    key: &'a str,
    value: Option<&'a Value>,
    file: String,
    changed: bool,
    dry_run: bool,
}

/// Sets a value.
pub(super) fn set(args: &SetArgs, context: &Context) -> anyhow::Result<()> {
    let value = read_value(&args.key, &args.value)?;
    if find_key(&args.key).is_some_and(|key| key.name == "registries.*.url") {
        crate::config::normal_url(&args.value)?;
    }
    let path = file(args.project, context)?;
    let mut edit = Edit::open(&path)?;
    edit.set(&args.key, &value)?;
    finish(edit, &args.key, Some(&value), args.dry_run, &path, context)
}

/// Removes a value.
pub(super) fn unset(args: &UnsetArgs, context: &Context) -> anyhow::Result<()> {
    if find_key(&args.key).is_none() {
        return Err(Fault::new(codes::CONFIG).at(&args.key).detail(unknown_key(&args.key)).into());
    }
    let path = file(args.project, context)?;
    let mut edit = Edit::open(&path)?;
    if !edit.remove(&args.key) {
        let detail = format!("not in {}", path.display());
        return Err(Fault::new(codes::NOT_SET).at(&args.key).detail(detail).into());
    }
    finish(edit, &args.key, None, args.dry_run, &path, context)
}

fn finish(
    edit: Edit<'_>,
    key: &str,
    value: Option<&Value>,
    dry_run: bool,
    path: &Path,
    context: &Context,
) -> anyhow::Result<()> {
    let outcome = Outcome { key, value, file: path.display().to_string(), changed: edit.changed(), dry_run };
    if !dry_run {
        edit.save()?;
    }
    let schema = if value.is_some() { "skill.config.set/1" } else { "skill.config.unset/1" };
    context.output.result_or(schema, &outcome, |out| match (value, dry_run) {
        (Some(value), false) => out.status("Set", format!("{key} = {value} in {}", outcome.file)),
        (Some(value), true) => out.status("Would set", format!("{key} = {value} in {}", outcome.file)),
        (None, false) => out.status("Removed", format!("{key} from {}", outcome.file)),
        (None, true) => out.status("Would remove", format!("{key} from {}", outcome.file)),
    });
    Ok(())
}

/// The user's file, or the project's.
fn file(project: bool, context: &Context) -> Result<PathBuf, Fault> {
    if !project {
        return Ok(context.env.user_config());
    }
    let root = context.project.as_ref().ok_or_else(|| Fault::new(codes::NO_PROJECT))?;
    Ok(root.join(PROJECT))
}

/// Opens the file in the user's editor.
pub(super) fn edit(args: &EditArgs, context: &Context) -> anyhow::Result<()> {
    let path = file(args.project, context)?;
    let Some(editor) = &context.env.editor else {
        let detail = format!("set EDITOR, or edit {} yourself", path.display());
        return Err(Fault::new(codes::USAGE).detail(detail).into());
    };
    if !context.interactive() {
        let detail = format!("an editor needs a terminal; skill config set changes {}", path.display());
        return Err(Fault::new(codes::NEEDS_INPUT).detail(detail).into());
    }
    if !path.exists() {
        files::replace(&path, b"", Mode::Normal, Durable::No)?;
    }
    // $EDITOR may carry arguments: "code --wait".
    let mut words = editor.split_whitespace();
    let program = words.next().unwrap_or(editor);
    let status = Command::new(program).args(words).arg(&path).status();
    let status = status.map_err(|e| Fault::new(codes::IO).at(program).detail(e.to_string()))?;
    if !status.success() {
        return Err(Fault::new(codes::IO).at(program).detail(status.to_string()).into());
    }
    Config::load(&context.env, context.project.as_deref(), &[])?;
    context.output.status("Checked", path.display());
    Ok(())
}
