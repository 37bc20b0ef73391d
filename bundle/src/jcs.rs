//! Canonical JSON (RFC 8785, JCS), integers only.
//!
//! Signed bytes have one spelling. Numbers are integers of at most 2⁵³-1 either way, where every JSON implementation agrees;
//! floating point is refused. A text is canonical if writing what was read gives the same bytes: that one comparison refuses
//! white space, duplicate keys, unsorted keys, odd escapes and other spellings of numbers.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use skill_schema::{Fault, codes};

/// The largest integer that a double holds exactly together with its neighbours (ECMAScript `MAX_SAFE_INTEGER`).
const MAX_INTEGER: u64 = (1 << 53) - 1;

/// The canonical bytes of a value. Fails on floating point, larger integers, and keys that are not text.
pub fn to_vec(value: &impl Serialize) -> Result<Vec<u8>, Fault> {
    let value = serde_json::to_value(value).map_err(|e| fault(&e.to_string()))?;
    let mut out = Vec::new();
    write(&value, &mut out)?;
    Ok(out)
}

/// Whether these bytes are the canonical form of a JSON value.
pub fn is_canonical(bytes: &[u8]) -> bool {
    parse(bytes).is_ok()
}

/// Reads canonical JSON; any other spelling of the same value is refused.
pub fn parse(bytes: &[u8]) -> Result<Value, Fault> {
    let value: Value = serde_json::from_slice(bytes).map_err(|e| fault(&e.to_string()))?;
    let mut again = Vec::with_capacity(bytes.len());
    write(&value, &mut again)?;
    if again == bytes { Ok(value) } else { Err(fault("not in canonical JSON form")) }
}

/// Reads canonical JSON into a type.
pub fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Fault> {
    serde_json::from_value(parse(bytes)?).map_err(|e| fault(&e.to_string()))
}

fn fault(detail: &str) -> Fault {
    Fault::new(codes::ENVELOPE).detail(detail)
}

fn write(value: &Value, out: &mut Vec<u8>) -> Result<(), Fault> {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => write_number(number, out)?,
        Value::String(text) => write_string(text, out),
        Value::Array(items) => {
            write_list(*b"[]", items, out, write)?;
        }
        Value::Object(members) => {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_by(|a, b| a.0.encode_utf16().cmp(b.0.encode_utf16()));
            write_list(*b"{}", sorted, out, |(key, value), out| {
                write_string(key, out);
                out.push(b':');
                write(value, out)
            })?;
        }
    }
    Ok(())
}

fn write_list<T>(
    brackets: [u8; 2],
    items: impl IntoIterator<Item = T>,
    out: &mut Vec<u8>,
    each: impl Fn(T, &mut Vec<u8>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    out.push(brackets[0]);
    for (i, item) in items.into_iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        each(item, out)?;
    }
    out.push(brackets[1]);
    Ok(())
}

fn write_number(number: &serde_json::Number, out: &mut Vec<u8>) -> Result<(), Fault> {
    let magnitude = number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs));
    match magnitude {
        Some(n) if n <= MAX_INTEGER => {
            out.extend_from_slice(number.to_string().as_bytes());
            Ok(())
        }
        _ => Err(fault("numbers are integers of at most 2^53-1")),
    }
}

/// RFC 8785 §3.2.2.2: the short escapes of JSON, `\u00xx` in lower case for other control characters, all else as it is.
fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            0x08 => out.extend_from_slice(b"\\b"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\n' => out.extend_from_slice(b"\\n"),
            0x0c => out.extend_from_slice(b"\\f"),
            b'\r' => out.extend_from_slice(b"\\r"),
            0..0x20 => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_are_sorted_by_utf_16_units() {
        // The example of RFC 8785 §3.2.3: an emoji (surrogates d83d…) sorts before U+FB33.
        let value = json!({
            "\u{20ac}": "Euro Sign", "\r": "Carriage Return", "\u{fb33}": "Hebrew Letter Dalet With Dagesh", "1": "One",
            "\u{1f600}": "Emoji: Grinning Face", "\u{80}": "Control", "\u{f6}": "Latin Small Letter O With Diaeresis"
        });
        let text = String::from_utf8(to_vec(&value).unwrap()).unwrap();
        let order =
            ["Carriage", "One", "Control", "Latin", "Euro", "Emoji", "Hebrew"].map(|word| text.find(word).unwrap());
        assert!(order.is_sorted(), "{text}");
        assert!(text.starts_with(r#"{"\r":"#));
    }

    #[test]
    fn strings_are_escaped_as_rfc_8785_says() {
        let bytes = to_vec(&"\u{20ac}$\u{f}\nA'B\"\\\\\"/\u{7f}").unwrap();
        assert_eq!(bytes, "\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\u{7f}\"".as_bytes());
    }

    #[test]
    fn only_the_canonical_spelling_is_read() {
        for good in ["{}", "[]", "0", "-1", "9007199254740991", r#"{"a":[1,null,true,false,"x"],"b":{}}"#] {
            assert!(is_canonical(good.as_bytes()), "{good}");
        }
        for bad in [
            "",
            " {}",
            "{} ",
            "{ }",
            "[1, 2]",
            r#"{"b":1,"a":2}"#,
            r#"{"a":1,"a":1}"#,
            "1.0",
            "1e2",
            "0.5",
            "-0",
            "01",
            "+1",
            "9007199254740992",
            "-9007199254740992",
            "18446744073709551616",
            r#""\u0041""#,
            r#""\/""#,
            r#""\u000A""#,
            "nul",
            r#""\ud800""#,
            "\"\n\"",
            "{}{}",
            "\u{feff}{}",
        ] {
            assert!(!is_canonical(bad.as_bytes()), "{bad}");
        }
        assert!(!is_canonical(b"\"\xff\""));
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(!is_canonical(deep.as_bytes()));
    }

    #[test]
    fn floats_are_not_written() {
        assert!(to_vec(&1.5).is_err());
        assert!(to_vec(&f64::NAN).is_ok_and(|bytes| bytes == b"null"), "serde_json has no NaN: it is null");
        assert!(to_vec(&(1_u64 << 53)).is_err());
    }
}
