//! `skill leaderboard`: skills by their scores.

use clap::ValueEnum;
use serde::Serialize;
use skill_engine::report::words;
use skill_schema::{
    api::leaderboard::{self, Entry, Group, MAX_LIMIT, Response},
    codes::escape,
};

use crate::{context::Context, output::Output, scores};

/// Show which skills measure best: verified scores first, claimed ones after them.
///
/// Means are comparable only where suite, model and everything else that the score key names are the same, so --sort mean shows a table
/// for each score key. --sort uplift orders by the gain over no skill, which each skill showed on a suite of its own. Only verified
/// scores have a rank; those whose intervals overlap share it. What was refuted or is stale is not shown.
#[derive(Debug, clap::Args)]
#[command(
    visible_alias = "top",
    after_help = "\
Examples:
  skill leaderboard                          by the gain over no skill
  skill leaderboard --sort mean -n 5         by the mean, a table for each score key
  skill leaderboard --model qwen2.5-7b --json"
)]
pub struct Args {
    /// Only what was measured with this model, by its name.
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
    /// The order.
    #[arg(long, value_enum, value_name = "uplift|mean", default_value = "uplift", hide_possible_values = true)]
    sort: Sort,
    /// Skills a table, at most 100.
    #[arg(long, short = 'n', value_name = "N", default_value_t = leaderboard::DEFAULT_LIMIT, value_parser = clap::value_parser!(u64).range(1..=MAX_LIMIT))]
    limit: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Sort {
    /// The gain over no skill, across suites.
    Uplift,
    /// The mean, for each score key.
    Mean,
}

/// A leaderboard, as JSON.
#[derive(Serialize)]
struct Board {
    registry: String,
    #[serde(flatten)]
    board: Response,
}

/// Runs `skill leaderboard`.
///
/// # Errors
/// [`skill_schema::codes::REGISTRY_UNKNOWN`], and what the network and the registry refuse.
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let registry = context.default_registry()?;
    let sort = match args.sort {
        Sort::Uplift => leaderboard::Sort::Uplift,
        Sort::Mean => leaderboard::Sort::Mean,
    };
    let request = leaderboard::Request { sort, model: args.model, limit: Some(args.limit) };
    let board = context.api(&registry)?.leaderboard(&request).await?;
    let board = Board { registry: registry.label().to_owned(), board };
    context.output.result_or("skill.leaderboard/1", &board, |out| say(&board.board, out));
    Ok(())
}

fn say(board: &Response, out: &Output) {
    let items = || board.groups.iter().flat_map(|group| &group.items);
    if items().next().is_none() {
        out.status_warn("Nothing", "is measured there that could rank");
        out.hint("skill publish --model MODEL   measures a skill that has a suite");
        return;
    }
    for group in &board.groups {
        if let Some(key) = &group.score_key {
            out.status("Score key", format!("{}: {}", key.short(), about(group)));
        }
        let key = group.score_key.map(|key| key.short());
        let rows: Vec<Vec<String>> = group.items.iter().map(|entry| row(entry, key.as_deref())).collect();
        out.table(&["rank", "skill", "score", "gain over no skill", "tokens", "model", "suite", "trust", "key"], &rows);
    }
    if board.sort == leaderboard::Sort::Uplift {
        out.note("each gain was measured on the suite that is named; means of different suites are not comparable");
    }
    if items().all(|entry| entry.rank.is_none()) {
        out.note("nothing is ranked: no score here was verified by somebody else than its publisher");
    }
}

/// What the skills of a group have in common.
fn about(group: &Group) -> String {
    let first = group.items.first();
    let suite = first.and_then(|entry| entry.suite.as_ref()).map(|suite| format!("{}@{}", suite.id, suite.version));
    let model = first.and_then(|entry| entry.model.as_deref()).map(escape);
    [suite, model].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn row(entry: &Entry, key: Option<&str>) -> Vec<String> {
    let dash = || "-".to_owned();
    let word = if entry.proven {
        escape(&entry.score.trust)
    } else {
        format!("{}, {}", escape(&entry.score.trust), scores::UNPROVEN)
    };
    vec![
        entry.rank.map_or_else(dash, |rank| rank.to_string()),
        format!("{}@{}", entry.id, entry.version),
        scores::mean(&entry.score),
        scores::gained(&entry.score, entry.lift.as_ref()),
        entry.tokens.map_or_else(dash, words::grouped),
        entry.model.as_deref().map_or_else(dash, escape),
        entry.suite.as_ref().map_or_else(dash, |suite| format!("{}@{}", suite.id, suite.version)),
        word,
        key.unwrap_or("-").to_owned(),
    ]
}
