//! `skill run`: a program in a fresh folder that holds exactly the named skills.

use std::process::Command;

use skill_schema::{Fault, codes};

use crate::{
    agents::{Agents, DEFAULT, Place},
    catalogue::Catalogue,
    context::Context,
    files::{self, Mode},
    install::{self, copy_out},
    installing::{self, AgentArgs},
    interrupt::LeftToChild,
    report::Exited,
};

/// Run a program (an agent) in a fresh folder with exactly these skills.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill run cisco/codeguard -- claude -p 'review src/'
  skill run acme/notes acme/base --agent codex -- codex exec 'take notes'
  skill run cisco/codeguard --isolated -- claude     without the skills of your home folder

The folder is temporary and gone afterwards. SKILL_RUN_FROM names the folder that you came from.")]
pub struct Args {
    /// Which skills: [registry:]scope/name[@version].
    #[arg(value_name = "SPEC", required = true)]
    specs: Vec<String>,
    #[command(flatten)]
    agent: AgentArgs,
    /// Also take the temporary folder as home folder, so that the agent sees no other skills and settings.
    #[arg(long)]
    isolated: bool,
    /// The program and its arguments.
    #[arg(last = true, value_name = "CMD", required = true)]
    command: Vec<String>,
}

/// Runs `skill run`.
///
/// # Errors
/// [`Exited`] with the program's exit code, if it is not 0; as [`install::run`].
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let specs = installing::specs(&args.specs)?;
    let agents = args.agent.names(context)?.unwrap_or_else(|| DEFAULT.map(str::to_owned).to_vec());
    let table = Agents::load(&context.config)?;
    let catalogue = Catalogue::new(context);
    let folder = tempfile::Builder::new().prefix("skill-run-").tempdir()?;
    let place = Place::Project(folder.path().to_path_buf());
    for spec in &specs {
        let single = install::single(&catalogue, spec).await?;
        for agent in &agents {
            let target = table.folder(agent, &place)?;
            files::make_folder(&target, Mode::Normal)?;
            let entry = target.join(single.id.name.as_str());
            if entry.exists() {
                continue; // two agents share the folder
            }
            copy_out(&single.path, &entry)?;
        }
        context.output.status("Using", format!("{} {}", single.id, single.version));
    }
    let (program, rest) = args.command.split_first().ok_or_else(|| Fault::new(codes::USAGE).detail("no program"))?;
    let mut command = Command::new(program);
    command.args(rest).current_dir(folder.path()).env("SKILL_RUN_FROM", &context.cwd);
    if args.isolated {
        command.env("HOME", folder.path());
        for name in ["XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"] {
            command.env_remove(name);
        }
    }
    let guard = LeftToChild::now();
    let status = command.status().map_err(|e| Fault::new(codes::IO).at(program).detail(e.to_string()))?;
    drop((guard, folder));
    // A program that a signal ended has no code; shells report 128 and the signal's number.
    let code = status.code().unwrap_or_else(|| {
        use std::os::unix::process::ExitStatusExt;
        128 + status.signal().unwrap_or(0)
    });
    match u8::try_from(code) {
        Ok(0) => Ok(()),
        Ok(code) => Err(Exited(code).into()),
        Err(_) => Err(Exited(1).into()),
    }
}
