//! What other implementations in Rust make of our log, and we of theirs: `signed_note` and `tlog_tiles` (of Cloudflare's azul), and
//! `ct-merkle`. None is ever skipped, since they are built with the tests.

use ct_merkle::{ConsistencyProof, InclusionProof, RootHash, mem_backed_tree::MemoryBackedTree};
use signed_note::{StandardSigner, StandardVerifier, VerifierList};
use skill_bundle::{
    keys::SecretKey,
    log::{
        checkpoint::{Checkpoint, Policy, Signed},
        merkle,
        tile::{Kind, Tile, TileTree},
    },
    note::{Algorithm, Note, Verified, VerifierKey},
};
use skill_schema::{Digest, Fault, codes};
use tlog_tiles::{Hash, HashReader, TileHashReader, TileReader};

type Tree = MemoryBackedTree<sha2::Sha256, Vec<u8>>;
type Root = RootHash<sha2::Sha256>;

/// Every tree up to this size is compared, which is more than a full tile.
const MOST: usize = 300;

fn entry(n: usize) -> Vec<u8> {
    format!("{{\"entry\":{n}}}").into_bytes()
}

fn leaves() -> Vec<Digest> {
    (0..MOST).map(|n| merkle::leaf_hash(&entry(n))).collect()
}

fn log() -> (VerifierKey, SecretKey) {
    let secret = SecretKey::from_seed(&[2; 32]);
    (VerifierKey::new("skills.example/log", Algorithm::Ed25519, secret.public()).unwrap(), secret)
}

fn theirs(hash: Digest) -> Hash {
    Hash(hash.0)
}

fn digests(bytes: &[u8]) -> Vec<Digest> {
    bytes.as_chunks().0.iter().copied().map(Digest).collect()
}

