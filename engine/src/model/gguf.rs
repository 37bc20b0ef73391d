//! What a model's file says about itself: the header of GGUF (versions 2 and 3), read without trusting it. Weights are never read.

use std::io::{self, Read};

use serde::{Deserialize, Serialize};

/// Entries of metadata at most; real models have some dozens.
const MAX_ENTRIES: u64 = 10_000;
/// Tensors at most, as a header claims them.
const MAX_TENSORS: u64 = 1_000_000;
/// Bytes of a key at most, as the format demands.
const MAX_KEY: u64 = 65_535;
/// Bytes of a text at most: chat templates and licences are some ten thousand.
const MAX_TEXT: u64 = 4 * 1024 * 1024;
/// Elements of an array at most: vocabularies have some hundred thousand.
const MAX_ELEMENTS: u64 = 16 * 1024 * 1024;
/// Bytes of the whole header at most.
const MAX_HEADER: u64 = 512 * 1024 * 1024;

/// What a model says about itself. Texts are cut at 200 characters; what it does not say is empty or 0.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct About {
    /// Its name.
    pub name: String,
    /// Its architecture, as `llama`.
    pub architecture: String,
    /// Quantisation of most of its weights, as `Q4_K_M`.
    pub quantisation: String,
    /// Tokens of context that it was trained for.
    pub context: u64,
    /// Its size in the words of its makers, as `4B`.
    pub size: String,
    /// The licence of its weights.
    pub licence: String,
}

/// The file is no GGUF, or not one that can be trusted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be read, or ends too early.
    #[error("the model's file: {0}")]
    Io(#[from] io::Error),
    /// It is something else.
    #[error("not a GGUF file of version 2 or 3")]
    NotGguf,
    /// A number in it is beyond a limit.
    #[error("the model's header claims {0}")]
    Limit(String),
}

/// Reads the header.
///
/// # Errors
/// [`Error`]; a hostile file costs at most the bytes of the limits above.
pub fn read(from: impl Read) -> Result<About, Error> {
    let mut reader = Reader(from.take(MAX_HEADER));
    if &reader.bytes::<4>()? != b"GGUF" || !matches!(reader.u32()?, 2 | 3) {
        return Err(Error::NotGguf);
    }
    reader.counted(MAX_TENSORS, "tensors")?;
    let entries = reader.counted(MAX_ENTRIES, "entries")?;
    let mut about = About::default();
    for _ in 0..entries {
        let key = reader.text(MAX_KEY, "bytes in a key")?;
        let kind = reader.u32()?;
        let value = reader.value(kind, 0)?;
        about.take(&key, value);
    }
    Ok(about)
}

/// A value of the metadata, as far as it is of interest.
enum Value {
    Text(String),
    Number(u64),
    Other,
}

impl About {
    fn take(&mut self, key: &str, value: Value) {
        match (key, value) {
            ("general.name", Value::Text(text)) => self.name = cut(&text),
            ("general.architecture", Value::Text(text)) => self.architecture = cut(&text),
            ("general.size_label", Value::Text(text)) => self.size = cut(&text),
            ("general.license", Value::Text(text)) => self.licence = cut(&text),
            ("general.file_type", Value::Number(kind)) => self.quantisation = quantisation(kind),
            (key, Value::Number(tokens)) if key.ends_with(".context_length") => self.context = tokens,
            _ => {}
        }
    }
}

