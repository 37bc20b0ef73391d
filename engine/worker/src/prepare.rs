//! From a group as it came to cases that can run: prompts as tokens, where the shared beginning ends, how to choose tokens.

use std::{rc::Rc, time::Instant};

use skill_engine::model::{GroupRequest, Mode, Role, gbnf, protocol::Fault};

use crate::{
    chat::{Chat, common},
    llama::{Grammar, Model, Token},
    sample::Sampler,
};

/// Stop texts of a case at most, and bytes of each.
const MAX_STOPS: usize = 16;
const MAX_STOP: usize = 256;
/// Tokens by which the common beginning of all cases must be longer than that of the prefix to be shared instead of it.
const WORTH_SHARING: usize = 32;

/// A case that waits for its turn.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// Its place in the group.
    pub index: usize,
    /// The whole prompt.
    pub prompt: Rc<[Token]>,
    /// How many tokens of it are shared.
    pub border: usize,
    /// How it chooses tokens.
    pub sampler: Sampler,
    /// Tokens at most.
    pub max_tokens: usize,
    /// Texts that end it.
    pub stop: Rc<[Vec<u8>]>,
    /// The grammar that it must follow.
    pub grammar: Option<Rc<str>>,
    /// Whether the model's own end does not count.
    pub ignore_end: bool,
    /// When it was asked.
    pub begun: Instant,
}

impl Waiting {
    /// The tokens that it shares.
    pub fn shared(&self) -> &[Token] {
        &self.prompt[..self.border]
    }
}

/// All cases of a group, each ready or refused, by its index.
pub fn prepare(
    model: &Rc<Model>,
    chat: &Chat,
    context: usize,
    group: &GroupRequest,
    ignore_end: bool,
) -> (Vec<Waiting>, Vec<(usize, Fault)>) {
    let (mut ready, mut refused) = (Vec::new(), Vec::new());
    for index in 0..group.cases.len() {
        match case(model, chat, context, group, index, ignore_end) {
            Ok(waiting) => ready.push(waiting),
            Err(message) => refused.push((index, Fault::refused(message))),
        }
    }
    let next = group.cases.first().and_then(|case| case.messages.first()).map_or(Role::User, |message| message.role);
    let shared = chat.shared(model, &group.prefix, next);
    set_borders(&mut ready, &shared, group.mode);
    // Cases with the same prompt beside each other: the prompt is evaluated once for all of them.
    let first = |waiting: &Waiting, ready: &[Waiting]| ready.iter().position(|other| other.prompt == waiting.prompt);
    let places: Vec<_> = ready.iter().map(|waiting| (first(waiting, &ready), waiting.index)).collect();
    let mut order: Vec<usize> = (0..ready.len()).collect();
    order.sort_by_key(|&at| places[at]);
    (order.into_iter().map(|at| ready[at].clone()).collect(), refused)
}

fn case(
    model: &Rc<Model>,
    chat: &Chat,
    context: usize,
    group: &GroupRequest,
    index: usize,
    ignore_end: bool,
) -> Result<Waiting, String> {
    let case = &group.cases[index];
    let prompt = chat.tokens(model, &group.messages(case))?;
    if prompt.is_empty() {
        return Err("the prompt is empty".to_owned());
    }
    if prompt.len() >= context {
        return Err(format!("the prompt has {} tokens; the context holds {context}", prompt.len()));
    }
    if case.stop.len() > MAX_STOPS || case.stop.iter().any(|stop| stop.len() > MAX_STOP) {
        return Err(format!("at most {MAX_STOPS} stop texts of {MAX_STOP} bytes"));
    }
    let grammar = gbnf::grammar(&case.constraint).map_err(|e| e.to_string())?;
    if let Some(grammar) = &grammar {
        // Refused here rather than in the middle.
        Grammar::new(model, grammar)?;
    }
    let stop = case.stop.iter().filter(|stop| !stop.is_empty()).map(|stop| stop.clone().into_bytes());
    Ok(Waiting {
        index,
        prompt: prompt.into(),
        border: 0,
        sampler: Sampler::new(case.sampling.temperature, case.sampling.top_p, case.seed),
        max_tokens: case.sampling.max_tokens as usize,
        stop: stop.collect(),
        grammar: grammar.map(Into::into),
        ignore_end,
        begun: Instant::now(),
    })
}

/// Says where the shared beginning ends: with the prefix, so that it is the same for every group with this prefix. Only where
/// answers may depend on the batch, and only where it is clearly longer, what all cases begin with is taken instead.
fn set_borders(cases: &mut [Waiting], shared: &[Token], mode: Mode) {
    let Some(first) = cases.first().map(|case| case.prompt.clone()) else { return };
    let longest = cases.iter().map(|case| common(&first, &case.prompt)).min().unwrap_or(0);
    let differ = cases.iter().any(|case| case.prompt != first);
    let prefix = longest.min(common(&first, shared));
    let border = if mode == Mode::Throughput && differ && longest > prefix + WORTH_SHARING { longest } else { prefix };
    for case in cases {
        // The last token of a prompt is the case's own: its log-odds choose the first token of the answer.
        case.border = match mode {
            Mode::Throughput => border,
            Mode::Exact => common(&case.prompt, shared),
        }
        .min(case.prompt.len() - 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn borders(prompts: &[&[Token]], shared: &[Token], mode: Mode) -> Vec<usize> {
        let mut cases: Vec<Waiting> = prompts
            .iter()
            .enumerate()
            .map(|(index, prompt)| Waiting {
                index,
                prompt: (*prompt).into(),
                border: 0,
                sampler: Sampler::new(0.0, 1.0, 0),
                max_tokens: 1,
                stop: Rc::new([]),
                grammar: None,
                ignore_end: false,
                begun: Instant::now(),
            })
            .collect();
        set_borders(&mut cases, shared, mode);
        cases.iter().map(|case| case.border).collect()
    }

    #[test]
    fn the_border_is_the_end_of_the_prefix() {
        for mode in [Mode::Throughput, Mode::Exact] {
            assert_eq!(borders(&[&[1, 2, 3, 4], &[1, 2, 3, 5]], &[1, 2], mode), [2, 2]);
            assert_eq!(borders(&[&[1, 2]], &[1, 2], mode), [1]);
            assert_eq!(borders(&[&[9, 2]], &[1, 2], mode), [0]);
        }
    }

    #[test]
    fn a_much_longer_common_beginning_is_shared_unless_answers_must_be_exact() {
        let long: Vec<Token> = (0..100).collect();
        let (mut one, mut other) = (long.clone(), long);
        one.push(1);
        other.push(2);
        assert_eq!(borders(&[&one, &other], &[0, 1], Mode::Throughput), [100, 100]);
        assert_eq!(borders(&[&one, &other], &[0, 1], Mode::Exact), [2, 2]);
        // The same prompt twice is shared as a whole in another way.
        assert_eq!(borders(&[&one, &one], &[0, 1], Mode::Throughput), [2, 2]);
    }
}
