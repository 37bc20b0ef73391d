//! Whether a case's log-odds are the same to the bit when it is evaluated alone and beside others. With an attention state of its
//! own for each it usually is so on a CPU; whether it is for this model, with its quantisation and in this build, is tried out.

use std::rc::Rc;

use crate::llama::{Batch, Context, Model, Seq, Token};

/// Tokens of the common beginning.
const BEGINNING: usize = 8;
/// Cases beside each other at most: beyond, the same routines are used again.
const MOST: u32 = 16;

/// Evaluates one token for each of several sequences, first one at a time, then all in one call. The context is empty afterwards.
pub fn same_alone_and_together(model: &Rc<Model>, context: &mut Context, parallel: u32) -> bool {
    let count = Seq::try_from(parallel.min(MOST)).unwrap_or(1);
    let vocabulary = Token::try_from(model.n_vocab()).unwrap_or(Token::MAX).max(1);
    let token = |n: i32| n.wrapping_mul(7919).rem_euclid(vocabulary);
    let tokens: Vec<(Seq, Token)> = (1..=count).map(|seq| (seq, token(seq + 100))).collect();
    let alone: Option<Vec<Vec<u32>>> = tokens
        .iter()
        .map(|one| {
            let found = evaluate(context, &token, std::slice::from_ref(one))?;
            found.into_iter().next()
        })
        .collect();
    let together = evaluate(context, &token, &tokens);
    context.clear();
    alone.is_some() && alone == together
}

/// The bits of the log-odds after one token in each sequence, all of which begin alike.
fn evaluate(context: &mut Context, token: &impl Fn(i32) -> Token, tokens: &[(Seq, Token)]) -> Option<Vec<Vec<u32>>> {
    context.clear();
    let mut beginning = Batch::default();
    for (position, n) in (0..BEGINNING).zip(0..) {
        beginning.add(token(n), position, 0, false);
    }
    context.decode(&mut beginning).ok()?;
    let mut batch = Batch::default();
    for (seq, token) in tokens {
        context.copy(0, *seq);
        batch.add(*token, BEGINNING, *seq, true);
    }
    context.decode(&mut batch).ok()?;
    (0..tokens.len()).map(|place| Some(context.logits(place)?.iter().map(|logit| logit.to_bits()).collect())).collect()
}
