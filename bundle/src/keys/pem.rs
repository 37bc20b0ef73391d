//! Key files: PKCS#8 (RFC 5958) in PEM, encrypted with PBES2 (RFC 8018) if there is a passphrase.

use ed25519_dalek::pkcs8::KeypairBytes;
use pkcs8::{
    DecodePrivateKey, EncodePrivateKey, EncryptedPrivateKeyInfoRef, LineEnding, PrivateKeyInfoRef, SecretDocument,
    der::pem::PemLabel,
    pkcs5::{
        EncryptionScheme,
        pbes2::{self, Kdf, ScryptParams},
    },
};
use skill_schema::{Fault, codes};

use super::{SecretKey, random};

/// Bytes of a key file: a key needs under 500.
const MAX_PEM: usize = 16 * 1024;

/// scrypt's cost when we encrypt: N = 2¹⁴, r = 8, p = 5. OWASP's password storage sheet counts it equal to N = 2¹⁷, p = 1, but it needs
/// 16 MiB, which OpenSSL's limit of 32 MiB allows: `openssl pkey` can open our files.
const COST: (u64, u16, u16) = (1 << 14, 8, 5);

/// The most memory (128·N·r bytes) and the most passes that a key file may ask of us.
const MAX_MEMORY: u64 = 256 * 1024 * 1024;
const MAX_PASSES: u16 = 64;

/// Whether the PEM text is an encrypted key, so that a passphrase must be asked for.
pub fn is_encrypted(text: &str) -> bool {
    text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----")
}

pub(super) fn read(text: &str, passphrase: Option<&str>) -> Result<SecretKey, Fault> {
    let malformed = |detail: &str| Fault::new(codes::KEY_FILE).detail(detail);
    if text.len() > MAX_PEM {
        return Err(malformed("too large for a key"));
    }
    let (label, document) = SecretDocument::from_pem(text.trim()).map_err(|_| malformed("not a PEM file"))?;
    if label == PrivateKeyInfoRef::PEM_LABEL {
        return from_der(document.as_bytes()).ok_or_else(|| malformed("not an Ed25519 key in PKCS#8 form"));
    }
    if label != EncryptedPrivateKeyInfoRef::PEM_LABEL {
        return Err(malformed("neither PRIVATE KEY nor ENCRYPTED PRIVATE KEY"));
    }
    let info = EncryptedPrivateKeyInfoRef::try_from(document.as_bytes()).map_err(|_| malformed("not PKCS#8"))?;
    if !is_affordable(&info.encryption_algorithm) {
        return Err(malformed("not encrypted with scrypt within the limits of memory and time"));
    }
    let passphrase =
        passphrase.ok_or_else(|| Fault::new(codes::PASSPHRASE).detail("it is encrypted and none was given"))?;
    let opened = info.decrypt(passphrase).map_err(|_| Fault::new(codes::PASSPHRASE))?;
    from_der(opened.as_bytes()).ok_or_else(|| malformed("not an Ed25519 key in PKCS#8 form"))
}

fn from_der(der: &[u8]) -> Option<SecretKey> {
    let pair = KeypairBytes::from_pkcs8_der(der).ok()?;
    let key = SecretKey::from_seed(&pair.secret_key);
    let agrees = pair.public_key.is_none_or(|public| public.0 == *key.public().as_bytes());
    agrees.then_some(key)
}

fn is_affordable(scheme: &EncryptionScheme) -> bool {
    let EncryptionScheme::Pbes2(parameters) = scheme else { return false };
    let Kdf::Scrypt(scrypt) = &parameters.kdf else { return false };
    let memory = scrypt.cost_parameter.checked_mul(128 * u64::from(scrypt.block_size));
    memory.is_some_and(|bytes| bytes <= MAX_MEMORY) && scrypt.parallelization <= MAX_PASSES
}

pub(super) fn write(key: &SecretKey, passphrase: Option<&str>) -> Result<String, Fault> {
    let failed = |e: &dyn std::fmt::Display| Fault::new(codes::KEY_FILE).detail(e.to_string());
    // Version 1 of PKCS#8, without the public half: what `openssl genpkey` writes and every tool reads.
    let pair = KeypairBytes { secret_key: key.0.to_bytes(), public_key: None };
    let plain = pair.to_pkcs8_der().map_err(|e| failed(&e))?;
    let Some(passphrase) = passphrase else {
        let pem = plain.to_pem(PrivateKeyInfoRef::PEM_LABEL, LineEnding::LF).map_err(|e| failed(&e))?;
        return Ok(pem.to_string());
    };
    let info = PrivateKeyInfoRef::try_from(plain.as_bytes()).map_err(|e| failed(&e))?;
    let sealed = info.encrypt_with_params(parameters()?, passphrase).map_err(|e| failed(&e))?;
    let pem = sealed.to_pem(EncryptedPrivateKeyInfoRef::PEM_LABEL, LineEnding::LF).map_err(|e| failed(&e))?;
    Ok(pem.to_string())
}

fn parameters() -> Result<pbes2::Parameters, Fault> {
    let (salt, iv): ([u8; 16], [u8; 16]) = (random()?, random()?);
    let (cost_parameter, block_size, parallelization) = COST;
    let salt = salt.as_slice().try_into().map_err(|_| Fault::new(codes::KEY_FILE).detail("the salt does not fit"))?;
    let kdf = ScryptParams { salt, cost_parameter, block_size, parallelization, key_length: None };
    Ok(pbes2::Parameters { kdf: kdf.into(), encryption: pbes2::EncryptionScheme::Aes256Cbc { iv } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_key_file_is_what_openssl_writes() {
        let key = SecretKey::from_seed(&[1; 32]);
        let pem = key.to_pem(None).unwrap();
        assert_eq!(
            pem,
            "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB\n-----END PRIVATE KEY-----\n"
        );
        assert!(!is_encrypted(&pem));
        assert_eq!(SecretKey::from_pem(&pem, None).unwrap().public(), key.public());
    }

    #[test]
    fn an_encrypted_key_file_needs_its_passphrase() {
        let key = SecretKey::from_seed(&[7; 32]);
        let pem = key.to_pem(Some("correct horse")).unwrap();
        assert!(is_encrypted(&pem));
        assert_eq!(SecretKey::from_pem(&pem, Some("correct horse")).unwrap().public(), key.public());
        for wrong in [None, Some("wrong"), Some("")] {
            assert_eq!(SecretKey::from_pem(&pem, wrong).map_err(|f| f.code).unwrap_err(), codes::PASSPHRASE);
        }
    }

    #[test]
    fn other_files_are_not_keys() {
        let rsa = "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n";
        let junk = "-----BEGIN PRIVATE KEY-----\nMC4CAQAw\n-----END PRIVATE KEY-----\n";
        for text in ["", "text", rsa, junk, &"x".repeat(MAX_PEM + 1)] {
            assert_eq!(SecretKey::from_pem(text, None).map_err(|f| f.code).unwrap_err(), codes::KEY_FILE);
        }
    }
}
