//! Writing the lock: a temporary file, synced, then renamed.

use std::{
    io::{self, Write},
    path::Path,
};

use skill_schema::{Fault, codes};

use super::Lock;

impl Lock {
    /// Writes the lock to a file. Readers see the old one or the new one.
    ///
    /// # Errors
    /// [`codes::IO`].
    pub fn write(&self, path: &Path) -> Result<(), Fault> {
        let failed = |e: io::Error| Fault::new(codes::IO).at(path.display().to_string()).detail(e.to_string());
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut builder = tempfile::Builder::new();
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        let mut file = builder.prefix(".tmp-").permissions(permissions).tempfile_in(parent).map_err(failed)?;
        file.write_all(self.text().as_bytes()).map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist(path).map_err(|e| failed(e.error))?;
        Ok(())
    }
}
