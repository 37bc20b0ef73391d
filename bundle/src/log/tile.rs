//! The static files of a log (C2SP tlog-tiles): tiles of up to 256 hashes, and bundles of up to 256 entries.

use std::{collections::BTreeSet, convert::Infallible, fmt, str::FromStr};

use skill_schema::{Digest, Fault, codes};

use super::{
    merkle::{self, Nodes},
    parse_number,
};

/// Hashes of a full tile, and entries of a full bundle.
pub const WIDTH: u64 = 256;
/// Levels of the tree between a tile's hashes and the root of a full tile.
const HEIGHT: u32 = 8;
/// Bytes of a hash.
const HASH_LEN: usize = 32;
/// Bytes of one entry in a bundle: its length is written in 16 bits.
pub const MAX_ENTRY: usize = u16::MAX as usize;
/// Bytes of a full bundle at the most.
pub const MAX_BUNDLE: usize = 256 * (2 + MAX_ENTRY);
/// The highest level of a tile; a tree of 64 bits has eight.
const MAX_LEVEL: u64 = 63;
/// Where the files of a log begin.
const FOLDER: &str = "tile/";

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Statements.
    Entries,
    /// Hashes: at level 0 of leaves, above of full tiles of the level below.
    Hashes(u8),
}

/// A tile or entry bundle: which one, and how much of it there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    /// What it holds.
    pub kind: Kind,
    /// Its number on its level, from 0.
    pub index: u64,
    /// Hashes or entries, 1 to 256; below 256 it is partial.
    pub width: u16,
}

impl Tile {
    /// The tile of hashes of a level in a tree of `size` leaves; `None` if there is none.
    pub fn at(level: u8, index: u64, size: u64) -> Option<Self> {
        let hashes = size.checked_shr(u32::from(level) * HEIGHT).unwrap_or(0);
        let width = hashes.checked_sub(index.checked_mul(WIDTH)?)?.min(WIDTH);
        let width = u16::try_from(width).ok().filter(|width| *width > 0)?;
        Some(Self { kind: Kind::Hashes(level), index, width })
    }

    /// The bundle that holds the entries of a tile of level 0.
    #[must_use]
    pub fn entries(self) -> Self {
        Self { kind: Kind::Entries, ..self }
    }

    /// The same place, full.
    #[must_use]
    pub fn full(self) -> Self {
        Self { width: 256, ..self }
    }

    /// Whether it has fewer than 256 hashes or entries.
    pub fn is_partial(self) -> bool {
        u64::from(self.width) < WIDTH
    }

    /// The smallest size of a log that has it.
    pub fn size(self) -> u64 {
        let level = if let Kind::Hashes(level) = self.kind { u32::from(level) } else { 0 };
        let hashes = self.index.saturating_mul(WIDTH).saturating_add(u64::from(self.width));
        hashes.saturating_mul(1_u64.checked_shl(level * HEIGHT).unwrap_or(u64::MAX))
    }

    /// All tiles and bundles that a log of `new` leaves has and one of `old` leaves had not, level by level, bundles first.
    pub fn added(old: u64, new: u64) -> Vec<Self> {
        let mut tiles = Vec::new();
        for level in 0..8 {
            let hashes = |size: u64| size >> (u32::from(level) * HEIGHT);
            if hashes(old) == hashes(new) {
                break;
            }
            let indices = hashes(old) / WIDTH..=(hashes(new) - 1) / WIDTH;
            let level = indices.filter_map(|index| Self::at(level, index, new));
            tiles.extend(level);
        }
        let bundles = tiles.iter().filter(|tile| tile.kind == Kind::Hashes(0)).map(|tile| tile.entries());
        bundles.chain(tiles.iter().copied()).collect()
    }
}

