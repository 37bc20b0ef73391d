//! Ed25519 keys (RFC 8032): text and file forms, identifiers, strict verification.

mod file;
mod pem;

use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD};
use ed25519_dalek::{Signer, SigningKey, VerifyingKey, pkcs8::EncodePublicKey};
use skill_schema::{Digest, Fault, codes};

use crate::hash::sha256;

pub use file::{read_file, write_new_file};
pub use pem::is_encrypted;

/// Bytes of a signature.
pub const SIGNATURE_LEN: usize = 64;

/// What a public key's text form starts with.
const TEXT_PREFIX: &str = "ed25519:";

/// A public key that is neither weak (of small order) nor encoded in more than one way.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// From the 32 bytes of RFC 8032 §5.1.2. Weak and non-canonical keys are [`codes::KEY_WEAK`].
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, Fault> {
        let weak = |detail: &str| Fault::new(codes::KEY_WEAK).detail(detail);
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| weak("not a point of the curve"))?;
        if key.is_weak() {
            return Err(weak("a point of small order"));
        }
        if key.to_edwards().compress().as_bytes() != bytes {
            return Err(weak("not the canonical encoding"));
        }
        Ok(Self(key))
    }

    /// From `ed25519:` and the base64 of the 32 bytes.
    pub fn from_text(text: &str) -> Result<Self, Fault> {
        let bytes = text.strip_prefix(TEXT_PREFIX).and_then(|base64| BASE64_STANDARD.decode(base64).ok());
        match bytes.as_deref().map(<&[u8; 32]>::try_from) {
            Some(Ok(bytes)) => Self::from_bytes(bytes),
            _ => Err(Fault::new(codes::KEY_WEAK).at(text).detail("expected ed25519: and the base64 of 32 bytes")),
        }
    }

    /// `ed25519:` and the base64 of the 32 bytes.
    pub fn to_text(&self) -> String {
        format!("{TEXT_PREFIX}{}", BASE64_STANDARD.encode(self.as_bytes()))
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// The SubjectPublicKeyInfo (RFC 8410), DER.
    pub fn to_der(&self) -> Vec<u8> {
        // 12 bytes of RFC 8410 §4 before the key; the encoder has no other way to fail than running out of memory.
        self.0.to_public_key_der().map(pkcs8::Document::into_vec).unwrap_or_default()
    }

    /// The key's id: SHA-256 of [`Self::to_der`], as `openssl pkey -pubin -outform DER | sha256sum` prints it.
    pub fn keyid(&self) -> Digest {
        sha256(&self.to_der())
    }

    /// Verifies strictly (RFC 8032 §5.1.7 without cofactor; small-order and non-canonical points refused).
    pub fn verify(&self, message: &[u8], signature: &[u8; SIGNATURE_LEN]) -> Result<(), Fault> {
        let signature = ed25519_dalek::Signature::from_bytes(signature);
        self.0.verify_strict(message, &signature).map_err(|_| Fault::new(codes::SIGNATURE))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.to_text())
    }
}

/// Bytes of the operating system's randomness.
///
/// # Errors
/// [`codes::IO`] if there is none.
pub fn random<const N: usize>() -> Result<[u8; N], Fault> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|e| Fault::new(codes::IO).detail(format!("no randomness: {e}")))?;
    Ok(bytes)
}

/// A signing key. Erased from memory when dropped; never printed.
#[derive(Clone)]
pub struct SecretKey(SigningKey);

impl SecretKey {
    /// A new key from the operating system's randomness.
    pub fn generate() -> Result<Self, Fault> {
        Ok(Self::from_seed(&random()?))
    }

    /// The key of a seed (RFC 8032 §5.1.5). Whoever knows the seed can sign: for tests and for key files.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// From a PKCS#8 PEM text, with the passphrase if it is encrypted.
    pub fn from_pem(text: &str, passphrase: Option<&str>) -> Result<Self, Fault> {
        pem::read(text, passphrase)
    }

    /// The PKCS#8 PEM text, encrypted with scrypt and AES-256-CBC if a passphrase is given.
    pub fn to_pem(&self, passphrase: Option<&str>) -> Result<String, Fault> {
        pem::write(self, passphrase)
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// The public half's id.
    pub fn keyid(&self) -> Digest {
        self.public().keyid()
    }

    /// Signs (RFC 8032 §5.1.6, deterministic).
    pub fn sign(&self, message: &[u8]) -> [u8; SIGNATURE_LEN] {
        self.0.sign(message).to_bytes()
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey(of {})", self.public().to_text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_bytes_round_trip() {
        let key = SecretKey::from_seed(&[1; 32]).public();
        assert_eq!(PublicKey::from_text(&key.to_text()).unwrap(), key);
        assert_eq!(key.to_der().len(), 44);
        for bad in [
            "",
            "ed25519:",
            "AAAA",
            "ed25519:AAAA",
            &key.to_text().replace("ed25519", "rsa"),
            &format!("{} ", key.to_text()),
        ] {
            assert!(PublicKey::from_text(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn points_of_small_order_are_not_keys() {
        // The eight points of small order and all six further encodings of four of them ("Taming the many EdDSAs", table 1).
        for hex in [
            "0100000000000000000000000000000000000000000000000000000000000000",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "0000000000000000000000000000000000000000000000000000000000000080",
            "0000000000000000000000000000000000000000000000000000000000000000",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
            "0100000000000000000000000000000000000000000000000000000000000080",
            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        ] {
            let mut bytes = [0; 32];
            hex::decode_to_slice(hex, &mut bytes).unwrap();
            assert_eq!(PublicKey::from_bytes(&bytes).map_err(|f| f.code), Err(codes::KEY_WEAK), "{hex}");
        }
    }

    #[test]
    fn a_second_encoding_of_a_good_point_is_not_a_key() {
        // y = 3 and y = p + 3 are the same point of the curve, which is not of small order.
        let mut canonical = [0; 32];
        canonical[0] = 3;
        let mut other = [0xff; 32];
        other[0] = 0xf0;
        other[31] = 0x7f;
        assert!(PublicKey::from_bytes(&canonical).is_ok());
        assert_eq!(PublicKey::from_bytes(&other).map_err(|f| f.code), Err(codes::KEY_WEAK));
    }

    #[test]
    fn a_signature_belongs_to_its_message_and_key() {
        let (one, two) = (SecretKey::from_seed(&[1; 32]), SecretKey::from_seed(&[2; 32]));
        let signature = one.sign(b"text");
        assert!(one.public().verify(b"text", &signature).is_ok());
        assert!(one.public().verify(b"Text", &signature).is_err());
        assert!(two.public().verify(b"text", &signature).is_err());
        assert_ne!(SecretKey::generate().unwrap().keyid(), SecretKey::generate().unwrap().keyid());
        assert!(!format!("{one:?}").contains("0101"));
    }
}
