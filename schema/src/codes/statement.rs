//! Envelopes, signatures, scope chains and keys.
use super::codes;

codes! {
    ENVELOPE = "E_ENVELOPE", Integrity, 422, "the statement's envelope is malformed", "",
        "A statement is a DSSE envelope of at most 16 KiB whose bytes, and whose payload's bytes, are in canonical JSON form (RFC 8785).";
    STATEMENT = "E_STATEMENT", Integrity, 422, "the statement's content is not what its kind asks for", "",
        "Each kind of statement has exactly its listed members with the listed types; there are no others and none is left out.";
    SIGNATURE = "E_SIGNATURE", Integrity, 422, "the signature does not verify", "",
        "The Ed25519 signature (RFC 8032, strict verification) does not belong to these bytes and this key.";
    KEY_UNKNOWN = "E_KEY_UNKNOWN", Integrity, 403, "the statement is signed by a key that the scope does not list",
        "enrol the key with skill key enroll SCOPE, or sign with an enrolled one",
        "A scope's chain of statements says which keys may sign what. A valid signature by any other key means nothing.";
    KEY_ROLE = "E_KEY_ROLE", Integrity, 403, "the key has no role that allows this", "sign with a key that has the role",
        "Keys of a scope have roles: `owner` changes the scope, `publish` releases versions, `yank` withdraws them. A key counts from the time on that the scope names, and a recovery key only adds keys to a scope whose owners lost theirs.";
    THRESHOLD = "E_THRESHOLD", Integrity, 403, "more keys must sign",
        "write it with --out FILE; whoever has the other keys adds signatures with skill key cosign FILE",
        "A scope's policy says how many owner keys must sign a change of the scope, so that one stolen key cannot take it over. A key that is added signs for itself as well.";
    KEY_REVOKED = "E_KEY_REVOKED", Integrity, 403, "the key was revoked", "sign with a key that is still valid",
        "From the sequence number named in the revocation on, the key's signatures count for nothing.";
    KEY_WEAK = "E_KEY_WEAK", Integrity, 422, "the key is weak or not canonically encoded", "make a new key with skill key new",
        "Public keys of small order, or encoded in more than one way, verify signatures that nobody made.";
    KEY_FILE = "E_KEY_FILE", Failed, 400, "the key file cannot be used", "make a new key with skill key new",
        "Keys are PKCS#8 PEM files with mode 0600, encrypted with scrypt if they have a passphrase.";
    VKEY = "E_VKEY", Usage, 400, "not a verifier key", "copy it from the operator's page: it looks like skills.example/log+240433c1+AYE5…",
        "A registry's or witness's key is written `name+hash+base64` (C2SP signed-note). The hash belongs to the name and the key, so that a mistyped key is noticed.";
    PASSPHRASE = "E_PASSPHRASE", Auth, 400, "the passphrase does not open the key", "try again, or pass it with --passphrase-file",
        "The key file is encrypted and the given passphrase does not decrypt it.";
    SEQ = "E_SEQ", Conflict, 409, "the scope's chain has moved on", "run the command again",
        "Statements of a scope are numbered and linked: each names the one before it. Somebody else added one in the meantime.";
    CHAIN = "E_CHAIN", Integrity, 422, "the scope's chain of statements is broken", "the registry's answer cannot be trusted; nothing was installed",
        "The statements of a scope must be numbered 1, 2, 3… and each name the digest of the one before it. A gap or a fork hides something, for example a revocation.";
    INDEX_INVALID = "E_INDEX_INVALID", Integrity, 422, "the index cannot be read", "try again; if it persists, tell the registry's operator",
        "An index file is lines of JSON in a fixed format. This one is damaged.";
    INDEX_MISMATCH = "E_INDEX_MISMATCH", Integrity, 422, "the index contradicts the signed statements", "the registry's answer cannot be trusted; nothing was installed",
        "Everything in the index can be checked against signed statements. Where the two differ, the index was changed by somebody who does not hold the key.";
    DIGEST = "E_DIGEST", Integrity, 422, "the content does not match its digest", "try again; if it persists, tell the registry's operator",
        "The SHA-256 of what was received is not the one that the signed statement names.";
    TREE = "E_TREE", Integrity, 422, "the files do not match the signed tree digest", "restore the skill with skill sync",
        "The digest over all files (`skill-tree/v1`) is not the one that the publisher signed: a file was changed, added or removed.";
    ROLLBACK = "E_ROLLBACK", Integrity, 422, "the registry shows an older state than it did before", "ask the registry's operator; nothing was changed",
        "A chain that this machine has already seen cannot become shorter. Either the registry was restored from an old copy, or something is being hidden.";
    FORK = "E_LOG_FORK", Integrity, 422, "the registry shows a different history than it did before", "ask the registry's operator; nothing was changed",
        "A chain that this machine has already seen was rewritten.";
}
