//! The acceptance test of the tar: encode what was decoded, and compare bytes. Nothing is built: each piece of the encoding is compared
//! with the place where it must stand.

use skill_schema::{Fault, codes};

use super::{BLOCK, Entry, header};

/// Refuses a tar that is not the one encoding of its entries.
pub(super) fn check(tar: &[u8], entries: &[Entry]) -> Result<(), Fault> {
    if let Some(pair) = entries.windows(2).find(|pair| pair[0].path.as_bytes() >= pair[1].path.as_bytes()) {
        return Err(different(Some(&pair[1].path), "the files are not sorted"));
    }
    let mut rest = tar;
    for entry in entries {
        let header = header::write(&entry.path, entry.content.len(), entry.executable)?;
        take(&mut rest, &header).ok_or_else(|| different(Some(&entry.path), "in its header"))?;
        take(&mut rest, &tar[entry.content.clone()]).ok_or_else(|| different(Some(&entry.path), "in its content"))?;
        let padding = entry.content.len().next_multiple_of(BLOCK) - entry.content.len();
        take(&mut rest, &[0; BLOCK][..padding]).ok_or_else(|| different(Some(&entry.path), "in its padding"))?;
    }
    if rest != [0; 2 * BLOCK] {
        return Err(different(None, "it does not end with exactly two blocks of zeros"));
    }
    Ok(())
}

/// Moves `rest` past `expected`, if it starts with it.
fn take(rest: &mut &[u8], expected: &[u8]) -> Option<()> {
    *rest = rest.strip_prefix(expected)?;
    Some(())
}

fn different(path: Option<&str>, detail: &str) -> Fault {
    let fault = Fault::new(codes::NOT_CANONICAL).detail(detail);
    match path {
        Some(path) => fault.at(path),
        None => fault,
    }
}
