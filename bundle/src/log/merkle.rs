//! Merkle trees of RFC 6962 §2.1 over SHA-256.
//!
//! A *node* is the root of a complete subtree: `node(level, index)` covers the leaves `index << level .. (index + 1) << level`. Every
//! root and every proof is made of nodes, wherever they come from ([`Nodes`]).

use skill_schema::{Digest, Fault, codes};

use crate::hash::Hasher;

/// Where the hashes of complete subtrees come from.
pub trait Nodes {
    /// Why a hash cannot be had.
    type Error;
    /// The root of the complete subtree over `index << level .. (index + 1) << level`.
    fn node(&self, level: u32, index: u64) -> Result<Digest, Self::Error>;
}

/// The leaves of a tree in memory: for tests and small trees.
impl Nodes for [Digest] {
    type Error = Fault;

    fn node(&self, level: u32, index: u64) -> Result<Digest, Fault> {
        let place = |n: u64| usize::try_from(n).ok();
        let range = index.checked_shl(level).and_then(place).zip((index + 1).checked_shl(level).and_then(place));
        let leaves = range.and_then(|(from, to)| self.get(from..to));
        leaves.map(root).ok_or_else(|| fault("the tree is smaller"))
    }
}

/// Hash of a leaf: SHA-256 of a zero byte and its bytes.
pub fn leaf_hash(bytes: &[u8]) -> Digest {
    let mut hasher = Hasher::new();
    hasher.update(&[0]);
    hasher.update(bytes);
    hasher.finish()
}

/// Hash of an inner node: SHA-256 of a one byte and the two hashes below it.
pub fn node_hash(left: &Digest, right: &Digest) -> Digest {
    let mut hasher = Hasher::new();
    hasher.update(&[1]);
    hasher.update(&left.0);
    hasher.update(&right.0);
    hasher.finish()
}

/// Root of the tree over these leaf hashes; of no leaves, SHA-256 of nothing.
pub fn root(leaves: &[Digest]) -> Digest {
    match leaves {
        [] => Hasher::new().finish(),
        [one] => *one,
        _ => {
            let (left, right) = leaves.split_at(usize::try_from(split(leaves.len() as u64)).unwrap_or(1));
            node_hash(&root(left), &root(right))
        }
    }
}

/// Root of the first `size` leaves.
pub fn root_of<N: Nodes + ?Sized>(nodes: &N, size: u64) -> Result<Digest, N::Error> {
    if size == 0 { Ok(root(&[])) } else { range(nodes, 0, size) }
}

/// The proof that leaf `index` is in the tree of `size` leaves, from its sibling up (RFC 6962 §2.1.1). `index` is below `size`.
pub fn prove_inclusion<N: Nodes + ?Sized>(nodes: &N, index: u64, size: u64) -> Result<Vec<Digest>, N::Error> {
    let (mut from, mut to, mut above) = (0, size, Vec::new());
    while to - from > 1 {
        let middle = from + split(to - from);
        if index < middle {
            above.push(range(nodes, middle, to)?);
            to = middle;
        } else {
            above.push(range(nodes, from, middle)?);
            from = middle;
        }
    }
    above.reverse();
    Ok(above)
}

/// The proof that the tree of `old` leaves is the beginning of that of `size` leaves (RFC 6962 §2.1.2); empty for `old` 0 or `size`.
pub fn prove_consistency<N: Nodes + ?Sized>(nodes: &N, old: u64, size: u64) -> Result<Vec<Digest>, N::Error> {
    let mut above = Vec::new();
    if old == 0 || old >= size {
        return Ok(above);
    }
    let (mut from, mut to) = (0, size);
    while to != old {
        let middle = from + split(to - from);
        if old <= middle {
            above.push(range(nodes, middle, to)?);
            to = middle;
        } else {
            above.push(range(nodes, from, middle)?);
            from = middle;
        }
    }
    // The subtree that both trees share; its hash is the old root itself if it begins at the first leaf.
    if from > 0 {
        above.push(range(nodes, from, to)?);
    }
    above.reverse();
    Ok(above)
}

