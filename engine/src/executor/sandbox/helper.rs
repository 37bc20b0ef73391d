//! The first stage of the helper: asks for namespaces, and starts the second stage in them.

use std::{
    io,
    os::{fd::AsFd, unix::net::UnixStream},
    process::ExitCode,
};

use super::{Order, Report, frame, inside};

/// Runs one command in the sandbox, as the caller at the other end of standard input (a socket) orders. A program calls this before
/// it starts any thread, and ends with what it gives back.
pub fn enter() -> ExitCode {
    let socket = match io::stdin().as_fd().try_clone_to_owned() {
        Ok(socket) => UnixStream::from(socket),
        Err(_) => return ExitCode::FAILURE,
    };
    if inside::is_first_process() {
        return inside::serve(&socket, true);
    }
    let order: Order = match frame::read(&socket) {
        Ok(order) => order,
        Err(_) => return ExitCode::FAILURE,
    };
    if !order.namespaces {
        return inside::serve(&socket, false);
    }
    match second_stage(&order) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => inside::serve(&socket, false),
        Err(error) => {
            let _ = frame::write(&socket, &Report::NoNamespaces(error.to_string()));
            ExitCode::FAILURE
        }
    }
}

/// Enters new namespaces and waits for the second stage in them. `false` if they are refused.
#[cfg(target_os = "linux")]
fn second_stage(order: &Order) -> io::Result<bool> {
    use std::process::{Command, Stdio};
    if !super::privileges::namespaces(order.spec.network)? {
        return Ok(false);
    }
    // The new pid namespace is that of the next child, which is its first process: when it ends, all others are killed.
    let program = std::fs::read_link("/proc/self/exe")?;
    let mut child = Command::new(program).args(std::env::args_os().skip(1)).stdin(Stdio::inherit()).spawn()?;
    child.wait()?;
    Ok(true)
}

#[cfg(not(target_os = "linux"))]
fn second_stage(_order: &Order) -> io::Result<bool> {
    Ok(false)
}
