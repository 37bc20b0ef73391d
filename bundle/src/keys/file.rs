//! Key files on disk: written once with mode 0600, and read only while nobody else can read them.

use std::{
    fs,
    io::{Read, Write},
    path::Path,
};

use skill_schema::{Fault, codes};

/// Reads a key file's text. Refuses a file that group or others may read or write ([`codes::KEY_FILE`]).
pub fn read_file(path: &Path) -> Result<String, Fault> {
    let fault = |e: std::io::Error| Fault::new(codes::KEY_FILE).at(path.display().to_string()).detail(e.to_string());
    let mut file = fs::File::open(path).map_err(fault)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = file.metadata().map_err(fault)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(Fault::new(codes::KEY_FILE)
                .at(path.display().to_string())
                .detail(format!("others can read it: its mode is {mode:04o}, run chmod 600")));
        }
    }
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(fault)?;
    Ok(text)
}

/// Writes a new key file with mode 0600 and makes it durable. An existing file is never overwritten ([`codes::EXISTS`]).
pub fn write_new_file(path: &Path, pem: &str) -> Result<(), Fault> {
    let fault = |e: std::io::Error| {
        let code = if e.kind() == std::io::ErrorKind::AlreadyExists { codes::EXISTS } else { codes::IO };
        Fault::new(code).at(path.display().to_string()).detail(e.to_string())
    };
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(fault)?;
    file.write_all(pem.as_bytes()).and_then(|()| file.sync_all()).map_err(fault)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_file_is_private_and_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("main.pem");
        write_new_file(&path, "text").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(read_file(&path).unwrap(), "text");
        assert_eq!(write_new_file(&path, "other").unwrap_err().code, codes::EXISTS);

        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let fault = read_file(&path).unwrap_err();
        assert_eq!(fault.code, codes::KEY_FILE);
        assert!(fault.sentence().contains("0640"), "{fault}");
        assert_eq!(read_file(&folder.path().join("none")).unwrap_err().code, codes::KEY_FILE);
    }
}