/// The path below the log's address: `tile/0/x001/067.p/5`.
impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Entries => write!(f, "{FOLDER}entries/")?,
            Kind::Hashes(level) => write!(f, "{FOLDER}{level}/")?,
        }
        let mut groups = vec![self.index % 1000];
        let mut rest = self.index / 1000;
        while rest > 0 {
            groups.push(rest % 1000);
            rest /= 1000;
        }
        for group in groups[1..].iter().rev() {
            write!(f, "x{group:03}/")?;
        }
        write!(f, "{:03}", groups[0])?;
        if self.is_partial() { write!(f, ".p/{}", self.width) } else { Ok(()) }
    }
}

/// Reads a path exactly as [`fmt::Display`] writes it ([`codes::TILE`]).
impl FromStr for Tile {
    type Err = Fault;

    fn from_str(path: &str) -> Result<Self, Fault> {
        let tile = parse(path).ok_or_else(|| fault("not the path of a tile").at(path))?;
        // One comparison refuses every other spelling.
        if tile.to_string() == path { Ok(tile) } else { Err(fault("not the path of a tile").at(path)) }
    }
}

fn parse(path: &str) -> Option<Tile> {
    let (level, rest) = path.strip_prefix(FOLDER)?.split_once('/')?;
    let kind = if level == "entries" {
        Kind::Entries
    } else {
        Kind::Hashes(parse_number(level).filter(|level| *level <= MAX_LEVEL)?.try_into().ok()?)
    };
    let (number, width) = match rest.split_once(".p/") {
        Some((number, width)) => (number, parse_number(width).filter(|width| (1..WIDTH).contains(width))?),
        None => (rest, WIDTH),
    };
    let mut index: u64 = 0;
    for group in number.split('/') {
        let digits = group.strip_prefix('x').unwrap_or(group);
        if digits.len() != 3 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        index = index.checked_mul(1000)?.checked_add(digits.parse().ok()?)?;
    }
    Some(Tile { kind, index, width: width.try_into().ok()? })
}

/// Writes a bundle: each entry after its length in 16 bits, most significant byte first. Entries over [`MAX_ENTRY`] are refused.
pub fn write_bundle<'a>(entries: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<u8>, Fault> {
    let mut bundle = Vec::new();
    for entry in entries {
        let length = u16::try_from(entry.len()).map_err(|_| fault("an entry is too long"))?;
        bundle.extend_from_slice(&length.to_be_bytes());
        bundle.extend_from_slice(entry);
    }
    Ok(bundle)
}

/// Reads a bundle of exactly `width` entries.
pub fn read_bundle(bytes: &[u8], width: u16) -> Result<Vec<&[u8]>, Fault> {
    let cut = || fault("an entry bundle is cut off");
    let (mut rest, mut entries) = (bytes, Vec::with_capacity(usize::from(width)));
    for _ in 0..width {
        let (length, after) = rest.split_first_chunk().ok_or_else(cut)?;
        let (entry, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length))).ok_or_else(cut)?;
        entries.push(entry);
        rest = after;
    }
    if rest.is_empty() { Ok(entries) } else { Err(fault("an entry bundle has too many entries")) }
}

