//! Reading a suite: ours, those of skill-creator and agentskills.io as they are, and bare lists of trigger queries.

mod case;
mod field;

use serde_json::{Map, Value};
use skill_schema::{Fault, SkillId, version};

use self::field::Fields;
use super::{Case, GraderSettings, Limits, Settings, Suite, bounds::Bounds, source::Source};
use crate::model::Sampling;

/// The only format that is defined.
const FORMAT: u64 = 1;
/// The only share of the holdout that is defined: two of five.
const HOLDOUT: [u32; 2] = [2, 5];
/// Bytes of a canary at least: a shorter one could be met by chance.
const MIN_CANARY: usize = 16;
/// Runs a case at most: more would only be a typing error.
const MAX_RUNS: u64 = 1_000;

impl Suite {
    /// Reads a suite from its text.
    ///
    /// # Errors
    /// [`skill_schema::codes::SUITE`] with the place: not JSON, a key that stands twice, a member of another type, beyond the limits.
    pub fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        Ok(Self::parse_source(bytes)?.0)
    }

    /// Reads a suite and keeps where everything stands in its text.
    ///
    /// # Errors
    /// As [`Suite::parse`].
    pub fn parse_source(bytes: &[u8]) -> Result<(Self, Source), Fault> {
        let source = Source::parse(bytes, &Bounds::V1)?;
        Ok((Self::from_value(source.value.clone())?, source))
    }

    /// Takes a JSON document as a suite.
    ///
    /// # Errors
    /// [`skill_schema::codes::SUITE`] with the place of a member that cannot be what it is.
    pub fn from_value(document: Value) -> Result<Self, Fault> {
        let nothing = Map::new();
        let (head, list, place) = match &document {
            Value::Array(list) => (&nothing, list.as_slice(), ""),
            Value::Object(map) => (map, evals(map)?, "evals"),
            _ => return Err(field::fault("", "an object with `evals`, or a list of cases, is expected")),
        };
        if list.len() > Bounds::V1.cases {
            let detail = format!("{} cases of at most {}", list.len(), Bounds::V1.cases);
            return Err(field::fault(place, &detail));
        }
        let skill_name = Fields::new(head, String::new()).name("skill_name")?.unwrap_or_default();
        let settings = settings(head, &skill_name)?;
        let cases = list
            .iter()
            .enumerate()
            .map(|(n, value)| case::read(value, format!("{place}[{n}]")))
            .collect::<Result<Vec<Case>, Fault>>()?;
        Ok(Self { skill_name, settings, cases, document })
    }
}

/// The list of cases of an object.
fn evals(map: &Map<String, Value>) -> Result<&[Value], Fault> {
    match map.get("evals") {
        Some(Value::Array(list)) => Ok(list),
        Some(_) => Err(field::fault("evals", "a list is expected")),
        None => Err(field::fault("", "there is no list `evals`")),
    }
}

fn settings(head: &Map<String, Value>, skill_name: &str) -> Result<Settings, Fault> {
    let head = Fields::new(head, String::new());
    let nothing = Map::new();
    let suite = head.map("suite")?.unwrap_or_else(|| Fields::new(&nothing, "suite".to_owned()));
    if let Some(format) = suite.integer("format", u64::MAX)?.filter(|format| *format != FORMAT) {
        return Err(suite.wrong("format", &format!("format {format} is not known; this program reads format {FORMAT}")));
    }
    let id = suite.name("id")?;
    if let Some(id) = &id {
        id.parse::<SkillId>().map_err(|fault| suite.wrong("id", &fault.sentence()))?;
    }
    let version = suite.name("version")?;
    if let Some(text) = &version {
        version::parse_version(text).map_err(|fault| suite.wrong("version", &fault.sentence()))?;
    }
    if suite.get("holdout").is_some_and(|share| *share != serde_json::json!(HOLDOUT)) {
        return Err(suite.wrong("holdout", "only [2, 5] is defined"));
    }
    let sandbox = suite.name("sandbox")?.unwrap_or_else(|| "no-network".to_owned());
    if !["no-network", "network"].contains(&sandbox.as_str()) {
        return Err(suite.wrong("sandbox", "`no-network` or `network` is expected"));
    }
    let runs = suite.map("runs")?.unwrap_or_else(|| Fields::new(&nothing, "suite.runs".to_owned()));
    Ok(Settings {
        id,
        version,
        salt: suite.name("salt")?.unwrap_or_else(|| skill_name.to_owned()),
        canary: canary(&suite)?,
        holdout: HOLDOUT,
        runs_train: runs.count("train", 1, MAX_RUNS)?,
        runs_gate: runs.count("gate", 5, MAX_RUNS)?,
        sampling: sampling(&suite)?,
        limits: run_limits(&suite)?,
        sandbox,
        grader: grader(&suite)?,
    })
}

fn canary(suite: &Fields<'_>) -> Result<Option<String>, Fault> {
    match suite.name("canary")? {
        Some(text) if text.len() < MIN_CANARY => {
            Err(suite.wrong("canary", &format!("{MIN_CANARY} bytes at least, or it stands somewhere by chance")))
        }
        other => Ok(other),
    }
}

fn sampling(suite: &Fields<'_>) -> Result<Sampling, Fault> {
    let default = Sampling::default();
    let Some(fields) = suite.map("sampling")? else { return Ok(default) };
    let max_tokens = fields.count("max_tokens", default.max_tokens, u64::from(u32::MAX))?;
    Ok(Sampling {
        temperature: fields.number("temperature", 0.0..=10.0)?.unwrap_or(default.temperature),
        top_p: fields.number("top_p", 0.0..=1.0)?.unwrap_or(default.top_p),
        max_tokens,
    })
}

fn run_limits(suite: &Fields<'_>) -> Result<Limits, Fault> {
    let default = Limits::default();
    let Some(fields) = suite.map("limits")? else { return Ok(default) };
    let positive = |key: &str, default: u64| match fields.integer(key, u64::from(u32::MAX))? {
        Some(0) => Err(fields.wrong(key, "must be at least 1")),
        other => Ok(other.unwrap_or(default)),
    };
    Ok(Limits {
        turns: fields.count("turns", default.turns, u64::from(u32::MAX))?,
        tokens: positive("tokens", default.tokens)?,
        seconds: positive("seconds", default.seconds)?,
    })
}

fn grader(suite: &Fields<'_>) -> Result<GraderSettings, Fault> {
    let default = GraderSettings { prompt: "builtin:grader@1".to_owned(), votes: 1 };
    let Some(fields) = suite.map("grader")? else { return Ok(default) };
    // Eleven votes settle what votes can settle.
    let votes = fields.count("votes", default.votes, 11)?;
    Ok(GraderSettings { prompt: fields.name("prompt")?.unwrap_or(default.prompt), votes })
}

#[cfg(test)]
mod tests;
