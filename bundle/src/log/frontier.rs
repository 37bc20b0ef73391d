//! A Merkle tree that only grows, reduced to what its root follows from: one hash for each complete subtree, largest first.

use skill_schema::Digest;

use super::merkle::{node_hash, root};

/// The tree. It holds at most 64 hashes, and its root after any leaf costs as many steps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    subtrees: Vec<Digest>,
}

impl Frontier {
    /// Leaves of the tree.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf by its hash.
    pub fn push(&mut self, leaf: Digest) {
        let mut hash = leaf;
        // As many subtrees are completed as the number of leaves before ends in ones.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.subtrees.pop() {
                hash = node_hash(&left, &hash);
            }
        }
        self.subtrees.push(hash);
        self.size += 1;
    }

    /// Root of the tree (RFC 6962 §2.1).
    pub fn root(&self) -> Digest {
        let mut subtrees = self.subtrees.iter().rev();
        let last = subtrees.next().copied().unwrap_or_else(|| root(&[]));
        subtrees.fold(last, |right, left| node_hash(left, &right))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::sha256;

    #[test]
    fn its_root_after_each_leaf_is_that_of_the_leaves() {
        let leaves: Vec<Digest> = (0_u32..600).map(|n| sha256(&n.to_le_bytes())).collect();
        let mut tree = Frontier::default();
        assert_eq!(tree.root(), root(&[]));
        for (n, leaf) in leaves.iter().enumerate() {
            tree.push(*leaf);
            assert_eq!((tree.root(), tree.size()), (root(&leaves[..=n]), n as u64 + 1));
        }
    }
}
