//! The one place that appends to the log. Persist, then sign, then serve, then acknowledge:
//!
//! 1. All statements that wait go into one transaction; each that is refused leaves it as it was.
//! 2. The files of the larger log are made durable. Nobody is shown them yet.
//! 3. The head is recorded and the transaction committed.
//! 4. The checkpoint is signed and published, and only then the callers get their answers.
//!
//! After any failure that is not a refusal nothing is known: everything waits with 503 until database and files were read again and
//! checked as at the start.

use std::sync::Arc;

use skill_bundle::log::checkpoint::{Checkpoint, Signed};
use skill_schema::{Digest, Fault, codes};
use tokio::sync::{mpsc, oneshot, watch};

use super::{
    Published,
    edge::Edge,
    files::LogFiles,
    operator::{self, Hold},
    start,
    witnesses::Witnesses,
};
use crate::{
    blobs::Blobs,
    clock::{HOUR, SharedClock},
    data::Identity,
    error::{Error, blocking},
    store::{
        Store,
        batch::{Batch, Write, Written},
    },
};

/// Statements in one transaction at the most: bounds how long the first of them waits for the last.
const MAX_BATCH: usize = 128;
/// Leaves between two snapshots.
const SNAPSHOT_LEAVES: u64 = 256;
/// The longest time between two statements of the operator, in microseconds: well inside a day.
const HEARTBEAT: i64 = 20 * HOUR;
/// Seconds after which somebody who was turned away should try again.
const RETRY: u64 = 1;

/// Something to write.
#[derive(Debug)]
pub enum Order {
    /// A statement that somebody signed.
    Write(Write),
    /// A word of the operator on a version.
    Hold(Hold),
    /// A snapshot, if one is due.
    Heartbeat,
}

/// An order, and who waits for it.
#[derive(Debug)]
pub struct Job {
    /// What to write.
    pub order: Order,
    /// Gets what was written, after it was published.
    pub answer: oneshot::Sender<Result<Option<Written>, Error>>,
}

/// Appends to the log of one registry.
pub struct Sequencer {
    pub(super) store: Store,
    pub(super) blobs: Blobs,
    pub(super) files: LogFiles,
    pub(super) identity: Arc<Identity>,
    pub(super) clock: SharedClock,
    pub(super) witnesses: Arc<Witnesses>,
    pub(super) published: watch::Sender<Arc<Published>>,
    /// The log as it is; `None` after a failure, until it was read again.
    pub(super) edge: Option<Edge>,
}

