//! Notes, checkpoints, tiles, proofs and evidence. Where a peer reads the same format, what we accept it must accept too.

use std::sync::LazyLock;

use skill_bundle::{
    keys::SecretKey,
    log::{
        checkpoint::{Checkpoint, Policy, Signed},
        fork::{self, Fork},
        merkle::{self, Nodes},
        proof::Proof,
        tile::{self, Kind, Tile},
    },
    note::{Algorithm, Note, Verified, VerifierKey},
};
use skill_schema::{Digest, codes};

/// Hash lines of the longest proof: the height of a tree of 64 bits.
const HEIGHT: usize = 64;

static LOG: LazyLock<(VerifierKey, SecretKey)> = LazyLock::new(|| key("skills.example/log", 2, Algorithm::Ed25519));
static WITNESS: LazyLock<(VerifierKey, SecretKey)> = LazyLock::new(|| key("w", 3, Algorithm::Cosignature));

fn key(name: &str, seed: u8, algorithm: Algorithm) -> (VerifierKey, SecretKey) {
    let secret = SecretKey::from_seed(&[seed; 32]);
    (VerifierKey::new(name, algorithm, secret.public()).expect("a good name"), secret)
}

fn policy() -> Policy {
    Policy { log: LOG.0.clone(), witnesses: vec![WITNESS.0.clone()], quorum: 1 }
}

/// A note: as it is, and as a text to sign.
pub fn note(data: &[u8]) {
    if let Ok(note) = Note::parse(data) {
        let written = note.to_string();
        assert_eq!(Note::parse(written.as_bytes()), Ok(note.clone()));
        let theirs = signed_note::Note::from_bytes(data).expect("we are not more lenient than they");
        assert_eq!(theirs.text(), note.text().as_bytes());
        let known = signed_note::StandardVerifier::new(&LOG.0.to_string()).expect("a key");
        let theirs = theirs.verify(&signed_note::VerifierList::new(vec![Box::new(known)]));
        // They look at a key's first line only; if another one is wrong, we refuse.
        if note.verify(&LOG.0) == Ok(Some(Verified::Signed)) {
            assert!(theirs.is_ok());
        }
        let _ = note.verify(&WITNESS.0);
    }
    let Ok(mut note) = String::from_utf8(data.to_vec()).map_err(drop).and_then(|t| Note::new(t).map_err(drop)) else {
        return;
    };
    for (key, secret) in [&*LOG, &*WITNESS] {
        note.sign(key, secret, 7).expect("two signatures fit");
    }
    // Only the length of the whole can keep a note from being read.
    let written = note.to_string();
    if written.len() <= skill_bundle::note::MAX_NOTE {
        let read = Note::parse(written.as_bytes()).expect("a signed note is read");
        assert_eq!(read.verify(&LOG.0), Ok(Some(Verified::Signed)));
        assert_eq!(read.verify(&WITNESS.0), Ok(Some(Verified::Seen(7))));
        assert_eq!(read, note);
    }
}

