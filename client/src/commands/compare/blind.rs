//! `skill compare --blind`: which answers a grader prefers if it does not know whose they are.

use std::path::Path;

use serde::Serialize;
use skill_engine::{
    grade::{
        BUILTIN, Grader,
        blind::{Compared, Contest, Side, contest},
        compare::Preference,
        report::{MIN_MILLIONS, millions},
    },
    record::compare::differing_parts,
    report::{skill_creator, words},
    run::Arm,
    suite::GraderSettings,
};
use skill_schema::{Fault, codes};

use crate::{
    context::Context,
    evals::{kept, models},
    files::{self, Durable, Mode},
    output::count,
};

/// Chance, in millionths, up to which a difference counts: one in twenty.
const LEVEL: u32 = 50_000;
/// Votes are for expectations: both orders are what a comparison has instead.
const VOTES: u32 = 1;

/// What is compared, as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Blind {
    grader: String,
    first: String,
    second: String,
    pairs: Vec<Pair>,
    first_wins: u32,
    second_wins: u32,
    ties: u32,
    unanswered: u32,
    /// Pairs in which both orders said the same.
    steady: u32,
    /// The chance that sides that are alike differ as much, in millionths.
    p_ppm: u32,
}

#[derive(Serialize)]
struct Pair {
    case: String,
    repeat: u32,
    winner: Option<&'static str>,
    /// What was said when the first side was shown first, and when it was shown second.
    orders: [Option<&'static str>; 2],
    reasons: [String; 2],
}

/// Compares the answers of two records' skills, or of one record's two arms.
///
/// # Errors
/// [`codes::NOT_COMPARABLE`] if no answer of one has a counterpart; as [`kept::open`] and [`models::open`].
pub(super) async fn run(
    records: (&str, Option<&str>),
    grader: &str,
    skill_creator: Option<&Path>,
    context: &Context,
) -> anyhow::Result<()> {
    let one = kept::open(context, records.0)?;
    let other = records.1.map(|second| kept::open(context, second)).transpose()?;
    let side = |kept: &'_ kept::Kept, arm| (kept.record.skill.title(), arm);
    let (first, second) = match &other {
        Some(other) => (side(&one, Arm::Cand), side(other, Arm::Cand)),
        None => ((words::baseline(&one.record), Arm::Base), side(&one, Arm::Cand)),
    };
    let later = other.as_ref().unwrap_or(&one);
    let engine = models::open(context, Some(grader), None).await?;
    let name = engine.fingerprint().model.clone();
    if millions(&name).is_some_and(|size| size < MIN_MILLIONS) {
        context.output.warn(format!("{name} is too small to judge; what it prefers says little"));
    }
    let settings = GraderSettings { prompt: BUILTIN.to_owned(), votes: VOTES };
    let grader = Grader::new(engine, &settings, Path::new(""), 0)?;
    let sides = [
        Side { record: &one.record, details: &one.details, arm: first.1 },
        Side { record: &later.record, details: &later.details, arm: second.1 },
    ];
    let held = contest(&grader, sides[0], sides[1]).await?;
    if held.pairs.is_empty() {
        let detail = "no case has an answer on both sides; a record alone, without the files beside it, has no answers";
        return Err(Fault::new(codes::NOT_COMPARABLE).detail(detail).into());
    }
    let conditions: Vec<String> =
        differing_parts(&one.record, &later.record).into_iter().map(|part| part.part).collect();
    let blind = document(name, &first.0, &second.0, &held);
    let written = skill_creator.map(|folder| write(folder, &blind)).transpose()?;
    context.output.result_or("skill.compare.blind/1", &blind, |out| {
        let rows: Vec<Vec<String>> = blind.pairs.iter().map(|pair| row(pair, &blind)).collect();
        out.table(&["Case", "Run", "Preferred", "Why"], &rows);
        for sentence in sentences(&blind) {
            out.data(sentence);
        }
        if !conditions.is_empty() {
            out.note(format!("the sides were not measured alike: {} differ", conditions.join(", ")));
        }
        out.note("a preference is no score: skill eval measures");
        if let Some(folder) = written {
            out.status("Wrote", folder.display());
        }
    });
    Ok(())
}

fn word(preference: Preference) -> &'static str {
    match preference {
        Preference::A => "first",
        Preference::B => "second",
        Preference::Tie => "tie",
    }
}

