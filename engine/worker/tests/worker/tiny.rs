//! A model of 400 kB that is written here: two layers of 64 numbers with random weights, a vocabulary of bytes, and the template of
//! ChatML. It says nothing that makes sense, quickly, and always the same.

/// Tokens: all bytes, two merged ones, three control tokens.
const VOCABULARY: usize = 261;
const WIDTH: usize = 64;
const HIDDEN: usize = 128;
const KEYS: usize = 32;
const LAYERS: usize = 2;
/// Where tensors begin: a multiple of this many bytes.
const ALIGNMENT: usize = 32;

/// The tokeniser that is written into the file.
const TEMPLATE: &str = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}\
                        {% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

/// The file.
pub fn model() -> Vec<u8> {
    let mut tensors = tensors();
    let entries = metadata();
    let mut out = [b"GGUF".as_slice(), &3_u32.to_le_bytes()].concat();
    out.extend((tensors.len() as u64).to_le_bytes());
    out.extend((entries.len() as u64).to_le_bytes());
    out.extend(entries.concat());
    let mut offset = 0_usize;
    for (name, shape, data) in &tensors {
        text(&mut out, name);
        out.extend(u32::try_from(shape.len()).expect("small").to_le_bytes());
        out.extend(shape.iter().flat_map(|n| (*n as u64).to_le_bytes()));
        // F32.
        out.extend(0_u32.to_le_bytes());
        out.extend((offset as u64).to_le_bytes());
        offset += (data.len() * 4).next_multiple_of(ALIGNMENT);
    }
    for (_, _, data) in tensors.drain(..) {
        out.resize(out.len().next_multiple_of(ALIGNMENT), 0);
        out.extend(data.iter().flat_map(|n| n.to_le_bytes()));
    }
    out.resize(out.len().next_multiple_of(ALIGNMENT), 0);
    out
}

type Tensor = (String, Vec<usize>, Vec<f32>);

fn tensors() -> Vec<Tensor> {
    let mut random = Random(7);
    let mut matrix = |name: String, from: usize, to: usize| {
        let data = (0..from * to).map(|_| random.next()).collect();
        (name, vec![from, to], data)
    };
    let norm = |name: String| (name, vec![WIDTH], vec![1.0; WIDTH]);
    let mut all = vec![
        matrix("token_embd.weight".into(), WIDTH, VOCABULARY),
        norm("output_norm.weight".into()),
        matrix("output.weight".into(), WIDTH, VOCABULARY),
    ];
    for n in 0..LAYERS {
        let name = |part: &str| format!("blk.{n}.{part}.weight");
        all.extend([
            norm(name("attn_norm")),
            matrix(name("attn_q"), WIDTH, WIDTH),
            matrix(name("attn_k"), WIDTH, KEYS),
            matrix(name("attn_v"), WIDTH, KEYS),
            matrix(name("attn_output"), WIDTH, WIDTH),
            norm(name("ffn_norm")),
            matrix(name("ffn_gate"), WIDTH, HIDDEN),
            matrix(name("ffn_up"), WIDTH, HIDDEN),
            matrix(name("ffn_down"), HIDDEN, WIDTH),
        ]);
    }
    all
}

fn metadata() -> Vec<Vec<u8>> {
    let number = |key: &str, value: u32| entry(key, 4, &value.to_le_bytes());
    let float = |key: &str, value: f32| entry(key, 6, &value.to_le_bytes());
    let words = |key: &str, value: &str| {
        let mut bytes = Vec::new();
        text(&mut bytes, value);
        entry(key, 8, &bytes)
    };
    let tokens = tokens();
    // Control tokens are of type 3, others of type 1.
    let kinds: Vec<u8> =
        tokens.iter().flat_map(|token| if token.starts_with("<|") { 3_i32 } else { 1 }.to_le_bytes()).collect();
    vec![
        words("general.architecture", "llama"),
        words("general.name", "tiny"),
        number("general.file_type", 0),
        number("llama.context_length", 8192),
        number("llama.embedding_length", 64),
        number("llama.block_count", 2),
        number("llama.feed_forward_length", 128),
        number("llama.attention.head_count", 4),
        number("llama.attention.head_count_kv", 2),
        number("llama.rope.dimension_count", 16),
        float("llama.attention.layer_norm_rms_epsilon", 1e-5),
        number("llama.vocab_size", 261),
        words("tokenizer.ggml.model", "gpt2"),
        words("tokenizer.ggml.pre", "default"),
        entry("tokenizer.ggml.tokens", 9, &texts(&tokens)),
        entry("tokenizer.ggml.token_type", 9, &array(5, tokens.len(), &kinds)),
        // llama.cpp refuses a list without any.
        entry("tokenizer.ggml.merges", 9, &texts(&["t h".to_owned(), "Ġ t".to_owned()])),
        number("tokenizer.ggml.bos_token_id", 260),
        number("tokenizer.ggml.eos_token_id", 259),
        entry("tokenizer.ggml.add_bos_token", 7, &[0]),
        words("tokenizer.chat_template", TEMPLATE),
    ]
}

/// The bytes in the letters that GPT-2 writes them with, and the others.
fn tokens() -> Vec<String> {
    let mut next = 256;
    let mut letter = |byte: u32| {
        let shown = matches!(byte, 33..=126 | 161..=172 | 174..=255);
        let code = if shown { byte } else { next };
        next += u32::from(!shown);
        char::from_u32(code).expect("a letter").to_string()
    };
    let bytes: Vec<String> = (0..256).map(&mut letter).collect();
    let others = ["th", "Ġt", "<|im_start|>", "<|im_end|>", "<|endoftext|>"];
    bytes.into_iter().chain(others.map(str::to_owned)).collect()
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}

fn entry(key: &str, kind: u32, value: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    text(&mut out, key);
    out.extend(kind.to_le_bytes());
    out.extend(value);
    out
}

fn array(kind: u32, count: usize, elements: &[u8]) -> Vec<u8> {
    [&kind.to_le_bytes()[..], &(count as u64).to_le_bytes(), elements].concat()
}

fn texts(all: &[String]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for one in all {
        text(&mut bytes, one);
    }
    array(8, all.len(), &bytes)
}

/// SplitMix64.
struct Random(u64);

impl Random {
    /// From -0.25 to 0.25.
    #[expect(clippy::cast_precision_loss, reason = "24 bits are what a float holds")]
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 40) as f32 / 33_554_432.0 - 0.25
    }
}
