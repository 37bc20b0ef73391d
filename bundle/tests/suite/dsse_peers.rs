//! What Python makes of our statements, and we of its: `securesystemslib` for envelopes and key ids, `rfc8785` for canonical JSON,
//! and `openssl pkeyutl` for signatures. What is not installed is named and passed over.

use std::{fs, io::Write, process::Command};

use skill_bundle::{
    envelope::{Envelope, pae},
    jcs,
    keys::SecretKey,
};

use crate::{operator, peers::has, statements};

fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed(&[seed; 32])
}

/// Every statement of the worked examples: a scope's chain, and the operator's with its root and snapshot.
fn envelopes() -> Vec<Envelope> {
    let all = [statements::worked_chain(), operator::worked_chain()].concat();
    all.iter().map(|bytes| Envelope::parse(bytes).unwrap()).collect()
}

/// Reads envelopes from a file, a line each, checks form, ids and every signature, and signs each payload anew with the keys of the
/// same seeds. The answers come as lines.
const SCRIPT: &str = "
import hashlib, json, sys
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import CryptoSigner, SSlibKey

def signer(seed):
    private = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
    der = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    keyid = hashlib.sha256(der).hexdigest()
    return CryptoSigner(private, SSlibKey.from_crypto(private.public_key(), keyid))

signers = {one.public_key.keyid: one for one in map(signer, range(1, 32))}
for line in open(sys.argv[1], 'rb').read().splitlines():
    wire = json.loads(line)
    assert rfc8785.dumps(wire) == line, 'the envelope is canonical'
    ids = [signature['keyid'] for signature in wire['signatures']]
    envelope = Envelope.from_dict(wire)
    assert rfc8785.dumps(json.loads(envelope.payload)) == envelope.payload, 'the payload is canonical'
    keys = [signers[keyid].public_key for keyid in ids]
    assert set(envelope.verify(keys, len(ids))) == set(ids), 'every signature verifies'
    try:
        Envelope(envelope.payload + b' ', envelope.payload_type, envelope.signatures).verify(keys, 1)
        raise SystemExit('a changed payload verifies')
    except VerificationError:
        pass
    own = Envelope(envelope.payload, envelope.payload_type, {})
    for keyid in sorted(ids):
        own.sign(signers[keyid])
    sys.stdout.buffer.write(rfc8785.dumps(own.to_dict()) + b'\\n')
";

#[test]
fn securesystemslib_verifies_our_envelopes_and_signs_the_same_bytes() {
    if !has("python3", &["-c", "import cryptography, rfc8785, securesystemslib.dsse"]) {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let (file, mut text) = (home.path().join("envelopes"), Vec::new());
    let all = envelopes();
    for envelope in &all {
        text.extend_from_slice(envelope.bytes());
        text.push(b'\n');
    }
    fs::write(&file, text).unwrap();
    let output = Command::new("python3").args(["-c", SCRIPT]).arg(&file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines: Vec<&[u8]> = output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
    assert_eq!(lines.len(), all.len());
    for (line, ours) in lines.into_iter().zip(&all) {
        // Ed25519 is deterministic: what they sign is what we sign, byte for byte.
        assert_eq!(&Envelope::parse(line).unwrap(), ours);
    }
}

#[test]
fn python_s_rfc8785_writes_the_same_statements() {
    const SCRIPT: &str = "
import json, sys, rfc8785
sys.stdout.buffer.write(rfc8785.dumps(json.load(open(sys.argv[1]))))
";
    if !has("python3", &["-c", "import rfc8785"]) {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    for envelope in envelopes() {
        let value = jcs::parse(envelope.payload()).unwrap();
        let file = home.path().join("statement.json");
        fs::write(&file, serde_json::to_vec_pretty(&value).unwrap()).unwrap();
        let output = Command::new("python3").args(["-c", SCRIPT]).arg(&file).output().unwrap();
        assert_eq!(output.stdout, envelope.payload(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn openssl_verifies_our_signatures_and_makes_the_same_ones() {
    if !has("openssl", &["genpkey", "-algorithm", "ed25519"]) {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let at = |name: &str| home.path().join(name);
    let write = |name: &str, bytes: &[u8]| fs::File::create(at(name)).unwrap().write_all(bytes).unwrap();
    for (envelope, seed) in envelopes().iter().zip([1, 1, 1, 1, 10, 4, 11]) {
        let (secret, message) = (key(seed), pae(envelope.payload()));
        envelope.verify(&secret.public()).unwrap();
        write("message", &message);
        write("key.pem", secret.to_pem(None).unwrap().as_bytes());
        write("key.der", &secret.public().to_der());
        write("ours", &secret.sign(&message));
        let run = |args: &[&str]| {
            let mut command = Command::new("openssl");
            command.current_dir(home.path()).args(["pkeyutl", "-rawin", "-in", "message"]).args(args).output().unwrap()
        };
        let verified = run(&["-verify", "-pubin", "-keyform", "DER", "-inkey", "key.der", "-sigfile", "ours"]);
        assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
        let signed = run(&["-sign", "-inkey", "key.pem", "-out", "theirs"]);
        assert!(signed.status.success(), "{}", String::from_utf8_lossy(&signed.stderr));
        assert_eq!(fs::read(at("theirs")).unwrap(), secret.sign(&message));
        write("message", b"something else");
        let refused = run(&["-verify", "-pubin", "-keyform", "DER", "-inkey", "key.der", "-sigfile", "ours"]);
        assert!(!refused.status.success());
    }
}
