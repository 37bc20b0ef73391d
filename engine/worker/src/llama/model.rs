//! A model's weights and vocabulary.

use std::{
    ffi::CString,
    path::Path,
    ptr::{self, NonNull},
    rc::Rc,
};

use llama_cpp_sys_2 as sys;

use super::{Token, c_path, text};

/// Bytes of one token's text at most; longer ones exist in no vocabulary.
const MAX_PIECE: usize = 1024;
/// Bytes of one metadata value at most.
const MAX_META: usize = 4096;

/// A loaded model with its vocabulary.
#[derive(Debug)]
pub struct Model {
    pub(super) model: NonNull<sys::llama_model>,
    pub(super) vocab: *const sys::llama_vocab,
}

impl Drop for Model {
    fn drop(&mut self) {
        // SAFETY: it was loaded, and everything that uses it holds an `Rc` of it.
        unsafe { sys::llama_model_free(self.model.as_ptr()) }
    }
}

impl Model {
    /// Loads a GGUF file; with a GPU, all of its layers there.
    pub fn load(path: &Path, gpu: bool) -> Result<Rc<Self>, String> {
        let path = c_path(path)?;
        // SAFETY: the path ends with NUL; the parameters begin with the library's defaults.
        let model = unsafe {
            let mut params = sys::llama_model_default_params();
            params.n_gpu_layers = if gpu { 999 } else { 0 };
            params.check_tensors = true;
            sys::llama_model_load_from_file(path.as_ptr(), params)
        };
        let model = NonNull::new(model).ok_or("llama.cpp cannot load this model")?;
        // SAFETY: the model is loaded; its vocabulary lives as long.
        let vocab = unsafe { sys::llama_model_get_vocab(model.as_ptr()) };
        let model = Self { model, vocab };
        if model.n_vocab() == 0 || unsafe { sys::llama_model_has_encoder(model.model.as_ptr()) } {
            return Err("the model generates no text".to_owned());
        }
        Ok(Rc::new(model))
    }

    /// A scalar of the metadata, as text.
    pub fn meta(&self, key: &str) -> Option<String> {
        let key = CString::new(key).ok()?;
        let mut buffer = vec![0_u8; MAX_META];
        // SAFETY: key and buffer are valid for the lengths given.
        let length = unsafe {
            sys::llama_model_meta_val_str(self.model.as_ptr(), key.as_ptr(), buffer.as_mut_ptr().cast(), buffer.len())
        };
        let length = usize::try_from(length).ok()?.min(MAX_META - 1);
        buffer.truncate(length);
        Some(String::from_utf8_lossy(&buffer).into_owned())
    }

    /// The chat template, in the language of Jinja.
    pub fn template(&self) -> Option<String> {
        // SAFETY: NULL, or a text of the model that ends with NUL.
        unsafe {
            let template = sys::llama_model_chat_template(self.model.as_ptr(), ptr::null());
            (!template.is_null()).then(|| text(template))
        }
    }

    /// Name of the quantisation.
    pub fn quantisation(&self) -> String {
        // SAFETY: a static text.
        unsafe { text(sys::llama_ftype_name(sys::llama_model_ftype(self.model.as_ptr()))) }
    }

    /// Tokens of context that it was trained for.
    pub fn trained_context(&self) -> u32 {
        u32::try_from(unsafe { sys::llama_model_n_ctx_train(self.model.as_ptr()) }).unwrap_or(0)
    }

    /// Layers, and heads of keys and values in each.
    pub fn shape(&self) -> (u64, u64) {
        let (layers, heads) =
            unsafe { (sys::llama_model_n_layer(self.model.as_ptr()), sys::llama_model_n_head_kv(self.model.as_ptr())) };
        (u64::try_from(layers).unwrap_or(1), u64::try_from(heads).unwrap_or(1))
    }

    /// Numbers in one head.
    pub fn head_size(&self) -> u64 {
        let (width, heads) =
            unsafe { (sys::llama_model_n_embd(self.model.as_ptr()), sys::llama_model_n_head(self.model.as_ptr())) };
        u64::try_from(width / heads.max(1)).unwrap_or(128)
    }

    /// How many tokens there are.
    pub fn n_vocab(&self) -> usize {
        usize::try_from(unsafe { sys::llama_vocab_n_tokens(self.vocab) }).unwrap_or(0)
    }

    /// Whether a token ends an answer.
    pub fn ends(&self, token: Token) -> bool {
        unsafe { sys::llama_vocab_is_eog(self.vocab, token) }
    }

    /// The token that begins every text, if the model wants one.
    pub fn first_token(&self) -> Option<Token> {
        unsafe { sys::llama_vocab_get_add_bos(self.vocab).then(|| sys::llama_vocab_bos(self.vocab)) }
            .filter(|token| *token >= 0)
    }

    /// Texts of the tokens that begin and end a text, for templates.
    pub fn marks(&self) -> (String, String) {
        let (begin, end) = unsafe { (sys::llama_vocab_bos(self.vocab), sys::llama_vocab_eos(self.vocab)) };
        (self.token_text(begin), self.token_text(end))
    }

    /// Texts that the tokeniser would take for control tokens.
    pub fn control_texts(&self) -> Vec<String> {
        let all = 0..Token::try_from(self.n_vocab()).unwrap_or(Token::MAX);
        let control = all.filter(|&token| unsafe { sys::llama_vocab_is_control(self.vocab, token) });
        control.map(|token| self.token_text(token)).filter(|text| text.len() > 1).collect()
    }

    fn token_text(&self, token: Token) -> String {
        if !usize::try_from(token).is_ok_and(|token| token < self.n_vocab()) {
            return String::new();
        }
        // SAFETY: the token is in range; the text belongs to the vocabulary and ends with NUL.
        unsafe { text(sys::llama_vocab_get_text(self.vocab, token)) }
    }

    /// A text as tokens; texts of control tokens become these.
    pub fn tokenize(&self, text: &str) -> Result<Vec<Token>, String> {
        let length = i32::try_from(text.len()).map_err(|_| "the text is too long".to_owned())?;
        let mut tokens = vec![0; text.len() / 2 + 16];
        for _ in 0..2 {
            let room = i32::try_from(tokens.len()).map_err(|_| "the text is too long".to_owned())?;
            // SAFETY: text and tokens are valid for the lengths given.
            let count = unsafe {
                let from = text.as_ptr().cast();
                sys::llama_tokenize(self.vocab, from, length, tokens.as_mut_ptr(), room, false, true)
            };
            if let Ok(count) = usize::try_from(count) {
                tokens.truncate(count);
                return Ok(tokens);
            }
            tokens.resize(usize::try_from(-i64::from(count)).unwrap_or(0), 0);
        }
        Err("the text cannot be tokenised".to_owned())
    }

    /// Appends a token's bytes; control tokens have none. A character may be spread over several tokens.
    pub fn piece(&self, token: Token, out: &mut Vec<u8>) {
        let mut buffer = [0_u8; MAX_PIECE];
        let room = i32::try_from(MAX_PIECE).unwrap_or(i32::MAX);
        // SAFETY: the buffer is as long as is said.
        let length =
            unsafe { sys::llama_token_to_piece(self.vocab, token, buffer.as_mut_ptr().cast(), room, 0, false) };
        if let Ok(length) = usize::try_from(length) {
            out.extend_from_slice(&buffer[..length.min(MAX_PIECE)]);
        }
    }
}
