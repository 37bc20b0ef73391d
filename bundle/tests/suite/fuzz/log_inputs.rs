//! Known inputs of the targets about the log and about chains.

use skill_bundle::{
    keys::SecretKey,
    log::{
        checkpoint::{Checkpoint, Signed},
        fork::{self, Fork},
        merkle,
        tile::write_bundle,
    },
    note::{Algorithm, VerifierKey},
};
use skill_schema::Digest;

/// Whether the target's inputs are here.
pub fn knows(target: &str) -> bool {
    !of(target).is_empty()
}

/// The inputs of a target.
pub fn of(target: &str) -> Vec<Vec<u8>> {
    let recorded: serde_json::Value = serde_json::from_str(include_str!("../../vectors/trust.json")).unwrap();
    let proof = recorded["tlog_proof"].as_str().unwrap();
    let note = proof.split_once("\n\n").unwrap().1;
    let text = note.split_once("\n\n").unwrap().0.to_owned() + "\n";
    let texts = |texts: &[&str]| texts.iter().map(|text| text.as_bytes().to_vec()).collect::<Vec<_>>();
    match target {
        "note" => texts(&[note, &text, "a\nb\n\nc\n", "\n", "\u{2014} x\n"]),
        "checkpoint" => texts(&[note, &text, &format!("{text}more\nand more\n")]),
        "tile_path" => texts(&[
            "tile/0/000",
            "tile/0/000.p/1",
            "tile/1/x001/x234/067",
            "tile/63/x001/000.p/255",
            "tile/entries/999.p/17",
            "tile/7/x018/x446/x744/x073/x709/x551/615",
        ]),
        "entry_bundle" => {
            let entries: [&[u8]; 3] = [b"one", b"", b"three"];
            let hashes = [[1; 32], [2; 32]].concat();
            vec![[&[2], write_bundle(entries).unwrap().as_slice()].concat(), [&[1], hashes.as_slice()].concat()]
        }
        "proof" => texts(&[proof, &proof.replace("index 1", "extra aGVsbG8=\nindex 1")]),
        "merkle" => numbers(),
        "fork" => [forks(), numbers()].concat(),
        "scope_fold" => scopes(),
        "operator_fold" => operators(),
        _ => vec![],
    }
}

/// Pairs of sizes at which trees change their form, with how far each is shifted, and some hashes.
fn numbers() -> Vec<Vec<u8>> {
    let sizes =
        [0, 1, 2, 3, 255, 256, 257, 65_536, 1 << 32, (1 << 63) - 1, 1 << 63, (1 << 63) + 1, u64::MAX - 1, u64::MAX];
    let pair = |one: u64, other: u64, hashes: usize| {
        [&one.to_be_bytes(), other.to_be_bytes().as_slice(), &[0, 0], &[7; 32].repeat(hashes)].concat()
    };
    sizes.iter().flat_map(|one| sizes.iter().map(move |other| pair(*one, *other, 3))).chain([pair(1, 2, 70)]).collect()
}

fn forks() -> Vec<Vec<u8>> {
    let secret = SecretKey::from_seed(&[2; 32]);
    let key = VerifierKey::new("skills.example/log", Algorithm::Ed25519, secret.public()).unwrap();
    let leaves = |last: u8| [0, 1, 2, 3, last].map(|n| merkle::leaf_hash(&[n]));
    let signed = |leaves: &[Digest]| {
        let checkpoint = Checkpoint::new(key.name(), leaves.len() as u64, merkle::root(leaves));
        Signed::sign(checkpoint, &key, &secret).unwrap()
    };
    let (one, other) = (leaves(4), leaves(5));
    let same = Fork::new(key.clone(), signed(&one), signed(&other), vec![]).unwrap();
    let [mut changed, honest] = [one, one];
    changed[0] = Digest::ZERO;
    let hashes = fork::proof(changed.as_slice(), 3, 5).unwrap();
    let longer = Fork::new(key.clone(), signed(&honest[..3]), signed(&changed), hashes).unwrap();
    vec![same.to_json().into_bytes(), longer.to_json().into_bytes()]
}

/// Choices as `fuzz/src/chain.rs` takes them: the link is four bytes (all right), then what the statement asks for.
fn scopes() -> Vec<Vec<u8>> {
    // Keys 1 and 2 with all roles, threshold 1; each key has a byte of roles it lacks and a byte of time; no recovery key, no
    // revocation, and nothing kept; signed by both.
    let first = [4, 0, 0, 0, 0, 0, 3, 1, 0, 0, 0, 0, 0, 0, 1, 3];
    // The same with a recovery key (25 hours), signed by both.
    let recoverable = [4, 0, 0, 0, 0, 0, 3, 1, 0, 0, 0, 0, 1, 2, 0, 1, 3];
    let release = |patch: u8, signers: u8| [0, 0, 0, 0, 0, patch, 1, signers];
    let status = |state: u8, signers: u8| [6, 0, 0, 0, 0, state, 1, 0, 0, 0, signers];
    // Key 2 goes and is revoked from statement 2 on; signed by key 1.
    let revoke = [4, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 2, 2, 1, 1];
    // Key 3 is added by the recovery key after 60 hours; signed by both.
    let recovery = [4, 0, 0, 0, 0, 0, 4, 1, 0, 60, 0, 0, 0, 0b1_0100];
    // By key 3, before and after it is valid.
    let late = [0, 0, 0, 0, 0, 1, 61, 4];
    vec![
        [&[0], first.as_slice(), &release(0, 1), &release(1, 3), &status(1, 2), &status(0, 1)].concat(),
        [&[0], first.as_slice(), &release(0, 2), &revoke, &release(1, 1), &release(2, 2)].concat(),
        [&[0], recoverable.as_slice(), &release(0, 1), &recovery, &release(1, 4), &late].concat(),
        [&[3], &first[..15], &[0b10_0011], &release(0, 1)].concat(),
    ]
}

fn operators() -> Vec<Vec<u8>> {
    // Root keys 1 to 3, two of which must sign; operator key 4.
    let root = |signers: u8| [0, 0, 0, 0, 0, 0, 0, 0b111, 0b1000, 2, signers];
    let snapshot = |size: u8, signers: u8| [3, 0, 0, 0, 0, 1, size, signers];
    let status = |state: u8| [5, 0, 0, 0, 0, state, 1, 0, 0, 0, 0b1000];
    vec![
        [root(0b11).as_slice(), &snapshot(1, 0b1000), &status(2), &status(3), &snapshot(9, 0b1000)].concat(),
        [root(0b101).as_slice(), &root(0b110), &status(0), &snapshot(3, 0b1)].concat(),
    ]
}

#[test]
fn the_known_sequences_are_accepted_to_their_end() {
    // If the choices and the target drifted apart, the mutations would reach nothing.
    let (scopes, operators) = (scopes(), operators());
    let folded: Vec<_> = scopes.iter().map(|input| super::targets::folded_scope(input)).collect();
    assert_eq!(folded, [5, 4, 4, 2], "statements accepted");
    let folded: Vec<_> = operators.iter().map(|input| super::targets::folded_operator(input)).collect();
    assert_eq!(folded, [5, 3], "statements accepted");
}
