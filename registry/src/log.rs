//! The registry's log: what is in it, who appends to it, and the proofs that it gives.
//!
//! * [`sequencer`]: the one task that appends; [`start`]: what is checked before it does.
//! * [`edge`], [`files`]: the tree's right edge in memory, and the log's files.
//! * [`operator`]: the statements that the registry itself signs; [`witnesses`]: whoever cosigns its checkpoints.

pub mod edge;
pub mod files;
pub mod operator;
pub mod sequencer;
pub mod start;
pub mod witnesses;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use moka::sync::Cache;
use skill_bundle::{
    envelope::Envelope,
    log::{
        checkpoint::{Checkpoint, Signed},
        merkle,
        proof::Proof,
        tile::{Tile, TileTree},
    },
};
use skill_schema::{Digest, statement::Root};
use tokio::sync::{mpsc, oneshot, watch};

use crate::{
    blobs::Blobs,
    clock::SharedClock,
    data::Identity,
    error::{Error, blocking},
    store::{
        Store,
        batch::{Write, Written},
        event::Head,
    },
};
use edge::Edge;
use files::LogFiles;
use sequencer::{Job, Order, Sequencer, unavailable};
use witnesses::Witnesses;

/// Orders that may wait: as many as uploads at a time, and some.
const QUEUE: usize = 512;
/// How long a reader waits for a statement that is committed to be under a signed checkpoint.
const COVERED: Duration = Duration::from_secs(5);
/// Tiles of hashes kept in memory, 8 KiB each.
const TILES: u64 = 2_000;

/// A published checkpoint.
#[derive(Debug)]
pub struct Published {
    /// The checkpoint.
    pub signed: Signed,
    /// The same as it is served.
    pub text: Bytes,
    edge: Edge,
}

impl Published {
    fn new(signed: Signed, edge: Edge) -> Self {
        Self { text: Bytes::from(signed.to_string()), signed, edge }
    }

    /// Leaves of the log.
    pub fn size(&self) -> u64 {
        self.signed.checkpoint.size
    }
}

/// The log of a running registry. Cheap to clone.
#[derive(Clone)]
pub struct Log {
    jobs: mpsc::Sender<Job>,
    published: watch::Receiver<Arc<Published>>,
    files: LogFiles,
    tiles: Cache<Tile, Arc<[Digest]>>,
}

/// What a log is made of.
pub struct Parts {
    /// The database.
    pub store: Store,
    /// Where snapshots are kept.
    pub blobs: Blobs,
    /// The registry's name and keys.
    pub identity: Arc<Identity>,
    /// The time.
    pub clock: SharedClock,
    /// Who cosigns.
    pub witnesses: Witnesses,
    /// Keys of the verifiers that the root statement lists.
    pub verifiers: Vec<String>,
}

/// Whether a root statement lists exactly these verifiers.
fn lists(envelope: &str, verifiers: &[String]) -> bool {
    let root = Envelope::parse(envelope.as_bytes()).and_then(|envelope| envelope.statement::<Root>());
    root.is_ok_and(|root| root.predicate.verifiers == verifiers)
}

impl Log {
    /// Opens the log of a data folder, checks it ([`start::open`]), begins it with the operator's root statement if it is new, and publishes
    /// what was committed and not published. Answers the log and the task that appends to it.
    pub async fn open(data: &std::path::Path, parts: Parts) -> Result<(Self, impl Future<Output = ()> + use<>), Error> {
        let Parts { store, blobs, identity, clock, witnesses, verifiers } = parts;
        let files = LogFiles::new(data);
        files.clean()?;
        let nothing = Checkpoint::new(&identity.origin, 0, merkle::root(&[]));
        let nothing = Published::new(Signed::sign(nothing, &identity.log_key, &identity.log)?, Edge::default());
        let (sender, published) = watch::channel(Arc::new(nothing));
        let head = store.head(skill_schema::name::OPERATOR).await?.unwrap_or(Head { seq: 0, stmt: Digest::ZERO });
        let is_current = store.latest_root().await?.is_some_and(|envelope| lists(&envelope, &verifiers));
        let first =
            if is_current { None } else { Some(operator::root(&identity, head, &verifiers, clock.timestamp())?) };
        let witnesses = Arc::new(witnesses);
        let mut sequencer =
            Sequencer { store, blobs, files: files.clone(), identity, clock, witnesses, published: sender, edge: None };
        sequencer.reload().await?;
        let first = first.map(|statement| Order::Write(Write::Operator(statement)));
        sequencer.append(&[first.unwrap_or(Order::Heartbeat)]).await?.into_iter().try_for_each(|one| one.map(drop))?;
        let (jobs, orders) = mpsc::channel(QUEUE);
        let log = Self { jobs, published, files, tiles: Cache::builder().max_capacity(TILES).build() };
        Ok((log, sequencer.run(orders)))
    }

