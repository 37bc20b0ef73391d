//! `skill search`: finds skills by what they are for.

use clap::ValueEnum;
use serde::Serialize;
use skill_schema::{
    api::search::{self, Best, Hit, MAX_LIMIT, MAX_QUERY},
    codes::escape,
};

use crate::{
    api::Api,
    context::Context,
    output::{Output, count},
    render::{day, shorten},
    scores,
    suggest::nearest,
};

/// Search for skills by what they are for.
#[derive(Debug, clap::Args)]
#[command(
    visible_alias = "find",
    after_help = "\
Examples:
  skill search pdf forms
  skill search --sort installs --limit 5      the most installed of all
  skill search pdf --sort uplift              by the gain over no skill
  skill search review --json"
)]
pub struct Args {
    /// Words that name, description, keywords or readme have; none lists everything.
    #[arg(value_name = "QUERY")]
    query: Vec<String>,
    /// The order.
    #[arg(long, value_enum, value_name = "ORDER", default_value = "relevance")]
    sort: Sort,
    /// How many to show, at most 100.
    #[arg(long, value_name = "N", default_value_t = search::DEFAULT_LIMIT, value_parser = clap::value_parser!(u64).range(1..=MAX_LIMIT))]
    limit: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Sort {
    /// Best match first.
    Relevance,
    /// Last published first.
    #[value(alias = "updated")]
    Recent,
    /// Most installed first.
    #[value(alias = "downloads")]
    Installs,
    /// The highest gain over no skill first, verified before claimed.
    Uplift,
    /// The highest mean first, in groups of one score key each.
    Score,
}

/// What was found, as JSON.
#[derive(Serialize)]
struct Found {
    total: u64,
    items: Vec<Hit>,
    /// Where nothing was found: the name that was probably meant.
    suggestion: Option<String>,
}

/// Runs `skill search`.
///
/// # Errors
/// [`skill_schema::codes::REGISTRY_UNKNOWN`], and what the network and the registry refuse.
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let registry = context.default_registry()?;
    let api = context.api(&registry)?;
    let query: String = args.query.join(" ").chars().take(MAX_QUERY).collect();
    let sort = match args.sort {
        Sort::Relevance => search::Sort::Relevance,
        Sort::Recent => search::Sort::Recent,
        Sort::Installs => search::Sort::Installs,
        Sort::Uplift => search::Sort::Uplift,
        Sort::Score => search::Sort::Score,
    };
    let request = search::Request { q: query.clone(), sort, limit: Some(args.limit), offset: None };
    let search::Response { total, items } = api.search(&request).await?;
    let suggestion = if items.is_empty() && !query.is_empty() { suggest(&api, &query).await } else { None };
    let found = Found { total, items, suggestion };
    context.output.result_or("skill.search/1", &found, |out| {
        say(&found, &query, out);
        if args.sort == Sort::Score && found.items.iter().any(|hit| hit.best.is_some()) {
            out.note("means are in order within one score key only: skill leaderboard --sort mean");
        }
    });
    Ok(())
}

/// The name nearest to the query among the registry's most installed skills. It is a courtesy, so its failure is no error.
async fn suggest(api: &Api, query: &str) -> Option<String> {
    let all = search::Request { sort: search::Sort::Installs, limit: Some(MAX_LIMIT), ..search::Request::default() };
    let items = api.search(&all).await.ok()?.items;
    let ids: Vec<String> = items.iter().map(|hit| hit.id.to_string()).collect();
    let names: Vec<&str> = items.iter().map(|hit| hit.id.name.as_str()).collect();
    let word = query.trim();
    nearest(word, ids.iter().map(String::as_str)).map(str::to_owned).or_else(|| {
        let name = nearest(word, names.iter().copied())?;
        names.iter().position(|n| *n == name).map(|at| ids[at].clone())
    })
}

fn say(found: &Found, query: &str, out: &Output) {
    if found.items.is_empty() {
        match (&found.suggestion, query.is_empty()) {
            (_, true) => out.status_warn("Nothing", "is published there yet"),
            (Some(id), _) => {
                out.status_warn("Nothing", format!("found for “{}”; did you mean {id}?", escape(query)));
                out.hint(format!("skill info {id}"));
            }
            (None, _) => {
                out.status_warn("Nothing", format!("found for “{}”", escape(query)));
                out.hint("fewer words, or start one yourself: skill new NAME");
            }
        }
        return;
    }
    let width = out.width();
    let rows: Vec<Vec<String>> = found.items.iter().map(|hit| row(hit, width)).collect();
    out.table(&["skill", "version", "installs", "updated", "score", "description"], &rows);
    let shown = found.items.len() as u64;
    if found.total > shown {
        out.note(format!(
            "{shown} of {}; --limit shows more",
            count(usize::try_from(found.total).unwrap_or(usize::MAX), "skill")
        ));
    } else if let Some(first) = found.items.first() {
        out.hint(format!("skill info {}", first.id));
    }
}

/// The score of the best version, which is named where it is not the latest one.
fn best_of(hit: &Hit, best: &Best) -> String {
    let of = if hit.version.as_ref() == Some(&best.version) { String::new() } else { format!(" ({})", best.version) };
    format!("{}{of}", scores::cell(&best.score))
}

/// A row: for people with a description that ends at the edge of the terminal.
fn row(hit: &Hit, width: Option<usize>) -> Vec<String> {
    let description = escape(&hit.description.split_whitespace().collect::<Vec<_>>().join(" "));
    let version = hit.version.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
    let mut row = vec![hit.id.to_string(), version, hit.downloads.to_string(), day(hit.updated)];
    row.push(hit.best.as_ref().map_or_else(|| "-".to_owned(), |best| best_of(hit, best)));
    // Columns are padded by two; the header's words are the least width of the numbers.
    let used: usize = row.iter().map(|cell| cell.chars().count().max(8) + 2).sum();
    row.push(match width {
        Some(width) => shorten(&description, width.saturating_sub(used).max(20)),
        None => description,
    });
    row
}

#[cfg(test)]
mod tests {
    use skill_schema::time::Timestamp;

    use super::*;

    #[test]
    fn a_row_has_one_line_whatever_the_description_is() {
        let hit = Hit {
            id: "acme/notes".parse().expect("an id"),
            version: None,
            description: format!("one\ntwo\t{}\u{1b}[2J", "x".repeat(200)),
            license: None,
            keywords: Vec::new(),
            downloads: 12,
            updated: Timestamp::from_unix(0),
            best: None,
        };
        let pipe = row(&hit, None);
        assert_eq!(pipe[..5], ["acme/notes", "-", "12", "1970-01-01", "-"]);
        assert!(pipe[5].starts_with("one two xxx") && pipe[5].ends_with("\\u{1b}[2J"), "{pipe:?}");
        let person = row(&hit, Some(80));
        assert!(person[5].chars().count() < 50 && person[5].ends_with('…'), "{person:?}");
    }
}
