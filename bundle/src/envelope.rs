//! DSSE envelopes: the exact bytes that are signed, stored, logged and sent.
//!
//! `{payload, payloadType, signatures: [{keyid, sig}]}`, at most 16 KiB. The bytes of the envelope and of its payload must each equal
//! their canonical form, so that a statement has one spelling and one digest. Signatures are sorted by key id, one a key.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};
use skill_schema::{
    Digest, Fault, Limits, codes,
    statement::{Kind, PAYLOAD_TYPE, Predicate, Statement},
};

use crate::{
    hash::sha256,
    jcs,
    keys::{PublicKey, SIGNATURE_LEN, SecretKey},
    statement::Body,
};

/// A parsed envelope. Its form is checked; its signatures only by [`Envelope::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    payload: Vec<u8>,
    signatures: Vec<(Digest, [u8; SIGNATURE_LEN])>,
    bytes: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Wire {
    payload: String,
    payload_type: String,
    signatures: Vec<WireSignature>,
}

/// What every payload has, whatever its kind.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Typed {
    predicate_type: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireSignature {
    keyid: Digest,
    sig: String,
}

/// Puts a statement into canonical form and signs it with each key.
pub fn sign<P: Predicate>(statement: &Statement<P>, keys: &[&SecretKey]) -> Result<Vec<u8>, Fault> {
    let payload = jcs::to_vec(statement)?;
    Envelope::seal(&payload, keys).map(Envelope::into_bytes)
}

/// DSSE's pre-authentication encoding: the bytes under the signature.
pub fn pae(payload: &[u8]) -> Vec<u8> {
    let mut bytes = format!("DSSEv1 {} {PAYLOAD_TYPE} {} ", PAYLOAD_TYPE.len(), payload.len()).into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}

impl Envelope {
    /// Signs a canonical payload.
    pub fn seal(payload: &[u8], keys: &[&SecretKey]) -> Result<Self, Fault> {
        if !jcs::is_canonical(payload) {
            return Err(fault("the payload is not in canonical JSON form"));
        }
        let message = pae(payload);
        let mut signatures: Vec<_> = keys.iter().map(|key| (key.keyid(), key.sign(&message))).collect();
        signatures.sort_by_key(|(keyid, _)| *keyid);
        signatures.dedup_by_key(|(keyid, _)| *keyid);
        Self::assemble(payload, &signatures)
    }

    /// Reads an envelope, strictly.
    pub fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        let limit = Limits::V1.envelope;
        if bytes.len() > limit {
            return Err(fault(format!("{} bytes of at most {limit}", bytes.len())));
        }
        let wire: Wire = jcs::from_slice(bytes)?;
        if wire.payload_type != PAYLOAD_TYPE {
            return Err(fault("payloadType"));
        }
        let payload = BASE64_STANDARD.decode(&wire.payload).map_err(|_| fault("the payload is not base64"))?;
        if !jcs::is_canonical(&payload) {
            return Err(fault("the payload is not in canonical JSON form"));
        }
        let mut signatures = Vec::with_capacity(wire.signatures.len());
        for WireSignature { keyid, sig } in wire.signatures {
            let raw = BASE64_STANDARD.decode(sig).ok().and_then(|raw| raw.try_into().ok());
            signatures.push((keyid, raw.ok_or_else(|| fault("a signature is not the base64 of 64 bytes"))?));
        }
        if signatures.is_empty() || !signatures.is_sorted_by(|a, b| a.0 < b.0) {
            return Err(fault("signatures: none, or not sorted by key id, or two of one key"));
        }
        Ok(Self { payload, signatures, bytes: bytes.to_vec() })
    }

    fn assemble(payload: &[u8], signatures: &[(Digest, [u8; SIGNATURE_LEN])]) -> Result<Self, Fault> {
        let wire = Wire {
            payload: BASE64_STANDARD.encode(payload),
            payload_type: PAYLOAD_TYPE.to_owned(),
            signatures: signatures
                .iter()
                .map(|(keyid, sig)| WireSignature { keyid: *keyid, sig: BASE64_STANDARD.encode(sig) })
                .collect(),
        };
        Self::parse(&jcs::to_vec(&wire)?)
    }

    /// Adds a signature of another key. The envelope's digest changes; the payload does not.
    pub fn cosign(&mut self, key: &SecretKey) -> Result<(), Fault> {
        let mut signatures = self.signatures.clone();
        if let Err(place) = signatures.binary_search_by_key(&key.keyid(), |(keyid, _)| *keyid) {
            signatures.insert(place, (key.keyid(), key.sign(&pae(&self.payload))));
        }
        *self = Self::assemble(&self.payload, &signatures)?;
        Ok(())
    }

    /// The ids of the keys that are said to have signed, sorted.
    pub fn signers(&self) -> impl Iterator<Item = Digest> {
        self.signatures.iter().map(|(keyid, _)| *keyid)
    }

    /// Whether the envelope carries a valid signature of this key: [`codes::KEY_UNKNOWN`] if there is none, [`codes::SIGNATURE`] if it is
    /// wrong.
    pub fn verify(&self, key: &PublicKey) -> Result<(), Fault> {
        let keyid = key.keyid();
        let place = self.signatures.binary_search_by_key(&keyid, |(keyid, _)| *keyid);
        let index =
            place.map_err(|_| Fault::new(codes::KEY_UNKNOWN).at(keyid.to_string()).detail("it did not sign"))?;
        key.verify(&pae(&self.payload), &self.signatures[index].1).map_err(|fault| fault.at(keyid.to_string()))
    }

    /// The canonical bytes of the statement.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The canonical bytes of the envelope.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The canonical bytes of the envelope.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// SHA-256 of the envelope: what `prev`, the index and the log name it by.
    pub fn digest(&self) -> Digest {
        sha256(&self.bytes)
    }

    /// Which kind of statement it carries; [`codes::STATEMENT`] if this build does not know it.
    pub fn kind(&self) -> Result<Kind, Fault> {
        let Ok(Typed { predicate_type: kind }) = serde_json::from_slice(&self.payload) else {
            return Err(Fault::new(codes::STATEMENT).detail("predicateType"));
        };
        Kind::ALL
            .into_iter()
            .find(|known| known.predicate_type() == kind)
            .ok_or_else(|| Fault::new(codes::STATEMENT).detail(format!("unknown kind {kind}")))
    }

    /// The statement, with exactly the members of its kind, every rule of [`Body::check`] holding.
    pub fn statement<P: Body>(&self) -> Result<Statement<P>, Fault> {
        let statement =
            serde_json::from_slice(&self.payload).map_err(|e| Fault::new(codes::STATEMENT).detail(e.to_string()))?;
        P::check(&statement)?;
        Ok(statement)
    }
}

fn fault(detail: impl Into<String>) -> Fault {
    Fault::new(codes::ENVELOPE).detail(detail)
}
