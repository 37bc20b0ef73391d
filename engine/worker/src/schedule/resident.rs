//! Shared beginnings that are in the attention state, each in a sequence that never generates.

use crate::{
    cache::Cache,
    llama::{Batch, Context, DecodeError, Seq, Token},
};

/// A shared beginning, or the part of it that is evaluated so far.
#[derive(Debug)]
struct Resident {
    seq: Seq,
    tokens: Vec<Token>,
    done: usize,
    used: u64,
}

/// What became of a question for a shared beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// It is there, in this sequence.
    Ready(Seq),
    /// It is there now: this many tokens were read from disk.
    Restored(Seq, usize),
    /// It is being evaluated, or waits until there is room.
    NotYet,
}

/// The shared beginnings, as many as there are sequences for them.
#[derive(Debug)]
pub struct Residents {
    all: Vec<Resident>,
    most: usize,
    clock: u64,
}

impl Residents {
    /// In the sequences from 0 to below `most`.
    pub fn new(most: usize) -> Self {
        Self { all: Vec::new(), most, clock: 0 }
    }

    /// Tokens of all of them.
    pub fn cells(&self) -> usize {
        self.all.iter().map(|resident| resident.tokens.len()).sum()
    }

    /// Asks for one; if it is not there, the one used longest ago and not `in_use` makes place for it.
    pub fn find(
        &mut self,
        tokens: &[Token],
        context: &mut Context,
        cache: Option<&Cache>,
        in_use: impl Fn(Seq) -> bool,
    ) -> Found {
        self.clock += 1;
        if let Some(resident) = self.all.iter_mut().find(|resident| resident.tokens == tokens) {
            resident.used = self.clock;
            return if resident.done == tokens.len() { Found::Ready(resident.seq) } else { Found::NotYet };
        }
        if self.all.len() >= self.most && !self.evict(context, in_use) {
            return Found::NotYet;
        }
        let taken = |seq: &Seq| self.all.iter().any(|resident| resident.seq == *seq);
        let Some(seq) = (0..).take(self.most).find(|seq| !taken(seq)) else { return Found::NotYet };
        let restored = cache.is_some_and(|cache| cache.restore(context, seq, tokens));
        let done = if restored { tokens.len() } else { 0 };
        self.all.push(Resident { seq, tokens: tokens.to_vec(), done, used: self.clock });
        if restored { Found::Restored(seq, done) } else { Found::NotYet }
    }

    /// Evaluates a piece of one that is not complete; how many tokens.
    pub fn fill(&mut self, context: &mut Context, cache: Option<&Cache>, most: usize) -> Result<usize, DecodeError> {
        let Some(resident) = self.all.iter_mut().find(|resident| resident.done < resident.tokens.len()) else {
            return Ok(0);
        };
        let end = resident.tokens.len().min(resident.done + most);
        let mut batch = Batch::default();
        for (position, token) in (resident.done..end).zip(&resident.tokens[resident.done..end]) {
            batch.add(*token, position, resident.seq, false);
        }
        context.decode(&mut batch)?;
        resident.done = end;
        if end == resident.tokens.len()
            && let Some(cache) = cache
        {
            cache.keep(context, resident.seq, &resident.tokens);
        }
        Ok(batch.len())
    }

    /// Forgets the complete one used longest ago and not in use; whether there was one.
    pub fn evict(&mut self, context: &mut Context, in_use: impl Fn(Seq) -> bool) -> bool {
        let idle = self
            .all
            .iter()
            .enumerate()
            .filter(|(_, resident)| resident.done == resident.tokens.len() && !in_use(resident.seq));
        let Some((at, _)) = idle.min_by_key(|(_, resident)| resident.used) else { return false };
        context.forget(self.all.swap_remove(at).seq);
        true
    }

    /// Forgets one that cannot be completed, and returns its tokens.
    pub fn abandon(&mut self, context: &mut Context) -> Option<Vec<Token>> {
        let at = self.all.iter().position(|resident| resident.done < resident.tokens.len())?;
        let resident = self.all.swap_remove(at);
        context.forget(resident.seq);
        Some(resident.tokens)
    }

    /// They are gone: the attention state was cleared.
    pub fn cleared(&mut self) {
        self.all.clear();
    }
}
