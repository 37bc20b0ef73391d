//! `skill lineage`: what a skill was forked from, and what was forked from it.

mod family;

use serde::Serialize;
use skill_schema::{SkillId, Version, codes::escape, index::Score, spec::Spec};

use crate::{
    catalogue::Catalogue,
    context::Context,
    output::{DIM, HEAD, Output},
};

/// Show the family of a skill: its ancestors, its forks, and their scores.
///
/// The registry says where to look; who was forked from whom is what the publishers signed, verified on this machine. A fork without a
/// score of its own shows that of the version it comes from, as inherited.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill lineage cisco/codeguard
  skill lineage me/codeguard --depth 2
  skill lineage cisco/codeguard --json")]
pub struct Args {
    /// The skill: [registry:]scope/name.
    #[arg(value_name = "SPEC")]
    spec: Spec,
    /// Show so many generations.
    #[arg(long, value_name = "N")]
    depth: Option<usize>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Result {
    id: SkillId,
    root: Node,
    /// Whether the family is larger than what the registry shows.
    truncated: bool,
}

/// A skill of the family.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Node {
    id: SkillId,
    /// The version that its first one was forked from.
    fork_of: Option<String>,
    latest: Option<Version>,
    versions: usize,
    score: Option<Shown>,
    forks: Vec<Node>,
}

/// A score and whose it is.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    /// The version that was measured.
    version: String,
    /// Whether it is that of an ancestor.
    inherited: bool,
    #[serde(flatten)]
    score: Score,
}

/// Runs `skill lineage`.
///
/// # Errors
/// [`skill_schema::codes::NOT_FOUND`]; what verification and the registry refuse.
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let catalogue = Catalogue::new(context);
    let entry = catalogue.require(&args.spec.id, args.spec.registry.as_deref()).await?;
    let family = entry.source.api()?.lineage(&args.spec.id).await?;
    let registry = args.spec.registry.as_deref();
    let entries = family::verified(&catalogue, &entry, registry, &family).await?;
    let root = family::tree(&family.root, &entries, args.depth.unwrap_or(usize::MAX));
    let missing = family.nodes.len() - entries.len();
    if missing > 0 {
        context.output.warn(format!("{missing} of the family cannot be shown: what is signed does not say so"));
    }
    let Some(root) = root else {
        return Err(skill_schema::Fault::new(skill_schema::codes::RESPONSE).at(args.spec.id.to_string()).into());
    };
    let result = Result { id: args.spec.id, root, truncated: family.truncated };
    context.output.result_or("skill.lineage/1", &result, |out| {
        let mut lines = Vec::new();
        draw(&result.root, &result.id, "", None, &mut lines);
        for line in &lines {
            out.data(line);
        }
        say_rest(&result, out);
    });
    Ok(())
}

fn say_rest(result: &Result, out: &Output) {
    if let Some(elsewhere) = &result.root.fork_of {
        out.note(format!("{} was forked from {}, which is not in this registry", result.root.id, escape(elsewhere)));
    }
    if result.truncated {
        out.note("there are more forks than the registry lists");
    }
}

/// `last` is `None` for the root.
fn draw(node: &Node, asked: &SkillId, prefix: &str, last: Option<bool>, lines: &mut Vec<String>) {
    let (branch, indent) = match last {
        None => ("", ""),
        Some(false) => ("├── ", "│   "),
        Some(true) => ("└── ", "    "),
    };
    let name = if node.id == *asked { format!("{HEAD}{}{HEAD:#}", node.id) } else { node.id.to_string() };
    let latest = node.latest.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
    let of = node.fork_of.as_deref().filter(|_| last.is_some()).and_then(|of| of.split_once('@'));
    let of = of.map(|(_, version)| format!(" (from {})", escape(version))).unwrap_or_default();
    let score = node.score.as_ref().map(words).unwrap_or_default();
    lines.push(format!("{prefix}{branch}{name} {latest}{of}{score}"));
    for (n, child) in node.forks.iter().enumerate() {
        draw(child, asked, &format!("{prefix}{indent}"), Some(n + 1 == node.forks.len()), lines);
    }
}

/// `  +18.0 over no skill, mean 69.0 (61.0 to 76.0), claimed`; one that is inherited is grey.
fn words(shown: &Shown) -> String {
    let Score { mean, lo, hi, uplift, trust, .. } = &shown.score;
    let uplift = uplift.map(|uplift| format!("{} over no skill, ", points(uplift, true))).unwrap_or_default();
    let interval = lo.zip(*hi).map(|(lo, hi)| format!(" ({} to {})", points(lo, false), points(hi, false)));
    let text = format!("{uplift}mean {}{}, {}", points(*mean, false), interval.unwrap_or_default(), escape(trust));
    if shown.inherited {
        return format!("  {DIM}{text}, inherited from {}{DIM:#}", escape(&shown.version));
    }
    format!("  {text}")
}

/// Per mille as points of a hundred.
fn points(per_mille: i64, signed: bool) -> String {
    let sign = if per_mille < 0 {
        "-"
    } else if signed {
        "+"
    } else {
        ""
    };
    let all = per_mille.unsigned_abs();
    format!("{sign}{}.{}", all / 10, all % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn per_mille_are_points_with_one_digit() {
        let shown = |n| (points(n, false), points(n, true));
        assert_eq!(shown(184), ("18.4".to_owned(), "+18.4".to_owned()));
        assert_eq!(shown(-5), ("-0.5".to_owned(), "-0.5".to_owned()));
        assert_eq!(shown(1000), ("100.0".to_owned(), "+100.0".to_owned()));
    }
}
