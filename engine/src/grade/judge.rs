//! Asking: all questions of a kind in one group, again where there was no answer, further votes where two disagree, and the audit.

use futures::StreamExt;
use skill_bundle::hash::sha256;

use super::{
    Agreement, Ask, Graded, Grader, Judgement, Question,
    opinion::{self, Opinion},
};
use crate::{
    executor::add,
    model::{CaseRequest, Constraint, GroupRequest, Sampling},
    run::Usage,
};

/// Of so many questions one is asked again.
const AUDIT: u64 = 10;

/// Tokens of an answer: a passage, a sentence and a word.
const MAX_TOKENS: u32 = 600;

/// How often a question is asked again because there was no answer.
const RETRIES: u32 = 2;

/// Votes at most, whatever the suite says.
const MAX_VOTES: u32 = 15;

/// One request: which question, and which of its askings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Turn {
    ask: usize,
    number: u32,
    audit: bool,
}

/// The opinions on one question.
#[derive(Debug, Clone, Default)]
struct Opinions {
    /// In the order in which they were asked for, whatever the order in which they came.
    votes: Vec<(u32, Opinion)>,
    audit: Option<Opinion>,
    trouble: String,
}

pub(super) async fn grade(grader: &Grader, asks: &[Ask]) -> Graded {
    let mut opinions = vec![Opinions::default(); asks.len()];
    let mut usage = Usage::default();
    let votes = grader.votes.clamp(1, MAX_VOTES);
    let first: Vec<Turn> = (0..asks.len())
        .flat_map(|ask| {
            let votes = (0..votes.min(2)).map(move |number| Turn { ask, number, audit: false });
            votes.chain(is_audited(&asks[ask].key).then_some(Turn { ask, number: 0, audit: true }))
        })
        .collect();
    ask_all(grader, asks, first, &mut opinions, &mut usage).await;
    // One more vote for each question on which there is none yet that most agree with.
    for number in 2..votes {
        let open = |ask: &usize| decide(&asks[*ask], &opinions[*ask].votes, votes).is_none();
        let more: Vec<Turn> = (0..asks.len()).filter(open).map(|ask| Turn { ask, number, audit: false }).collect();
        if more.is_empty() {
            break;
        }
        ask_all(grader, asks, more, &mut opinions, &mut usage).await;
    }
    let judgements: Vec<Judgement> =
        asks.iter().zip(&opinions).map(|(ask, opinions)| judgement(ask, opinions, votes)).collect();
    Graded { audit: audit(asks, &opinions), judgements, usage }
}

/// Whether the question is one of the tenth that is asked again.
fn is_audited(key: &str) -> bool {
    hash(&["audit", key]).is_multiple_of(AUDIT)
}

fn hash(parts: &[&str]) -> u64 {
    let digest = sha256(parts.join("\0").as_bytes()).0;
    u64::from_be_bytes(digest[..8].try_into().expect("eight of 32 bytes"))
}

/// Asks in one group for each kind of question, and again those that gave no answer.
async fn ask_all(grader: &Grader, asks: &[Ask], turns: Vec<Turn>, opinions: &mut [Opinions], usage: &mut Usage) {
    let is_rubric = |turn: &Turn| matches!(asks[turn.ask].question, Question::Rubric { .. });
    let (rubrics, expectations): (Vec<Turn>, Vec<Turn>) = turns.into_iter().partition(is_rubric);
    for mut open in [expectations, rubrics] {
        for retry in 0..=RETRIES {
            let Some(turn) = open.first() else { break };
            let prefix = opinion::prefix(&asks[turn.ask].question, &grader.instructions);
            let cases = open.iter().map(|turn| request(grader, &asks[turn.ask], *turn, retry)).collect();
            let mut answers = grader.engine.run_group(GroupRequest { prefix, cases, mode: grader.mode });
            let mut unanswered: Vec<Turn> = open.clone();
            while let Some((index, answer)) = answers.next().await {
                let Some(&turn) = open.get(index) else { continue };
                let ask = &asks[turn.ask];
                let entry = &mut opinions[turn.ask];
                let read = match answer {
                    Ok(output) => {
                        add(usage, &output);
                        opinion::read(ask, &output.text).ok_or_else(|| "the grader gave no verdict".to_owned())
                    }
                    Err(error) => Err(error.to_string()),
                };
                match read {
                    Ok(opinion) if turn.audit => entry.audit = Some(opinion),
                    Ok(opinion) => {
                        entry.votes.push((turn.number, opinion));
                        entry.votes.sort_by_key(|(number, _)| *number);
                    }
                    Err(trouble) => {
                        entry.trouble = trouble;
                        continue;
                    }
                }
                unanswered.retain(|other| *other != turn);
            }
            open = unanswered;
        }
    }
}

