//! The text form of an API token: `skl_` + 43 base64url characters (32 random bytes) + 6 base64url characters of the CRC-32 of
//! everything before them. The checksum lets secret scanners and the client tell a token from noise without asking the server.

use crate::{Fault, codes};

/// The prefix by which secret scanners find a leaked token.
pub const PREFIX: &str = "skl_";
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Writes the token for 32 bytes of randomness.
pub fn format(secret: &[u8; 32]) -> String {
    let mut text = PREFIX.to_owned();
    text.push_str(&base64url(secret));
    let sum = crc32(text.as_bytes());
    text.push_str(&base64url(&sum.to_be_bytes()));
    text
}

/// Checks form and checksum (not whether a registry knows the token).
pub fn check(text: &str) -> Result<(), Fault> {
    let fault = Fault::new(codes::TOKEN_INVALID);
    if text.len() != PREFIX.len() + 43 + 6 || !text.starts_with(PREFIX) || !text.is_ascii() {
        return Err(fault.detail("a token is skl_ and 49 characters"));
    }
    let (body, sum) = text.split_at(PREFIX.len() + 43);
    if base64url(&crc32(body.as_bytes()).to_be_bytes()) != sum {
        return Err(fault.detail("its checksum is wrong: was it cut or mistyped?"));
    }
    Ok(())
}

/// Base64url without padding (RFC 4648 §5).
fn base64url(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let n = chunk.iter().fold(0u32, |n, b| n << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for i in 0..=chunk.len() {
            out.push(char::from(ALPHABET[(n >> (18 - 6 * i) & 63) as usize]));
        }
    }
    out
}

/// CRC-32 as in IEEE 802.3, gzip and PNG (polynomial 0xEDB88320, reflected).
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc32_of_the_check_string_is_the_published_value() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }

    #[test]
    fn any_changed_character_is_noticed() {
        let token = format(&[7; 32]);
        assert_eq!(token.len(), 53);
        assert!(check(&token).is_ok());
        for i in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[i] = if bytes[i] == b'A' { b'B' } else { b'A' };
            assert!(check(&String::from_utf8(bytes).expect("ascii")).is_err(), "position {i}");
        }
    }
}
