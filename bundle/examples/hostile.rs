//! Writes the hostile archives of `tests/vectors/hostile-archives.json` into a folder, as `CASE.tar.gz`:
//! `cargo run -p skill-bundle --example hostile -- FOLDER`.

#[path = "../tests/suite/hostile.rs"]
mod hostile;

use std::{fs, path::PathBuf};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = PathBuf::from(std::env::args_os().nth(1).ok_or("usage: hostile FOLDER")?);
    fs::create_dir_all(&folder)?;
    let cases: serde_json::Value = serde_json::from_str(include_str!("../tests/vectors/hostile-archives.json"))?;
    for case in cases.as_array().into_iter().flatten().filter_map(|case| case["case"].as_str()) {
        let bytes = hostile::archive(case).ok_or_else(|| format!("no generator for {case}"))?;
        fs::write(folder.join(format!("{case}.tar.gz")), bytes)?;
    }
    Ok(())
}
