//! The second stage of the helper: furnishes the sandbox, starts the command, watches it, and kills what is left.

use std::{
    io::{self, Read},
    os::unix::{net::UnixStream, process::CommandExt},
    process::{Command, ExitCode, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Instant,
};

use super::{End, Mechanism, Order, Report, Spec, frame, outside::PATH, watch};

/// Whether this process is the first of its pid namespace: then it is the second stage.
pub(super) fn is_first_process() -> bool {
    std::process::id() == 1
}

/// Takes an order, carries it out and reports.
pub(super) fn serve(socket: &UnixStream, namespaces: bool) -> ExitCode {
    let report = frame::read(socket).map(|order| carry_out(socket, &order, namespaces));
    match report.and_then(|report| frame::write(socket, &report)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn carry_out(socket: &UnixStream, order: &Order, namespaces: bool) -> Report {
    let uid = match furnish(order, namespaces) {
        Ok(uid) => uid,
        Err(error) if namespaces => return Report::NoNamespaces(error.to_string()),
        Err(error) => return Report::Failed(error.to_string()),
    };
    let stop = listen(socket);
    let spec = order.spec.clone();
    // In a thread of its own, so that what cannot be taken back binds the command and not the one who watches it.
    let started = thread::spawn(move || start(&spec, namespaces, uid)).join();
    let (pid, mechanism) = match started {
        Ok(Ok(started)) => started,
        Ok(Err(report)) => return report,
        Err(_) => return Report::Failed("the starting thread panicked".to_owned()),
    };
    let end = watch::until_end(pid, &order.spec, Instant::now(), namespaces, &stop);
    let left_behind = watch::kill_the_rest(namespaces);
    Report::Ended { end, mechanism, left_behind }
}

/// Becomes true when the caller is gone or wants an end.
fn listen(socket: &UnixStream) -> Arc<AtomicBool> {
    let gone = Arc::new(AtomicBool::new(false));
    let (tell, socket) = (Arc::clone(&gone), socket.try_clone());
    thread::spawn(move || {
        if let Ok(mut socket) = socket {
            let _ = socket.read(&mut [0]);
        }
        tell.store(true, Ordering::SeqCst);
    });
    gone
}

/// Builds the root, and gives the writable folders to the command's user. Gives back that user, if it is another than ours.
#[cfg(target_os = "linux")]
fn furnish(order: &Order, namespaces: bool) -> io::Result<Option<u32>> {
    use super::{mounts, privileges};
    if !namespaces {
        privileges::adopt_orphans()?;
        privileges::protect_self(false)?;
        return Ok(None);
    }
    let uid = privileges::can_become(order.uid).then_some(order.uid);
    mounts::enter(&order.root, &order.spec)?;
    privileges::protect_self(true)?;
    if let Some(uid) = uid {
        order.spec.write.iter().try_for_each(|path| privileges::give(path, uid))?;
    }
    Ok(uid)
}

#[cfg(not(target_os = "linux"))]
fn furnish(_order: &Order, _namespaces: bool) -> io::Result<Option<u32>> {
    Ok(None)
}

/// Confines this thread as far as the machine can.
#[cfg(target_os = "linux")]
fn confine(spec: &Spec, namespaces: bool, uid: Option<u32>) -> Result<Mechanism, Report> {
    use super::{landlock, privileges};
    let failed = |error: io::Error| Report::Failed(error.to_string());
    privileges::limit(&spec.limits, namespaces).map_err(failed)?;
    let landlocked = landlock::restrict(spec, !namespaces).map_err(|error| error.to_string());
    let mechanism = settle(namespaces, landlocked, spec.allow_none)?;
    privileges::drop_capabilities(uid.is_some()).map_err(failed)?;
    Ok(mechanism)
}

/// What confines the command, if that is enough: whether there are namespaces, and what Landlock said.
#[cfg(target_os = "linux")]
fn settle(namespaces: bool, landlocked: Result<bool, String>, allow_none: bool) -> Result<Mechanism, Report> {
    match (namespaces, landlocked) {
        (true, Ok(true)) => Ok(Mechanism::NamespacesLandlock),
        (true, _) => Ok(Mechanism::Namespaces),
        (false, Ok(true)) => Ok(Mechanism::Landlock),
        (false, _) if allow_none => Ok(Mechanism::None),
        (false, Ok(false)) => Err(Report::Refused("the kernel grants neither namespaces nor Landlock".to_owned())),
        (false, Err(error)) => {
            Err(Report::Refused(format!("the kernel grants no namespaces, and Landlock is not enough: {error}")))
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn confine(spec: &Spec, _namespaces: bool, _uid: Option<u32>) -> Result<Mechanism, Report> {
    if spec.allow_none {
        return Ok(Mechanism::None);
    }
    Err(Report::Refused("this system has no sandbox that we know".to_owned()))
}

/// Starts the command; its process id.
fn start(spec: &Spec, namespaces: bool, uid: Option<u32>) -> Result<(u32, Mechanism), Report> {
    let mechanism = confine(spec, namespaces, uid)?;
    let (program, arguments) =
        spec.argv.split_first().ok_or_else(|| Report::Failed("there is no command".to_owned()))?;
    let mut command = Command::new(program);
    command.args(arguments).env_clear().env("PATH", PATH).envs(&spec.env).current_dir(&spec.dir);
    command.stdin(Stdio::null()).process_group(0);
    if let Some(uid) = uid {
        command.uid(uid).gid(uid);
    }
    match command.spawn() {
        Ok(child) => Ok((child.id(), mechanism)),
        Err(error) => {
            let end = End::NotStarted(format!("{program}: {error}"));
            Err(Report::Ended { end, mechanism, left_behind: 0 })
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn where_nothing_confines_a_command_it_is_refused_unless_somebody_vouches_for_it() {
        let no = || Err("TCP cannot be closed".to_owned());
        for (namespaces, landlocked, allow_none, expected) in [
            (true, Ok(true), false, Some(Mechanism::NamespacesLandlock)),
            (true, no(), false, Some(Mechanism::Namespaces)),
            (true, Ok(false), true, Some(Mechanism::Namespaces)),
            (false, Ok(true), true, Some(Mechanism::Landlock)),
            (false, Ok(false), false, None),
            (false, no(), false, None),
            (false, no(), true, Some(Mechanism::None)),
            (false, Ok(false), true, Some(Mechanism::None)),
        ] {
            let settled = settle(namespaces, landlocked, allow_none);
            let refused = matches!(settled, Err(Report::Refused(_)));
            assert_eq!((settled.ok(), refused), (expected, expected.is_none()));
        }
    }
}