/// Checks [`prove_inclusion`] ([`codes::PROOF`]; RFC 9162 §2.1.3.2).
pub fn verify_inclusion(leaf: &Digest, index: u64, size: u64, proof: &[Digest], root: &Digest) -> Result<(), Fault> {
    if index >= size {
        return Err(fault(&format!("leaf {index} of a log of {size}")));
    }
    let (mut place, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in proof {
        if last == 0 {
            return Err(fault("it is too long"));
        }
        if place & 1 == 1 || place == last {
            hash = node_hash(sibling, &hash);
            while place & 1 == 0 && place != 0 {
                (place, last) = (place >> 1, last >> 1);
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        (place, last) = (place >> 1, last >> 1);
    }
    if last == 0 && hash == *root { Ok(()) } else { Err(fault(&format!("leaf {index} is not under the root"))) }
}

/// Checks [`prove_consistency`] between two sizes and roots ([`codes::PROOF`]).
pub fn verify_consistency(
    old: u64,
    old_root: &Digest,
    size: u64,
    size_root: &Digest,
    proof: &[Digest],
) -> Result<(), Fault> {
    let (first, second) = consistency_roots(old, old_root, size, proof)?;
    if second != *size_root {
        return Err(fault("the hashes are not those of the larger log"));
    }
    if first == *old_root { Ok(()) } else { Err(fault(&format!("it does not continue the log of {old}"))) }
}

/// The two roots that a consistency proof leads to: of the first `old` leaves and of all `size` leaves (RFC 9162 §2.1.4.2). If the second
/// one is what a log signed, the first one is what that log contains, whatever it had signed before.
///
/// `old_root` is needed where the proof leaves it out (`old` 0, `size` or a power of two). Fails with [`codes::PROOF`] for a proof
/// of the wrong length, and for sizes that do not ascend.
pub fn consistency_roots(old: u64, old_root: &Digest, size: u64, proof: &[Digest]) -> Result<(Digest, Digest), Fault> {
    let wrong_length = || fault("it has the wrong length");
    if old > size {
        return Err(fault("the sizes do not ascend"));
    }
    if old == 0 || old == size {
        let roots = (if old == 0 { root(&[]) } else { *old_root }, *old_root);
        return if proof.is_empty() && old == size { Ok(roots) } else { Err(wrong_length()) };
    }
    let whole = old.is_power_of_two().then_some(*old_root);
    let mut hashes = whole.iter().chain(proof);
    let start = *hashes.next().ok_or_else(wrong_length)?;
    let (mut place, mut last) = (old - 1, size - 1);
    while place & 1 == 1 {
        (place, last) = (place >> 1, last >> 1);
    }
    let (mut first, mut second) = (start, start);
    for hash in hashes {
        if last == 0 {
            return Err(wrong_length());
        }
        if place & 1 == 1 || place == last {
            first = node_hash(hash, &first);
            second = node_hash(hash, &second);
            while place & 1 == 0 && place != 0 {
                (place, last) = (place >> 1, last >> 1);
            }
        } else {
            second = node_hash(&second, hash);
        }
        (place, last) = (place >> 1, last >> 1);
    }
    if last == 0 { Ok((first, second)) } else { Err(wrong_length()) }
}

/// Hash of the leaves `from..to`, where `from` is a multiple of a power of two that is at least `to - from`.
fn range<N: Nodes + ?Sized>(nodes: &N, from: u64, to: u64) -> Result<Digest, N::Error> {
    let mut parts = Vec::new();
    let mut start = from;
    while start < to {
        let level = (to - start).ilog2();
        parts.push(nodes.node(level, start >> level)?);
        start += 1 << level;
    }
    let mut parts = parts.into_iter().rev();
    let last = parts.next().unwrap_or_else(|| root(&[]));
    Ok(parts.fold(last, |right, left| node_hash(&left, &right)))
}

/// The largest power of two below `n`, which is at least 2: where a tree of `n` leaves is split.
fn split(n: u64) -> u64 {
    1 << (n - 1).ilog2()
}

fn fault(detail: &str) -> Fault {
    Fault::new(codes::PROOF).detail(detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(n: u64) -> Vec<Digest> {
        (0..n).map(|n| leaf_hash(&n.to_be_bytes())).collect()
    }

    #[test]
    fn roots_are_those_of_the_known_answers() {
        // RFC 6962 test vectors of the certificate-transparency project: eight leaves.
        let inputs: [&[u8]; 8] = [
            b"",
            b"\x00",
            b"\x10",
            b"\x20\x21",
            b"\x30\x31",
            b"\x40\x41\x42\x43",
            b"\x50\x51\x52\x53\x54\x55\x56\x57",
            b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        ];
        let all: Vec<Digest> = inputs.iter().map(|input| leaf_hash(input)).collect();
        for (size, expected) in [
            (0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            (1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
            (2, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
            (3, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
            (4, "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
            (5, "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"),
            (6, "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"),
            (7, "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"),
            (8, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
        ] {
            assert_eq!(root(&all[..size]).to_string(), expected, "{size}");
            assert_eq!(root_of(all.as_slice(), size as u64).unwrap().to_string(), expected, "{size}");
        }
    }

    #[test]
    fn every_inclusion_proof_up_to_300_leaves_verifies_and_every_flipped_bit_is_noticed() {
        let all = leaves(300);
        for size in 1..=300 {
            let tree = root(&all[..usize::try_from(size).unwrap()]);
            for index in 0..size {
                let leaf = &all[usize::try_from(index).unwrap()];
                let proof = prove_inclusion(all.as_slice(), index, size).unwrap();
                verify_inclusion(leaf, index, size, &proof, &tree).unwrap();
                flip(&proof, size * 31 + index, |proof| verify_inclusion(leaf, index, size, proof, &tree));
                if (size * 7 + index) % 997 == 0 {
                    spoil(&proof, |proof| verify_inclusion(leaf, index, size, proof, &tree));
                    assert!(verify_inclusion(leaf, index ^ 1, size, &proof, &tree).is_err() || size == 1);
                    spoil(&[*leaf], |leaf| verify_inclusion(&leaf[0], index, size, &proof, &tree));
                    spoil(&[tree], |tree| verify_inclusion(leaf, index, size, &proof, &tree[0]));
                }
            }
        }
    }

    #[test]
    fn every_consistency_proof_up_to_300_leaves_verifies_and_every_flipped_bit_is_noticed() {
        let all = leaves(300);
        let roots: Vec<Digest> = (0..=300).map(|n| root(&all[..n])).collect();
        for size in 1..=300_u64 {
            let new = &roots[usize::try_from(size).unwrap()];
            for old in 1..=size {
                let before = &roots[usize::try_from(old).unwrap()];
                let proof = prove_consistency(all.as_slice(), old, size).unwrap();
                verify_consistency(old, before, size, new, &proof).unwrap();
                flip(&proof, size * 31 + old, |proof| verify_consistency(old, before, size, new, proof));
                if (size * 7 + old) % 997 == 0 {
                    spoil(&proof, |proof| verify_consistency(old, before, size, new, proof));
                    spoil(&[*before], |before| verify_consistency(old, &before[0], size, new, &proof));
                    spoil(&[*new], |new| verify_consistency(old, before, size, &new[0], &proof));
                    assert!(old == size || verify_consistency(old + 1, before, size, new, &proof).is_err());
                }
            }
        }
    }

    /// One flipped bit in one of the hashes, another one each time.
    fn flip(hashes: &[Digest], n: u64, verify: impl Fn(&[Digest]) -> Result<(), Fault>) {
        let n = usize::try_from(n).unwrap();
        let mut changed = hashes.to_vec();
        let Some(hash) = n.checked_rem(hashes.len()).map(|place| &mut changed[place]) else { return };
        hash.0[n / 8 % 32] ^= 1 << (n % 8);
        assert!(verify(&changed).is_err(), "bit {n}");
    }

    /// Every single flipped bit, a hash too few and a hash too many must be refused.
    fn spoil(hashes: &[Digest], verify: impl Fn(&[Digest]) -> Result<(), Fault>) {
        for bit in 0..hashes.len() * 256 {
            let mut changed = hashes.to_vec();
            changed[bit / 256].0[bit % 256 / 8] ^= 1 << (bit % 8);
            assert_eq!(verify(&changed).map_err(|f| f.code), Err(codes::PROOF), "bit {bit}");
        }
        if hashes.len() > 1 {
            assert!(verify(&hashes[1..]).is_err() && verify(&hashes[..hashes.len() - 1]).is_err());
            assert!(verify(&[hashes, &[Digest::ZERO]].concat()).is_err());
        }
    }

    #[test]
    fn proofs_about_nothing_are_refused() {
        let all = leaves(4);
        let tree = root(&all);
        assert!(verify_inclusion(&all[0], 4, 4, &[], &tree).is_err());
        assert!(verify_inclusion(&all[0], 0, 0, &[], &tree).is_err());
        assert!(verify_consistency(0, &root(&[]), 4, &tree, &[]).is_err(), "there is nothing to prove from nothing");
        assert!(verify_consistency(5, &tree, 4, &tree, &[]).is_err());
        assert!(verify_consistency(4, &tree, 4, &tree, &[Digest::ZERO]).is_err());
        assert!(all.as_slice().node(1, 2).is_err() && all.as_slice().node(63, 1).is_err());
    }
}
