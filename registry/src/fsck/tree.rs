//! The tree: every statement's row, every head that was recorded, and every file of the published log.

use std::iter::Peekable;

use skill_bundle::{
    hash::sha256,
    log::{checkpoint::Signed, frontier::Frontier, merkle::leaf_hash, tile::WIDTH},
};
use skill_schema::{Fault, codes};

use super::{Fsck, damaged};
use crate::{
    error::Error,
    log::edge::{Edge, TileFile},
    store::{event::Leaf, fsck::EventRow},
};

/// Heads that were recorded, ascending: size, and root as it is written.
type Heads = Peekable<std::vec::IntoIter<(u64, String)>>;

impl Fsck {
    /// Statements, heads and files, in one pass over the rows.
    pub(super) async fn tree(&mut self, signed: Option<&Signed>) -> Result<(), Error> {
        let published = signed.map_or(0, |signed| signed.checkpoint.size);
        let heads = self.audit.log_heads().await?;
        let (mut tree, mut edge, mut files, count) = (Frontier::default(), Edge::default(), 0, heads.len() as u64);
        let mut heads = heads.into_iter().peekable();
        loop {
            // To the end of a tile each time, so that only the last files are partial.
            let rows = self.audit.events(tree.size(), WIDTH).await?;
            let is_last = (rows.len() as u64) < WIDTH;
            let mut leaves = Vec::with_capacity(rows.len());
            for row in rows {
                check_row(&row, tree.size())?;
                let hash = leaf_hash(row.envelope.as_bytes());
                tree.push(hash);
                check_root(&tree, &mut heads, signed)?;
                if tree.size() <= published {
                    leaves.push(Leaf { hash, envelope: row.envelope });
                }
            }
            for file in edge.grow(&leaves)?.iter().filter(|(tile, _)| !tile.is_partial()) {
                self.check_file(file)?;
                files += 1;
            }
            if is_last {
                break;
            }
        }
        for file in edge.partials()? {
            self.check_file(&file)?;
            files += 1;
        }
        self.check_end(&tree, heads).await?;
        self.pass("statements", tree.size());
        self.pass("heads", count);
        self.pass("files", files);
        Ok(())
    }

    /// What the database calls its last head is where the rows end, and is recorded.
    async fn check_end(&mut self, tree: &Frontier, mut heads: Heads) -> Result<(), Error> {
        if let Some((size, _)) = heads.next() {
            let found = format!("it was signed, and there are {} statements", tree.size());
            return Err(damaged(format!("log_heads, size {size}"), found).into());
        }
        let (size, root) = self.audit.log_head().await?;
        if size != tree.size() {
            return Err(damaged("log_head", format!("its size is {size}, and there are {} rows", tree.size())).into());
        }
        if root != tree.root().to_string() {
            return Err(damaged("log_head", "its root is not that of the rows").into());
        }
        Ok(())
    }

    /// One file of the published log has exactly these bytes. A partial one that is gone may be the beginning of the full one: a server
    /// that runs has replaced it.
    fn check_file(&self, (tile, bytes): &TileFile) -> Result<(), Error> {
        let place = format!("log/{tile}");
        match self.files.tile(*tile)? {
            Some(found) if found == *bytes => Ok(()),
            Some(_) => Err(damaged(place, "its bytes are not those that the statements lead to").into()),
            None if tile.is_partial() && self.files.tile(tile.full())?.is_some_and(|full| full.starts_with(bytes)) => {
                Ok(())
            }
            None => Err(damaged(place, "it is missing").into()),
        }
    }
}

/// A row is the next one, and what it says of its envelope is so.
fn check_row(row: &EventRow, expected: u64) -> Result<(), Fault> {
    let wrong = |found: &str| Err(damaged(format!("events, leaf {expected}"), found));
    if row.leaf != expected {
        return wrong("it is missing");
    }
    if row.stmt != sha256(row.envelope.as_bytes()).to_string() {
        return wrong("stmt is not the digest of the envelope");
    }
    if row.leaf_hash != leaf_hash(row.envelope.as_bytes()).to_string() {
        return wrong("leaf_hash is not that of the envelope");
    }
    Ok(())
}

/// Where a head was recorded or signed, the rows lead to its root.
fn check_root(tree: &Frontier, heads: &mut Heads, signed: Option<&Signed>) -> Result<(), Fault> {
    let size = tree.size();
    let signed = signed.map(|signed| &signed.checkpoint).filter(|checkpoint| checkpoint.size == size);
    if signed.is_some_and(|checkpoint| checkpoint.root != tree.root()) {
        let detail = format!("the database's first {size} statements are not those that were signed");
        return Err(Fault::new(codes::LOG_ROLLBACK).at("log/checkpoint").detail(detail));
    }
    match heads.next_if(|(head, _)| *head <= size) {
        Some((head, root)) if head != size || root != tree.root().to_string() => {
            Err(damaged(format!("log_heads, size {head}"), "the statements do not lead to its root"))
        }
        _ => Ok(()),
    }
}
