//! Blind comparison of two answers in both orders. An answer wins only if it wins both.

use futures::StreamExt;
use serde_json::{Value, json};
use skill_bundle::hash::sha256;

use super::{Grader, instructions, opinion::object, quote};
use crate::{
    executor::add,
    model::{CaseRequest, Constraint, GroupRequest, Message, Role, Sampling},
    run::Usage,
};

/// Tokens of an answer: a sentence and a word.
const MAX_TOKENS: u32 = 400;

/// Two answers to one task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// Names the pair: case and repeat.
    pub key: String,
    /// The task.
    pub task: String,
    /// The answer of one side.
    pub a: String,
    /// The answer of the other.
    pub b: String,
}

/// Which side is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Preference {
    /// `a`, in both orders.
    A,
    /// `b`, in both orders.
    B,
    /// Neither, or each order another.
    Tie,
}

/// What came of a pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// Which side is better; `None` if one of the two orders has no answer.
    pub preference: Option<Preference>,
    /// What each order alone said, first the one that shows `a` first.
    pub orders: [Option<Preference>; 2],
    /// The reasons in the same order.
    pub reasons: [String; 2],
}

/// Compares pairs, both orders of all of them in one group. The order that is asked first differs by the grader's seed.
pub async fn compare(grader: &Grader, pairs: &[Pair]) -> (Vec<Comparison>, Usage) {
    let none = || Comparison { preference: None, orders: [None, None], reasons: [String::new(), String::new()] };
    let mut results: Vec<Comparison> = pairs.iter().map(|_| none()).collect();
    let turns: Vec<(usize, bool)> = pairs
        .iter()
        .enumerate()
        .flat_map(|(at, pair)| {
            let swapped = sha256(format!("{}\0{}", grader.seed, pair.key).as_bytes()).0[0] % 2 == 1;
            [(at, swapped), (at, !swapped)]
        })
        .collect();
    let cases = turns.iter().map(|&(at, swapped)| request(grader, &pairs[at], swapped)).collect();
    let prefix = vec![Message::new(Role::System, instructions::COMPARE.trim())];
    let mut usage = Usage::default();
    let mut answers = grader.engine.run_group(GroupRequest { prefix, cases, mode: grader.mode });
    while let Some((index, answer)) = answers.next().await {
        let (Some(&(at, swapped)), Ok(output)) = (turns.get(index), answer) else { continue };
        add(&mut usage, &output);
        let Some(object) = object(&output.text) else { continue };
        let winner = object.get("winner").and_then(Value::as_str).unwrap_or_default();
        let order = usize::from(swapped);
        results[at].orders[order] = preference(winner, swapped);
        object.get("reason").and_then(Value::as_str).unwrap_or_default().clone_into(&mut results[at].reasons[order]);
    }
    for result in &mut results {
        result.preference = match result.orders {
            [Some(one), Some(other)] if one == other => Some(one),
            [Some(_), Some(_)] => Some(Preference::Tie),
            _ => None,
        };
    }
    (results, usage)
}

fn preference(winner: &str, swapped: bool) -> Option<Preference> {
    match (winner.trim().to_ascii_lowercase().as_str(), swapped) {
        ("first", false) | ("second", true) => Some(Preference::A),
        ("first", true) | ("second", false) => Some(Preference::B),
        ("tie", _) => Some(Preference::Tie),
        _ => None,
    }
}

fn request(grader: &Grader, pair: &Pair, swapped: bool) -> CaseRequest {
    let (first, second) = if swapped { (&pair.b, &pair.a) } else { (&pair.a, &pair.b) };
    let blocks =
        [quote::block("Task", &pair.task), quote::block("First answer", first), quote::block("Second answer", second)];
    let schema = json!({
        "type": "object",
        "properties": {"reason": {"type": "string", "maxLength": 600}, "winner": {"enum": ["first", "second", "tie"]}},
        "required": ["reason", "winner"], "additionalProperties": false,
    });
    let constraint = if grader.engine.caps().constraints { Constraint::JsonSchema(schema) } else { Constraint::None };
    CaseRequest {
        messages: vec![Message::new(Role::User, format!("{}\nWhich is better? Answer as JSON.", blocks.join("\n")))],
        sampling: Sampling { temperature: 0.0, top_p: 1.0, max_tokens: MAX_TOKENS },
        seed: grader.seed,
        stop: Vec::new(),
        constraint,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{executor::testing::Scripted, grade::BUILTIN, suite::GraderSettings};

    fn grader(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Grader {
        let settings = GraderSettings { prompt: BUILTIN.to_owned(), votes: 1 };
        let engine = Scripted::new(move |messages, _| Ok(answer(&messages[1].content)));
        Grader::new(engine, &settings, std::path::Path::new("/nonexistent"), 1).unwrap()
    }

    fn pair(key: &str) -> Pair {
        Pair { key: key.to_owned(), task: "Say good.".to_owned(), a: "GOOD".to_owned(), b: "bad".to_owned() }
    }

    async fn preferences(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Vec<Option<Preference>> {
        let pairs: Vec<Pair> = ["one", "two", "three", "four"].map(pair).to_vec();
        let (results, usage) = compare(&grader(answer), &pairs).await;
        assert_eq!(usage.turns, 8, "both orders of each pair");
        results.into_iter().map(|result| result.preference).collect()
    }

    fn winner(word: &str) -> String {
        format!("{{\"reason\": \"r\", \"winner\": \"{word}\"}}")
    }

    #[tokio::test]
    async fn who_is_better_wins_wherever_it_stands() {
        let by_content = |text: &str| {
            let first = text.find("GOOD").unwrap() < text.find("| bad").unwrap();
            winner(if first { "first" } else { "second" })
        };
        assert_eq!(preferences(by_content).await, [Some(Preference::A); 4]);
        let contrary = |text: &str| {
            let first = text.find("GOOD").unwrap() < text.find("| bad").unwrap();
            winner(if first { "second" } else { "first" })
        };
        assert_eq!(preferences(contrary).await, [Some(Preference::B); 4]);
    }

    #[tokio::test]
    async fn who_always_says_first_says_nothing() {
        assert_eq!(preferences(|_| winner("first")).await, [Some(Preference::Tie); 4]);
        assert_eq!(preferences(|_| winner("tie")).await, [Some(Preference::Tie); 4]);
        assert_eq!(preferences(|_| winner("third")).await, [None; 4]);
        assert_eq!(preferences(|_| "first".to_owned()).await, [None; 4]);
    }
}
