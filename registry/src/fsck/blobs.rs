//! What the statements name by a digest is in the blob store, with these bytes.

use std::{fs::File, io::Read, path::Path};

use skill_bundle::hash::Hasher;
use skill_schema::{Digest, Fault, codes};

use super::{Fsck, damaged, scopes::OperatorChain};
use crate::{blobs::path_in, error::Error};

/// Rows read at a time.
const PAGE: u64 = 1_000;
/// Bytes read at a time.
const PIECE: usize = 256 * 1024;

impl Fsck {
    /// The archive of every version that is not gone.
    pub(super) async fn archives(&mut self) -> Result<(), Error> {
        let (mut after, mut count) = (None, 0);
        loop {
            let page = self.audit.archives(after, PAGE).await?;
            for (archive, size) in &page {
                // Compared with the statements before this.
                let digest = archive.parse().map_err(|_| Error::Damaged(format!("versions.archive: {archive:?}")))?;
                match self.blob(&digest, Some(*size))? {
                    // A server that runs may have removed the version and then the blob.
                    Some(fault) if self.store.is_needed(&digest).await? => return Err(fault.into()),
                    Some(_) => {}
                    None => count += 1,
                }
                after = Some(digest);
            }
            if (page.len() as u64) < PAGE {
                self.pass("archives", count);
                return Ok(());
            }
        }
    }

    /// The archives of suites, the records with their transcripts, and the logs of what was tried.
    pub(super) async fn evidence(&mut self) -> Result<(), Error> {
        let (mut after, mut count) = (None, 0);
        loop {
            let page = self.audit.evidence(after.as_ref(), PAGE).await?;
            for named in &page {
                let digest = named.digest.parse().map_err(|_| damaged(named.place.as_str(), "it is not a digest"))?;
                if let Some(fault) = self.blob(&digest, None)? {
                    return Err(fault.into());
                }
                count += 1;
            }
            if (page.len() as u64) < PAGE {
                self.pass("evidence", count);
                return Ok(());
            }
            after = page.into_iter().next_back();
        }
    }

    /// Every snapshot: one statement, one row, one file.
    pub(super) async fn snapshots(&mut self, operator: &OperatorChain) -> Result<(), Error> {
        let rows = self.audit.snapshots().await?;
        for (size, digest) in &operator.snapshots {
            let place = format!("snapshots, size {size}");
            match rows.binary_search_by_key(size, |(size, _)| *size).ok().map(|at| &rows[at].1) {
                Some(row) if *row == digest.to_string() => {}
                Some(_) => return Err(damaged(place, "its digest is not the one that is signed").into()),
                None => return Err(damaged(place, "it is signed, and there is no row").into()),
            }
            if let Some(fault) = self.blob(digest, None)? {
                return Err(fault.into());
            }
        }
        if let Some((size, _)) = rows.iter().find(|(size, _)| !operator.snapshots.contains_key(size)) {
            return Err(damaged(format!("snapshots, size {size}"), "there is no statement of it").into());
        }
        self.pass("snapshots", rows.len() as u64);
        Ok(())
    }

    /// What is wrong with a blob, if anything is.
    fn blob(&self, digest: &Digest, size: Option<u64>) -> Result<Option<Fault>, Error> {
        let path = path_in(&self.data, digest);
        let place = path.strip_prefix(&self.data).unwrap_or(&path).display().to_string();
        Ok(match read(&path)? {
            None => Some(damaged(place, "it is missing")),
            Some((_, length)) if size.is_some_and(|size| size != length) => {
                let detail = format!("it has {length} bytes of {}", size.unwrap_or_default());
                Some(Fault::new(codes::DIGEST).at(place).detail(detail))
            }
            Some((found, _)) if found != *digest => {
                Some(Fault::new(codes::DIGEST).at(place).detail(format!("the digest of its bytes is {found}")))
            }
            Some(_) => None,
        })
    }
}

/// Digest and length of a file; `None` if there is none.
fn read(path: &Path) -> Result<Option<(Digest, u64)>, Error> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(e) if matches!(e.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(e) => return Err(Error::io(path)(e)),
    };
    let (mut hasher, mut length, mut piece) = (Hasher::new(), 0, vec![0; PIECE]);
    loop {
        match file.read(&mut piece).map_err(Error::io(path))? {
            0 => return Ok(Some((hasher.finish(), length))),
            n => {
                hasher.update(&piece[..n]);
                length += n as u64;
            }
        }
    }
}
