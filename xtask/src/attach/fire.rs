//! A little of everything, so that every place is reached.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::place::Error;

/// What clocks need to tick a few times.
const BUSY: Duration = Duration::from_millis(60);

/// Joins the control group, then sends, connects, asks and reads.
pub(super) fn fire(group: &Path) -> Result<(), Error> {
    std::fs::write(group.join("cgroup.procs"), std::process::id().to_string())?;
    let receiver = UdpSocket::bind("127.0.0.1:0")?;
    receiver.set_read_timeout(Some(Duration::from_secs(1)))?;
    let sender = UdpSocket::bind("127.0.0.1:0")?;
    sender.send_to(b"hello", receiver.local_addr()?)?;
    receiver.recv_from(&mut [0; 16])?;

    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut client = TcpStream::connect(listener.local_addr()?)?;
    let (mut server, _) = listener.accept()?;
    client.set_nodelay(true)?;
    let _ = client.nodelay()?;
    client.write_all(b"hello")?;
    server.read_exact(&mut [0; 5])?;

    let _ = std::fs::read_to_string("/proc/sys/kernel/ostype")?;
    File::open("/dev/zero")?.read_exact(&mut [0; 16])?;
    let end = Instant::now() + BUSY;
    while Instant::now() < end {
        let _ = std::process::id();
    }
    Ok(())
}