fn request(grader: &Grader, ask: &Ask, turn: Turn, retry: u32) -> CaseRequest {
    // The first asking is as exact as can be. The others are there to differ where the grader is not sure.
    let temperature = if turn.number == 0 && !turn.audit && retry == 0 { 0.0 } else { 0.7 };
    let parts =
        [grader.seed.to_string(), ask.key.clone(), turn.number.to_string(), retry.to_string(), turn.audit.to_string()];
    let constraint = if grader.engine.caps().constraints {
        Constraint::JsonSchema(opinion::schema(&ask.question))
    } else {
        Constraint::None
    };
    CaseRequest {
        messages: vec![opinion::message(ask, turn.audit)],
        sampling: Sampling { temperature, top_p: 1.0, max_tokens: MAX_TOKENS },
        seed: hash(&parts.each_ref().map(String::as_str)),
        stop: Vec::new(),
        constraint,
    }
}

/// The opinion that carries: of one vote that one, of two or more that of which more than half of all votes are or can no longer be
/// outvoted; of rubrics the lower median of all votes, once they are in or agree.
fn decide<'o>(ask: &Ask, opinions: &'o [(u32, Opinion)], votes: u32) -> Option<&'o Opinion> {
    let opinions: Vec<&Opinion> = opinions.iter().map(|(_, opinion)| opinion).collect();
    let first = *opinions.first()?;
    if opinions.iter().all(|opinion| opinion.value == first.value) && opinions.len() >= votes.min(2) as usize {
        return Some(first);
    }
    if matches!(ask.question, Question::Rubric { .. }) {
        let mut sorted = opinions.clone();
        sorted.sort_by_key(|opinion| opinion.value[0]);
        return (opinions.len() >= votes as usize).then(|| sorted[(sorted.len() - 1) / 2]);
    }
    let count = |of: &Opinion| opinions.iter().filter(|opinion| opinion.value == of.value).count();
    opinions.iter().copied().find(|opinion| 2 * count(opinion) > votes as usize)
}

fn judgement(ask: &Ask, opinions: &Opinions, votes: u32) -> Judgement {
    let asked = u32::try_from(opinions.votes.len()).unwrap_or(u32::MAX);
    let (value, evidence) = match decide(ask, &opinions.votes, votes) {
        Some(opinion) => (Some(opinion.value), opinion.evidence.clone()),
        None if opinions.votes.is_empty() => (None, opinions.trouble.clone()),
        None => (None, "the grader's votes disagree".to_owned()),
    };
    Judgement { value, evidence, votes: asked }
}

fn audit(asks: &[Ask], opinions: &[Opinions]) -> Agreement {
    let mut agreement = Agreement::default();
    for (ask, opinions) in asks.iter().zip(opinions) {
        let (Some((_, first)), Some(again)) = (opinions.votes.first(), &opinions.audit) else { continue };
        agreement.total += 1;
        agreement.agreed += u64::from(first.value == again.value);
        if matches!(ask.question, Question::Expectation(_)) {
            agreement.table[usize::from(first.value[0] > 0) * 2 + usize::from(again.value[0] > 0)] += 1;
        }
    }
    agreement
}

#[cfg(test)]
mod tests {
    use super::super::Target;
    use super::*;

    #[test]
    fn a_tenth_of_the_questions_is_audited_and_always_the_same() {
        let keys: Vec<String> = (0..2_000).map(|n| format!("case-{n}/cand/0/e1")).collect();
        let chosen = keys.iter().filter(|key| is_audited(key)).count();
        assert!((150..250).contains(&chosen), "{chosen}");
        assert_eq!(keys.iter().filter(|key| is_audited(key)).count(), chosen);
    }

    #[test]
    fn the_majority_carries_and_a_tie_does_not() {
        let expectation = Question::Expectation("x".to_owned());
        let ask = Ask { key: "k".to_owned(), question: expectation, target: Target::text("") };
        let values = |values: &[u64]| -> Vec<(u32, Opinion)> {
            values.iter().map(|&value| (0, Opinion { value: [value, 1], evidence: String::new() })).collect()
        };
        let decided = |given: &[u64], votes| decide(&ask, &values(given), votes).map(|opinion| opinion.value[0]);
        assert_eq!(decided(&[1], 1), Some(1));
        assert_eq!(decided(&[], 1), None);
        assert_eq!(decided(&[1], 3), None, "one of two has no answer");
        assert_eq!(decided(&[1, 1], 3), Some(1));
        assert_eq!(decided(&[1, 0], 3), None);
        assert_eq!(decided(&[1, 0, 0], 3), Some(0));
        assert_eq!(decided(&[1, 0], 2), None);
        assert_eq!(decided(&[1, 0, 0, 1], 4), None);
        assert_eq!(decided(&[1, 0, 0], 5), None);
        assert_eq!(decided(&[1, 0, 0, 0], 5), Some(0));
        let rubric = Ask { question: Question::Rubric { text: String::new(), anchors: Vec::new() }, ..ask.clone() };
        let level = |given: &[u64], votes| decide(&rubric, &values(given), votes).map(|opinion| opinion.value[0]);
        assert_eq!((level(&[4, 2], 3), level(&[4, 2, 0], 3), level(&[4, 2], 2)), (None, Some(2), Some(2)));
    }
}
