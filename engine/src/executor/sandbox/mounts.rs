//! The root that a command sees: the system read-only, its own folders, a few devices, an empty `/tmp`, and nothing else.

use std::{
    ffi::CString,
    fs, io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{StatVfsMountFlags, statvfs},
    mount::{MountFlags, MountPropagationFlags, UnmountFlags},
};

use super::Spec;

/// Folders of programs and libraries.
pub(super) const SYSTEM: &[&str] = &["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];

/// What programs read of `/etc`: names, the loader's cache, time zone, certificates, types. No secrets.
pub(super) const ETC: &[&str] = &[
    "/etc/alternatives",
    "/etc/fonts",
    "/etc/group",
    "/etc/hosts",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/magic",
    "/etc/mime.types",
    "/etc/nsswitch.conf",
    "/etc/passwd",
    "/etc/pki/tls/certs",
    "/etc/protocols",
    "/etc/services",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
];

/// Read too where there is a network.
pub(super) const ETC_NETWORK: &[&str] = &["/etc/resolv.conf", "/etc/gai.conf"];

/// Devices that every program expects.
pub(super) const DEVICES: &[&str] = &["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"];

/// Builds the root at `root`, an empty folder, and makes it the root of this process. The mount namespace is a new one.
pub(super) fn enter(root: &Path, spec: &Spec) -> io::Result<()> {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    rustix::mount::mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?;
    memory(root, "size=16m,mode=755", MountFlags::NOSUID)?;
    for path in SYSTEM {
        system(root, Path::new(path))?;
    }
    for path in ETC.iter().chain(if spec.network { ETC_NETWORK } else { &[] }) {
        if Path::new(path).exists() {
            bind(root, Path::new(path), false)?;
        }
    }
    devices(root)?;
    let size = format!("size={},mode=1777", spec.limits.disk);
    for path in ["tmp", "dev/shm"] {
        fs::create_dir_all(root.join(path))?;
        memory(&root.join(path), &size, MountFlags::NOSUID | MountFlags::NODEV)?;
    }
    // A container may forbid it; then there is none.
    fs::create_dir_all(root.join("proc"))?;
    let closed = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    let _ = rustix::mount::mount("proc", root.join("proc"), "proc", closed, None);
    folders(root, spec)?;
    rustix::mount::mount_remount(root, MountFlags::BIND | MountFlags::RDONLY | MountFlags::NOSUID, c"")?;
    std::env::set_current_dir(root)?;
    rustix::process::pivot_root(".", ".")?;
    rustix::mount::unmount(".", UnmountFlags::DETACH)?;
    std::env::set_current_dir("/")
}

/// The spec's own folders, outer ones first.
fn folders(root: &Path, spec: &Spec) -> io::Result<()> {
    let read = spec.read.iter().map(|path| (path, false));
    let mut all: Vec<(&PathBuf, bool)> = read.chain(spec.write.iter().map(|path| (path, true))).collect();
    all.sort_by_key(|(path, _)| path.components().count());
    for (path, write) in all {
        if write || !root.join(path.strip_prefix("/").unwrap_or(path)).exists() {
            bind(root, path, write)?;
        }
    }
    Ok(())
}

/// A folder of the system: a link stays a link, what is missing stays missing.
fn system(root: &Path, path: &Path) -> io::Result<()> {
    match path.symlink_metadata() {
        Ok(meta) if meta.is_symlink() => symlink(fs::read_link(path)?, inside(root, path)),
        Ok(_) => bind(root, path, false),
        Err(_) => Ok(()),
    }
}

/// Shows a file or folder under its own name.
fn bind(root: &Path, path: &Path, write: bool) -> io::Result<()> {
    let target = inside(root, path);
    if path.is_dir() {
        fs::create_dir_all(&target)?;
    } else {
        fs::create_dir_all(target.parent().unwrap_or(root))?;
        fs::File::create(&target)?;
    }
    rustix::mount::mount_bind_recursive(path, &target)?;
    let mut flags = MountFlags::BIND | MountFlags::NOSUID | MountFlags::NODEV;
    if !write {
        flags |= MountFlags::RDONLY;
    }
    // What is locked in the outer namespace must be said again.
    let outer = statvfs(path)?.f_flag;
    for (has, flag) in
        [(StatVfsMountFlags::NOEXEC, MountFlags::NOEXEC), (StatVfsMountFlags::RDONLY, MountFlags::RDONLY)]
    {
        if outer.contains(has) {
            flags |= flag;
        }
    }
    Ok(rustix::mount::mount_remount(&target, flags, c"")?)
}

fn devices(root: &Path) -> io::Result<()> {
    fs::create_dir_all(root.join("dev"))?;
    for path in DEVICES {
        let target = inside(root, Path::new(path));
        fs::File::create(&target)?;
        rustix::mount::mount_bind(*path, &target)?;
    }
    let links = [
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
    ];
    links.iter().try_for_each(|(name, to)| symlink(to, root.join("dev").join(name)))
}

fn memory(at: &Path, options: &str, flags: MountFlags) -> io::Result<()> {
    let options = CString::new(options).map_err(io::Error::other)?;
    Ok(rustix::mount::mount("tmpfs", at, "tmpfs", flags, options.as_c_str())?)
}

fn inside(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}
