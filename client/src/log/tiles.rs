//! The tiles of a log that a proof needs: fetched once, and full ones kept, since they never change.

use std::{cell::RefCell, collections::BTreeMap, path::PathBuf, rc::Rc};

use futures::{StreamExt, TryStreamExt, stream};
use skill_bundle::log::{
    checkpoint::Checkpoint,
    fork,
    merkle::{self, verify_inclusion},
    tile::{Tile, TileTree, needed, read_hashes, write_hashes},
};
use skill_schema::{Digest, Fault, codes};

use crate::{
    api::{Api, Refused},
    files::{self, Durable, Mode},
};

/// Bytes of a full tile.
const MAX_TILE: usize = 256 * 32;

/// The hashes of a tile, shared by all who read it.
type Hashes = Rc<[Digest]>;

/// The tiles of one log.
#[derive(Debug)]
pub(super) struct Tiles {
    folder: PathBuf,
    jobs: usize,
    /// What this command has fetched.
    known: RefCell<BTreeMap<Tile, Hashes>>,
}

impl Tiles {
    pub(super) fn new(folder: PathBuf, jobs: usize) -> Self {
        Self { folder, jobs, known: RefCell::default() }
    }

    /// The proof that a leaf is at a place of the log; `None` if the log has another one there.
    ///
    /// # Errors
    /// [`codes::PROOF`] for tiles that do not lead to the signed root; network faults.
    pub(super) async fn inclusion(
        &self,
        api: &Api,
        log: &Checkpoint,
        index: u64,
        leaf: &Digest,
    ) -> anyhow::Result<Option<Vec<Digest>>> {
        let (size, root) = (log.size, &log.root);
        let wanted = needed(size, |tree| {
            merkle::prove_inclusion(tree, index, size)?;
            merkle::Nodes::node(tree, 0, index)
        });
        self.twice(api, &wanted, || {
            let tree = self.tree(size);
            let hashes = merkle::prove_inclusion(&tree, index, size)?;
            let there = merkle::Nodes::node(&tree, 0, index)?;
            verify_inclusion(&there, index, size, &hashes, root)?;
            Ok((there == *leaf).then_some(hashes))
        })
        .await
    }

    /// The root that a log has at an earlier size, with the hashes that show it ([`fork::proof`]).
    ///
    /// # Errors
    /// As [`Self::inclusion`].
    pub(super) async fn root_at(&self, api: &Api, log: &Checkpoint, old: u64) -> anyhow::Result<(Digest, Vec<Digest>)> {
        let size = log.size;
        let wanted = needed(size, |tree| fork::proof(tree, old, size));
        self.twice(api, &wanted, || {
            let hashes = fork::proof(&self.tree(size), old, size)?;
            let (begins, whole) = fork::roots(old, size, &hashes)?;
            if whole != log.root {
                return Err(Fault::new(codes::PROOF)
                    .at(&log.origin)
                    .detail("the tiles do not lead to the signed root"));
            }
            Ok((begins, hashes))
        })
        .await
    }

    /// Computes with tiles; once more with tiles fetched anew if those that were kept may be damaged. Keeps full tiles that were right.
    async fn twice<T>(&self, api: &Api, wanted: &[Tile], compute: impl Fn() -> Result<T, Fault>) -> anyhow::Result<T> {
        let from_disk = self.load(api, wanted, true).await?;
        let computed = match compute() {
            Err(_) if from_disk => {
                self.load(api, wanted, false).await?;
                compute()?
            }
            computed => computed?,
        };
        for tile in wanted.iter().filter(|tile| !tile.is_partial()) {
            let (path, hashes) = (self.folder.join(tile.to_string()), self.known.borrow().get(tile).cloned());
            if let Some(hashes) = hashes.filter(|_| !path.exists()) {
                files::replace(&path, &write_hashes(&hashes), Mode::Normal, Durable::No)?;
            }
        }
        Ok(computed)
    }

    fn tree(&self, size: u64) -> TileTree<impl Fn(Tile) -> Result<Vec<Digest>, Fault> + '_> {
        TileTree::new(size, |tile| {
            let missing = || Fault::new(codes::TILE).at(tile.to_string()).detail("it was not fetched");
            self.known.borrow().get(&tile).map(|hashes| hashes.to_vec()).ok_or_else(missing)
        })
    }

    /// Brings tiles into memory; true if one of them was kept on the disk.
    async fn load(&self, api: &Api, wanted: &[Tile], kept: bool) -> anyhow::Result<bool> {
        let mut missing = Vec::new();
        let mut from_disk = false;
        for tile in wanted {
            if kept && self.known.borrow().contains_key(tile) {
                continue;
            }
            let path = self.folder.join(tile.to_string());
            let found = if kept && !tile.is_partial() { files::read(&path, MAX_TILE)? } else { None };
            match found.and_then(|bytes| read_hashes(&bytes, tile.width).ok()) {
                Some(hashes) => {
                    from_disk = true;
                    self.known.borrow_mut().insert(*tile, Rc::from(hashes));
                }
                None => missing.push(*tile),
            }
            if !kept {
                let _ = std::fs::remove_file(&path); // it may be damaged, and is written again if it was right
            }
        }
        let fetched: Vec<(Tile, Vec<Digest>)> = stream::iter(missing)
            .map(async |tile| anyhow::Ok((tile, fetch(api, tile).await?)))
            .buffer_unordered(self.jobs)
            .try_collect()
            .await?;
        self.known.borrow_mut().extend(fetched.into_iter().map(|(tile, hashes)| (tile, Rc::from(hashes))));
        Ok(from_disk)
    }
}

/// A tile from the registry. A partial one may be gone once the full one is there, of which it is the beginning.
async fn fetch(api: &Api, tile: Tile) -> anyhow::Result<Vec<Digest>> {
    let bytes = match api.tile(tile, MAX_TILE).await {
        Err(error) if tile.is_partial() && is_gone(&error) => {
            let mut bytes = api.tile(tile.full(), MAX_TILE).await?;
            bytes.truncate(usize::from(tile.width) * 32);
            bytes
        }
        fetched => fetched?,
    };
    Ok(read_hashes(&bytes, tile.width).map_err(|fault| fault.at(format!("/log/{tile}")))?)
}

fn is_gone(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Refused>().is_some_and(|refused| refused.0.status == 404)
}
