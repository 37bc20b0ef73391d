//! Compares two checkpoints of a log, and keeps the evidence if they contradict each other.

use skill_bundle::log::{checkpoint::Signed, fork::Fork};
use skill_schema::{Digest, Fault, codes};

use super::Log;
use crate::{
    api::Api,
    catalogue::folder_name,
    files::{self, Durable, Mode},
};

impl Log {
    /// Whether the checkpoint that is shown now continues one that was seen before.
    ///
    /// # Errors
    /// [`codes::FORK`] with evidence kept; [`codes::ROLLBACK`] for a smaller one that does not contradict; [`codes::PROOF`].
    pub(super) async fn compare(&self, api: &Api, seen: &Signed, shown: &Signed) -> anyhow::Result<()> {
        let (old, new) = (&seen.checkpoint, &shown.checkpoint);
        if old.size == new.size {
            return if old.root == new.root { Ok(()) } else { Err(self.fork(seen, shown, Vec::new())?.into()) };
        }
        if old.size < new.size {
            if old.size == 0 {
                return Ok(());
            }
            let (begins, hashes) = self.tiles.root_at(api, new, old.size).await?;
            return if begins == old.root { Ok(()) } else { Err(self.fork(seen, shown, hashes)?.into()) };
        }
        // An older state. If the registry still serves the tiles of the larger log, they tell a fork from a rollback.
        if new.size > 0
            && let Ok((begins, hashes)) = self.tiles.root_at(api, old, new.size).await
            && begins != new.root
        {
            return Err(self.fork(seen, shown, hashes)?.into());
        }
        let detail = format!("{} statements, and {} were seen before", new.size, old.size);
        Err(Fault::new(codes::ROLLBACK).at(&new.origin).detail(detail).into())
    }

    /// Keeps two checkpoints that cannot both be true; answers the fault that names the file.
    fn fork(&self, seen: &Signed, shown: &Signed, hashes: Vec<Digest>) -> Result<Fault, Fault> {
        let origin = &shown.checkpoint.origin;
        let fork = Fork::new(self.policy.log.clone(), seen.clone(), shown.clone(), hashes)?;
        let (first, second) = (&fork.first.checkpoint, &fork.second.checkpoint);
        let name = format!("{}-{}-{}-{}.json", folder_name(origin), first.size, second.size, second.root.short());
        let path = self.evidence.join(name);
        files::replace(&path, fork.to_json().as_bytes(), Mode::Normal, Durable::Yes)?;
        let detail = format!(
            "its key signed {} and {} statements that contradict each other; skill verify evidence {}",
            first.size,
            second.size,
            path.display()
        );
        Ok(Fault::new(codes::FORK).at(origin).detail(detail))
    }
}
