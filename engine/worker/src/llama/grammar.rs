//! Grammars that an answer must follow.

use std::{ffi::CString, ptr::NonNull, rc::Rc};

use llama_cpp_sys_2 as sys;

use super::{Model, Token};

/// A grammar, and how far the text has come in it.
#[derive(Debug)]
pub struct Grammar {
    sampler: NonNull<sys::llama_sampler>,
    model: Rc<Model>,
}

impl Drop for Grammar {
    fn drop(&mut self) {
        // SAFETY: it was made, and nothing else holds it.
        unsafe { sys::llama_sampler_free(self.sampler.as_ptr()) }
    }
}

impl Grammar {
    /// Reads a grammar; its root is `root`.
    pub fn new(model: &Rc<Model>, grammar: &str) -> Result<Self, String> {
        let grammar = CString::new(grammar).map_err(|_| "the grammar has a NUL byte".to_owned())?;
        // SAFETY: both texts end with NUL; the vocabulary lives as long as the model, which is kept.
        let sampler = unsafe { sys::llama_sampler_init_grammar(model.vocab, grammar.as_ptr(), c"root".as_ptr()) };
        let sampler = NonNull::new(sampler).ok_or("llama.cpp cannot read this grammar")?;
        Ok(Self { sampler, model: model.clone() })
    }

    /// Whether a token may follow.
    pub fn allows(&self, token: Token) -> bool {
        let mut one = [sys::llama_token_data { id: token, logit: 0.0, p: 0.0 }];
        self.apply(&mut one);
        one[0].logit.is_finite()
    }

    /// The log-odds with minus infinity for every token that may not follow.
    pub fn mask(&self, logits: &[f32]) -> Vec<f32> {
        let ids = 0..Token::try_from(logits.len()).unwrap_or(Token::MAX);
        let mut data: Vec<_> =
            ids.zip(logits).map(|(id, &logit)| sys::llama_token_data { id, logit, p: 0.0 }).collect();
        self.apply(&mut data);
        let mut masked = vec![f32::NEG_INFINITY; logits.len()];
        for entry in data {
            if let Some(logit) = usize::try_from(entry.id).ok().and_then(|id| masked.get_mut(id)) {
                *logit = entry.logit;
            }
        }
        masked
    }

    fn apply(&self, data: &mut [sys::llama_token_data]) {
        let mut array =
            sys::llama_token_data_array { data: data.as_mut_ptr(), size: data.len(), selected: -1, sorted: false };
        // SAFETY: the array is valid for its length; a grammar changes log-odds in place.
        unsafe { sys::llama_sampler_apply(self.sampler.as_ptr(), &raw mut array) }
    }

    /// Moves on by a token. One that is not allowed ends the grammar's use: `false`, and nothing happens.
    pub fn accept(&mut self, token: Token) -> bool {
        let known = usize::try_from(token).is_ok_and(|token| token < self.model.n_vocab());
        if !known || !self.allows(token) {
            return false;
        }
        // SAFETY: the token is in range and allowed here; llama.cpp aborts for others.
        unsafe { sys::llama_sampler_accept(self.sampler.as_ptr(), token) };
        true
    }
}