fn concat(hashes: &[Digest]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

#[test]
fn ct_merkle_has_the_same_roots_and_proofs() {
    let all = leaves();
    let mut tree = Tree::new();
    let mut roots: Vec<Root> = Vec::new();
    for size in 1..=MOST {
        tree.push(entry(size - 1));
        let (ours, root) = (merkle::root(&all[..size]), tree.root());
        assert_eq!(root.as_bytes().as_slice(), ours.0, "{size}");
        let wide = size as u64;
        for index in 0..size {
            let place = index as u64;
            let proof = merkle::prove_inclusion(all.as_slice(), place, wide).unwrap();
            assert_eq!(digests(tree.prove_inclusion(index).as_bytes()), proof, "{index} of {size}");
            let read = InclusionProof::try_from_bytes(concat(&proof)).unwrap();
            root.verify_inclusion(&entry(index), place, &read).unwrap();
        }
        for (before, old) in roots.iter().zip(1..) {
            let proof = merkle::prove_consistency(all.as_slice(), old, wide).unwrap();
            let by_them = tree.prove_consistency(size - usize::try_from(before.num_leaves()).unwrap());
            let read = ConsistencyProof::try_from_bytes(concat(&proof)).unwrap();
            root.verify_consistency(before, &read).unwrap();
            let old_root = Digest(before.as_bytes().as_slice().try_into().unwrap());
            merkle::verify_consistency(old, &old_root, wide, &ours, &digests(by_them.as_bytes())).unwrap();
            assert_eq!(digests(by_them.as_bytes()), proof, "{old} of {size}");
        }
        roots.push(root);
    }
}

/// The hashes of a tree in the order in which `tlog_tiles` stores them.
struct Stored(Vec<Hash>);

impl Stored {
    fn of(entries: usize) -> Self {
        let mut stored = Self(Vec::new());
        for n in 0..entries {
            let new = tlog_tiles::stored_hashes(n as u64, &entry(n), &stored).unwrap();
            stored.0.extend(new);
        }
        stored
    }
}

impl HashReader for Stored {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, tlog_tiles::Error> {
        Ok(indexes.iter().map(|index| self.0[usize::try_from(*index).unwrap()]).collect())
    }
}

#[test]
fn tlog_tiles_makes_and_checks_the_same_proofs() {
    let (all, stored) = (leaves(), Stored::of(MOST));
    let ours = |hashes: Vec<Hash>| hashes.into_iter().map(|hash| Digest(hash.0)).collect::<Vec<_>>();
    let their = |hashes: &[Digest]| hashes.iter().copied().map(theirs).collect::<Vec<_>>();
    for size in 1..=MOST {
        let (wide, root) = (size as u64, merkle::root(&all[..size]));
        assert_eq!(tlog_tiles::tree_hash(wide, &stored).unwrap(), theirs(root));
        for index in 0..size {
            let (place, leaf) = (index as u64, all[index]);
            let proof = merkle::prove_inclusion(all.as_slice(), place, wide).unwrap();
            tlog_tiles::check_record(&their(&proof), wide, theirs(root), place, theirs(leaf)).unwrap();
            let by_them = ours(tlog_tiles::prove_record(wide, place, &stored).unwrap());
            merkle::verify_inclusion(&leaf, place, wide, &by_them, &root).unwrap();

            let (old, before) = (place + 1, merkle::root(&all[..=index]));
            // Theirs begins with the old root where RFC 6962 leaves it out only if the sizes are equal; ours follows the RFC.
            let proof = merkle::prove_consistency(all.as_slice(), old, wide).unwrap();
            tlog_tiles::check_tree(&their(&proof), wide, theirs(root), old, theirs(before)).unwrap();
            let by_them = ours(tlog_tiles::prove_tree(wide, old, &stored).unwrap());
            merkle::verify_consistency(old, &before, wide, &root, &by_them).unwrap();
            assert_eq!(by_them, proof, "{old} of {size}");
        }
    }
}

/// Their tile of the same place. Their paths have the height in them, and C2SP's do not.
fn tile(tile: tlog_tiles::Tile) -> Tile {
    let path = tile.path().replacen("tile/8/", "tile/", 1).replacen("/data/", "/entries/", 1);
    path.parse().unwrap_or_else(|fault| panic!("{path}: {fault:?}"))
}

#[test]
fn tlog_tiles_adds_the_same_tiles_under_the_same_paths() {
    let mut pairs = vec![(0, 1), (0, 255), (255, 256), (256, 257), (0, 300), (1, 70_000), (65_535, 65_536)];
    pairs.extend([(65_536, 65_537), (1 << 24, (1 << 24) + 1), (256 * 1_234_067, 256 * 1_234_068 + 5)]);
    pairs.extend((0..600).step_by(7).map(|n| (n, n + n % 301)));
    for (old, new) in pairs {
        let mut by_them: Vec<Tile> = tlog_tiles::Tile::new_tiles(8, old, new).into_iter().map(tile).collect();
        let mut ours: Vec<Tile> = Tile::added(old, new).into_iter().filter(|t| t.kind != Kind::Entries).collect();
        by_them.sort();
        ours.sort();
        assert_eq!(ours, by_them, "{old} to {new}");
    }
    for (index, width) in [(0, 1), (999, 256), (1_000, 255), (1_234_067, 7), (u64::MAX >> 8, 256)] {
        for level in [0, 1, 7, 63] {
            let their = tlog_tiles::Tile::new(8, level, index, width, false);
            let ours = Tile { kind: Kind::Hashes(level), index, width: u16::try_from(width).unwrap() };
            assert_eq!((tile(their), tile(their).to_string()), (ours, ours.to_string()));
            let full = ours.to_string().replacen("tile/", "tile/8/", 1);
            assert_eq!(tlog_tiles::Tile::from_path(&full).unwrap(), their);
        }
        let mut data = tlog_tiles::Tile::new(8, 0, index, width, false);
        data.set_is_data();
        assert_eq!(tile(data).kind, Kind::Entries);
    }
}

/// Our tiles, as they would be fetched.
struct OurTiles {
    leaves: Vec<Digest>,
}

impl OurTiles {
    fn hashes(&self, tile: Tile) -> Vec<Digest> {
        let Kind::Hashes(level) = tile.kind else { panic!("{tile}") };
        let nodes = |n: u64| merkle::Nodes::node(self.leaves.as_slice(), u32::from(level) * 8, n).unwrap();
        (tile.index * 256..tile.index * 256 + u64::from(tile.width)).map(nodes).collect()
    }
}

impl TileReader for OurTiles {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[tlog_tiles::Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
        Ok(tiles.iter().map(|their| concat(&self.hashes(tile(*their)))).collect())
    }

    fn save_tiles(&self, _: &[tlog_tiles::Tile], _: &[Vec<u8>]) {}
}

#[test]
fn tlog_tiles_reads_our_tiles_and_we_read_theirs() {
    let all = leaves();
    for size in [1, 2, 255, 256, 257, 300] {
        let (wide, root) = (size as u64, merkle::root(&all[..size]));
        let tiles = OurTiles { leaves: all[..size].to_vec() };
        let reader = TileHashReader::new(wide, theirs(root), &tiles);
        let stored = Stored::of(size);
        let read = |ours: Tile| -> Result<Vec<Digest>, Fault> {
            let Kind::Hashes(level) = ours.kind else { return Err(Fault::new(codes::TILE)) };
            let their = tlog_tiles::Tile::new(8, level, ours.index, u32::from(ours.width), false);
            Ok(digests(&their.read_data(&stored).unwrap()))
        };
        let tree = TileTree::new(wide, read);
        assert_eq!(merkle::root_of(&tree, wide).unwrap(), root);
        for index in 0..wide {
            let by_them = tlog_tiles::prove_record(wide, index, &reader).unwrap();
            let ours = merkle::prove_inclusion(&tree, index, wide).unwrap();
            assert_eq!(by_them, ours.into_iter().map(theirs).collect::<Vec<_>>());
        }
    }
}

#[test]
fn signed_note_verifies_our_notes_and_we_verify_theirs() {
    let (key, secret) = log();
    let signer = format!(
        "PRIVATE+KEY+{}+{}+{}",
        key.name(),
        hex::encode(key.hash()),
        base64::Engine::encode(&base64::prelude::BASE64_STANDARD, [&[1], [2; 32].as_slice()].concat())
    );
    let signer = StandardSigner::new(&signer).unwrap();
    let verifier = || VerifierList::new(vec![Box::new(StandardVerifier::new(&key.to_string()).unwrap())]);
    for text in ["a\n", "a\nb\n\nc\n", "\n", "\n\n\n", "\u{2014} x\u{2014}\n", "\u{fc}\u{20ac}\u{1f40e}\n", " \n"] {
        let Ok(mut ours) = Note::new(text.to_owned()) else {
            assert_eq!(text, "\u{2014} x\u{2014}\n", "we refuse what looks like a signature");
            continue;
        };
        ours.sign(&key, &secret, 0).unwrap();
        let read = signed_note::Note::from_bytes(ours.to_string().as_bytes()).unwrap();
        assert_eq!(read.verify(&verifier()).unwrap().0.len(), 1, "{text:?}");

        let mut note = signed_note::Note::new(text.as_bytes(), &[]).unwrap();
        note.add_sigs(&[&signer]).unwrap();
        assert_eq!(String::from_utf8(note.to_bytes()).unwrap(), ours.to_string(), "{text:?}");
        assert_eq!(Note::parse(&note.to_bytes()).unwrap().verify(&key), Ok(Some(Verified::Signed)));

        let changed = String::from_utf8(note.to_bytes()).unwrap().replacen('\n', "x\n", 1);
        let read = signed_note::Note::from_bytes(changed.as_bytes()).unwrap();
        assert!(read.verify(&verifier()).is_err());
        assert_eq!(Note::parse(changed.as_bytes()).unwrap().verify(&key).map_err(|f| f.code), Err(codes::SIGNATURE));
    }
    // A witness's line is passed over by who does not know the witness.
    let (mut note, witness) = (Note::new("a\n".to_owned()).unwrap(), SecretKey::from_seed(&[3; 32]));
    let witness_key = VerifierKey::new("w", Algorithm::Cosignature, witness.public()).unwrap();
    note.sign(&key, &secret, 0).unwrap();
    note.sign(&witness_key, &witness, 77).unwrap();
    let read = signed_note::Note::from_bytes(note.to_string().as_bytes()).unwrap();
    let (known, unknown) = read.verify(&verifier()).unwrap();
    assert_eq!((known.len(), unknown.len()), (1, 1));
}

#[test]
fn tlog_tiles_writes_and_reads_the_same_checkpoints() {
    let (key, secret) = log();
    for (size, extension) in [(0, ""), (1, "x\n"), (u64::MAX, "x y\nz\n")] {
        let root = merkle::leaf_hash(&size.to_be_bytes());
        let by_them = tlog_tiles::Checkpoint::new(key.name(), size, theirs(root), extension).unwrap();
        let extensions = extension.lines().map(str::to_owned).collect();
        let ours = Checkpoint { extensions, ..Checkpoint::new(key.name(), size, root) };
        assert_eq!(ours.to_string().as_bytes(), by_them.to_bytes());
        assert_eq!(Checkpoint::parse(std::str::from_utf8(&by_them.to_bytes()).unwrap()), Ok(ours.clone()));
        assert_eq!(tlog_tiles::Checkpoint::from_bytes(ours.to_string().as_bytes()).unwrap(), by_them);
        let signed = Signed::sign(ours, &key, &secret).unwrap();
        let note = signed_note::Note::from_bytes(signed.to_string().as_bytes()).unwrap();
        assert_eq!(tlog_tiles::Checkpoint::from_bytes(note.text()).unwrap(), by_them);
        assert_eq!(Signed::parse(&note.to_bytes()).unwrap().verify(&Policy::of_log(key.clone())), Ok(None));
    }
}