/// Writes a tile of hashes.
pub fn write_hashes(hashes: &[Digest]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

/// Reads a tile of exactly `width` hashes.
pub fn read_hashes(bytes: &[u8], width: u16) -> Result<Vec<Digest>, Fault> {
    let (hashes, rest) = bytes.as_chunks::<HASH_LEN>();
    if hashes.len() != usize::from(width) || !rest.is_empty() {
        return Err(fault(&format!("{} bytes where {width} hashes are expected", bytes.len())));
    }
    Ok(hashes.iter().copied().map(Digest).collect())
}

/// A tree that is read from tiles: each hash of a complete subtree follows from one tile.
pub struct TileTree<F> {
    size: u64,
    read: F,
}

impl<E, F: Fn(Tile) -> Result<Vec<Digest>, E>> TileTree<F> {
    /// A tree of `size` leaves whose tiles `read` knows. Only tiles that such a tree has are asked for.
    pub fn new(size: u64, read: F) -> Self {
        Self { size, read }
    }
}

impl<E: From<Fault>, F: Fn(Tile) -> Result<Vec<Digest>, E>> Nodes for TileTree<F> {
    type Error = E;

    fn node(&self, level: u32, index: u64) -> Result<Digest, E> {
        let (tile, from, to) = place(level, index, self.size).ok_or_else(|| fault("the tree is smaller"))?;
        let hashes = (self.read)(tile)?;
        let below = hashes.get(from..to).ok_or_else(|| fault("a tile is too small"))?;
        Ok(merkle::root(below))
    }
}

/// The tile that the hash of a complete subtree follows from, and which of its hashes are below it.
fn place(level: u32, index: u64, size: u64) -> Option<(Tile, usize, usize)> {
    let within = level % HEIGHT;
    let first = index.checked_shl(within)?;
    let tile = Tile::at(u8::try_from(level / HEIGHT).ok()?, first / WIDTH, size)?;
    let from = usize::try_from(first % WIDTH).ok()?;
    Some((tile, from, from + (1 << within)))
}

/// The tiles of hashes that a computation over a tree of `size` leaves reads, whatever stands in them. For whoever has to fetch
/// them first: `needed(size, |tree| merkle::prove_inclusion(tree, index, size))`.
pub fn needed<T>(size: u64, compute: impl FnOnce(&Recorder) -> Result<T, Infallible>) -> Vec<Tile> {
    let recorder = Recorder { size, tiles: std::cell::RefCell::default() };
    let _ = compute(&recorder);
    recorder.tiles.into_inner().into_iter().collect()
}

/// A tree without hashes that notes which tiles were asked for.
pub struct Recorder {
    size: u64,
    tiles: std::cell::RefCell<BTreeSet<Tile>>,
}

impl Nodes for Recorder {
    type Error = Infallible;

    fn node(&self, level: u32, index: u64) -> Result<Digest, Infallible> {
        if let Some((tile, _, _)) = place(level, index, self.size) {
            self.tiles.borrow_mut().insert(tile);
        }
        Ok(Digest::ZERO)
    }
}

fn fault(detail: &str) -> Fault {
    Fault::new(codes::TILE).detail(detail)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// All tiles of hashes of a tree.
    fn tiles(leaves: &[Digest]) -> BTreeMap<Tile, Vec<Digest>> {
        let mut tiles = BTreeMap::new();
        let mut hashes = leaves.to_vec();
        for level in 0.. {
            for (index, chunk) in (0..).zip(hashes.chunks(256)) {
                let width = u16::try_from(chunk.len()).unwrap();
                tiles.insert(Tile { kind: Kind::Hashes(level), index, width }, chunk.to_vec());
            }
            hashes = hashes.chunks_exact(256).map(merkle::root).collect();
            if hashes.is_empty() {
                return tiles;
            }
        }
        tiles
    }

    #[test]
    fn paths_are_those_of_the_specification() {
        for (path, kind, index, width) in [
            ("tile/0/000", Kind::Hashes(0), 0, 256),
            ("tile/0/000.p/1", Kind::Hashes(0), 0, 1),
            ("tile/1/x001/x234/067", Kind::Hashes(1), 1_234_067, 256),
            ("tile/63/x001/000.p/255", Kind::Hashes(63), 1000, 255),
            ("tile/entries/999.p/17", Kind::Entries, 999, 17),
        ] {
            let tile = Tile { kind, index, width };
            assert_eq!((tile.to_string().as_str(), path.parse()), (path, Ok(tile)));
        }
    }

    #[test]
    fn every_other_spelling_of_a_path_is_refused() {
        for path in [
            "",
            "tile",
            "tile/",
            "tile/0",
            "tile/0/",
            "tile/0/0",
            "tile/0/0000",
            "tile/0/x000/000",
            "tile/0/001/000",
            "tile/0/x001",
            "tile/00/000",
            "tile/64/000",
            "tile/-1/000",
            "tile/+1/000",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/01",
            "tile/0/000.p/",
            "tile/0/000.p",
            "tile/0/000/",
            "/tile/0/000",
            "tile/0/00a",
            "tile/0/../000",
            "tile/Entries/000",
            "tile/0/000.p/1/",
            "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
            "tile/0/%30%30%30",
            "tile//000",
            "tile/0/000.P/1",
        ] {
            assert_eq!(path.parse::<Tile>().map_err(|f| f.code), Err(codes::TILE), "{path}");
        }
    }

    #[test]
    fn a_growing_log_adds_the_tiles_that_the_specification_counts() {
        let added = |old, new| Tile::added(old, new).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(added(0, 1), ["tile/entries/000.p/1", "tile/0/000.p/1"]);
        assert_eq!(added(255, 256), ["tile/entries/000", "tile/0/000", "tile/1/000.p/1"]);
        assert_eq!(added(7, 7), Vec::<String>::new());
        let all = Tile::added(0, 70_000);
        let count = |kind, partial| all.iter().filter(|t| t.kind == kind && t.is_partial() == partial).count();
        assert_eq!((count(Kind::Hashes(0), false), count(Kind::Entries, true)), (273, 1));
        let width = |level| all.iter().find(|t| t.kind == Kind::Hashes(level) && t.is_partial()).unwrap().width;
        assert_eq!((count(Kind::Hashes(1), false), width(0), width(1), width(2)), (1, 112, 17, 1));
        for tile in all {
            assert!(tile.size() <= 70_000, "{tile}");
        }
    }

    #[test]
    fn bundles_and_tiles_have_exactly_the_width_of_their_path() {
        let entries: [&[u8]; 3] = [b"one", b"", b"three"];
        let bundle = write_bundle(entries).unwrap();
        assert_eq!(read_bundle(&bundle, 3).unwrap(), entries);
        for (bytes, width) in
            [(&bundle[..], 2), (&bundle, 4), (&bundle[..bundle.len() - 1], 3), (&bundle[1..], 3), (&[], 1)]
        {
            assert_eq!(read_bundle(bytes, width).map_err(|f| f.code), Err(codes::TILE));
        }
        let hashes = [Digest([1; 32]), Digest([2; 32])];
        let tile = write_hashes(&hashes);
        assert_eq!(read_hashes(&tile, 2).unwrap(), hashes);
        assert!(
            read_hashes(&tile, 1).is_err() && read_hashes(&tile, 3).is_err() && read_hashes(&tile[1..], 2).is_err()
        );
        let long = vec![0; MAX_ENTRY + 1];
        assert!(write_bundle([&long[..]]).is_err() && write_bundle([&long[1..]]).is_ok());
    }

    #[test]
    fn proofs_read_from_tiles_are_those_of_the_leaves() {
        let leaves: Vec<Digest> = (0..70_000_u64).map(|n| merkle::leaf_hash(&n.to_be_bytes())).collect();
        for size in [1, 2, 255, 256, 257, 511, 65_535, 65_536, 65_537, 70_000] {
            let leaves = &leaves[..size];
            let tiles = tiles(leaves);
            let read = |tile| tiles.get(&tile).cloned().ok_or_else(|| fault(&format!("there is no {tile}")));
            let (size, tree) = (size as u64, TileTree::new(size as u64, read));
            let root = merkle::root_of(&tree, size).unwrap();
            assert_eq!(root, merkle::root(leaves), "{size}");
            for index in [0, size / 3, size / 2, size - 1] {
                let proof = merkle::prove_inclusion(&tree, index, size).unwrap();
                let leaf = leaves[usize::try_from(index).unwrap()];
                merkle::verify_inclusion(&leaf, index, size, &proof, &root).unwrap();
                let proof = merkle::prove_consistency(&tree, index, size).unwrap();
                let old = merkle::root(&leaves[..usize::try_from(index).unwrap()]);
                assert!(index == 0 || merkle::verify_consistency(index, &old, size, &root, &proof).is_ok());
                let wanted = needed(size, |tree| merkle::prove_inclusion(tree, index, size));
                assert!(wanted.iter().all(|tile| tiles.contains_key(tile)), "{size} {index}");
            }
        }
    }
}
