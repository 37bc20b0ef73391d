//! The attention state of a model, its sequences, and what computes with it.

use std::{
    path::Path,
    ptr::{self, NonNull},
    rc::Rc,
};

use llama_cpp_sys_2 as sys;

use super::{Model, Seq, Token, c_path};

/// How a context is made.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Tokens of all sequences together.
    pub cells: u32,
    /// Sequences.
    pub sequences: u32,
    /// Tokens of a call at most.
    pub batch: u32,
    /// Tokens that are computed together.
    pub micro_batch: u32,
    /// Threads.
    pub threads: u32,
    /// Whether sequences share one attention state. If not, each has its own part, of equal size.
    pub unified: bool,
    /// Whether flash attention may be used.
    pub flash: bool,
}

/// Why a call of the model failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecodeError {
    /// The attention state is full; nothing was changed.
    Full,
    /// Anything else; the attention state is in doubt.
    Fatal(i32),
}

/// A model's attention state, and what computes with it.
#[derive(Debug)]
pub struct Context {
    inner: NonNull<sys::llama_context>,
    memory: sys::llama_memory_t,
    model: Rc<Model>,
    shape: Shape,
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: it was made, and nothing else holds it.
        unsafe { sys::llama_free(self.inner.as_ptr()) }
    }
}

impl Context {
    /// Makes a context.
    pub fn new(model: &Rc<Model>, shape: Shape) -> Result<Self, String> {
        // SAFETY: the parameters begin with the library's defaults; the model is loaded.
        let context = unsafe {
            let mut params = sys::llama_context_default_params();
            params.n_ctx = shape.cells;
            params.n_batch = shape.batch;
            params.n_ubatch = shape.micro_batch;
            params.n_seq_max = shape.sequences;
            let threads = i32::try_from(shape.threads).unwrap_or(1);
            (params.n_threads, params.n_threads_batch) = (threads, threads);
            params.kv_unified = shape.unified;
            params.flash_attn_type =
                if shape.flash { sys::LLAMA_FLASH_ATTN_TYPE_AUTO } else { sys::LLAMA_FLASH_ATTN_TYPE_DISABLED };
            params.no_perf = true;
            sys::llama_init_from_model(model.model.as_ptr(), params)
        };
        let context = NonNull::new(context).ok_or("there is not enough memory for the attention state")?;
        // SAFETY: the context was just made.
        let memory = unsafe { sys::llama_get_memory(context.as_ptr()) };
        Ok(Self { inner: context, memory, model: model.clone(), shape })
    }

    /// Evaluates a batch.
    pub fn decode(&mut self, batch: &mut Batch) -> Result<(), DecodeError> {
        let fits = batch.tokens.len() <= self.shape.batch as usize && !batch.tokens.is_empty();
        let vocabulary = 0..Token::try_from(self.model.n_vocab()).unwrap_or(Token::MAX);
        let valid = batch.tokens.iter().all(|token| vocabulary.contains(token));
        if !fits || !valid || batch.seqs.iter().any(|&seq| !self.has(seq)) {
            return Err(DecodeError::Fatal(-1));
        }
        // SAFETY: all arrays have as many elements as there are tokens, each sequence pointer points to one element, and tokens
        // and sequences are in range; llama.cpp only reads them.
        let status = unsafe {
            let mut pointers: Vec<*mut Seq> = batch.seqs.iter_mut().map(|seq| &raw mut *seq).collect();
            let raw = sys::llama_batch {
                n_tokens: i32::try_from(batch.tokens.len()).unwrap_or(0),
                token: batch.tokens.as_mut_ptr(),
                embd: ptr::null_mut(),
                pos: batch.positions.as_mut_ptr(),
                n_seq_id: batch.counts.as_mut_ptr(),
                seq_id: pointers.as_mut_ptr(),
                logits: batch.wanted.as_mut_ptr(),
            };
            sys::llama_decode(self.inner.as_ptr(), raw)
        };
        match status {
            0 => Ok(()),
            1 => Err(DecodeError::Full),
            other => Err(DecodeError::Fatal(other)),
        }
    }

    /// Log-odds of all tokens after the token at this place of the last batch; `None` if they were not wanted.
    pub fn logits(&mut self, place: usize) -> Option<&[f32]> {
        let place = i32::try_from(place).ok()?;
        // SAFETY: llama.cpp returns NULL for places without an output; else a row as long as the vocabulary, which stays until
        // the next call that takes `&mut self`.
        unsafe {
            let row = sys::llama_get_logits_ith(self.inner.as_ptr(), place);
            (!row.is_null()).then(|| std::slice::from_raw_parts(row, self.model.n_vocab()))
        }
    }

    /// Makes a sequence continue another, whole. The target must be empty.
    pub fn copy(&mut self, from: Seq, to: Seq) {
        if self.has(from) && self.has(to) && from != to {
            // SAFETY: both are in range; a whole sequence is copied, as split states demand.
            unsafe { sys::llama_memory_seq_cp(self.memory, from, to, -1, -1) }
        }
    }

    /// Forgets a sequence.
    pub fn forget(&mut self, seq: Seq) {
        if self.has(seq) {
            // SAFETY: in range; removing a whole sequence never fails.
            unsafe { sys::llama_memory_seq_rm(self.memory, seq, -1, -1) };
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        // SAFETY: the memory belongs to this context.
        unsafe { sys::llama_memory_clear(self.memory, true) }
    }

    /// Writes a sequence's state to a file.
    pub fn save(&mut self, seq: Seq, tokens: &[Token], path: &Path) -> Result<(), String> {
        let path = c_path(path)?;
        // SAFETY: the path ends with NUL, the tokens are valid for their length, the sequence is in range.
        let written = unsafe {
            let context = self.inner.as_ptr();
            sys::llama_state_seq_save_file(context, path.as_ptr(), seq, tokens.as_ptr(), tokens.len())
        };
        if written > 0 { Ok(()) } else { Err("the state could not be written".to_owned()) }
    }

    /// Reads a sequence's state from a file, if it is that of exactly these tokens. The sequence must be empty.
    pub fn restore(&mut self, seq: Seq, tokens: &[Token], path: &Path) -> bool {
        let Ok(path) = c_path(path) else { return false };
        let (mut found, mut count) = (vec![0; tokens.len()], 0);
        // SAFETY: the path ends with NUL, `found` has room for as many tokens as is said.
        let read = unsafe {
            let (context, room) = (self.inner.as_ptr(), found.len());
            sys::llama_state_seq_load_file(context, path.as_ptr(), seq, found.as_mut_ptr(), room, &raw mut count)
        };
        let same = read > 0 && count == tokens.len() && found == tokens;
        if !same {
            self.forget(seq);
        }
        same
    }

    fn has(&self, seq: Seq) -> bool {
        u32::try_from(seq).is_ok_and(|seq| seq < self.shape.sequences)
    }
}

/// Tokens to evaluate in one call.
#[derive(Debug, Default)]
pub struct Batch {
    tokens: Vec<Token>,
    positions: Vec<i32>,
    counts: Vec<i32>,
    seqs: Vec<Seq>,
    wanted: Vec<i8>,
}

impl Batch {
    /// Adds a token at a position of a sequence, and returns its place; `wanted`: its log-odds will be asked for.
    pub fn add(&mut self, token: Token, position: usize, seq: Seq, wanted: bool) -> usize {
        self.tokens.push(token);
        self.positions.push(i32::try_from(position).unwrap_or(i32::MAX));
        self.counts.push(1);
        self.seqs.push(seq);
        self.wanted.push(i8::from(wanted));
        self.tokens.len() - 1
    }

    /// How many tokens there are.
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }
}
