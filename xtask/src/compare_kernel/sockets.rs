//! Sockets for programs to find: open in the kernel, described to our host.

use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};

use osmia_vm::socket::{Socket, state};

use crate::place::Error;

/// A socket that stays open.
pub(super) enum Open {
    Listener(TcpListener),
    Connection(TcpStream),
    Datagrams(UdpSocket),
}

/// Opens them all, in the network of the comparison.
pub(super) fn open() -> Result<Vec<Open>, Error> {
    let mut all = Vec::new();
    for address in [
        "10.1.0.1:8000",
        "0.0.0.0:8001",
        "[::]:8002",
        "[2001:db8:1::1]:8003",
    ] {
        all.push(Open::Listener(TcpListener::bind(address)?));
    }
    for address in ["10.1.0.1:9000", "0.0.0.0:9001", "[::]:9004"] {
        all.push(Open::Datagrams(UdpSocket::bind(address)?));
    }
    let connected = UdpSocket::bind("127.0.0.1:9002")?;
    connected.connect("127.0.0.1:9003")?;
    all.push(Open::Datagrams(connected));
    let listener = TcpListener::bind("127.0.0.1:7000")?;
    all.push(Open::Connection(TcpStream::connect("127.0.0.1:7000")?));
    all.push(Open::Connection(listener.accept()?.0));
    all.push(Open::Listener(listener));
    Ok(all)
}

impl Open {
    /// What the kernel says of it.
    pub(super) fn described(&self) -> Socket {
        let end = |address: SocketAddr| -> (IpAddr, u16) { (address.ip(), address.port()) };
        let known = match self {
            Open::Listener(socket) => socket
                .local_addr()
                .map(|own| Socket::listener(own.ip(), own.port())),
            Open::Connection(socket) => socket.local_addr().and_then(|own| {
                let other = socket.peer_addr()?;
                Ok(Socket::connection(end(own), end(other)))
            }),
            Open::Datagrams(socket) => socket.local_addr().map(|own| {
                let described = Socket::datagrams(own.ip(), own.port());
                match socket.peer_addr() {
                    Ok(other) => Socket {
                        remote: end(other),
                        state: state::ESTABLISHED,
                        ..described
                    },
                    Err(_) => described,
                }
            }),
        };
        known.unwrap_or_default()
    }
}