impl Sequencer {
    /// Works until nobody can give orders any more.
    pub async fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        let mut batch = Vec::new();
        while jobs.recv_many(&mut batch, MAX_BATCH).await > 0 {
            let (orders, answers): (Vec<Order>, Vec<_>) = batch.drain(..).map(|job| (job.order, job.answer)).unzip();
            match self.work(&orders).await {
                // Whoever went away needs no answer.
                Ok(results) => answers.into_iter().zip(results).for_each(|(answer, result)| drop(answer.send(result))),
                Err(error) => {
                    tracing::error!(%error, orders = orders.len(), "the log could not be written; it is checked before the next statement");
                    metrics::counter!("skill_log_failures_total").increment(1);
                    self.edge = None;
                    for answer in answers {
                        drop(answer.send(Err(unavailable())));
                    }
                }
            }
        }
    }

    async fn work(&mut self, orders: &[Order]) -> Result<Vec<Result<Option<Written>, Error>>, Error> {
        if self.edge.is_none() {
            self.reload().await?;
        }
        self.append(orders).await
    }

    /// Reads database and files again, as at the start, and publishes what was committed and not published.
    pub(super) async fn reload(&mut self) -> Result<(), Error> {
        let opened = start::open(&self.store, &self.files, &self.identity).await?;
        let current = opened.checkpoint.filter(|signed| signed.checkpoint.size == opened.edge.size());
        let is_published = current.is_some();
        if let Some(signed) = current {
            self.published.send_replace(Arc::new(Published::new(signed, opened.edge.clone())));
        }
        if !is_published || self.witnesses.any() {
            // Also what is published already: a witness may have signed more than database and files know, if both are an old copy.
            return self.publish(opened.edge).await;
        }
        self.edge = Some(opened.edge);
        Ok(())
    }

    /// Writes all of these that are not refused, and a snapshot if one is due, and publishes the checkpoint over them.
    pub(super) async fn append(&mut self, orders: &[Order]) -> Result<Vec<Result<Option<Written>, Error>>, Error> {
        let edge = self.edge.as_ref().ok_or_else(|| Error::Damaged("the log is not open".to_owned()))?;
        let (now, before) = (self.clock.micros(), edge.size());
        let mut batch = self.store.batch().await?;
        if batch.before() != (before, edge.root()?) {
            return Err(Error::Damaged("another process has written to the log".to_owned()));
        }
        let mut results = Vec::with_capacity(orders.len());
        for order in orders {
            let result = self.apply(&mut batch, order, now).await;
            match result {
                Err(error) if !error.is_refusal() => return Err(error),
                result => results.push(result),
            }
        }
        self.snapshot(&mut batch, now).await?;
        if batch.leaves().is_empty() {
            drop(batch);
            self.renew(orders).await?;
            return Ok(results);
        }
        let mut edge = edge.clone();
        let made = edge.grow(batch.leaves())?;
        let full: Vec<_> = made.iter().map(|(tile, _)| *tile).filter(|tile| !tile.is_partial()).collect();
        let files = self.files.clone();
        blocking(move || files.put(&made, before)).await?;
        batch.seal(edge.root()?, now).await?;
        batch.commit().await?;
        self.publish(edge).await?;
        let files = self.files.clone();
        let dropped = blocking(move || full.into_iter().try_for_each(|tile| files.drop_partial(tile))).await;
        if let Err(error) = dropped {
            tracing::warn!(%error, "partial files of full tiles are left");
        }
        Ok(results)
    }

    async fn apply(&self, batch: &mut Batch, order: &Order, now: i64) -> Result<Option<Written>, Error> {
        match order {
            Order::Write(write) => batch.apply(write, now).await.map(Some),
            Order::Hold(hold) => {
                let head = batch.operator_head().await?;
                let change = operator::hold(&self.identity, head, hold, crate::clock::timestamp(now))?;
                batch.apply(&Write::Status(change), now).await.map(Some)
            }
            Order::Heartbeat => Ok(None),
        }
    }

    /// Adds a snapshot if enough leaves or hours have passed since the last one.
    async fn snapshot(&self, batch: &mut Batch, now: i64) -> Result<(), Error> {
        let (last, spoke) = batch.last_snapshot().await?;
        let size = batch.size();
        if size / SNAPSHOT_LEAVES == last / SNAPSHOT_LEAVES && now.saturating_sub(spoke) < HEARTBEAT {
            return Ok(());
        }
        let file = operator::snapshot_file(&batch.snapshot_rows().await?);
        let blobs = self.blobs.clone();
        let digest: Digest = blocking(move || blobs.put(file.as_bytes())).await?;
        let head = batch.operator_head().await?;
        let created = crate::clock::timestamp(now);
        let statement = operator::snapshot(&self.identity, head, size, digest, created)?;
        batch.apply(&Write::Operator(statement), now).await?;
        batch.put_snapshot(size, &digest).await
    }

    /// At a heartbeat, has the published checkpoint cosigned again where a cosignature is missing or old.
    async fn renew(&mut self, orders: &[Order]) -> Result<(), Error> {
        let asked = orders.iter().any(|order| matches!(order, Order::Heartbeat));
        let signed = self.published.borrow().signed.clone();
        match &self.edge {
            Some(edge) if asked && self.witnesses.is_due(&signed, self.clock.timestamp().unix()) => {
                self.publish(edge.clone()).await
            }
            _ => Ok(()),
        }
    }

    /// Signs and publishes the checkpoint of a log that is durable.
    async fn publish(&mut self, edge: Edge) -> Result<(), Error> {
        let checkpoint = Checkpoint::new(&self.identity.origin, edge.size(), edge.root()?);
        // The cosignatures of an unchanged checkpoint stay, also of witnesses that do not answer now.
        let published = self.published.borrow().signed.clone();
        let mut signed = if published.checkpoint == checkpoint && checkpoint.size > 0 {
            published
        } else {
            Signed::sign(checkpoint, &self.identity.log_key, &self.identity.log)?
        };
        self.witnesses.collect(&mut signed, &self.files).await?;
        let (files, text) = (self.files.clone(), signed.to_string());
        blocking(move || files.put_checkpoint(&text)).await?;
        self.published.send_replace(Arc::new(Published::new(signed, edge.clone())));
        self.edge = Some(edge);
        Ok(())
    }
}

/// What callers hear while the log cannot be written.
pub fn unavailable() -> Error {
    let fault = Fault::new(codes::UNAVAILABLE).detail("the log is being checked after a failure");
    Error::Wait { fault, seconds: RETRY }
}
