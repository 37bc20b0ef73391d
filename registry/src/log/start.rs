//! What is checked before a registry appends to its log: the database is not behind what was signed, and the files are those of the
//! database. Files that were lost or damaged are made again; a database that contradicts a signed checkpoint ends the start.

use skill_bundle::log::{
    checkpoint::Signed,
    merkle,
    tile::{Tile, TileTree, WIDTH, read_bundle, read_hashes},
};
use skill_schema::{Digest, Fault, codes};

use super::{
    edge::{Edge, TileFile},
    files::LogFiles,
};
use crate::{
    data::Identity,
    error::{Error, blocking},
    store::{Store, event::Leaf},
};

/// The log as it is, and the checkpoint that was published last.
#[derive(Debug)]
pub struct Opened {
    /// The tree's right edge, of the size that the database has.
    pub edge: Edge,
    /// The last published checkpoint, if there is one; its size is that of the edge or smaller.
    pub checkpoint: Option<Signed>,
}

/// Checks database and files against each other and against the last checkpoint.
///
/// Fails with `E_LOG_ROLLBACK` if the database is behind the checkpoint or contradicts it, and as damaged if its rows do not lead to the
/// root that it records.
pub async fn open(store: &Store, files: &LogFiles, identity: &Identity) -> Result<Opened, Error> {
    let (size, root) = store.log_head().await?;
    let checkpoint = checkpoint(files, identity)?;
    if let Some(signed) = checkpoint.as_ref().filter(|signed| signed.checkpoint.size > size) {
        let detail = format!("{size} statements, and {} were signed", signed.checkpoint.size);
        return Err(Fault::new(codes::LOG_ROLLBACK).at(&identity.origin).detail(detail).into());
    }
    let edge = match intact(files.clone(), size).await? {
        Some(edge) if edge.root()? == root => edge,
        _ => rebuild(store, files, size, root).await?,
    };
    if let Some(signed) = &checkpoint {
        let (files, old) = (files.clone(), signed.checkpoint.size);
        let before = blocking(move || root_at(&files, old, size)).await?;
        if before != signed.checkpoint.root {
            let detail = format!("its first {old} statements are not those that were signed");
            return Err(Fault::new(codes::LOG_ROLLBACK).at(&identity.origin).detail(detail).into());
        }
    }
    Ok(Opened { edge, checkpoint })
}

/// The published checkpoint, if it is one of ours.
fn checkpoint(files: &LogFiles, identity: &Identity) -> Result<Option<Signed>, Error> {
    let Some(bytes) = files.checkpoint()? else { return Ok(None) };
    let read = Signed::parse(&bytes).and_then(|signed| signed.verify_log(&identity.log_key).map(|()| signed));
    match read {
        Ok(signed) => Ok(Some(signed)),
        // It is replaced whole or not at all, so somebody else did this. What was signed stands in the database too.
        Err(fault) => {
            tracing::error!(%fault, "the published checkpoint is damaged; it is signed anew");
            Ok(None)
        }
    }
}

/// The edge by the files, if every one of them is there and agrees with the others.
async fn intact(files: LogFiles, size: u64) -> Result<Option<Edge>, Error> {
    blocking(move || {
        let mut edge = Edge::default();
        for index in 0..size.div_ceil(WIDTH) {
            let Some(tile) = Tile::at(0, index, size) else { return Ok(None) };
            let Some(bundle) = files.tile(tile.entries())? else { return Ok(None) };
            let Some(leaves) = leaves(&bundle, tile.width) else { return Ok(None) };
            // The tiles above follow from those of level 0; their partial forms matter only at the end.
            for (made, bytes) in edge.grow(&leaves)?.into_iter().filter(|(made, _)| !made.is_partial()) {
                if files.tile(made)?.as_ref() != Some(&bytes) {
                    return Ok(None);
                }
            }
        }
        for (made, bytes) in edge.partials()? {
            if files.tile(made)?.as_ref() != Some(&bytes) {
                return Ok(None);
            }
        }
        Ok(Some(edge))
    })
    .await
}

/// The leaves of a bundle of exactly this width.
fn leaves(bundle: &[u8], width: u16) -> Option<Vec<Leaf>> {
    let entries = read_bundle(bundle, width).ok()?;
    let leaf = |entry: &[u8]| {
        let envelope = std::str::from_utf8(entry).ok()?.to_owned();
        Some(Leaf { hash: merkle::leaf_hash(entry), envelope })
    };
    entries.into_iter().map(leaf).collect()
}

/// Makes all files anew from the rows and replaces those that differ.
async fn rebuild(store: &Store, files: &LogFiles, size: u64, root: Digest) -> Result<Edge, Error> {
    let (mut edge, mut made, mut at) = (Edge::default(), Vec::new(), 0);
    while at < size {
        // To the end of a tile each time, so that only the last ones are partial.
        let next = size.min(at + WIDTH);
        let full = |(tile, _): &TileFile| !tile.is_partial();
        made.extend(edge.grow(&store.leaves(at, next).await?)?.into_iter().filter(full));
        at = next;
        if edge.size() != at {
            return Err(Error::Damaged(format!("events: there are {} of {size} leaves", edge.size())));
        }
    }
    if edge.root()? != root {
        return Err(Error::Damaged("events: the rows do not lead to the recorded root".to_owned()));
    }
    made.extend(edge.partials()?);
    let files = files.clone();
    let repaired = blocking(move || files.repair(&made)).await?;
    tracing::warn!(files = repaired, leaves = size, "files of the log were made again from the database");
    Ok(edge)
}

/// Root of the first `old` leaves, read from the files of a log of `size` leaves.
pub fn root_at(files: &LogFiles, old: u64, size: u64) -> Result<Digest, Error> {
    let tree = TileTree::new(size, |tile| hashes(files, tile));
    merkle::root_of(&tree, old)
}

/// The hashes of a tile that must be there.
pub fn hashes(files: &LogFiles, tile: Tile) -> Result<Vec<Digest>, Error> {
    let bytes = files.tile(tile)?.ok_or_else(|| Error::Damaged(format!("{tile} is missing")))?;
    Ok(read_hashes(&bytes, tile.width)?)
}