fn document(grader: String, first: &str, second: &str, held: &Contest) -> Blind {
    let pair = |one: &Compared| Pair {
        case: one.case.clone(),
        repeat: one.repeat,
        winner: one.said.preference.map(word),
        orders: one.said.orders.map(|order| order.map(word)),
        reasons: one.said.reasons.clone(),
    };
    let [first_wins, second_wins, ties] = held.counts;
    Blind {
        grader,
        first: first.to_owned(),
        second: second.to_owned(),
        pairs: held.pairs.iter().map(pair).collect(),
        first_wins,
        second_wins,
        ties,
        unanswered: held.unanswered,
        steady: held.steady,
        p_ppm: held.p_ppm,
    }
}

fn row(pair: &Pair, blind: &Blind) -> Vec<String> {
    let preferred = match pair.winner {
        Some("first") => blind.first.as_str(),
        Some("second") => blind.second.as_str(),
        Some(_) => "neither",
        None => "no answer",
    };
    let why = pair.reasons.iter().find(|reason| !reason.is_empty()).map(|reason| one_line(reason));
    vec![pair.case.clone(), (pair.repeat + 1).to_string(), preferred.to_owned(), why.unwrap_or_default()]
}

/// A model's sentence in a table: escaped, in one line, and short.
fn one_line(text: &str) -> String {
    const WIDTH: usize = 60;
    let text = codes::escape(&text.split_whitespace().collect::<Vec<_>>().join(" "));
    match text.char_indices().nth(WIDTH) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

fn sentences(blind: &Blind) -> Vec<String> {
    let all = blind.pairs.len();
    let mut said = vec![format!(
        "{} is preferred in {} of {}, {} in {}, neither in {}",
        blind.second,
        blind.second_wins,
        count(all, "pair"),
        blind.first,
        blind.first_wins,
        blind.ties
    )];
    if blind.unanswered > 0 {
        said.push(format!("{} of them had no answer", blind.unanswered));
    }
    said.push(format!(
        "{} said the same in both orders in {} of {all}; sides that are alike differ as much in {} of such comparisons",
        blind.grader,
        blind.steady,
        words::percent(blind.p_ppm.into())
    ));
    said
}

/// Writes a `comparison.json` for each pair and one `analysis.json`, A being the first side.
fn write<'a>(folder: &'a Path, blind: &Blind) -> Result<&'a Path, Fault> {
    let side = |winner: Option<&str>| match winner {
        Some("first") => "A",
        Some("second") => "B",
        _ => "TIE",
    };
    let put = |name: String, bytes: Vec<u8>| files::replace(&folder.join(name), &bytes, Mode::Normal, Durable::No);
    for (n, pair) in blind.pairs.iter().enumerate() {
        let reasoning = pair.reasons.iter().filter(|reason| !reason.is_empty()).cloned().collect::<Vec<_>>().join("\n");
        let mut comparison = skill_creator::Comparison {
            winner: side(pair.winner).to_owned(),
            reasoning,
            ..skill_creator::Comparison::default()
        };
        comparison
            .other
            .insert("eval_id".to_owned(), serde_json::to_value(skill_creator::Id::new(&pair.case)).unwrap_or_default());
        comparison.other.insert("run_number".to_owned(), (u64::from(pair.repeat) + 1).into());
        put(format!("comparison-{}.json", n + 1), skill_creator::write(&comparison))?;
    }
    // What chance does as often is no victory.
    let winner = match blind.first_wins.cmp(&blind.second_wins) {
        _ if blind.p_ppm > LEVEL => "tie",
        std::cmp::Ordering::Greater => "first",
        std::cmp::Ordering::Less => "second",
        std::cmp::Ordering::Equal => "tie",
    };
    let won = |which: &str| -> Vec<String> {
        let theirs = blind.pairs.iter().filter(|pair| pair.winner == Some(which));
        theirs.map(|pair| format!("{}: {}", pair.case, pair.reasons.join(" "))).collect()
    };
    let (best, least) = if winner == "first" { (&blind.first, &blind.second) } else { (&blind.second, &blind.first) };
    let loser = if winner == "first" { "second" } else { "first" };
    let analysis = skill_creator::Analysis {
        comparison_summary: skill_creator::ComparisonSummary {
            winner: side(Some(winner)).to_owned(),
            winner_skill: if winner == "tie" { String::new() } else { best.clone() },
            loser_skill: if winner == "tie" { String::new() } else { least.clone() },
            comparator_reasoning: sentences(blind).join("; "),
            ..skill_creator::ComparisonSummary::default()
        },
        winner_strengths: won(winner),
        loser_weaknesses: Vec::new(),
        other: serde_json::Map::from_iter([("loser_strengths".to_owned(), won(loser).into())]),
    };
    put("analysis.json".to_owned(), skill_creator::write(&analysis))?;
    Ok(folder)
}