/// A text for people: one line, at most 200 characters.
fn cut(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

/// Name of a `llama_ftype`.
fn quantisation(kind: u64) -> String {
    let name = match kind {
        0 => "F32",
        1 => "F16",
        2 => "Q4_0",
        3 => "Q4_1",
        7 => "Q8_0",
        8 => "Q5_0",
        9 => "Q5_1",
        10 => "Q2_K",
        11 => "Q3_K_S",
        12 => "Q3_K_M",
        13 => "Q3_K_L",
        14 => "Q4_K_S",
        15 => "Q4_K_M",
        16 => "Q5_K_S",
        17 => "Q5_K_M",
        18 => "Q6_K",
        19 => "IQ2_XXS",
        20 => "IQ2_XS",
        21 => "Q2_K_S",
        22 => "IQ3_XS",
        23 => "IQ3_XXS",
        24 => "IQ1_S",
        25 => "IQ4_NL",
        26 => "IQ3_S",
        27 => "IQ3_M",
        28 => "IQ2_S",
        29 => "IQ2_M",
        30 => "IQ4_XS",
        31 => "IQ1_M",
        32 => "BF16",
        36 => "TQ1_0",
        37 => "TQ2_0",
        38 => "MXFP4",
        other => return format!("type {other}"),
    };
    name.to_owned()
}

struct Reader<R>(R);

impl<R: Read> Reader<R> {
    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let mut bytes = [0; N];
        self.0.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn u32(&mut self) -> Result<u32, Error> {
        Ok(u32::from_le_bytes(self.bytes()?))
    }

    /// A count that must not be beyond a limit.
    fn counted(&mut self, most: u64, what: &str) -> Result<u64, Error> {
        let count = u64::from_le_bytes(self.bytes()?);
        if count > most { Err(Error::Limit(format!("{count} {what}; at most {most}"))) } else { Ok(count) }
    }

    fn text(&mut self, most: u64, what: &str) -> Result<String, Error> {
        let length = self.counted(most, what)?;
        let mut bytes = Vec::new();
        // Grows with what is really there, not with what is claimed.
        if (&mut self.0).take(length).read_to_end(&mut bytes)? as u64 != length {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn skip(&mut self, length: u64) -> Result<(), Error> {
        let skipped = io::copy(&mut (&mut self.0).take(length), &mut io::sink())?;
        if skipped == length { Ok(()) } else { Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()) }
    }

    fn value(&mut self, kind: u32, depth: u32) -> Result<Value, Error> {
        let fixed = |value: u64| Ok(Value::Number(value));
        match kind {
            0 => fixed(u64::from(self.bytes::<1>()?[0])),
            2 => fixed(u64::from(u16::from_le_bytes(self.bytes()?))),
            4 => fixed(u64::from(self.u32()?)),
            10 => fixed(u64::from_le_bytes(self.bytes()?)),
            8 => Ok(Value::Text(self.text(MAX_TEXT, "bytes in a text")?)),
            9 => self.array(depth).map(|()| Value::Other),
            other => {
                let size = size(other).ok_or_else(|| Error::Limit(format!("a value of type {other}")))?;
                self.skip(size).map(|()| Value::Other)
            }
        }
    }

    fn array(&mut self, depth: u32) -> Result<(), Error> {
        if depth > 0 {
            return Err(Error::Limit("an array of arrays of arrays".to_owned()));
        }
        let kind = self.u32()?;
        let count = self.counted(MAX_ELEMENTS, "elements in an array")?;
        if let Some(size) = size(kind) {
            return self.skip(size * count);
        }
        for _ in 0..count {
            match kind {
                8 => {
                    let length = self.counted(MAX_TEXT, "bytes in a text")?;
                    self.skip(length)?;
                }
                9 => self.array(depth + 1)?,
                other => return Err(Error::Limit(format!("a value of type {other}"))),
            }
        }
        Ok(())
    }
}

/// Bytes of a value of a type, if all of them have the same.
fn size(kind: u32) -> Option<u64> {
    match kind {
        0 | 1 | 7 => Some(1),
        2 | 3 => Some(2),
        4..=6 => Some(4),
        10..=12 => Some(8),
        _ => None,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(text: &str) -> Vec<u8> {
        [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat()
    }

    fn entry(key: &str, kind: u32, value: &[u8]) -> Vec<u8> {
        [text(key), kind.to_le_bytes().to_vec(), value.to_vec()].concat()
    }

    /// A header without tensors.
    pub(crate) fn header(name: &str) -> Vec<u8> {
        let tokens = [8_u32.to_le_bytes().to_vec(), 2_u64.to_le_bytes().to_vec(), text("a"), text("b")].concat();
        let floats = [6_u32.to_le_bytes().to_vec(), 2_u64.to_le_bytes().to_vec(), vec![0; 8]].concat();
        let entries = [
            entry("general.architecture", 8, &text("llama")),
            entry("tokenizer.ggml.tokens", 9, &tokens),
            entry("tokenizer.ggml.scores", 9, &floats),
            entry("general.name", 8, &text(name)),
            entry("general.file_type", 4, &15_u32.to_le_bytes()),
            entry("x.flag", 7, &[1]),
            entry("llama.context_length", 4, &8192_u32.to_le_bytes()),
        ];
        let mut bytes = [b"GGUF".as_slice(), &3_u32.to_le_bytes(), &0_u64.to_le_bytes()].concat();
        bytes.extend((entries.len() as u64).to_le_bytes());
        bytes.extend(entries.concat());
        bytes
    }

    #[test]
    fn a_header_says_what_the_model_is() {
        let about = read(header("Tiny\nmodel").as_slice()).expect("a header");
        let expected = About {
            name: "Tinymodel".to_owned(),
            architecture: "llama".to_owned(),
            quantisation: "Q4_K_M".to_owned(),
            context: 8192,
            ..About::default()
        };
        assert_eq!(about, expected);
    }

    #[test]
    fn a_header_that_is_cut_off_or_claims_too_much_is_refused() {
        let whole = header("m");
        for end in 0..whole.len() {
            assert!(read(&whole[..end]).is_err(), "{end}");
        }
        let with = |at: usize, bytes: &[u8]| {
            let mut changed = whole.clone();
            changed[at..at + bytes.len()].copy_from_slice(bytes);
            read(changed.as_slice())
        };
        assert!(matches!(with(0, b"GGML"), Err(Error::NotGguf)));
        assert!(matches!(with(4, &1_u32.to_le_bytes()), Err(Error::NotGguf)));
        assert!(matches!(with(8, &u64::MAX.to_le_bytes()), Err(Error::Limit(_))));
        assert!(matches!(with(16, &(MAX_ENTRIES + 1).to_le_bytes()), Err(Error::Limit(_))));
        assert!(matches!(with(16, &MAX_ENTRIES.to_le_bytes()), Err(Error::Io(_))));
        assert!(matches!(with(24, &(MAX_KEY + 1).to_le_bytes()), Err(Error::Limit(_))));
        let nested = [9_u32.to_le_bytes().to_vec(), 1_u64.to_le_bytes().to_vec()].concat().repeat(3);
        let mut deep = [b"GGUF".as_slice(), &3_u32.to_le_bytes(), &0_u64.to_le_bytes(), &1_u64.to_le_bytes()].concat();
        deep.extend(entry("a", 9, &nested));
        assert!(matches!(read(deep.as_slice()), Err(Error::Limit(_))));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_fail_otherwise(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in 0usize..150) {
            drop(read(bytes.as_slice()));
            let mut changed = header("m");
            let end = (at + bytes.len()).min(changed.len());
            let begin = at.min(end);
            changed[begin..end].copy_from_slice(&bytes[..end - begin]);
            drop(read(changed.as_slice()));
        }
    }
}
