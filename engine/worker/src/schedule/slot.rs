//! One case that is being answered.

use std::rc::Rc;

use skill_engine::model::{CaseOutput, Finish};

use crate::{
    llama::{Grammar, Model, Seq, Token},
    prepare::Waiting,
    sample::Sampler,
};

/// A case in its sequence.
#[derive(Debug)]
pub struct Slot {
    /// Its sequence.
    pub seq: Seq,
    /// Its group.
    pub group: u64,
    /// The sequence of the prefix that it came from.
    pub prefix: Option<Seq>,
    /// Tokens of it that are in the attention state.
    pub done: usize,
    /// Cases with the same prompt that wait for it to be evaluated, each in its sequence.
    pub twins: Vec<(Seq, Waiting)>,
    /// The request.
    pub case: Waiting,
    /// The token that was chosen and is not yet evaluated.
    next: Option<Token>,
    /// A copy of the request's: a case that begins again chooses the same tokens.
    sampler: Sampler,
    grammar: Option<Grammar>,
    text: Vec<u8>,
    generated: usize,
    cached: usize,
}

impl Slot {
    /// A case whose sequence holds its first `done` tokens, `cached` of which were not evaluated for it.
    pub fn new(seq: Seq, group: u64, prefix: Option<Seq>, case: Waiting, done: usize, cached: usize) -> Self {
        Self {
            seq,
            group,
            prefix,
            done,
            twins: Vec::new(),
            sampler: case.sampler.clone(),
            case,
            next: None,
            grammar: None,
            text: Vec::new(),
            generated: 0,
            cached,
        }
    }

    /// Tokens to evaluate next, at most this many.
    pub fn due(&self, most: usize) -> &[Token] {
        if let Some(token) = &self.next {
            return std::slice::from_ref(token);
        }
        let end = self.case.prompt.len().min(self.done + most);
        &self.case.prompt[self.done.min(end)..end]
    }

    /// Whether it is past its prompt.
    pub fn generates(&self) -> bool {
        self.next.is_some()
    }

    /// Whether the next token is chosen after this many more tokens.
    pub fn chooses_after(&self, tokens: usize) -> bool {
        self.generates() || self.done + tokens == self.case.prompt.len()
    }

    /// Places of the attention state that it has for itself, with those of its twins.
    pub fn cells(&self) -> usize {
        self.done.max(self.case.prompt.len()) - self.case.border
    }

    /// How many tokens were generated.
    pub fn generated(&self) -> usize {
        self.generated
    }

    /// Chooses the next token and takes it; says how the answer ends, if it does.
    pub fn choose(&mut self, model: &Rc<Model>, logits: &[f32], context: usize) -> Option<Finish> {
        if let (None, Some(text)) = (&self.grammar, &self.case.grammar) {
            match Grammar::new(model, text) {
                Ok(grammar) => self.grammar = Some(grammar),
                Err(_) => return Some(Finish::Stop),
            }
        }
        let chosen = match &self.grammar {
            None => self.sampler.next(logits),
            // A grammar speaks of characters, and takes some bytes for characters that are none.
            Some(grammar) => {
                let text = &self.text;
                self.sampler.next_in(logits, grammar, |token| {
                    let mut longer = text[last_character(text)..].to_vec();
                    model.piece(token, &mut longer);
                    std::str::from_utf8(&longer).map_or_else(|e| e.error_len().is_none(), |_| true)
                })
            }
        };
        let Some(token) = chosen else { return Some(Finish::Stop) };
        self.generated += 1;
        if model.ends(token) && !self.case.ignore_end {
            return Some(Finish::Stop);
        }
        if self.grammar.as_mut().is_some_and(|grammar| !grammar.accept(token)) {
            return Some(Finish::Stop);
        }
        let before = self.text.len();
        model.piece(token, &mut self.text);
        if let Some(end) = stop_at(&self.text, before, &self.case.stop) {
            self.text.truncate(end);
            return Some(Finish::Stop);
        }
        if self.generated >= self.case.max_tokens || self.done + 1 >= context {
            return Some(Finish::Length);
        }
        self.next = Some(token);
        None
    }

    /// The answer.
    pub fn output(self, finish: Finish) -> CaseOutput {
        CaseOutput {
            text: whole_characters(self.text),
            finish,
            prompt_tokens: self.case.prompt.len() as u64,
            cached_tokens: self.cached as u64,
            output_tokens: self.generated as u64,
            ms: u64::try_from(self.case.begun.elapsed().as_millis()).unwrap_or(u64::MAX),
            cost_micros: 0,
        }
    }
}

/// Where the last character begins, which may not be complete.
fn last_character(text: &[u8]) -> usize {
    text.iter().rposition(|byte| byte & 0xc0 != 0x80).unwrap_or(0)
}

/// Where the first stop text begins that ends after `from`.
fn stop_at(text: &[u8], from: usize, stops: &[Vec<u8>]) -> Option<usize> {
    let find = |stop: &Vec<u8>| {
        let start = (from + 1).saturating_sub(stop.len());
        text[start..].windows(stop.len()).position(|window| window == stop).map(|at| start + at)
    };
    stops.iter().filter_map(find).min()
}

/// The text without a character that was cut off at its end; other bytes that are no text become U+FFFD.
fn whole_characters(mut bytes: Vec<u8>) -> String {
    if let Err(error) = std::str::from_utf8(&bytes)
        && error.error_len().is_none()
    {
        bytes.truncate(error.valid_up_to());
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_text_is_found_across_tokens() {
        let stops = [b"END".to_vec(), b"\n\n".to_vec()];
        assert_eq!(stop_at(b"abEND", 4, &stops), Some(2));
        assert_eq!(stop_at(b"abENDc\n\n", 6, &stops), Some(6));
        assert_eq!(stop_at(b"abEN", 0, &stops), None);
        assert_eq!(stop_at(b"", 0, &stops), None);
    }

    #[test]
    fn the_last_character_may_not_be_complete() {
        assert_eq!(last_character(b""), 0);
        assert_eq!(last_character(b"ab"), 1);
        assert_eq!(last_character("aé".as_bytes()), 1);
        assert_eq!(last_character(&"a€".as_bytes()[..3]), 1);
    }

    #[test]
    fn a_character_that_was_cut_off_is_left_out() {
        assert_eq!(whole_characters("aé".as_bytes()[..2].to_vec()), "a");
        assert_eq!(whole_characters("aé".as_bytes().to_vec()), "aé");
        assert_eq!(whole_characters(vec![b'a', 0xff, b'b']), "a\u{fffd}b");
    }
}
