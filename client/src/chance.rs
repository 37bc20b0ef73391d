//! Randomness. It enters what is below the commands as an argument, so that tests and reproductions have their own.

use skill_schema::{Fault, codes};

/// Fresh random bytes of the system.
///
/// # Errors
/// [`codes::IO`] where the system has none.
pub fn bytes<const N: usize>() -> Result<[u8; N], Fault> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|e| Fault::new(codes::IO).detail(format!("no randomness: {e}")))?;
    Ok(bytes)
}