/// A checkpoint: with its signatures, and its text.
pub fn checkpoint(data: &[u8]) {
    if let Ok(signed) = Signed::parse(data) {
        assert_eq!(Signed::parse(signed.to_string().as_bytes()), Ok(signed.clone()));
        let _ = (signed.verify(&policy()), signed.verify_log(&LOG.0));
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(checkpoint) = Checkpoint::parse(text) {
        assert_eq!(checkpoint.to_string(), text, "a checkpoint has one spelling");
        let theirs = tlog_tiles::Checkpoint::from_bytes(data).expect("we are not more lenient than they");
        assert_eq!((theirs.origin(), theirs.size()), (checkpoint.origin.as_str(), checkpoint.size));
        assert_eq!(theirs.hash().0, checkpoint.root.0);
        if let Ok(signed) = Signed::sign(checkpoint, &LOG.0, &LOG.1) {
            assert_eq!(signed.verify_log(&LOG.0).is_ok(), signed.checkpoint.origin == LOG.0.name());
        }
    }
}

/// A tile's path: one spelling, the peer's too, and the tile is one of the smallest log that has it.
pub fn tile_path(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(tile) = text.parse::<Tile>() else { return };
    assert_eq!(tile.to_string(), text);
    assert!((1..=256).contains(&tile.width) && tile.is_partial() == (tile.width < 256));
    let _ = (tile.full().to_string(), tile.entries().to_string());
    // Only what we accept: theirs panics at some paths that are none.
    let theirs = text.replacen("tile/entries/", "tile/data/", 1).replacen("tile/", "tile/8/", 1);
    if let Ok(theirs) = tlog_tiles::Tile::from_path(&theirs) {
        assert_eq!((theirs.level_index(), theirs.width()), (tile.index, u32::from(tile.width)));
    }
    let size = tile.size();
    if let Kind::Hashes(level) = tile.kind
        && size < u64::MAX
    {
        assert_eq!(Tile::at(level, tile.index, size), Some(tile));
        assert_ne!(Tile::at(level, tile.index, size - 1), Some(tile));
        assert!(Tile::at(level, tile.index, u64::MAX).is_some());
    }
}

/// A bundle of entries and a tile of hashes, after a byte that says how many there are.
pub fn entry_bundle(data: &[u8]) {
    let Some((width, bytes)) = data.split_first() else { return };
    let width = u16::from(*width) + 1;
    if let Ok(entries) = tile::read_bundle(bytes, width) {
        assert_eq!(entries.len(), usize::from(width));
        assert_eq!(tile::write_bundle(entries).expect("what was read can be written"), bytes);
    }
    if let Ok(hashes) = tile::read_hashes(bytes, width) {
        assert_eq!((hashes.len(), tile::write_hashes(&hashes)), (usize::from(width), bytes.to_vec()));
    }
}

/// A proof in one text.
pub fn proof(data: &[u8]) {
    let Ok(proof) = Proof::parse(data) else { return };
    assert_eq!(Proof::parse(proof.to_string().as_bytes()), Ok(proof.clone()));
    assert!(proof.hashes.len() <= HEIGHT);
    let _ = proof.verify(&Digest::ZERO, &policy());
    // Under a signature of the log, so that verification goes on to the hashes.
    if let Ok(checkpoint) = Signed::sign(proof.checkpoint.checkpoint.clone(), &LOG.0, &LOG.1) {
        let _ = Proof { checkpoint, ..proof }.verify(&Digest::ZERO, &Policy::of_log(LOG.0.clone()));
    }
}

/// A tree of any size whose leaves are all the same: each level has one hash.
pub struct Uniform;

static LEVELS: LazyLock<Vec<Digest>> = LazyLock::new(|| {
    let mut levels = vec![merkle::leaf_hash(b"leaf")];
    for level in 0..HEIGHT {
        levels.push(merkle::node_hash(&levels[level], &levels[level]));
    }
    levels
});

impl Nodes for Uniform {
    type Error = std::convert::Infallible;

    fn node(&self, level: u32, _index: u64) -> Result<Digest, Self::Error> {
        Ok(LEVELS[level as usize])
    }
}

fn root(size: u64) -> Digest {
    let Ok(root) = merkle::root_of(&Uniform, size);
    root
}

/// Two numbers, made small as often as large, and what follows as hashes.
fn numbers(data: &[u8]) -> Option<(u64, u64, Vec<Digest>)> {
    let (head, rest) = data.split_first_chunk::<18>()?;
    let number = |from: usize| u64::from_be_bytes(head[from..from + 8].try_into().expect("eight bytes"));
    let (one, other) = (number(0) >> (head[16] % 64), number(8) >> (head[17] % 64));
    Some((one, other, rest.as_chunks().0.iter().copied().map(Digest).collect()))
}

/// Proofs between any two sizes: those made verify, are short, and hold for nothing else; made-up ones are refused.
pub fn merkle(data: &[u8]) {
    let Some((one, other, hashes)) = numbers(data) else { return };
    let (old, size) = (one.min(other), one.max(other));
    let (before, after, leaf) = (root(old), root(size), LEVELS[0]);
    // Made up: never a panic; true only for trees of equal size or of one leaf, which need no hash.
    assert!(merkle::verify_inclusion(&Digest::ZERO, one, other, &hashes, &after).is_err());
    let made_up = merkle::verify_consistency(one, &before, other, &after, &hashes);
    assert!(
        made_up.is_err()
            || one == other
            || hashes == {
                let Ok(p) = merkle::prove_consistency(&Uniform, one, other);
                p
            }
    );
    let _ = merkle::consistency_roots(one, &before, other, &hashes);
    let Ok(proof) = merkle::prove_consistency(&Uniform, old, size);
    assert!(proof.len() <= HEIGHT + 1);
    if old > 0 {
        merkle::verify_consistency(old, &before, size, &after, &proof).expect("an honest proof holds");
    }
    if size > 0 {
        let index = old.min(size - 1);
        let Ok(proof) = merkle::prove_inclusion(&Uniform, index, size);
        assert!(proof.len() <= HEIGHT);
        merkle::verify_inclusion(&leaf, index, size, &proof, &after).expect("an honest proof holds");
        assert!(merkle::verify_inclusion(&Digest::ZERO, index, size, &proof, &after).is_err());
        let longer = [proof.as_slice(), &[leaf]].concat();
        assert!(merkle::verify_inclusion(&leaf, index, size, &longer, &after).is_err());
        assert!(tile::needed(size, |tree| merkle::prove_inclusion(tree, index, size)).len() <= 2 * HEIGHT);
    }
}

/// Evidence of a fork: as a file, and as hashes that accuse an honest log.
pub fn fork(data: &[u8]) {
    if let Ok(fork) = Fork::parse(data) {
        assert_eq!(Fork::parse(fork.to_json().as_bytes()), Ok(fork));
    }
    let Some((one, other, hashes)) = numbers(data) else { return };
    let signed = |size: u64, root: Digest| {
        Signed::sign(Checkpoint::new(LOG.0.name(), size, root), &LOG.0, &LOG.1).expect("signed")
    };
    let (old, size) = (one.min(other).max(1), one.max(other).max(1));
    let accused = |hashes| Fork::new(LOG.0.clone(), signed(old, root(old)), signed(size, root(size)), hashes);
    let Ok(honest) = fork::proof(&Uniform, old, size);
    for made_up in [hashes, honest.clone()] {
        assert_eq!(accused(made_up).map_err(|fault| fault.code), Err(codes::EVIDENCE), "an honest log was accused");
    }
    // A log that said something else before is convicted by the same hashes.
    let fork = Fork::new(LOG.0.clone(), signed(old, Digest::ZERO), signed(size, root(size)), honest).expect("a fork");
    assert_eq!(Fork::parse(fork.to_json().as_bytes()), Ok(fork));
}
