//! The right edge of the log's tree: all that is needed to append to it.

use std::sync::Arc;

use skill_bundle::log::{
    merkle,
    tile::{Kind, Tile, TileTree, WIDTH, write_bundle, write_hashes},
};
use skill_schema::Digest;

use crate::{error::Error, store::event::Leaf};

/// The partial tile of each level, and the entries of the partial bundle.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edge {
    size: u64,
    /// Fewer than 256 hashes a level.
    levels: Vec<Vec<Digest>>,
    entries: Vec<Arc<str>>,
}

/// A file of the log and its bytes.
pub type TileFile = (Tile, Vec<u8>);

impl Edge {
    /// Leaves of the tree.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Root of the tree.
    pub fn root(&self) -> Result<Digest, Error> {
        let tree = TileTree::new(self.size, |tile| {
            let hashes = self.hashes(tile).map(<[Digest]>::to_vec);
            hashes.ok_or_else(|| Error::Damaged(format!("{tile} is not at the edge of the tree")))
        });
        merkle::root_of(&tree, self.size)
    }

    /// The hashes of a tile, if it is the partial one of its level.
    pub fn hashes(&self, tile: Tile) -> Option<&[Digest]> {
        let Kind::Hashes(level) = tile.kind else { return None };
        let hashes = self.levels.get(usize::from(level))?;
        (Tile::at(level, tile.index, self.size) == Some(tile) && tile.is_partial()).then_some(hashes.as_slice())
    }

    /// Appends leaves and answers the files that the larger log has and the smaller one had not.
    pub fn grow(&mut self, leaves: &[Leaf]) -> Result<Vec<TileFile>, Error> {
        let mut files = Vec::new();
        let before = self.size;
        for leaf in leaves {
            self.entries.push(Arc::from(leaf.envelope.as_str()));
            self.size += 1;
            self.push(0, leaf.hash, &mut files)?;
        }
        self.partial(before, &mut files)?;
        Ok(files)
    }

    /// The partial files that the log has.
    pub fn partials(&self) -> Result<Vec<TileFile>, Error> {
        let mut files = Vec::new();
        self.partial(0, &mut files)?;
        Ok(files)
    }

    /// Adds the partial files that have changed since the tree had `before` leaves.
    fn partial(&self, before: u64, files: &mut Vec<TileFile>) -> Result<(), Error> {
        for (level, number) in (0..self.levels.len()).zip(0_u8..) {
            let shift = 8 * u32::from(number);
            let changed = before >> shift != self.size >> shift;
            let tile = Tile::at(number, (self.size >> shift) / WIDTH, self.size);
            if let Some(tile) = tile.filter(|_| changed && !self.levels[level].is_empty()) {
                self.emit(tile, files)?;
            }
        }
        Ok(())
    }

    /// Adds a hash to a level; a full tile becomes a hash of the level above.
    fn push(&mut self, level: usize, hash: Digest, files: &mut Vec<TileFile>) -> Result<(), Error> {
        if self.levels.len() == level {
            self.levels.push(Vec::new());
        }
        self.levels[level].push(hash);
        if self.levels[level].len() as u64 == WIDTH {
            let shift = 8 * u32::try_from(level + 1).unwrap_or(u32::MAX);
            let kind =
                Kind::Hashes(u8::try_from(level).map_err(|_| Error::Damaged("the tree is too high".to_owned()))?);
            self.emit(Tile { kind, index: (self.size >> shift) - 1, width: 256 }, files)?;
            let above = merkle::root(&self.levels[level]);
            self.levels[level].clear();
            if level == 0 {
                self.entries.clear();
            }
            self.push(level + 1, above, files)?;
        }
        Ok(())
    }

    fn emit(&self, tile: Tile, files: &mut Vec<TileFile>) -> Result<(), Error> {
        let Kind::Hashes(level) = tile.kind else { return Ok(()) };
        if level == 0 {
            files.push((tile.entries(), write_bundle(self.entries.iter().map(|entry| entry.as_bytes()))?));
        }
        files.push((tile, write_hashes(&self.levels[usize::from(level)])));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(n: u32) -> Vec<Leaf> {
        let leaf = |envelope: String| Leaf { hash: merkle::leaf_hash(envelope.as_bytes()), envelope };
        (0..n).map(|n| leaf(format!("envelope {n}"))).collect()
    }

    #[test]
    fn however_it_grew_the_root_and_the_files_are_those_of_the_leaves() {
        let all = leaves(66_000);
        let hashes: Vec<Digest> = all.iter().map(|leaf| leaf.hash).collect();
        for sizes in [&[1, 2, 255, 256, 257, 600][..], &[256, 512], &[511, 65_536, 66_000], &[65_535, 65_537]] {
            let (mut edge, mut at) = (Edge::default(), 0);
            for size in sizes.iter().copied() {
                let files = edge.grow(&all[at..size]).unwrap();
                let mut names: Vec<Tile> = files.iter().map(|(tile, _)| *tile).collect();
                let mut expected = Tile::added(at as u64, size as u64);
                names.sort();
                expected.sort();
                assert_eq!(names, expected, "{at} → {size}");
                assert_eq!(edge.root().unwrap(), merkle::root(&hashes[..size]), "{size}");
                at = size;
            }
        }
        assert_eq!(Edge::default().root().unwrap(), merkle::root(&[]));
    }

    #[test]
    fn files_hold_what_their_names_say() {
        let all = leaves(300);
        let mut edge = Edge::default();
        let files = edge.grow(&all).unwrap();
        let bytes = |name: &str| &files.iter().find(|(tile, _)| tile.to_string() == name).unwrap().1;
        let hashes: Vec<Digest> = all.iter().map(|leaf| leaf.hash).collect();
        assert_eq!(*bytes("tile/0/000"), write_hashes(&hashes[..256]));
        assert_eq!(*bytes("tile/0/001.p/44"), write_hashes(&hashes[256..]));
        assert_eq!(*bytes("tile/1/000.p/1"), write_hashes(&[merkle::root(&hashes[..256])]));
        let entries = skill_bundle::log::tile::read_bundle(bytes("tile/entries/001.p/44"), 44).unwrap();
        assert_eq!(entries[43], b"envelope 299");
        assert_eq!(edge.hashes("tile/0/001.p/44".parse().unwrap()).unwrap(), &hashes[256..]);
        assert_eq!(edge.hashes("tile/0/000".parse().unwrap()), None);
    }
}