    /// The checkpoint that is published now.
    pub fn published(&self) -> Arc<Published> {
        self.published.borrow().clone()
    }

    /// Gives an order; answers once what it wrote is durable and under the published checkpoint.
    pub async fn order(&self, order: Order) -> Result<Option<Written>, Error> {
        let (answer, written) = oneshot::channel();
        self.jobs.send(Job { order, answer }).await.map_err(|_| unavailable())?;
        written.await.map_err(|_| unavailable())?
    }

    /// Waits until a leaf is under the published checkpoint: what is committed is shown to nobody before.
    pub async fn covered(&self, leaf: u64) -> Result<(), Error> {
        if self.published().size() > leaf {
            return Ok(());
        }
        // It is being written just now; or its checkpoint could not be published, and the next order makes up for that.
        self.order(Order::Heartbeat).await?;
        let mut published = self.published.clone();
        let waited = tokio::time::timeout(COVERED, published.wait_for(|published| published.size() > leaf)).await;
        match waited {
            Ok(Ok(_)) => Ok(()),
            _ => Err(unavailable()),
        }
    }

    /// The proof that a leaf is in the log that is published now.
    pub async fn proof(&self, leaf: u64) -> Result<Proof, Error> {
        self.covered(leaf).await?;
        let (published, log) = (self.published(), self.clone());
        blocking(move || {
            let size = published.size();
            let tree = TileTree::new(size, |tile| log.hashes(&published.edge, tile));
            let hashes = merkle::prove_inclusion(&tree, leaf, size)?;
            Ok(Proof { extra: None, index: leaf, hashes, checkpoint: published.signed.clone() })
        })
        .await
    }

    /// The hashes of a tile of the published log.
    fn hashes(&self, edge: &Edge, tile: Tile) -> Result<Vec<Digest>, Error> {
        if let Some(hashes) = edge.hashes(tile) {
            return Ok(hashes.to_vec());
        }
        if let Some(hashes) = self.tiles.get(&tile) {
            return Ok(hashes.to_vec());
        }
        let hashes = start::hashes(&self.files, tile)?;
        self.tiles.insert(tile, Arc::from(hashes.as_slice()));
        Ok(hashes)
    }

    /// The bytes of a tile or bundle, if the published log has it. A partial one whose file is gone is the beginning of a larger one.
    pub async fn tile(&self, tile: Tile) -> Result<Option<Vec<u8>>, Error> {
        let size = self.published().size();
        if tile.size() > size {
            return Ok(None);
        }
        let files = self.files.clone();
        blocking(move || match files.tile(tile)? {
            Some(bytes) => Ok(Some(bytes)),
            None if !tile.is_partial() => Err(Error::Damaged(format!("{tile} is missing"))),
            None => beginning(&files, tile, size),
        })
        .await
    }
}

/// A partial tile as the beginning of the one that a log of `size` leaves has in its place.
fn beginning(files: &LogFiles, tile: Tile, size: u64) -> Result<Option<Vec<u8>>, Error> {
    use skill_bundle::log::tile::{Kind, read_bundle, write_bundle};
    let level = if let Kind::Hashes(level) = tile.kind { level } else { 0 };
    let now = Tile::at(level, tile.index, size).map(|now| Tile { kind: tile.kind, ..now });
    let Some((now, bytes)) = now.map(|now| Ok::<_, Error>((now, files.tile(now)?))).transpose()? else {
        return Ok(None);
    };
    let bytes = bytes.ok_or_else(|| Error::Damaged(format!("{now} is missing")))?;
    let width = usize::from(tile.width);
    match tile.kind {
        Kind::Hashes(_) => Ok(bytes.get(..width * 32).map(<[u8]>::to_vec)),
        Kind::Entries => {
            let entries = read_bundle(&bytes, now.width)?;
            Ok(Some(write_bundle(entries.into_iter().take(width))?))
        }
    }
}
