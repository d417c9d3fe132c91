//! The network of this machine, as programs of the user-space host shall find it: read once through
//! rtnetlink, which needs no privileges.
//!
//! Left out are rules that choose by tunnel, user, virtual router or port, routes that choose by source, and
//! what the kernel keeps for itself (exceptions of the path's MTU, redirects).

mod message;
#[cfg(target_os = "linux")]
mod socket;

use std::io;

use osmia_vm::net::Network;

/// The interfaces, addresses, routes, rules and neighbours of the network namespace of this thread.
///
/// # Errors
/// If the kernel does not tell.
#[cfg(target_os = "linux")]
pub fn of_machine() -> io::Result<Network> {
    let socket = socket::Socket::open()?;
    let mut read = message::Reading::default();
    for question in message::QUESTIONS {
        socket.dump(question, &mut |kind, body| read.take(kind, body))?;
    }
    Ok(read.finish())
}

/// Only Linux has rtnetlink.
///
/// # Errors
/// Always.
#[cfg(not(target_os = "linux"))]
pub fn of_machine() -> io::Result<Network> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    /// Every network namespace has it, and as its first interface.
    #[test]
    fn the_loopback_interface_is_found() {
        let network = super::of_machine().expect("rtnetlink answers everybody");
        let first = network.link(1).expect("there is a first interface");
        assert_eq!((first.name.as_str(), first.header_bytes), ("lo", 14));
    }
}
